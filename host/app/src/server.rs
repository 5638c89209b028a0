//! HTTP/1.1 on a listener.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use swarm_flow_telemetry::RequestSpan;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::app::App;
use crate::body::{Body, boxed};
use crate::lingering::LingeringBody;

/// How long a connection may take for the headers of a request, and how long it is kept without one.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);

/// After an error that passes, such as too many open files.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

pub(crate) async fn serve(
    app: Arc<App>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
    drain: Duration,
) -> Result<()> {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => connect(&app, &graceful, &mut connections, stream, client),
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            },
            Some(_ended) = connections.join_next() => {}
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(drain, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            "ending {} connections that are still open",
            connections.len()
        );
    }
    connections.shutdown().await;
    Ok(())
}

fn connect(
    app: &Arc<App>,
    graceful: &GracefulShutdown,
    connections: &mut JoinSet<()>,
    stream: TcpStream,
    client: std::net::SocketAddr,
) {
    // Without this, the last packet of an answer waits for the acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("cannot set TCP_NODELAY: {error}");
    }
    let app = app.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let app = app.clone();
        async move {
            let request = request.map(|body| boxed(LingeringBody::new(body)));
            Ok::<_, Infallible>(match swarm_flow_telemetry::on() {
                None => app.respond(request, client).await,
                Some(telemetry) => traced(&app, telemetry.request(&request), request, client).await,
            })
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    connections.spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%client, "a connection ended early: {error}");
        }
    });
}

/// The span lasts until the last of the answer was taken, or nobody wants the rest.
async fn traced(
    app: &App,
    mut span: RequestSpan,
    mut request: Request<Body>,
    client: std::net::SocketAddr,
) -> Response<Body> {
    if let Some(caller) = span.caller() {
        request.extensions_mut().insert(caller);
    }
    let response = app.respond(request, client).await;
    span.answered(response.status().as_u16());
    span.told(response.headers());
    response.map(|body| {
        boxed(body.map_err(move |error| {
            let _until_the_end = &span;
            error
        }))
    })
}
