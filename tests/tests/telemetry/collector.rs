//! An OpenTelemetry collector that keeps what it is sent.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use std::sync::{Arc, Mutex};

/// Path, key and body of each request.
type Kept = Arc<Mutex<Vec<(String, String, Bytes)>>>;

/// Listens until it is dropped.
pub struct Collector {
    pub url: String,
    kept: Kept,
    _runtime: tokio::runtime::Runtime,
}

impl Collector {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listen = tokio::net::TcpListener::bind("127.0.0.1:0");
        let listener = runtime.block_on(listen).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let kept = Kept::default();
        let router = Router::new()
            .route("/v1/traces", post(keep))
            .route("/v1/metrics", post(keep))
            .with_state(kept.clone());
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            kept,
            _runtime: runtime,
        }
    }

    /// The bodies as they came, with their paths.
    pub fn bodies(&self) -> Vec<(String, Bytes)> {
        let kept = self.kept.lock().unwrap();
        let bodies = kept.iter().map(|(to, _, body)| (to.clone(), body.clone()));
        bodies.collect()
    }

    /// With which it was sent to, each once.
    pub fn keys(&self) -> Vec<String> {
        let kept = self.kept.lock().unwrap();
        let mut keys: Vec<_> = kept.iter().map(|(_, key, _)| key.clone()).collect();
        keys.dedup();
        keys
    }

    fn of(&self, path: &str) -> Vec<Bytes> {
        let of_path = self.bodies().into_iter().filter(|(to, _)| to == path);
        of_path.map(|(_, body)| body).collect()
    }

    /// Each with the name of the service that told it.
    pub fn spans(&self) -> Vec<(String, Span)> {
        let bodies = self.of("/v1/traces");
        let requests = bodies
            .into_iter()
            .map(|body| ExportTraceServiceRequest::decode(body).unwrap());
        let resources = requests.flat_map(|request| request.resource_spans);
        resources
            .flat_map(|of_resource| {
                let resource = of_resource.resource.unwrap();
                let service = text(&resource.attributes, "service.name").unwrap();
                let spans = of_resource.scope_spans.into_iter();
                spans
                    .flat_map(|of_scope| of_scope.spans)
                    .map(move |span| (service.clone(), span))
            })
            .collect()
    }

    pub fn metrics(&self) -> Vec<Metric> {
        let bodies = self.of("/v1/metrics");
        let requests = bodies
            .into_iter()
            .map(|body| ExportMetricsServiceRequest::decode(body).unwrap());
        requests
            .flat_map(|request| request.resource_metrics)
            .flat_map(|of_resource| of_resource.scope_metrics)
            .flat_map(|of_scope| of_scope.metrics)
            .collect()
    }
}

async fn keep(State(kept): State<Kept>, uri: Uri, headers: HeaderMap, body: Bytes) {
    let key = headers.get("x-collector-key");
    let key = key.map_or("", |key| key.to_str().unwrap());
    let request = (uri.path().to_owned(), key.to_owned(), body);
    kept.lock().unwrap().push(request);
}

/// An attribute's text or number.
pub fn text(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|one| one.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{name} is {other:?}"),
    }
}

pub fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}
