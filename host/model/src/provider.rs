//! A provider that can be asked: its connections, and its turn for those who ask at once.

use crate::http_client::HttpClient;
use crate::settings;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::Full;
use rustls::ClientConfig;
use tokio::sync::Semaphore;

pub(crate) struct Provider {
    pub(crate) settings: settings::Provider,
    pub(crate) http: HttpClient,
    /// As many calls as it takes at once.
    pub(crate) places: Semaphore,
}

impl Provider {
    pub(crate) fn new(settings: settings::Provider, tls: ClientConfig) -> Self {
        Self {
            http: HttpClient::new(settings.timeouts, tls),
            places: Semaphore::new(settings.concurrency),
            settings,
        }
    }

    pub(crate) fn request(
        &self,
        model: &settings::Model,
        request: &crate::Request,
    ) -> Result<Request<Full<Bytes>>, http::Error> {
        let settings = &self.settings;
        let sent = settings.dialect.request(request, model, settings);
        let base = settings.base_url.as_str().trim_end_matches('/');
        let accepted = if settings.stream {
            "text/event-stream"
        } else {
            "application/json"
        };
        let mut made = Request::builder()
            .method(Method::POST)
            .uri(format!("{base}/{}", sent.path))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, accepted)
            .header(
                header::USER_AGENT,
                concat!("swarm-flow/", env!("CARGO_PKG_VERSION")),
            )
            .body(Full::from(sent.body.to_string()))?;
        for (name, value) in sent.headers.into_iter().chain(settings.headers.clone()) {
            made.headers_mut().insert(name, value);
        }
        Ok(made)
    }
}
