//! TLS to the name that was decided about, whatever address it has.
//!
//! Sessions are not resumed: a ticket of one workspace would be known again in the next.

use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::sync::{Arc, OnceLock};
use swarm_flow_policy::{Host, Scheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wasmtime_wasi_http::Error;

/// Whose certificates are trusted: the public authorities', and perhaps some more.
#[derive(Clone, Default)]
pub(crate) struct Trust(Option<Arc<ClientConfig>>);

impl Trust {
    pub(crate) fn and(roots: &[CertificateDer<'static>]) -> Result<Self, rustls::Error> {
        let mut store = public();
        for root in roots {
            store.add(root.clone())?;
        }
        config(store).map(|config| Self(Some(config)))
    }

    /// What speaks TLS to a host, if the scheme asks for that.
    pub(crate) fn client(&self, scheme: Scheme, host: &Host) -> Result<Option<Client>, Error> {
        if scheme == Scheme::Http {
            return Ok(None);
        }
        let name = match host {
            Host::Address(address) => ServerName::from(*address),
            Host::Name(name) => {
                ServerName::try_from(name.clone()).map_err(Error::InvalidDnsNameError)?
            }
        };
        let config = match &self.0 {
            Some(config) => config.clone(),
            None => shared()?,
        };
        Ok(Some(Client {
            connector: TlsConnector::from(config),
            name,
        }))
    }
}

pub(crate) struct Client {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Client {
    pub(crate) async fn connect(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, Error> {
        self.connector
            .connect(self.name.clone(), tcp)
            .await
            .map_err(|error| of_tls(&error))
    }
}

/// Made at the first request of the process that needs it.
fn shared() -> Result<Arc<ClientConfig>, Error> {
    static SHARED: OnceLock<Result<Arc<ClientConfig>, rustls::Error>> = OnceLock::new();
    SHARED
        .get_or_init(|| config(public()))
        .clone()
        .map_err(|error| {
            tracing::error!("cannot make a TLS client: {error}");
            Error::ConfigurationError
        })
}

fn public() -> RootCertStore {
    RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.into(),
    }
}

fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn of_tls(error: &io::Error) -> Error {
    tracing::debug!(%error, "no TLS with a guest's server");
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Error::TlsCertificateError
        }
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some(u8::from(*alert)),
            alert_message: Some(format!("{alert:?}")),
        },
        Some(_) => Error::TlsProtocolError,
        None => Error::ConnectionTerminated,
    }
}
