//! HTTP/1.1 over TCP or TLS, to an address that was decided on.

use crate::egress::{Sent, TIMEOUT};
use http_body_util::BodyExt;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

pub(crate) async fn send(
    request: http::Request<WasiBody>,
    options: RequestOptions,
    address: SocketAddr,
) -> Result<Sent, Error> {
    let limit = options.connect_timeout.unwrap_or(TIMEOUT);
    let tcp = timeout(limit, TcpStream::connect(address))
        .await
        .map_err(|_| Error::ConnectionTimeout)?
        .map_err(Error::Connect)?;
    if request.uri().scheme() == Some(&http::uri::Scheme::HTTPS) {
        let host = request.uri().host().unwrap_or_default().to_owned();
        let tls = timeout(limit, handshake(host, tcp))
            .await
            .map_err(|_| Error::ConnectionTimeout)??;
        exchange(request, options, tls).await
    } else {
        exchange(request, options, tcp).await
    }
}

async fn handshake(
    host: String,
    tcp: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Error> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.into(),
    };
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = rustls::pki_types::ServerName::try_from(host).map_err(Error::InvalidDnsNameError)?;
    tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .map_err(Error::Tls)
}

async fn exchange<S>(
    mut request: http::Request<WasiBody>,
    options: RequestOptions,
    stream: S,
) -> Result<Sent, Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    // The connection lives as long as its response: it is driven by a task that ends with it.
    let driver = tokio::spawn(connection);
    let limit = options.first_byte_timeout.unwrap_or(TIMEOUT);
    let response = timeout(limit, sender.send_request(request))
        .await
        .map_err(|_| Error::HttpResponseTimeout)??;
    let body = response.map(|body| body.map_err(Error::from).boxed_unsync());
    let ended: Box<dyn Future<Output = Result<(), Error>> + Send> = Box::new(async move {
        match driver.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Error::from(error)),
            Err(_) => Err(Error::ConnectionTerminated),
        }
    });
    Ok((body, ended))
}
