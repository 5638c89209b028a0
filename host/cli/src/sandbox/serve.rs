//! `sandbox serve`: a component answers HTTP requests, each in a sandbox of its own with the whole of the limits.
//!
//! The first line on standard error is the URL and nothing else. What the component prints goes to our own streams.

use super::Given;
use super::file;
use super::grant::Granted;
use super::run::reason;
use crate::output::{self, say};
use crate::stop::Stop;
use crate::up::listen as bind;
use anyhow::{Context, Result};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::uri::{Authority, Scheme};
use http::{StatusCode, Uri, header};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use swarm_flow_sandbox::{Engine, Input, Output, OutputChunk, Service, Stream, Unanswered};
use tokio::sync::{Semaphore, mpsc};

/// Chunks of output that wait to be printed; with as many the component waits too.
const CHUNKS_WAITING_MAX: usize = 16;

struct Serving {
    service: Service,
    granted: Granted,
    /// The policy's `sandboxes`; beyond that requests wait.
    places: Arc<Semaphore>,
    sender: mpsc::Sender<OutputChunk>,
}

pub async fn serve(given: Given, address: SocketAddr) -> Result<ExitCode> {
    let stop = Stop::listen()?;
    let path = given.file.clone();
    let granted = Granted::new(given, Vec::new())?;
    let engine = Engine::with_preview3()?;
    let service = file::service(&engine, &path)?;
    let listener = bind(address).await?;
    let address = listener.local_addr().context("cannot tell the address")?;
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING_MAX);
    let serving = Arc::new(Serving {
        service,
        places: Arc::new(Semaphore::new(granted.policy.limits.sandboxes as usize)),
        granted,
        sender,
    });
    say(&format!("http://{address}/"));
    tokio::spawn(print(receiver));
    let router = axum::Router::new()
        .fallback(any(answer))
        .with_state(serving);
    // Requests that are not answered yet end with us: whoever stops us wants that.
    tokio::select! {
        served = axum::serve(listener, router) => served.context("serve")?,
        () = stop.asked(1) => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn answer(State(serving): State<Arc<Serving>>, request: Request) -> Response {
    // The semaphore is never closed.
    let place = serving.places.clone().acquire_owned().await.ok();
    let limit = serving.granted.policy.limits.output_bytes;
    let output = |stream| Output::streamed(stream, serving.sender.clone(), limit);
    let grants = serving.granted.grants(
        Input::bytes(Vec::new()),
        output(Stream::Stdout),
        output(Stream::Stderr),
    );
    let sender = serving.sender.clone();
    let report = move |ended: Result<swarm_flow_sandbox::Ended<()>, _>| {
        drop(place);
        let reason = match ended {
            Ok(ended) => reason(&ended.end),
            Err(error) => Some(format!("cannot run the sandbox: {error:#}")),
        };
        if let Some(reason) = reason {
            // By the way that its output takes, so that it comes after that.
            let bytes = format!("swarm-flow: {reason}\n").into();
            let stream = Stream::Stderr;
            tokio::spawn(async move { sender.send(OutputChunk { stream, bytes }).await });
        }
    };
    match serving
        .service
        .answer(absolute(request), grants, report)
        .await
    {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            let status = match error {
                Unanswered::Failed(_) | Unanswered::Ended => StatusCode::BAD_GATEWAY,
                Unanswered::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            };
            (status, format!("{error}\n")).into_response()
        }
    }
}

/// The request with its scheme and authority, which HTTP/1.1 leaves out: a component may ask for them.
fn absolute(mut request: Request) -> Request {
    let authority = request
        .headers()
        .get(header::HOST)
        .and_then(|host| Authority::try_from(host.as_bytes()).ok());
    if let (None, Some(authority)) = (request.uri().authority(), authority) {
        let mut parts = request.uri().clone().into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(authority);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

async fn print(mut chunks: mpsc::Receiver<OutputChunk>) {
    while let Some(chunk) = chunks.recv().await {
        let printed = tokio::task::spawn_blocking(move || match chunk.stream {
            Stream::Stdout => output::bytes(&chunk.bytes).is_ok(),
            Stream::Stderr => {
                output::error_bytes(&chunk.bytes);
                true
            }
        });
        _ = printed.await;
    }
}
