//! An application that is ready to answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use http::{Request, Response};
use tokio::net::TcpListener;
use wasmtime::Engine;

use crate::body::Body;
use crate::config::{Admission, AppConfig};
use crate::problem::{self, RequestId};
use crate::routes::Routes;
use crate::{load, server};

/// A loaded application.
pub struct App {
    routes: Routes,
    admission: Admission,
    drain: Duration,
}

impl App {
    /// Reads the manifest, composes, compiles (or finds compiled) and links its components.
    pub fn load(engine: &Engine, config: AppConfig) -> Result<Self> {
        let routes = load::routes(engine, &config)?;
        Ok(Self {
            routes,
            admission: config.admission,
            drain: config.drain,
        })
    }

    /// Answers connections until `shutdown` is done, then lets the requests that are under way finish.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let drain = self.drain;
        server::serve(self, listener, shutdown, drain).await
    }

    /// Answers one request of this process. Dropping the future or the body of the response ends the instance.
    pub async fn call(&self, request: Request<Body>) -> Response<Body> {
        self.respond(request, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .await
    }

    pub(crate) async fn respond(
        &self,
        mut request: Request<Body>,
        client: SocketAddr,
    ) -> Response<Body> {
        let id = RequestId::next();
        let path = request.uri().path().to_owned();
        let Some(found) = self.routes.find(&path) else {
            return problem::not_found(id);
        };
        found.describe(&mut request, client);
        let place = (self.admission)().await;
        found.target.handle(request, place, id).await
    }
}
