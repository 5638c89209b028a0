//! The runner's own HTTP API, private to the app. The routes are listed in `swarm_flow_protocol::path`.

use crate::exec::Streams;
use crate::programs::New;
use crate::stdin::Piece;
use crate::{Runner, files, traced};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use futures::stream;
use serde::Deserialize;
use std::time::Duration;
use swarm_flow_protocol::{
    BoundSecret, Error, Event, ExecRequest, ExecResult, FILE_BYTES_MAX, FILE_HEADER,
    PROGRAM_BYTES_MAX, PolicyChange, ProgramDetails, Replay, Replays, STDIN_PIECE_BYTES_MAX,
    STDIN_WAIT_MS_MAX, StdinTaken,
};
use swarm_flow_sandbox::{OutputChunk, Stream};
use tokio::sync::{mpsc, oneshot};

/// A command's standard input as base64, its arguments and its policy.
const EXEC_BODY_BYTES_MAX: usize = 24 << 20;
/// Pieces of output that may wait for a slow reader before the guest has to.
const CHUNKS_MAX: usize = 64;
const LIST_MAX: usize = 1_000;
/// A secret's value, escaped, and its patterns.
const SECRET_BODY_BYTES_MAX: usize = 512 << 10;

/// The runner's routes. Everything but health needs the runner token.
pub fn router(runner: Runner) -> Router {
    Router::new()
        .route("/v1/workspaces/{id}", put(create).delete(delete))
        .route("/v1/workspaces/{id}/stop", post(stop))
        .route("/v1/workspaces/{id}/policy", put(change_policy))
        .route(
            "/v1/workspaces/{id}/secrets/{name}",
            put(put_secret)
                .delete(delete_secret)
                .layer(DefaultBodyLimit::max(SECRET_BODY_BYTES_MAX)),
        )
        .route(
            "/v1/workspaces/{id}/exec",
            post(exec).layer(DefaultBodyLimit::max(EXEC_BODY_BYTES_MAX)),
        )
        .route(
            "/v1/workspaces/{id}/exec/{exec_id}/stdin",
            post(write_stdin).layer(DefaultBodyLimit::max(STDIN_PIECE_BYTES_MAX as usize)),
        )
        .route(
            "/v1/workspaces/{id}/files/{*path}",
            get(read_file)
                .put(write_file)
                .delete(delete_file)
                .layer(DefaultBodyLimit::max(FILE_BYTES_MAX as usize)),
        )
        .route("/v1/workspaces/{id}/list", get(list_files))
        .route(
            "/v1/programs/{name}",
            get(describe_program)
                .put(add_program)
                .delete(remove_program)
                .layer(DefaultBodyLimit::max(PROGRAM_BYTES_MAX as usize)),
        )
        .route("/v1/replay", post(replay))
        .route("/v1/wake", post(wake))
        .route_layer(from_fn_with_state(runner.clone(), authenticate))
        .route("/v1/health", get(async || StatusCode::NO_CONTENT))
        .with_state(runner)
}

struct Failure(Error);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, axum::Json(self.0)).into_response()
    }
}

type Answer<T> = Result<T, Failure>;

async fn authenticate(
    State(runner): State<Runner>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    // Comparing digests takes the same time wherever they differ.
    let digest = |token: &[u8]| blake3::hash(token);
    if given.is_some_and(|given| digest(given) == digest(runner.shared.config.token.as_bytes())) {
        next.run(request).await
    } else {
        StatusCode::UNAUTHORIZED.into_response()
    }
}

/// Runs what touches files where it may block.
async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, Error> + Send + 'static,
) -> Answer<R> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Failure),
        Err(panic) => Err(Failure(Error::Internal {
            message: format!("a file operation failed: {panic}"),
        })),
    }
}

async fn create(State(runner): State<Runner>, Path(id): Path<String>) -> Answer<StatusCode> {
    blocking(move || runner.workspaces().create(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(State(runner): State<Runner>, Path(id): Path<String>) -> Answer<StatusCode> {
    blocking(move || runner.workspaces().delete(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn stop(State(runner): State<Runner>, Path(id): Path<String>) -> StatusCode {
    runner.workspaces().running.stop(&id);
    StatusCode::NO_CONTENT
}

async fn change_policy(
    State(runner): State<Runner>,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer<StatusCode> {
    let change: PolicyChange = serde_json::from_slice(&body).map_err(|error| Error::Invalid {
        field: "body".to_owned(),
        message: error.to_string(),
    })?;
    runner.change_policy(&id, change)?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is wrong with a body is not said: it could repeat the value.
async fn put_secret(
    State(runner): State<Runner>,
    Path((id, name)): Path<(String, String)>,
    body: Bytes,
) -> Answer<StatusCode> {
    let secret: BoundSecret = serde_json::from_slice(&body).map_err(|_| Error::Invalid {
        field: "body".to_owned(),
        message: "is not a secret".to_owned(),
    })?;
    blocking(move || runner.workspaces().put_secret(&id, &name, &secret)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_secret(
    State(runner): State<Runner>,
    Path((id, name)): Path<(String, String)>,
) -> Answer<StatusCode> {
    blocking(move || runner.workspaces().delete_secret(&id, &name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn replay(
    State(runner): State<Runner>,
    axum::Json(replay): axum::Json<Replay>,
) -> axum::Json<Replays> {
    let mut replays = Vec::with_capacity(replay.tasks.len());
    for task in &replay.tasks {
        replays.push(runner.replay(task).await);
    }
    axum::Json(Replays { replays })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Woken {
    leases: Option<Leases>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Leases {
    Lost,
}

/// There is work; or, with `leases=lost`, there is less of it than before.
async fn wake(State(runner): State<Runner>, Query(woken): Query<Woken>) -> StatusCode {
    match woken.leases {
        None => runner.shared.wake.notify_one(),
        Some(Leases::Lost) => runner.shared.leases_lost.notify_one(),
    }
    StatusCode::NO_CONTENT
}

async fn exec(
    State(runner): State<Runner>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<Response> {
    let request: ExecRequest = serde_json::from_slice(&body).map_err(|error| Error::Invalid {
        field: "body".to_owned(),
        message: error.to_string(),
    })?;
    if request.stream {
        return Ok(exec_stream(runner, id, &headers, request));
    }
    let running = runner.exec(&id, request, None, None);
    let result = traced::exec(&headers, &id, running).await?;
    Ok(axum::Json(result).into_response())
}

/// Events, one a line. The command runs while its reader reads: a reader that leaves ends it.
fn exec_stream(runner: Runner, id: String, headers: &HeaderMap, request: ExecRequest) -> Response {
    let (outputs, receiver) = mpsc::channel(CHUNKS_MAX);
    let (started, id_known) = request.stdin_stream.then(oneshot::channel).unzip();
    let streams = Streams { outputs, started };
    let workspace = id.clone();
    let running = async move { runner.exec(&id, request, Some(streams), None).await };
    let running = Box::pin(traced::exec(headers, &workspace, running));
    let first = match id_known {
        Some(id_known) => Progress::Starting(id_known, running, receiver),
        None => Progress::Running(running, receiver),
    };
    let events = stream::unfold(first, |progress| async {
        let (event, progress) = progress.next().await?;
        let mut line = serde_json::to_vec(&event).unwrap_or_default();
        line.push(b'\n');
        Some((
            Ok::<_, std::convert::Infallible>(Bytes::from(line)),
            progress,
        ))
    });
    let content_type = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-ndjson"),
    )];
    (content_type, Body::from_stream(events)).into_response()
}

type Execution = std::pin::Pin<Box<dyn Future<Output = Result<ExecResult, Error>> + Send>>;

enum Progress {
    /// Its id is not known yet, and comes before all else.
    Starting(
        oneshot::Receiver<String>,
        Execution,
        mpsc::Receiver<OutputChunk>,
    ),
    Running(Execution, mpsc::Receiver<OutputChunk>),
    /// It ended; what it had written is still passed on.
    Ended(Event, mpsc::Receiver<OutputChunk>),
    Over,
}

impl Progress {
    async fn next(self) -> Option<(Event, Self)> {
        match self {
            Self::Starting(mut id_known, mut execution, receiver) => {
                tokio::select! {
                    biased;
                    Ok(exec_id) = &mut id_known => {
                        Some((Event::Started { exec_id }, Self::Running(execution, receiver)))
                    }
                    result = &mut execution => Self::last(result, receiver).await,
                }
            }
            Self::Running(mut execution, mut receiver) => {
                tokio::select! {
                    biased;
                    Some(chunk) = receiver.recv() => Some((output(chunk), Self::Running(execution, receiver))),
                    result = &mut execution => Self::last(result, receiver).await,
                }
            }
            Self::Ended(last, mut receiver) => match receiver.try_recv() {
                Ok(chunk) => Some((output(chunk), Self::Ended(last, receiver))),
                Err(_) => Some((last, Self::Over)),
            },
            Self::Over => None,
        }
    }

    async fn last(
        result: Result<ExecResult, Error>,
        receiver: mpsc::Receiver<OutputChunk>,
    ) -> Option<(Event, Self)> {
        let last = match result {
            Ok(result) => Event::Exit { result },
            Err(error) => Event::Error { error },
        };
        Box::pin(Self::Ended(last, receiver).next()).await
    }
}

fn output(chunk: OutputChunk) -> Event {
    let bytes = chunk.bytes.into();
    match chunk.stream {
        Stream::Stdout => Event::Stdout { bytes },
        Stream::Stderr => Event::Stderr { bytes },
    }
}

#[derive(Deserialize)]
struct Place {
    #[serde(default)]
    last: bool,
    offset: Option<u64>,
    #[serde(default = "wait_ms_max")]
    wait_ms: u64,
}

fn wait_ms_max() -> u64 {
    STDIN_WAIT_MS_MAX
}

async fn write_stdin(
    State(runner): State<Runner>,
    Path((id, exec_id)): Path<(String, String)>,
    Query(place): Query<Place>,
    bytes: Bytes,
) -> Answer<axum::Json<StdinTaken>> {
    let piece = Piece {
        bytes,
        last: place.last,
        offset: place.offset,
        wait: Duration::from_millis(place.wait_ms.min(STDIN_WAIT_MS_MAX)),
    };
    let taken_bytes = runner.shared.inputs.write(&id, &exec_id, piece).await?;
    Ok(axum::Json(StdinTaken { taken_bytes }))
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    offset: u64,
    length: Option<u64>,
}

async fn read_file(
    State(runner): State<Runner>,
    Path((id, path)): Path<(String, String)>,
    Query(part): Query<Part>,
) -> Answer<Response> {
    let (info, bytes) =
        blocking(move || files::read(runner.workspaces(), &id, &path, part.offset, part.length))
            .await?;
    let json = serde_json::to_string(&info).unwrap_or_default();
    let header = HeaderValue::from_str(&ascii(&json)).unwrap_or(HeaderValue::from_static("{}"));
    Ok(([(FILE_HEADER, header)], bytes).into_response())
}

/// JSON whose characters beyond ASCII are escaped, as a header's value needs it.
fn ascii(json: &str) -> String {
    use std::fmt::Write;
    let mut escaped = String::with_capacity(json.len());
    let mut units = [0; 2];
    for character in json.chars() {
        if character.is_ascii() && !character.is_ascii_control() {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// What all files of the workspace may occupy.
#[derive(Deserialize)]
struct Room {
    disk_bytes: u64,
}

async fn write_file(
    State(runner): State<Runner>,
    Path((id, path)): Path<(String, String)>,
    Query(room): Query<Room>,
    body: Bytes,
) -> Answer<Response> {
    let changing = files::changing(runner.workspaces(), &id, &path).await?;
    let write = move || {
        let _changing = changing;
        files::write(runner.workspaces(), &id, &path, &body, room.disk_bytes)
    };
    let written = blocking(write).await?;
    Ok(axum::Json(written).into_response())
}

async fn delete_file(
    State(runner): State<Runner>,
    Path((id, path)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let changing = files::changing(runner.workspaces(), &id, &path).await?;
    let delete = move || {
        let _changing = changing;
        files::delete(runner.workspaces(), &id, &path)
    };
    blocking(delete).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Claim {
    version: Option<String>,
    digest: Option<String>,
    #[serde(default)]
    agent: bool,
}

async fn add_program(
    State(runner): State<Runner>,
    Path(name): Path<String>,
    Query(claim): Query<Claim>,
    bytes: Bytes,
) -> Answer<axum::Json<ProgramDetails>> {
    let new = New {
        name,
        version: claim.version,
        digest: claim.digest,
        agent: claim.agent,
        bytes,
    };
    // What has begun is done, whether or not the caller waits for it.
    let adding = tokio::spawn(async move { runner.add_program(new).await });
    Ok(axum::Json(finished(adding.await)?))
}

async fn describe_program(
    State(runner): State<Runner>,
    Path(name): Path<String>,
) -> Answer<axum::Json<ProgramDetails>> {
    Ok(axum::Json(runner.describe_program(&name).await?))
}

async fn remove_program(
    State(runner): State<Runner>,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let removing = tokio::spawn(async move { runner.remove_program(&name).await });
    finished(removing.await)?;
    Ok(StatusCode::NO_CONTENT)
}

fn finished<R>(task: Result<Result<R, Error>, tokio::task::JoinError>) -> Result<R, Error> {
    task.unwrap_or_else(|panic| {
        Err(Error::Internal {
            message: format!("a program could not be changed: {panic}"),
        })
    })
}

#[derive(Deserialize)]
struct Listing {
    #[serde(default)]
    path: String,
    #[serde(default)]
    recursive: bool,
    cursor: Option<String>,
    limit: Option<usize>,
}

async fn list_files(
    State(runner): State<Runner>,
    Path(id): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer<Response> {
    let page = blocking(move || {
        let limit = listing.limit.unwrap_or(100).clamp(1, LIST_MAX);
        files::list(
            runner.workspaces(),
            &id,
            &listing.path,
            listing.recursive,
            listing.cursor.as_deref(),
            limit,
        )
    })
    .await?;
    Ok(axum::Json(page).into_response())
}
