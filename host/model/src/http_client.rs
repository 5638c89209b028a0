//! Requests to a provider: by TLS that this machine trusts, within its time, and an answer that is read piece by piece.
//!
//! A redirect is an answer like any other. A proxy of the environment is not used.

use crate::settings::Timeouts;
use anyhow::{Context, Result};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::sync::Arc;
use std::time::Duration;

/// The most of an answer.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Less than the time after which servers usually close an idle connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Of one provider.
#[derive(Clone)]
pub(crate) struct HttpClient {
    client: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    timeouts: Timeouts,
}

/// Why there is no answer, or not all of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing was answered: the server is not there, or closed the connection.
    Connection(String),
    /// It was silent for so long.
    Silent(Duration),
    /// It ended in the middle.
    CutOff(String),
    TooLarge,
}

/// What a provider answers, as it comes.
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
    between_bytes: Duration,
    bytes: usize,
}

/// With the authorities that this machine trusts.
pub(crate) fn tls() -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("cannot set up TLS")?
        .with_platform_verifier()
        .context("cannot read which authorities this machine trusts")?;
    Ok(config.with_no_client_auth())
}

impl HttpClient {
    pub(crate) fn new(timeouts: Timeouts, tls: ClientConfig) -> Self {
        let mut plain = HttpConnector::new();
        plain.set_nodelay(true);
        plain.enforce_http(false);
        plain.set_connect_timeout(Some(timeouts.connect));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(plain);
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Self { client, timeouts }
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Received, Failure> {
        let Timeouts {
            connect,
            first_byte,
            between_bytes,
        } = self.timeouts;
        let answer = self.client.request(request);
        let answer = tokio::time::timeout(connect + first_byte, answer).await;
        let answer = answer.map_err(|_elapsed| Failure::Silent(first_byte))?;
        let (parts, body) = answer
            .map_err(|error| Failure::Connection(chain(&error)))?
            .into_parts();
        Ok(Received {
            status: parts.status,
            headers: parts.headers,
            body,
            between_bytes,
            bytes: 0,
        })
    }
}

impl Received {
    /// More of it, or none at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            let frame = tokio::time::timeout(self.between_bytes, self.body.frame()).await;
            let frame = frame.map_err(|_elapsed| Failure::Silent(self.between_bytes))?;
            let Some(frame) = frame else { return Ok(None) };
            let frame = frame.map_err(|error| Failure::CutOff(chain(&error)))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            self.bytes += data.len();
            if self.bytes > ANSWER_BYTES_MAX {
                return Err(Failure::TooLarge);
            }
            return Ok(Some(data));
        }
    }

    /// All of it, or as much as is wanted.
    pub(crate) async fn read(&mut self, most: usize) -> Result<Vec<u8>, Failure> {
        let mut all = Vec::new();
        while let Some(data) = self.chunk().await? {
            all.extend_from_slice(&data);
            if all.len() >= most {
                all.truncate(most);
                break;
            }
        }
        Ok(all)
    }

    pub(crate) async fn read_all(&mut self) -> Result<Vec<u8>, Failure> {
        self.read(usize::MAX).await
    }

    pub(crate) fn is_event_stream(&self) -> bool {
        let kind = self.headers.get(http::header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        kind.trim().starts_with("text/event-stream")
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        source = cause.source();
    }
    said
}
