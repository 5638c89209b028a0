//! Switching it on, and telling what is left at the end.

use crate::client::{Client, Send};
use crate::environment::{Wanted, names_service, timeout};
use crate::ids::{ByRun, Ids};
use crate::instruments::Instruments;
use crate::{ON, Telemetry};
use anyhow::{Context as _, Result};
use matchit::Router;
use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{MetricExporter, RetryPolicy, SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Config, Sampler, SdkTracerProvider};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// What ending may take longer for the last spans.
const FLUSH: Duration = Duration::from_secs(2);
/// A collector that restarts is back by the second try; more would keep the end waiting.
const RETRIES: usize = 2;
const RETRY_PAUSE: Duration = Duration::from_millis(200);
const RETRY_PAUSE_MAX: Duration = Duration::from_millis(500);
const SCOPE: &str = "swarm-flow";

/// What this process lends to it.
pub struct Setup {
    /// Makes what sends, if anything is to be sent.
    pub client: fn() -> Result<Send>,
    /// The templates of the paths that the app answers: `/api/v1/runs/{id}`.
    pub routes: fn() -> Vec<String>,
    /// Of the service.
    pub version: &'static str,
}

/// What sends, until it is flushed.
pub struct Exporting(Option<(SdkTracerProvider, SdkMeterProvider)>);

/// Switches it on if the variables of the environment say so. Within a runtime. A second time changes nothing.
pub fn start(setup: &Setup) -> Exporting {
    let wanted = Wanted::here();
    if !wanted.any() {
        return Exporting(None);
    }
    match providers(setup, wanted) {
        Ok(providers) => {
            _ = ON.set(Telemetry::new(&providers.0, &providers.1, (setup.routes)()));
            Exporting(Some(providers))
        }
        Err(error) => {
            tracing::warn!("no traces and metrics: {error:#}");
            Exporting(None)
        }
    }
}

impl Exporting {
    /// Sends what there is, if that is soon done.
    pub async fn flush(self) {
        let Some((traces, metrics)) = self.0 else {
            return;
        };
        let traces = spawn_blocking(move || traces.shutdown_with_timeout(FLUSH));
        let metrics = spawn_blocking(move || metrics.shutdown_with_timeout(FLUSH));
        // What went wrong was said by the client; what is not sent by then is lost.
        _ = tokio::time::timeout(FLUSH, futures::future::join(traces, metrics)).await;
    }
}

impl Telemetry {
    pub(crate) fn new(
        traces: &SdkTracerProvider,
        metrics: &SdkMeterProvider,
        routes: Vec<String>,
    ) -> Self {
        let mut router = Router::new();
        for route in routes {
            // A file's path has slashes in it.
            let pattern = route.replace("{path}", "{*path}");
            if let Err(error) = router.insert(pattern, route) {
                tracing::debug!("two routes cannot be told apart: {error}");
            }
        }
        Self {
            tracer: traces.tracer(SCOPE),
            instruments: Instruments::new(&metrics.meter(SCOPE)),
            routes: router,
        }
    }
}

fn providers(setup: &Setup, wanted: Wanted) -> Result<(SdkTracerProvider, SdkMeterProvider)> {
    let client = Client {
        send: (setup.client)()?,
        runtime: Handle::current(),
        timeout: timeout(),
        warned: Arc::default(),
    };
    let retry = || {
        RetryPolicy::recommended()
            .with_max_retries(RETRIES)
            .with_initial_delay(RETRY_PAUSE)
            .with_max_delay(RETRY_PAUSE_MAX)
    };
    let resource = resource(setup.version);
    let mut traces = SdkTracerProvider::builder()
        .with_resource(resource.clone())
        .with_id_generator(Ids::default());
    if wanted.traces {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client.clone())
            .with_retry_policy(retry())
            .build()
            .context("the exporter of traces cannot be made")?;
        // The sampler that the variables say.
        let sampler = ByRun(Config::default().sampler);
        traces = traces.with_sampler(sampler).with_batch_exporter(exporter);
    } else {
        traces = traces.with_sampler(Sampler::AlwaysOff);
    }
    let mut metrics = SdkMeterProvider::builder().with_resource(resource);
    if wanted.metrics {
        let exporter = MetricExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_retry_policy(retry())
            .build()
            .context("the exporter of metrics cannot be made")?;
        metrics = metrics.with_periodic_exporter(exporter);
    }
    Ok((traces.build(), metrics.build()))
}

fn resource(version: &'static str) -> Resource {
    let mut resource =
        Resource::builder().with_attribute(KeyValue::new("service.version", version));
    if !names_service() {
        resource = resource.with_service_name(SCOPE);
    }
    resource.build()
}
