//! The audit log of this runner: what is recorded of a sandbox, and how the records come to the app.
//!
//! A record is sent until the app says that it has it. Where the app and the runner tell different stories no sandbox
//! starts until somebody has looked into it ([`swarm_flow_audit::Closed::Diverged`]).

use crate::Runner;
use crate::join::App;
use crate::tools::Tools;
use anyhow::{Context, Result};
use http::Method;
use std::time::Duration;
use swarm_flow_audit::{Batch, Closed, Diverged, Ended, Log, Recording, Started, Subject, Trail};
use swarm_flow_policy::{Access, Network};
use swarm_flow_protocol::{AuditHead, Error, ExecRequest, ExecResult, Outcome};
use swarm_flow_sandbox::{Decided, Decisions, Directory, End, Recorder};

/// How long records are gathered before they are sent: the app keeps a batch at once, and whoever writes waits for that.
const GATHER: Duration = Duration::from_millis(25);
/// The same while there is always more: what a batch costs is then shared by many records.
const GATHER_MAX: Duration = Duration::from_millis(200);
/// Before the first retry and between later ones.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// What leaving may take longer for the last records.
const FLUSH: Duration = Duration::from_secs(2);

/// The decisions about a sandbox, as its trail takes them.
struct Recorded(Recording);

impl Recorder for Recorded {
    fn record(&self, decided: &Decided<'_>) {
        self.0
            .record(decided.capability, decided.resource, decided.decision);
    }
}

pub(crate) fn decisions(trail: &Trail) -> Decisions {
    Decisions::new(Recorded(trail.recording()))
}

/// The directories that a sandbox starts with, as they are recorded. The start directory is there twice.
pub(crate) fn named(opened: &[Directory]) -> Vec<(&str, Access)> {
    let named = opened.iter().filter(|one| one.guest != ".");
    named.map(|one| (one.guest.as_str(), one.access)).collect()
}

/// What a command starts with.
pub(crate) fn started<'a>(request: &'a ExecRequest, opened: &'a [Directory]) -> Started<'a> {
    Started {
        program: request.command.first().map_or("", String::as_str),
        environment: &request.environment,
        policy: &request.policy_name,
        revision: request.revision,
        directories: named(opened),
        network: request.policy.network.kind(),
    }
}

/// How a command ended.
pub(crate) fn ended(result: &Result<ExecResult, Error>) -> Ended {
    let Ok(result) = result else {
        return Ended::without_usage("failed");
    };
    let (outcome, limit) = match &result.outcome {
        Outcome::Exited => ("exited", None),
        Outcome::Trapped { .. } => ("trapped", None),
        Outcome::Limit { name, .. } => ("limit", Some(name.clone())),
        Outcome::Cancelled => ("cancelled", None),
    };
    Ended {
        outcome,
        limit,
        exit_code: Some(result.exit_code),
        wall_ms: result.wall_ms,
        cpu_ms: result.cpu_ms,
        peak_memory_bytes: result.peak_memory_bytes,
    }
}

/// Of a command that did not start.
pub(crate) fn refused() -> Ended {
    Ended::without_usage("failed")
}

/// How a sandbox ended that answers no request of its own: an agent's, or one that a program started.
pub(crate) fn sandbox_ended<R>(ended: &wasmtime::Result<swarm_flow_sandbox::Ended<R>>) -> Ended {
    let Ok(ended) = ended else {
        return Ended::without_usage("failed");
    };
    let (outcome, limit, exit_code) = match &ended.end {
        End::Returned(_) => ("exited", None, None),
        End::Exited(code) => ("exited", None, Some(*code)),
        End::Trapped(_) => ("trapped", None, None),
        End::Revoked(_) => ("cancelled", None, None),
        End::Limit { name, .. } => ("limit", Some((*name).to_owned()), None),
    };
    Ended {
        outcome,
        limit,
        exit_code,
        wall_ms: ended.usage.wall_ms,
        cpu_ms: ended.usage.cpu_ms,
        peak_memory_bytes: ended.usage.peak_memory_bytes,
    }
}

impl Runner {
    /// Records that a sandbox starts. Where nothing could be recorded, none does.
    pub(crate) fn record(
        &self,
        subject: Subject<'_>,
        started: &Started<'_>,
    ) -> Result<Trail, Error> {
        let trail = self.shared.audit.start(subject, started);
        trail.map_err(|closed| Error::Unavailable {
            message: closed.to_string(),
        })
    }

    /// The same of an agent's own sandbox, which has its imports and nothing else.
    pub(crate) fn record_agent(&self, agent: &str, tools: &Tools) -> Result<Trail, Closed> {
        let subject = Subject {
            workspace: &tools.workspace,
            sandbox: &sandbox_id(),
            actor: &tools.actor,
        };
        let started = Started {
            program: agent,
            environment: &tools.environment,
            policy: "agent",
            revision: 0,
            directories: Vec::new(),
            network: Network::None.kind(),
        };
        self.shared.audit.start(subject, &started)
    }
}

/// A name for a sandbox that no other has.
pub(crate) fn sandbox_id() -> String {
    format!("sb_{}", uuid::Uuid::now_v7().simple())
}

/// Asks the app where its copy of the log ends, and goes on from there.
pub(crate) async fn reconcile(app: &App) -> Result<()> {
    let log = app.runner().shared.audit.clone();
    let head: AuditHead = app
        .send(Method::GET, "/audit", &())
        .await
        .context("cannot ask for the head of the audit log")?;
    if head.sequence > log.head().sequence {
        // What it took before a crash could be noted, it takes again and keeps once. If that is not it, `begin` says so.
        send_all(app)
            .await
            .or_else(|error| is_refusal(&error).then_some(()).ok_or(error))?;
    }
    let closed = blocking(move || {
        log.begin(&head)?;
        Ok(log.closed())
    });
    if let Some(closed @ Closed::Diverged { .. }) = closed.await? {
        tracing::error!("no sandbox starts: {closed}");
    }
    Ok(())
}

/// Sends what is recorded, for ever.
pub(crate) async fn deliver(app: App) {
    let mut pause = PAUSE;
    let mut gather = GATHER;
    loop {
        match send_or_mend(&app).await {
            Ok(()) => {
                pause = PAUSE;
                let recorded = app.runner().shared.recorded.notified();
                tokio::pin!(recorded);
                match tokio::time::timeout(GATHER_MAX, &mut recorded).await {
                    Ok(()) => gather = (gather * 2).min(GATHER_MAX),
                    Err(_) => {
                        gather = GATHER;
                        recorded.await;
                    }
                }
                tokio::time::sleep(gather).await;
            }
            Err(error) => {
                tracing::warn!("cannot send the audit log, trying again: {error:#}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// Sends what there is, if that is soon done.
pub(crate) async fn flush(app: &App) {
    let log = app.runner().shared.audit.clone();
    let sent = async {
        blocking(move || Ok(log.flush(FLUSH))).await?;
        send_all(app).await
    };
    match tokio::time::timeout(FLUSH, sent).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("audit records are left for the next start: {error:#}"),
        Err(_) => tracing::warn!("audit records are left for the next start: no time"),
    }
}

async fn send_or_mend(app: &App) -> Result<()> {
    let Err(error) = send_all(app).await else {
        return Ok(());
    };
    // The app may have lost records.
    reconcile(app).await?;
    if !is_refusal(&error) {
        return Err(error);
    }
    let again = send_all(app).await;
    if let Err(error) = &again
        && is_refusal(error)
    {
        let log = &app.runner().shared.audit;
        log.diverge(Diverged::Refused(format!("{error:#}")));
        tracing::error!("no sandbox starts: the app refuses the audit log: {error:#}");
    }
    again
}

async fn send_all(app: &App) -> Result<()> {
    while let Some(batch) = next(&app.runner().shared.audit).await? {
        let _: AuditHead = app.send(Method::POST, "/audit", &batch.records).await?;
        let log = app.runner().shared.audit.clone();
        blocking(move || {
            log.taken(batch);
            Ok(())
        })
        .await?;
    }
    Ok(())
}

async fn next(log: &Log) -> Result<Option<Batch>> {
    let log = log.clone();
    blocking(move || {
        log.batch().inspect_err(|error| {
            log.diverge(Diverged::Unreadable(error.to_string()));
        })
    })
    .await
}

/// The app was reached, and does not take these records.
fn is_refusal(error: &anyhow::Error) -> bool {
    let text = error.to_string();
    [": 400 ", ": 409 "]
        .iter()
        .any(|status| text.contains(status))
}

async fn blocking<R: Send + 'static>(
    work: impl FnOnce() -> Result<R, swarm_flow_audit::Error> + Send + 'static,
) -> Result<R> {
    let done = tokio::task::spawn_blocking(work).await;
    Ok(done.context("the audit log failed")??)
}
