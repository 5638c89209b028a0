//! Leased work: fetch tasks, do them, keep the leases, report.
//!
//! What came of tasks is kept until the app takes it or says that the lease was lost: then someone else has the task.
//! One call tells it and asks for more, and tells of short tasks that follow each other together ([`chain`]).

mod attempt;
mod chain;

pub(crate) use chain::Held;

use crate::agent::failure;
use crate::join::{App, Refused};
use crate::traced;
use anyhow::Result;
use chain::GoneOn;
use http::Method;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;
use swarm_flow_protocol::{Exchange, Exchanged, Lease, LeaseId, Report, Usage};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, Interval};

/// Tasks that a runner does at once. An agent mostly waits for its tools.
const TASKS_MAX: usize = 64;
/// How long after the last fetch the app is asked again when nobody said that there is work: an expired
/// lease is not announced.
const FETCH_PAUSE: Duration = Duration::from_secs(5);
/// Before the app is asked again that did not answer; twice as long each time.
const FAILED_PAUSE: Duration = Duration::from_millis(100);
/// A lease lasts 30 seconds.
const RENEW_PAUSE: Duration = Duration::from_secs(10);
/// How long it may stay untold that a task is done, while its runner goes on with the next.
const TELL_PAUSE: Duration = Duration::from_millis(5);
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
    running: HashMap<Id, Running>,
    ended: Vec<Report>,
    /// What goes on, says so here.
    going_on: mpsc::UnboundedSender<GoneOn>,
    gone_on: mpsc::UnboundedReceiver<GoneOn>,
}

/// A task at work, and those that follow it after it.
struct Running {
    /// Of the one that it is at.
    lease: LeaseId,
    /// Set as long as the app does not know that it is.
    untold: Option<watch::Sender<bool>>,
    handle: AbortHandle,
}

/// Fetches and does work, for ever.
pub(crate) async fn work(app: App) {
    let (going_on, gone_on) = mpsc::unbounded_channel();
    let mut work = Work {
        going_on,
        gone_on,
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
        work.pause(pause, &mut renew).await;
    }
}

impl Work {
    /// Waits until there is something to tell or to ask for, but no longer than `most`.
    async fn pause(&mut self, most: Duration, renew: &mut Interval) {
        let app = self.app.clone();
        let shared = &app.runner().shared;
        let mut until = Instant::now() + most;
        loop {
            tokio::select! {
                () = shared.wake.notified() => break,
                Some(ended) = self.tasks.join_next_with_id() => {
                    self.note(ended);
                    break;
                }
                Some(gone_on) = self.gone_on.recv() => {
                    self.go_on(gone_on);
                    until = until.min(Instant::now() + TELL_PAUSE);
                }
                () = shared.leases_lost.notified() => {
                    self.keep().await;
                    break;
                }
                _ = renew.tick() => {
                    self.keep().await;
                    break;
                }
                () = tokio::time::sleep_until(until) => break,
            }
        }
        // What has ended by now is told in one call.
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.note(ended);
        }
        self.hear();
    }

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
                let refused: Vec<Report> = self.ended.drain(..reports).collect();
                self.told(&refused, None);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let told: Vec<Report> = self.ended.drain(..reports).collect();
        self.told(&told, Some(&exchanged.lost));
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
            self.start(lease);
        }
        Ok(())
    }

    fn start(&mut self, lease: Lease) {
        let id = lease.id.clone();
        for other in self.running.values() {
            // Of two that are at the same task, one has no lease any more.
            if other.lease.run_id == id.run_id && other.lease.index == id.index {
                other.handle.abort();
            }
        }
        let going_on = self.going_on.clone();
        let handle = self
            .tasks
            .spawn(chain::perform(self.app.clone(), lease, going_on));
        let running = Running {
            lease: id,
            untold: None,
            handle,
        };
        self.running.insert(running.handle.id(), running);
    }

    /// The app was told: what was gone on with is leased now, or ends. Without an answer, all of it ends.
    fn told(&mut self, reports: &[Report], lost: Option<&[LeaseId]>) {
        for next in reports.iter().filter_map(|report| report.next.as_ref()) {
            let at = self.running.values_mut();
            for running in at.filter(|running| running.lease == *next) {
                if lost.is_some_and(|lost| !lost.contains(next)) {
                    if let Some(untold) = running.untold.take() {
                        untold.send_replace(true);
                    }
                } else {
                    running.handle.abort();
                }
            }
        }
    }

    /// A task is done, and the next one has begun.
    fn go_on(&mut self, GoneOn { mut report, untold }: GoneOn) {
        let mut running = self.running.values_mut();
        let running = running.find(|running| running.lease == report.lease);
        match (running, &report.next) {
            (Some(running), Some(next)) => {
                running.lease = next.clone();
                running.untold = Some(untold);
            }
            _ => report.next = None,
        }
        self.ended.push(report);
    }

    /// Takes what was said before anything that came after it.
    fn hear(&mut self) {
        while let Ok(gone_on) = self.gone_on.try_recv() {
            self.go_on(gone_on);
        }
    }

    fn note(&mut self, ended: Result<(Id, Option<Report>), JoinError>) {
        self.hear();
        match ended {
            Ok((id, report)) => {
                self.running.remove(&id);
                self.ended.extend(report);
            }
            Err(error) => {
                let running = self.running.remove(&error.id());
                if let Some(running) = running.filter(|_| error.is_panic()) {
                    self.ended.push(Report {
                        lease: running.lease,
                        outcome: Err(failure("trapped", format!("the runner failed: {error}"))),
                        usage: Usage::default(),
                        next: None,
                    });
                }
            }
        }
    }

    /// Renews the leases of what runs or is not told yet, and ends what was lost.
    async fn keep(&mut self) {
        // What the app does not know yet has no end to be moved.
        let running = self
            .running
            .values()
            .filter(|running| running.untold.is_none());
        let running = running.map(|running| &running.lease);
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
                for Running { lease, handle, .. } in self.running.values() {
                    if lost.contains(lease) {
                        tracing::info!(
                            run = lease.run_id,
                            index = lease.index,
                            "the lease was lost"
                        );
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
