//! `up`: the app and its runner in one process. The app reaches the runner, and the runner the app, without a
//! socket; both ways are the HTTP that they would speak over a network.

use crate::Around;
use crate::built;
use crate::output::say;
use crate::serving::{Known, Serving};
use crate::state::State;
use crate::stop::Stop;
use crate::walls::Needs;
use anyhow::{Context, Result};
use axum::body::Body as AxumBody;
use bytes::Bytes;
use clap::Args;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use swarm_flow_app::{App, AppConfig, InternalOrigin, Place, boxed};
use swarm_flow_runner::{AppCall, AppResponse, Runner, join, router};
use swarm_flow_sandbox::Engine;
use tokio::net::TcpListener;
use tower::ServiceExt;

#[derive(Args)]
pub struct Up {
    /// Where to serve; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:3000")]
    pub listen: SocketAddr,
    /// The app's manifest; without it `spin.toml` here, or else in the repository of the executable
    #[arg(long)]
    pub manifest: Option<PathBuf>,
    #[command(flatten)]
    pub serving: Serving,
}

impl Up {
    /// What the process needs of the machine. Makes the folders that it writes into.
    pub fn needs(&self, state: &Path) -> Result<Needs> {
        let manifest = built::manifest(self.manifest.clone())?;
        // A name alone has no folder. What is not there is said when it is read.
        let manifest = manifest.canonicalize().unwrap_or(manifest);
        let around = manifest.parent().map(Path::to_owned);
        let mut sources: Vec<PathBuf> = around.into_iter().collect();
        sources.extend(built::folder(Some(&manifest)));
        self.serving.needs(state, sources, self.listen)
    }
}

/// The authority by which the app knows the runner of its own process.
const RUNNER_AUTHORITY: &str = "runner.internal";
const RUNNER_ID: &str = "local";

pub async fn up(arguments: Up, state: PathBuf, around: Around) -> Result<ExitCode> {
    let started = Instant::now();
    let stop = Stop::listen()?;
    let state = State::open(&state)?;
    let listener = listen(arguments.listen).await?;
    let address = listener.local_addr().context("cannot tell the address")?;
    let manifest = built::manifest(arguments.manifest)?;
    let token = state.token("SWARM_FLOW_TOKEN", "token")?;
    let runner_token = state.token("SWARM_FLOW_RUNNER_TOKEN", "runner-token")?;

    let engine = Engine::new()?;
    let folder = built::folder(Some(&manifest));
    let known = Known {
        id: RUNNER_ID.to_owned(),
        url: format!("http://{RUNNER_AUTHORITY}"),
        token: runner_token.value.clone(),
    };
    let serving = &arguments.serving;
    let (runner, uncompiled) = serving.runner(&engine, &state, folder.as_deref(), known, around)?;
    let own = HeaderValue::from_str(&format!("Bearer {}", runner_token.value)).ok();
    let variables = BTreeMap::from([
        ("token".to_owned(), token.value.clone()),
        ("runner_token".to_owned(), runner_token.value),
    ]);
    let config = AppConfig {
        variables,
        internal: vec![internal(&runner)],
        own,
        admission: admission(&engine),
        compiled: serving.compiled(&state),
        ..AppConfig::new(manifest, state.path())
    };
    let app = Arc::new(App::load(engine.wasmtime(), config).context("cannot load the app")?);
    let joined = join(&runner, Arc::new(InProcess(app.clone()))).await?;

    say(&format!(
        "swarm-flow is ready at http://{address} ({} ms)",
        started.elapsed().as_millis()
    ));
    let file = state.path().join("token");
    if std::env::var_os("SWARM_FLOW_TOKEN").is_some() {
        say("the token is the value of SWARM_FLOW_TOKEN");
    } else {
        let made = if token.made {
            "was made just now and is"
        } else {
            "is"
        };
        say(&format!(
            "the token {made} in {}; use it like this:",
            file.display()
        ));
        say(&format!(
            r#"  curl -H "Authorization: Bearer $(cat {})" http://{address}/api/v1/workspaces"#,
            file.display()
        ));
    }
    compile(&runner, uncompiled);
    let once = stop.clone().asked(1);
    let asked = async {
        once.await;
        say("stopping; what is under way may finish within 10 s, or ends if you ask again");
    };
    tokio::select! {
        served = app.serve(listener, asked) => served?,
        () = stop.asked(2) => {}
    }
    joined.leave().await.context("the runner could not leave")?;
    Ok(ExitCode::SUCCESS)
}

pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}; another process may have the port: choose one by --listen"
        )
    })
}

/// Compiles in the background what is not compiled yet, so that the first command need not wait.
pub fn compile(runner: &Runner, uncompiled: Vec<String>) {
    if !uncompiled.is_empty() {
        say(&format!(
            "compiling {} (once; a command that needs it waits)",
            uncompiled.join(", ")
        ));
    }
    let runner = runner.clone();
    tokio::spawn(async move {
        let started = Instant::now();
        runner.compile_all().await;
        if !uncompiled.is_empty() {
            say(&format!(
                "compiled {} in {:.1} s",
                uncompiled.join(", "),
                started.elapsed().as_secs_f64()
            ));
        }
    });
}

/// App instances and sandboxes come from one pool.
fn admission(engine: &Engine) -> swarm_flow_app::Admission {
    let engine = engine.clone();
    Arc::new(move || {
        let engine = engine.clone();
        Box::pin(async move { Box::new(engine.enter_app().await) as Place })
    })
}

fn internal(runner: &Runner) -> InternalOrigin {
    let router = router(runner.clone());
    InternalOrigin {
        authority: RUNNER_AUTHORITY.to_owned(),
        service: Arc::new(move |request| {
            let router = router.clone();
            Box::pin(async move {
                match router.oneshot(request.map(AxumBody::new)).await {
                    Ok(response) => response.map(boxed),
                    Err(never) => match never {},
                }
            })
        }),
    }
}

/// The app of this process, as its runner reaches it.
struct InProcess(Arc<App>);

impl AppCall for InProcess {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<AppResponse>> {
        async move {
            let request = request.map(|body| boxed(Full::new(body)));
            let response = self.0.call(request).await;
            let status = response.status().as_u16();
            let body = response
                .into_body()
                .collect()
                .await
                .map_err(|error| anyhow::anyhow!(error))?
                .to_bytes();
            Ok(AppResponse { status, body })
        }
        .boxed()
    }
}
