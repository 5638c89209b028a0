//! A runner's life with the app: it joins, says that it is alive, fetches work, and leaves.

use crate::{Runner, audit, lease};
use anyhow::{Context, Result};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use swarm_flow_protocol as protocol;
use swarm_flow_protocol::Registration;
use tokio::task::JoinSet;

/// How a runner reaches the app: over the network, or in the same process.
pub trait AppCall: Send + Sync + 'static {
    /// Sends a request whose URI is a path, and gives back the whole response.
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<AppResponse>>;
}

/// What the app said.
#[derive(Debug)]
pub struct AppResponse {
    pub status: u16,
    pub body: Bytes,
}

/// A runner that has joined. Dropping it ends its work; the app notices after 30 seconds.
pub struct Joined {
    app: App,
    tasks: JoinSet<()>,
}

/// The app, as a runner sees it.
#[derive(Clone)]
pub(crate) struct App {
    call: Arc<dyn AppCall>,
    runner: Runner,
}

/// Before the app is asked again what an agent wants to know; twice as long each time.
const ASK_PAUSE: Duration = Duration::from_millis(20);
const ASK_PAUSE_MAX: Duration = Duration::from_secs(2);
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Joins the app, removes directories that it does not know, and begins to work.
pub async fn join(runner: &Runner, app: Arc<dyn AppCall>) -> Result<Joined> {
    let app = App {
        call: app,
        runner: runner.clone(),
    };
    // The app gives us workspaces as soon as it knows us, and they need not be in its list yet: only what lay here before
    // can be left over. By then commands can be recorded, too.
    let held = runner.workspaces().held();
    let held = held.context("cannot list the workspaces")?;
    audit::reconcile(&app).await?;
    app.register().await?;
    app.sweep(held).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(heartbeat(app.clone()));
    tasks.spawn(announce(app.clone()));
    tasks.spawn(lease::work(app.clone()));
    tasks.spawn(audit::deliver(app.clone()));
    Ok(Joined { app, tasks })
}

impl Joined {
    /// Ends the work, sends the last audit records, and tells the app, which leases the work to others.
    pub async fn leave(mut self) -> Result<()> {
        self.tasks.shutdown().await;
        audit::flush(&self.app).await;
        self.app
            .send(Method::DELETE, "", &())
            .await
            .map(|_: Ignored| ())
    }
}

/// Tells the app of what changed since the runner joined.
async fn announce(app: App) {
    loop {
        let announcements = &app.runner.shared.announcements;
        let changes = announcements.next().await;
        match app.register().await {
            Ok(()) => announcements.said(changes),
            Err(error) => {
                tracing::warn!("cannot tell the app of a change: {error:#}");
                tokio::time::sleep(HEARTBEAT).await;
            }
        }
    }
}

async fn heartbeat(app: App) {
    loop {
        tokio::time::sleep(HEARTBEAT).await;
        let beat: Result<Ignored> = app.send(Method::POST, "/heartbeat", &()).await;
        if let Err(error) = beat {
            // The app may have lost its database or be a new one: joining again is right in each case.
            tracing::warn!("the app did not take the heartbeat, joining again: {error:#}");
            if let Err(error) = app.register().await {
                tracing::warn!("cannot join: {error:#}");
            }
        }
    }
}

/// A response whose body does not matter.
#[derive(Debug)]
struct Ignored;

impl<'de> Deserialize<'de> for Ignored {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::de::IgnoredAny::deserialize(deserializer).map(|_| Self)
    }
}

#[derive(Deserialize)]
struct Ids {
    ids: Vec<String>,
}

impl App {
    pub(crate) fn runner(&self) -> &Runner {
        &self.runner
    }

    async fn register(&self) -> Result<()> {
        let config = &self.runner.shared.config;
        let registration = Registration {
            id: config.id.clone(),
            url: config.url.clone(),
            programs: self.runner.catalog().programs(),
            environments: self.runner.catalog().environments(),
            walls: config.walls.clone(),
        };
        let body = serde_json::to_vec(&registration).context("cannot write the registration")?;
        let _: Ignored = self
            .request(Method::POST, "/api/v1/runners", body)
            .await
            .context("cannot join the app")?;
        Ok(())
    }

    /// Of the workspaces that are held, removes those that the app does not know.
    async fn sweep(&self, mut held: Vec<String>) -> Result<()> {
        let known: Ids = self
            .send(Method::GET, "/workspaces", &())
            .await
            .context("cannot ask for the workspaces")?;
        held.retain(|id| !known.ids.contains(id));
        let swept = self.runner.workspaces().sweep(&held);
        if swept > 0 {
            tracing::info!("removed {swept} directories of workspaces that do not exist");
        }
        Ok(())
    }

    /// Sends to a path beneath this runner's own.
    pub(crate) async fn send<R: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<R> {
        let path = format!("/api/v1/runners/{}{path}", self.runner.shared.config.id);
        let body = if method == Method::POST {
            serde_json::to_vec(body).context("cannot write the request")?
        } else {
            Vec::new()
        };
        self.request(method, &path, body).await
    }

    /// The same for what an agent asks: its errors are the agent's. As long as the app is away, this waits for it.
    pub(crate) async fn ask<R: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<R, protocol::Error> {
        let mut pause = ASK_PAUSE;
        loop {
            match self.send(Method::POST, path, body).await {
                Ok(answer) => return Ok(answer),
                Err(error) => match error.downcast_ref::<Refused>() {
                    Some(refused) if refused.status < 500 => return Err(refused.error()),
                    _ => {
                        tracing::warn!("the app does not answer an agent, trying again: {error:#}")
                    }
                },
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(ASK_PAUSE_MAX);
        }
    }

    async fn request<R: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<R> {
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.runner.shared.config.token),
            )
            .header(header::CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .context("cannot make the request")?;
        let response = self
            .call
            .call(request)
            .await
            .with_context(|| format!("cannot reach the app for {method} {path}"))?;
        if !(200..300).contains(&response.status) {
            return Err(Refused {
                asked: format!("{method} {path}"),
                status: response.status,
                body: response.body,
            }
            .into());
        }
        let body: &[u8] = if response.body.is_empty() {
            b"null"
        } else {
            &response.body
        };
        serde_json::from_slice(body)
            .with_context(|| format!("{method} {path}: the app's answer makes no sense"))
    }
}

/// The app's answer was a problem.
#[derive(Debug, thiserror::Error)]
#[error("{asked}: {status} {}", String::from_utf8_lossy(body))]
pub(crate) struct Refused {
    asked: String,
    pub(crate) status: u16,
    body: Bytes,
}

impl Refused {
    /// In an agent's words.
    fn error(&self) -> protocol::Error {
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let text = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
        match (self.status, problem["allowed"].as_u64()) {
            (_, Some(allowed)) => protocol::Error::TooLarge {
                name: text("limit"),
                allowed,
            },
            (400, None) => protocol::Error::Invalid {
                field: text("field"),
                message: text("detail"),
            },
            (404, None) => protocol::Error::NotFound {
                kind: text("kind"),
                id: text("id"),
                known: Vec::new(),
            },
            (429, None) => protocol::Error::Busy {
                retry_after_ms: problem["retry_after_ms"].as_u64().unwrap_or(100),
            },
            _ => protocol::Error::Conflict {
                message: format!("{}: {}", text("code"), text("detail")),
            },
        }
    }
}
