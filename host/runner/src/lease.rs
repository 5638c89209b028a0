//! Leased work: fetch tasks, do them, keep the leases, report.
//!
//! A report is sent until the app takes it or says that the lease was lost: then someone else has the task.

use crate::agent::failure;
use crate::join::App;
use crate::tools::Tools;
use anyhow::Result;
use http::Method;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use swarm_flow_protocol::{Lease, LeaseId, Report};
use swarm_flow_sandbox::Unfinished;
use tokio::task::{AbortHandle, JoinSet};

/// Tasks that a runner does at once. An agent mostly waits for its tools.
const TASKS_MAX: usize = 64;
/// How long after the last fetch the app is asked again when nobody said that there is work: an expired
/// lease is not announced.
const FETCH_PAUSE: Duration = Duration::from_secs(5);
/// A lease lasts 30 seconds.
const RENEW_PAUSE: Duration = Duration::from_secs(10);
const REPORT_TRIES: u32 = 20;

type Running = Arc<Mutex<HashMap<(String, u32), (LeaseId, AbortHandle)>>>;

#[derive(Serialize)]
struct Most {
    most: usize,
}

#[derive(Serialize, Deserialize)]
struct Leases<T> {
    leases: Vec<T>,
}

#[derive(Deserialize)]
struct Lost {
    lost: Vec<LeaseId>,
}

/// Fetches and does work, for ever.
pub(crate) async fn work(app: App) {
    let running = Running::default();
    let mut tasks = JoinSet::new();
    let mut renew = tokio::time::interval(RENEW_PAUSE);
    loop {
        // What could not be recorded is left to runners that can.
        if tasks.len() < TASKS_MAX && app.runner().shared.audit.closed().is_none() {
            match fetch(&app, TASKS_MAX - tasks.len()).await {
                Ok(leases) => leases
                    .into_iter()
                    .for_each(|lease| start(&app, &mut tasks, &running, lease)),
                Err(error) => tracing::warn!("cannot fetch work: {error:#}"),
            }
        }
        tokio::select! {
            () = app.runner().shared.wake.notified() => {}
            Some(_) = tasks.join_next() => {}
            _ = renew.tick() => keep(&app, &running).await,
            () = tokio::time::sleep(FETCH_PAUSE) => {}
        }
    }
}

async fn fetch(app: &App, most: usize) -> Result<Vec<Lease>> {
    let leases: Leases<Lease> = app.send(Method::POST, "/leases", &Most { most }).await?;
    Ok(leases.leases)
}

fn start(app: &App, tasks: &mut JoinSet<()>, running: &Running, lease: Lease) {
    let key = (lease.id.run_id.clone(), lease.id.index);
    let id = lease.id.clone();
    // Held until the task is noted, so that the task cannot end before.
    let mut noted = running.lock().unwrap_or_else(PoisonError::into_inner);
    let handle = tasks.spawn({
        let (app, running, key) = (app.clone(), running.clone(), key.clone());
        async move {
            perform(&app, lease).await;
            running
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&key);
        }
    });
    noted.insert(key, (id, handle));
}

async fn perform(app: &App, lease: Lease) {
    let tools = Tools {
        runner: app.runner().clone(),
        workspace: lease.workspace,
        environment: lease.environment,
        policy: lease.policy,
        actor: format!("agent:{}", lease.agent),
        recording: None,
    };
    let outcome = match app.runner().catalog().agent(&lease.agent).await {
        None => Err(failure(
            "unknown_agent",
            format!("this runner has no agent `{}`", lease.agent),
        )),
        Some(Err(error)) => Err(failure(
            "unknown_agent",
            format!("agent `{}` cannot be loaded: {error:#}", lease.agent),
        )),
        Some(Ok(agent)) => match app.runner().record_agent(&lease.agent, &tools) {
            Err(closed) => Err(failure("unavailable", closed.to_string())),
            Ok(trail) => {
                let (task, workspace) = (lease.task, tools.workspace.clone());
                let execution = async move { agent.execute(&task, tools, trail).await };
                let execution = app.runner().shared.threads.spawn(&workspace, execution);
                match execution.await {
                    Ok(outcome) => outcome,
                    Err(Unfinished::Stopping) => return,
                    Err(panic) => Err(failure("trapped", format!("the runner failed: {panic}"))),
                }
            }
        },
    };
    report(
        app,
        Report {
            lease: lease.id,
            outcome,
        },
    )
    .await;
}

async fn report(app: &App, report: Report) {
    let mut pause = Duration::from_millis(100);
    for _ in 0..REPORT_TRIES {
        let sent: Result<serde_json::Value> = app.send(Method::POST, "/reports", &report).await;
        match sent {
            Ok(_) => return,
            Err(error) if error.to_string().contains(": 409 ") => {
                tracing::info!("a lease was lost before its report: {error:#}");
                return;
            }
            Err(error) => tracing::warn!("cannot report, trying again: {error:#}"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RENEW_PAUSE);
    }
}

/// Renews the leases of what runs, and ends what was lost.
async fn keep(app: &App, running: &Running) {
    let held: Vec<LeaseId> = {
        let running = running.lock().unwrap_or_else(PoisonError::into_inner);
        running.values().map(|(id, _)| id.clone()).collect()
    };
    if held.is_empty() {
        return;
    }
    let renewed: Result<Lost> = app
        .send(Method::POST, "/leases/renew", &Leases { leases: held })
        .await;
    match renewed {
        Ok(lost) => {
            let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
            for id in lost.lost {
                if let Some((_, handle)) = running.remove(&(id.run_id.clone(), id.index)) {
                    tracing::info!(run = id.run_id, index = id.index, "the lease was lost");
                    handle.abort();
                }
            }
        }
        Err(error) => tracing::warn!("cannot renew leases: {error:#}"),
    }
}
