//! What happens to a request that a guest sends.

use std::sync::Arc;

use http::{Request, Uri};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::client::Answer;
use super::{AllowedHosts, Client, InternalOrigin};
use crate::body::{boxed, for_guest};

/// The outgoing side of one instance.
#[derive(Clone)]
pub(crate) struct OutboundHooks {
    pub allowed: Arc<AllowedHosts>,
    pub internal: Arc<[InternalOrigin]>,
    pub client: Client,
}

type Sent = Box<dyn Future<Output = Result<Answer, Error>> + Send>;

impl WasiHttpHooks for OutboundHooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _sent: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sent {
        if !self.allowed.allow(request.uri()) {
            tracing::warn!("{}", self.allowed.denial(request.uri()));
            return Box::new(async { Err(Error::HttpRequestDenied) });
        }
        if let Some(origin) = self
            .internal
            .iter()
            .find(|origin| origin.answers(request.uri()))
        {
            return call(origin.clone(), request);
        }
        let client = self.client.clone();
        Box::new(async move { client.send(request, options).await })
    }
}

fn call(origin: InternalOrigin, mut request: Request<WasiBody>) -> Sent {
    // As it would arrive over a socket: the path alone.
    if let Some(path) = request.uri().path_and_query().cloned() {
        *request.uri_mut() = Uri::from(path);
    }
    Box::new(async move {
        let response = (origin.service)(request.map(boxed)).await;
        let finished: Box<dyn Future<Output = Result<(), Error>> + Send> =
            Box::new(async { Ok(()) });
        Ok((response.map(for_guest), finished))
    })
}
