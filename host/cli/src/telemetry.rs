//! Traces and metrics of `up` and `runner`: around all that they do, sent with the client that commands use.

use crate::client::connect;
use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use std::sync::Arc;
use swarm_flow_telemetry::{Send, Setup, start};

const SETUP: Setup = Setup {
    client,
    routes,
    version: env!("CARGO_PKG_VERSION"),
};

/// Runs it, and sends what is left at its end.
pub async fn around<R>(serving: impl Future<Output = R>) -> R {
    let exporting = start(&SETUP);
    let served = serving.await;
    exporting.flush().await;
    served
}

/// By the endpoint it is known whether a proxy may be between.
fn client() -> Result<Send> {
    let named = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    ];
    let mut named = named.iter().filter_map(|name| std::env::var(name).ok());
    let endpoint = named.find(|endpoint| !endpoint.is_empty());
    let client = connect::http(&connect::base(&endpoint.unwrap_or_default())?)?;
    Ok(Arc::new(move |request| {
        let client = client.clone();
        Box::pin(async move { answer(&client, request).await })
    }))
}

async fn answer(client: &reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>> {
    let request = request.try_into()?;
    // The URL may have a password in it.
    let answer = client.execute(request).await;
    let answer = answer.map_err(reqwest::Error::without_url)?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.clone_from(answer.headers());
    }
    let body = answer.bytes().await.map_err(reqwest::Error::without_url)?;
    Ok(response.body(body)?)
}

/// The API says itself which paths it has.
fn routes() -> Vec<String> {
    let document = include_str!("../../../components/gateway/openapi.json");
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let paths = document["paths"].as_object();
    paths
        .into_iter()
        .flat_map(|paths| paths.keys())
        .map(|path| format!("/api/v1{path}"))
        .chain(["/mcp".to_owned()])
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_api_names_its_routes() {
        let routes = super::routes();
        for route in [
            "/api/v1/workspaces/{id}/exec",
            "/api/v1/runs/{id}",
            "/api/v1/runners/{id}/work",
        ] {
            assert!(
                routes.iter().any(|known| known == route),
                "{route}: {routes:?}"
            );
        }
    }
}
