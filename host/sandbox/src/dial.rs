//! HTTP/1.1 over TCP or TLS, to addresses that were decided on: one connection for one request.

use crate::body::Timed;
use crate::outside::Outside;
use crate::run::HTTP_FIELDS_BYTES_MAX;
use crate::tls::Client;
use http_body_util::BodyExt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// An answer, and what becomes of its connection.
pub(crate) type Sent = (
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

/// Where a request goes, in the order in which it is tried.
pub(crate) struct Route<'a> {
    pub(crate) outside: &'a dyn Outside,
    pub(crate) addresses: Vec<SocketAddr>,
    /// Without, nothing is encrypted.
    pub(crate) tls: Option<Client>,
}

/// How long each part of an exchange may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timeouts {
    /// A name's addresses; a connection; TLS: for each of the three.
    pub(crate) connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

/// What a guest does not say, and cannot say longer.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

impl Timeouts {
    pub(crate) fn of(asked: &RequestOptions) -> Self {
        let at_most = |asked: Option<Duration>, limit| {
            asked.map_or(limit, |asked: Duration| asked.min(limit))
        };
        Self {
            connect: at_most(asked.connect_timeout, CONNECT_TIMEOUT),
            first_byte: at_most(asked.first_byte_timeout, ANSWER_TIMEOUT),
            between_bytes: at_most(asked.between_bytes_timeout, ANSWER_TIMEOUT),
        }
    }
}

pub(crate) async fn send(
    request: http::Request<WasiBody>,
    route: &Route<'_>,
    timeouts: Timeouts,
) -> Result<Sent, Error> {
    let tcp = connect(route.outside, &route.addresses, timeouts.connect).await?;
    match &route.tls {
        Some(client) => {
            let tls = timeout(timeouts.connect, client.connect(tcp))
                .await
                .map_err(|_| Error::ConnectionTimeout)??;
            exchange(request, timeouts, tls).await
        }
        None => exchange(request, timeouts, tcp).await,
    }
}

/// The first address that answers. One that is silent leaves time to those after it.
async fn connect(
    outside: &dyn Outside,
    addresses: &[SocketAddr],
    limit: Duration,
) -> Result<TcpStream, Error> {
    let deadline = Instant::now() + limit;
    let mut failed = Error::DestinationNotFound;
    for (address, left) in addresses.iter().zip((1..=addresses.len()).rev()) {
        let remaining = deadline.saturating_duration_since(Instant::now());
        let share = remaining / u32::try_from(left).unwrap_or(u32::MAX);
        match timeout(share, outside.connect(*address)).await {
            Ok(Ok(stream)) => {
                // It only costs time where it is not known.
                _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => failed = of_connect(&error),
            Err(_) => failed = Error::ConnectionTimeout,
        }
    }
    Err(failed)
}

async fn exchange<S>(
    request: http::Request<WasiBody>,
    timeouts: Timeouts,
    stream: S,
) -> Result<Sent, Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HTTP_FIELDS_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(of_hyper)?;
    // The connection lives as long as its answer: who lets go of that ends the task.
    let driver = AbortOnDropHandle::new(tokio::spawn(connection));
    let response = timeout(timeouts.first_byte, sender.send_request(request))
        .await
        .map_err(|_| Error::HttpResponseTimeout)?
        .map_err(of_hyper)?;
    let body = response.map(|body| Timed::new(body, timeouts.between_bytes).boxed_unsync());
    let ended: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async move {
        match driver.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(of_hyper(error)),
            Err(_) => Err(Error::ConnectionTerminated),
        }
    });
    Ok((body, ended))
}

/// That nobody is there is another thing than that nobody may go there.
fn of_connect(error: &io::Error) -> Error {
    match error.kind() {
        ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        ErrorKind::TimedOut => Error::ConnectionTimeout,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Error::DestinationIpUnroutable
        }
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => Error::ConnectionTerminated,
        _ => {
            tracing::debug!(%error, "no connection to a guest's server");
            Error::DestinationUnavailable
        }
    }
}

pub(crate) fn of_hyper(error: hyper::Error) -> Error {
    if error.is_timeout() {
        Error::HttpResponseTimeout
    } else if error.is_parse_too_large() {
        Error::HttpResponseHeaderSectionSize(None)
    } else if error.is_incomplete_message() {
        Error::HttpResponseIncomplete
    } else {
        // The source may be what the guest's own body said.
        Error::Hyper(error)
    }
}
