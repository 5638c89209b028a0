//! Requests over the network.

use std::error::Error as _;
use std::io;

use http::uri::Scheme;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::time::Duration;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, default_send_request};

/// A runner on the same network answers in far less, or is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Less than the time after which servers usually close an idle connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Keeps connections open between requests of different instances.
#[derive(Clone)]
pub(crate) struct Client {
    plain: legacy::Client<HttpConnector, WasiBody>,
}

impl Client {
    pub fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let plain = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { plain }
    }

    pub async fn send(
        &self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Result<Answer, Error> {
        if request.uri().scheme() == Some(&Scheme::HTTPS) {
            let (response, connection) = default_send_request(request, options).await?;
            return Ok((
                response.map(|body| body.boxed_unsync()),
                Box::new(connection),
            ));
        }
        let response = self.plain.request(request);
        let response = match options.and_then(|options| options.first_byte_timeout) {
            Some(limit) => tokio::time::timeout(limit, response)
                .await
                .map_err(|_elapsed| Error::HttpResponseTimeout)?,
            None => response.await,
        };
        let response = response.map_err(|error| reason(&error))?;
        Ok((
            response.map(|body| body.map_err(Error::from).boxed_unsync()),
            Box::new(async { Ok(()) }),
        ))
    }
}

/// A response, and what has to go on while its body is read.
pub(super) type Answer = (
    Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

fn reason(error: &legacy::Error) -> Error {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
                io::ErrorKind::TimedOut => Error::ConnectionTimeout,
                io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                    Error::ConnectionTerminated
                }
                _ if cause.to_string().contains("dns") => Error::DnsError {
                    rcode: None,
                    info_code: None,
                },
                _ => Error::DestinationUnavailable,
            };
        }
        source = cause.source();
    }
    match error.is_connect() {
        true => Error::DestinationNotFound,
        false => Error::HttpProtocolError,
    }
}
