//! `runner`: a runner alone, for an app that Spin or SpinKube serves.

use crate::Around;
use crate::built;
use crate::client::connect;
use crate::output::say;
use crate::serving::{Known, Serving};
use crate::state::State;
use crate::stop::Stop;
use crate::up::{compile, listen};
use crate::walls::Needs;
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use clap::Args;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::Request;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use swarm_flow_runner::{AppCall, AppResponse, Joined, Runner as DataPlane, join, router};
use swarm_flow_sandbox::Engine;

#[derive(Args)]
pub struct Runner {
    /// The app to join
    #[arg(long, value_name = "URL")]
    pub join: String,
    /// Where to answer the app
    #[arg(long, default_value = "127.0.0.1:3001")]
    pub listen: SocketAddr,
    /// Where the app reaches us; without it `http://` and the address of `--listen`
    #[arg(long, value_name = "URL")]
    pub advertise: Option<String>,
    /// A name that is kept across restarts; without it one is made and kept in the state folder
    #[arg(long)]
    pub id: Option<String>,
    #[command(flatten)]
    pub serving: Serving,
}

impl Runner {
    /// What the process needs of the machine. Makes the folders that it writes into.
    pub fn needs(&self, state: &Path) -> Result<Needs> {
        let sources = built::folder(None).into_iter().collect();
        self.serving.needs(state, sources, self.listen)
    }
}

/// How long the app is asked again to let us join, once a second.
const JOIN_TRIES: u32 = 30;

/// `token` is what stood after `--token`.
pub async fn runner(
    arguments: Runner,
    token: Option<String>,
    state: PathBuf,
    around: Around,
) -> Result<ExitCode> {
    let Some(token) = token.or_else(|| std::env::var("SWARM_FLOW_RUNNER_TOKEN").ok()) else {
        bail!(
            "no runner token; give the app's variable `runner_token` by SWARM_FLOW_RUNNER_TOKEN or --token"
        );
    };
    let stop = Stop::listen()?;
    let state = State::open(&state)?;
    let listener = listen(arguments.listen).await?;
    let address = listener.local_addr().context("cannot tell the address")?;
    let engine = Engine::new()?;
    let built = built::folder(None);
    if built.is_none() {
        say(
            "nothing that `cargo xtask build` made is here or around the executable: there are no programs and agents but those of --program",
        );
    }
    let known = Known {
        id: arguments.id.map_or_else(|| state.runner_id(), Ok)?,
        url: arguments
            .advertise
            .unwrap_or_else(|| format!("http://{address}")),
        token,
    };
    let serving = &arguments.serving;
    let (runner, uncompiled) = serving.runner(&engine, &state, built.as_deref(), known, around)?;
    let server =
        axum::serve(listener, router(runner.clone())).with_graceful_shutdown(stop.clone().asked(1));
    let server = tokio::spawn(server.into_future());
    compile(&runner, uncompiled);

    let app = Arc::new(Remote::new(&arguments.join)?);
    // Joining is not given up in the middle, or the app would think us alive. Who asks twice does not want to wait.
    let joined = tokio::select! {
        joined = join_patiently(&runner, app.clone(), &stop) => joined?,
        () = stop.clone().asked(2) => None,
    };
    let Some(joined) = joined else {
        return Ok(ExitCode::SUCCESS);
    };
    say(&format!(
        "runner {} at http://{address} has joined {}",
        runner.id(),
        app.url
    ));
    stop.asked(1).await;
    say("leaving");
    joined.leave().await.context("the runner could not leave")?;
    server
        .await
        .context("the server of the runner failed")?
        .context("the server of the runner failed")?;
    Ok(ExitCode::SUCCESS)
}

/// The app may start after its runner. None if we are asked to end before it is there.
async fn join_patiently(
    runner: &DataPlane,
    app: Arc<Remote>,
    stop: &Stop,
) -> Result<Option<Joined>> {
    let mut tries = 0;
    loop {
        tries += 1;
        match join(runner, app.clone()).await {
            Ok(joined) => return Ok(Some(joined)),
            Err(error) if tries == JOIN_TRIES => return Err(error),
            Err(error) => tracing::warn!("cannot join yet: {error:#}"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = stop.clone().asked(1) => return Ok(None),
        }
    }
}

/// An app somewhere on the network.
struct Remote {
    url: String,
    client: reqwest::Client,
}

impl Remote {
    fn new(url: &str) -> Result<Self> {
        let base = connect::base(url)?;
        Ok(Self {
            client: connect::http(&base)?,
            url: url.trim_end_matches('/').to_owned(),
        })
    }
}

impl AppCall for Remote {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<AppResponse>> {
        async move {
            let (parts, body) = request.into_parts();
            let url = format!("{}{}", self.url, parts.uri);
            let sent = self
                .client
                .request(parts.method, url)
                .headers(parts.headers)
                .body(body);
            let response = sent.timeout(Duration::from_secs(30)).send().await?;
            Ok(AppResponse {
                status: response.status().as_u16(),
                body: response.bytes().await?,
            })
        }
        .boxed()
    }
}
