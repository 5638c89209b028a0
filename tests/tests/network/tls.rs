//! TLS: the name that was decided about is the name that the server has to prove.

use super::world::{Server, world};
use super::{egress, run};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::sync::Arc;

/// Made for these tests, valid for a hundred years, trusted by nobody else.
fn authority() -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(include_bytes!("authority.pem")).unwrap()
}

/// It has a certificate for `secure.example`.
fn server() -> Server {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(include_bytes!("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    Server::start_with(move |stream| {
        StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_to_prove_its_name() {
    let (secure, plain) = (server(), Server::start());
    let names = [
        "secure.example=93.184.216.34",
        "other.example=93.184.216.34",
    ];
    let granted = egress("https://secure.example;https://other.example");
    let trusting = granted.clone().trusting(&[authority()]).unwrap();
    for (egress, server, line, expected) in [
        (
            &trusting,
            &secure,
            "GET https secure.example /",
            "granted 200",
        ),
        (
            &trusting,
            &secure,
            "GET https SECURE.example. /",
            "granted 200",
        ),
        (
            &trusting,
            &secure,
            "GET https other.example /",
            "failed TlsCertificateError",
        ),
        (
            &granted,
            &secure,
            "GET https secure.example /",
            "failed TlsCertificateError",
        ),
        (
            &trusting,
            &plain,
            "GET https secure.example /",
            "failed ConnectionTerminated",
        ),
        (
            &trusting,
            &secure,
            "GET http secure.example:443 /",
            "denied HttpRequestDenied",
        ),
        (
            &trusting,
            &secure,
            "GET https secure.example:8443 /",
            "denied HttpRequestDenied",
        ),
    ] {
        let world = world(server.address, &names);
        let ran = run("request", line, &egress.clone().by(world.clone()), None).await;
        assert!(ran.said.starts_with(expected), "{line}: {}", ran.said);
        let dialled = world.dialled();
        if expected.starts_with("denied") {
            assert!(dialled.is_empty(), "{line}");
        } else {
            assert_eq!(dialled, ["93.184.216.34:443"], "{line}");
        }
        if !expected.starts_with("granted") {
            assert!(secure.heads().is_empty(), "{line}");
        }
        secure.heads();
    }
}
