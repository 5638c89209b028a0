//! Leased work: fetch tasks, do them, keep the leases, report.
//!
//! What came of tasks is kept until the app takes it or says that the lease was lost: then someone else has the task.
//! One call tells it and asks for more, so that a chain of tasks costs one call each.

use crate::agent::failure;
use crate::calls::Parked;
use crate::join::{App, Refused};
use crate::spending::Spending;
use crate::tools::Tools;
use crate::traced;
use anyhow::Result;
use http::Method;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use swarm_flow_protocol::{AgentError, Exchange, Exchanged, Lease, LeaseId, Report, Usage};
use swarm_flow_sandbox::Unfinished;
use swarm_flow_telemetry::AttemptSpan;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

/// Tasks that a runner does at once. An agent mostly waits for its tools.
const TASKS_MAX: usize = 64;
/// How long after the last fetch the app is asked again when nobody said that there is work: an expired
/// lease is not announced.
const FETCH_PAUSE: Duration = Duration::from_secs(5);
/// Before the app is asked again that did not answer; twice as long each time.
const FAILED_PAUSE: Duration = Duration::from_millis(100);
/// A lease lasts 30 seconds.
const RENEW_PAUSE: Duration = Duration::from_secs(10);
/// As many as the app takes at once.
const REPORTS_MAX: usize = 64;
const REPORTS_BYTES_MAX: usize = 4 << 20;

#[derive(Serialize)]
struct Leases<'a> {
    leases: Vec<&'a LeaseId>,
}

#[derive(Deserialize)]
struct Lost {
    lost: Vec<LeaseId>,
}

/// What a runner does, and what it has to say.
struct Work {
    app: App,
    /// What was leased before this process began is not known any more.
    session: String,
    /// None comes of a task that waits, and when the runner stops before its end.
    tasks: JoinSet<Option<Report>>,
    running: HashMap<Id, (LeaseId, AbortHandle)>,
    ended: Vec<Report>,
}

/// Fetches and does work, for ever.
pub(crate) async fn work(app: App) {
    let mut work = Work {
        app,
        session: uuid::Uuid::now_v7().simple().to_string(),
        tasks: JoinSet::new(),
        running: HashMap::new(),
        ended: Vec::new(),
    };
    let mut renew = tokio::time::interval(RENEW_PAUSE);
    let mut failed_pause = FAILED_PAUSE;
    loop {
        let pause = match work.exchange().await {
            Ok(()) => {
                failed_pause = FAILED_PAUSE;
                if work.ended.is_empty() {
                    FETCH_PAUSE
                } else {
                    Duration::ZERO
                }
            }
            Err(error) => {
                tracing::warn!("cannot report and fetch work, trying again: {error:#}");
                failed_pause = (failed_pause * 2).min(FETCH_PAUSE);
                failed_pause
            }
        };
        let app = work.app.clone();
        tokio::select! {
            () = app.runner().shared.wake.notified() => {}
            Some(ended) = work.tasks.join_next_with_id() => work.note(ended),
            () = app.runner().shared.leases_lost.notified() => work.keep().await,
            _ = renew.tick() => work.keep().await,
            () = tokio::time::sleep(pause) => {}
        }
        // What has ended by now is told in one call.
        while let Some(ended) = work.tasks.try_join_next_with_id() {
            work.note(ended);
        }
    }
}

impl Work {
    /// Says what came of tasks and starts others, as many as there is room for.
    async fn exchange(&mut self) -> Result<()> {
        // What could not be recorded is left to runners that can.
        let open = self.app.runner().shared.audit.closed().is_none();
        let most = if open {
            TASKS_MAX - self.tasks.len()
        } else {
            0
        };
        if self.ended.is_empty() && most == 0 {
            return Ok(());
        }
        let reports = batch(&self.ended);
        let exchange = Exchange {
            session: self.session.clone(),
            reports: self.ended.get(..reports).unwrap_or_default().to_vec(),
            most: u32::try_from(most).unwrap_or(u32::MAX),
        };
        let sent: Result<Exchanged> = self.app.send(Method::POST, "/work", &exchange).await;
        let exchanged = match sent {
            Ok(exchanged) => exchanged,
            Err(error) if reports > 0 && is_refused(&error) => {
                // What the app can never take must not hold up the rest: the lease ends, and the app tries it again.
                tracing::error!(?exchange.reports, "the app refuses what came of tasks: {error:#}");
                self.ended.drain(..reports);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        self.ended.drain(..reports);
        for run in &exchanged.ended_runs {
            traced::run_ended(run);
        }
        for lost in exchanged.lost {
            tracing::info!(
                run = lost.run_id,
                index = lost.index,
                "a lease was lost before its report"
            );
        }
        for lease in exchanged.leases {
            let id = lease.id.clone();
            let handle = self.tasks.spawn(perform(self.app.clone(), lease));
            self.running.insert(handle.id(), (id, handle));
        }
        Ok(())
    }

    fn note(&mut self, ended: Result<(Id, Option<Report>), JoinError>) {
        match ended {
            Ok((id, report)) => {
                self.running.remove(&id);
                self.ended.extend(report);
            }
            Err(error) => {
                let lease = self.running.remove(&error.id());
                if let Some((lease, _)) = lease.filter(|_| error.is_panic()) {
                    self.ended.push(Report {
                        lease,
                        outcome: Err(failure("trapped", format!("the runner failed: {error}"))),
                        usage: Usage::default(),
                    });
                }
            }
        }
    }

    /// Renews the leases of what runs or is not told yet, and ends what was lost.
    async fn keep(&mut self) {
        let running = self.running.values().map(|(id, _)| id);
        let held: Vec<&LeaseId> = running
            .chain(self.ended.iter().map(|report| &report.lease))
            .collect();
        if held.is_empty() {
            return;
        }
        let leases = Leases { leases: held };
        let renewed: Result<Lost> = self.app.send(Method::POST, "/leases/renew", &leases).await;
        match renewed {
            Ok(Lost { lost }) => {
                for (id, handle) in self.running.values() {
                    if lost.contains(id) {
                        tracing::info!(run = id.run_id, index = id.index, "the lease was lost");
                        handle.abort();
                    }
                }
            }
            Err(error) => tracing::warn!("cannot renew leases: {error:#}"),
        }
    }
}

/// How many of the reports one call carries.
fn batch(reports: &[Report]) -> usize {
    let mut bytes = 0;
    let fits = |report: &&Report| {
        bytes += report
            .outcome
            .as_ref()
            .map_or(0, |result| result.output.len());
        bytes <= REPORTS_BYTES_MAX
    };
    let fitting = reports.iter().take(REPORTS_MAX).take_while(fits).count();
    // One that is larger goes by itself.
    fitting.max(1).min(reports.len())
}

/// The app understood and will say the same again.
fn is_refused(error: &anyhow::Error) -> bool {
    let refused = error.downcast_ref::<Refused>();
    refused.is_some_and(|refused| matches!(refused.status, 400 | 413 | 422))
}

async fn perform(app: App, lease: Lease) -> Option<Report> {
    let id = lease.id.clone();
    let (timeout, late) = patience(&lease);
    let spending = Spending::of(&lease);
    let mut span = traced::attempt(&lease);
    let done = attempt(&app, lease, spending.clone(), &mut span);
    let outcome = match timeout {
        None => done.await?,
        Some(timeout) => match tokio::time::timeout(timeout, done).await {
            Ok(outcome) => outcome?,
            Err(_) => Err(late),
        },
    };
    traced::attempted(span, &outcome);
    Some(Report {
        lease: id,
        outcome,
        usage: spending.usage(),
    })
}

/// How long an attempt may take, and what it comes to if it takes longer.
fn patience(lease: &Lease) -> (Option<Duration>, AgentError) {
    let of_run = lease.ends_at_ms.map(|ends_at_ms| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Duration::from_millis(ends_at_ms).saturating_sub(now.unwrap_or_default())
    });
    let of_task = lease.timeout_ms.map(Duration::from_millis);
    match (of_run, of_task) {
        (Some(of_run), of_task) if of_task.is_none_or(|of_task| of_run < of_task) => {
            let message = "the run's `budget.wall_time_ms` is over".to_owned();
            (Some(of_run), failure("budget_exceeded", message))
        }
        (_, of_task) => {
            let left = of_task.unwrap_or_default().as_millis();
            let message = format!("the attempt took longer than the {left} ms that it had left");
            (of_task, failure("timeout", message))
        }
    }
}

type Outcome = Result<swarm_flow_protocol::TaskResult, swarm_flow_protocol::AgentError>;

/// None when the task goes on later, or the runner stops.
async fn attempt(
    app: &App,
    lease: Lease,
    spending: Spending,
    span: &mut Option<AttemptSpan>,
) -> Option<Outcome> {
    let agent = match app.runner().catalog().agent(&lease.agent).await {
        None => {
            let message = format!("this runner has no agent `{}`", lease.agent);
            return Some(Err(failure("unknown_agent", message)));
        }
        Some(Err(error)) => {
            let message = format!("agent `{}` cannot be loaded: {error:#}", lease.agent);
            return Some(Err(failure("unknown_agent", message)));
        }
        Some(Ok(agent)) => agent,
    };
    let journal = match app.runner().journal(&lease, &agent).await {
        Ok(journal) => Arc::new(journal),
        Err(error) => {
            let message = format!("the task's journal cannot be opened: {error}");
            return Some(Err(failure("unavailable", message)));
        }
    };
    if let Some(span) = span {
        span.began(journal.header.started_at_ms, &journal.header.digest);
    }
    // What began with another version of the agent ends with it.
    let agent = match app
        .runner()
        .catalog()
        .agent_of(&lease.agent, &journal.header.digest)
        .await
    {
        Ok(agent) => agent,
        Err(error) => return Some(Err(failure("agent_replaced", format!("{error:#}")))),
    };
    let parked = Parked::default();
    let tools = Tools {
        runner: app.runner().clone(),
        workspace: lease.workspace,
        environment: lease.environment,
        policy: lease.policy,
        actor: format!("agent:{}", lease.agent),
        inputs: lease.inputs,
        recording: None,
        journal: Some(journal.clone()),
        leased: Some((app.clone(), lease.id.clone())),
        parked: parked.clone(),
        reporter: None,
        spending: spending.clone(),
    };
    let trail = match app.runner().record_agent(&lease.agent, &tools) {
        Ok(trail) => trail,
        Err(closed) => return Some(Err(failure("unavailable", closed.to_string()))),
    };
    let (task, workspace) = (lease.task, tools.workspace.clone());
    let execution = async move { agent.execute(&task, tools, trail).await };
    let execution = app.runner().shared.threads.spawn(&workspace, execution);
    match execution.await {
        Ok(_) if parked.is() => None,
        // What it was at was not ended by itself, and so its journal has no end.
        Ok(_) if spending.exceeded().is_some() => spending.exceeded().map(Err),
        Ok(outcome) => {
            if let Err(error) = journal.end(&outcome) {
                tracing::warn!("cannot write the end of a task's journal: {error}");
            }
            Some(outcome)
        }
        Err(Unfinished::Stopping) => None,
        Err(panic) => Some(Err(failure(
            "trapped",
            format!("the runner failed: {panic}"),
        ))),
    }
}
