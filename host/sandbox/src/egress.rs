//! The one way out of a sandbox: outgoing HTTP, decided by the policy before a name is looked up and again for
//! the address that it resolved to. The connection goes to the address that was checked.
//!
//! No redirects are followed, no connection is shared, the host's proxy variables are ignored.

use crate::dial;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use swarm_flow_policy::{Network, Target};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// What a sandbox may reach.
#[derive(Clone)]
pub struct Egress {
    pub network: Network,
    /// What `@package-registries` stands for on this runner.
    pub registries: Arc<[String]>,
}

/// How long connecting, the first byte and the time between bytes may take when the guest does not say.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) type Sent = (
    http::Response<WasiBody>,
    Box<dyn Future<Output = Result<(), Error>> + Send>,
);

impl WasiHttpHooks for Egress {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let egress = self.clone();
        Box::new(async move { egress.send(request, options.unwrap_or_default()).await })
    }
}

impl Egress {
    async fn send(
        &self,
        request: http::Request<WasiBody>,
        mut options: RequestOptions,
    ) -> Result<Sent, Error> {
        for timeout in [
            &mut options.connect_timeout,
            &mut options.first_byte_timeout,
            &mut options.between_bytes_timeout,
        ] {
            *timeout = Some(timeout.map_or(TIMEOUT, |asked| asked.min(TIMEOUT)));
        }
        let address = self.decide(request.uri()).await?;
        dial::send(request, options, address).await
    }

    /// The address to connect to, or why not.
    async fn decide(&self, uri: &http::Uri) -> Result<SocketAddr, Error> {
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        if authority.as_str().contains('@') {
            return Err(Error::HttpRequestUriInvalid);
        }
        let scheme = uri.scheme_str().ok_or(Error::HttpRequestUriInvalid)?;
        let port = authority
            .port_u16()
            .unwrap_or(if scheme == "https" { 443 } else { 80 });
        let host = authority.host().to_ascii_lowercase();
        let host = host.trim_end_matches('.');
        let target = Target { scheme, host, port };
        if !self.network.allows_target(target, &self.registries) {
            tracing::info!(
                scheme,
                host,
                port,
                "denied: the policy's `network` does not grant this host"
            );
            return Err(Error::HttpRequestDenied);
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = tokio::net::lookup_host((bare, port))
            .await
            .map_err(|error| Error::DnsError {
                rcode: Some(error.to_string()),
                info_code: None,
            })?;
        addresses
            .into_iter()
            .find(|address| self.network.allows_address(address.ip()))
            .ok_or_else(|| {
                tracing::info!(
                    host,
                    "denied: the policy's `network` grants no address of this host"
                );
                Error::DestinationIpProhibited
            })
    }
}
