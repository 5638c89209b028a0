//! A leased task and those that follow it, done without asking before each: a task that does little costs less than to ask.
//!
//! The app is told together what came of several, and that the next one was begun leases that. Should it not be leased any more, then it
//! ends here, and what it did is in its journal: whoever leases it later goes on from there. Until the app knows of it, its agent can
//! reach nobody but its workspace.
//!
//! This goes on for a moment only: then others may have waited for the place, with more right to it.

use super::attempt;
use crate::Runner;
use crate::join::App;
use std::time::Duration;
use swarm_flow_protocol::{Input, Lease, LeaseId, Report, Successor, TaskResult};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// How long after a lease its successors are begun without asking.
const GO_ON_MAX: Duration = Duration::from_millis(200);

/// A task is done, and its runner has gone on with `report.next`.
pub(super) struct GoneOn {
    pub(super) report: Report,
    /// Takes that the app knows of it.
    pub(super) untold: watch::Sender<bool>,
}

/// The lease of a task, for what its agent asks the app.
#[derive(Clone)]
pub(crate) struct Held {
    app: App,
    lease: LeaseId,
    /// None when the app made the lease before the task began.
    told: Option<watch::Receiver<bool>>,
}

impl Held {
    pub(super) fn runner(&self) -> &Runner {
        self.app.runner()
    }

    /// Whom to ask, and by which lease, as soon as the app knows of it.
    pub(crate) async fn asking(&self) -> (&App, &LeaseId) {
        if let Some(mut told) = self.told.clone() {
            if !*told.borrow() {
                self.app.runner().shared.wake.notify_one();
            }
            // When nobody is left to say so the lease was lost, which the app says too.
            let _ = told.wait_for(|told| *told).await;
        }
        (&self.app, &self.lease)
    }
}

/// Does a task and what follows it. Gives what came of the last one; none when that goes on later, or the runner stops.
pub(super) async fn perform(
    app: App,
    mut lease: Lease,
    going_on: mpsc::UnboundedSender<GoneOn>,
) -> Option<Report> {
    let until = Instant::now() + GO_ON_MAX;
    let mut successors = std::mem::take(&mut lease.successors).into_iter();
    let mut told = None;
    loop {
        let held = Held {
            app: app.clone(),
            lease: lease.id.clone(),
            told,
        };
        let next = successors.next().map(|next| (next, lease.clone()));
        let mut report = attempt::perform(lease, held).await?;
        let done = report.outcome.as_ref().ok().filter(|result| result.success);
        let goes_on = Instant::now() < until && app.runner().shared.audit.closed().is_none();
        let (Some((next, before)), Some(result), true) = (next, done, goes_on) else {
            return Some(report);
        };
        lease = follow(before, next, result);
        report.next = Some(lease.id.clone());
        let (untold, receiver) = watch::channel(false);
        told = Some(receiver);
        // Nobody listens only when the runner stops.
        going_on.send(GoneOn { report, untold }).ok()?;
    }
}

/// The lease of a successor, given what came of the task before.
fn follow(before: Lease, next: Successor, result: &TaskResult) -> Lease {
    Lease {
        inputs: vec![Input::of(&before.task.id, result, &before.workspace)],
        id: next.id,
        task: next.task,
        agent: next.agent,
        attempt: next.attempt,
        timeout_ms: next.timeout_ms,
        ..before
    }
}
