//! What becomes of a run: given its open tasks and a command, the changes that follow. No I/O, no clock.
//!
//! ```text
//! pending ──▶ ready ──▶ leased ──▶ done | failed
//!    │          ▲  └──────┘ │
//!    ▼          lease lost ─┘      (5 times: failed)
//! skipped
//! ```
//!
//! The writer reads a run, decides here, and appends the changes after what it read; who was slower reads
//! and decides again. So whatever holds here for one command at a time holds for the platform.

use crate::event::{Change, Ended, Failure, Strategy};

/// How long a lease lasts without a renewal.
pub const LEASE_MS: u64 = 30_000;

/// A task whose lease was lost so often is not tried again: it may be what ends its runners.
pub const LEASES_MAX: u64 = 5;

/// A run, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    pub strategy: Strategy,
    /// Whether a task of it has failed.
    pub failed: bool,
    /// The tasks that have not ended, by index. A run without any has ended.
    pub open: Vec<Open>,
}

/// A task that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Open {
    pub index: u32,
    /// Of its last lease; 0 before the first.
    pub fence: u64,
    pub state: State,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Pending,
    Ready,
    Leased { runner: String, expires_at_ms: u64 },
}

/// Where a task's workspace is, seen from the runner that asks for work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The runner holds it, and it is started.
    Here,
    /// Another runner holds it, or it is stopped.
    Elsewhere,
    /// It was deleted.
    Gone,
}

/// A runner asks for work.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    pub runner: &'a str,
    /// How many leases it can have, and the swarm has agents for.
    pub room: u32,
    pub now_ms: u64,
}

/// Hands out what can be tried, and gives up on what cannot be tried any more.
pub fn lease(run: &Run, asking: Asking<'_>) -> Vec<Change> {
    let mut next = Decision::on(run);
    let mut room = asking.room;
    for index in run.open.iter().map(|task| task.index) {
        let Some(task) = next.run.open.iter().find(|task| task.index == index) else {
            continue;
        };
        let lost = match &task.state {
            State::Pending => continue,
            State::Ready => false,
            State::Leased { expires_at_ms, .. } if *expires_at_ms > asking.now_ms => continue,
            State::Leased { .. } => true,
        };
        let fence = task.fence;
        match task.place {
            Place::Elsewhere => {}
            Place::Gone => next.make(given_up(
                index,
                fence,
                "its workspace was deleted".to_owned(),
            )),
            Place::Here if lost && fence >= LEASES_MAX => {
                next.make(given_up(
                    index,
                    fence,
                    format!("its lease was lost {fence} times"),
                ));
            }
            Place::Here if room > 0 => {
                room -= 1;
                next.make(Change::TaskLeased {
                    index,
                    fence: fence + 1,
                    runner: asking.runner.to_owned(),
                    expires_at_ms: asking.now_ms.saturating_add(LEASE_MS),
                });
            }
            Place::Here => {}
        }
    }
    next.changes
}

/// The lease was lost to another runner, or the task has ended otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseLost;

/// Takes a report. `past` is how the task ended, if it has: the same report twice changes nothing.
/// A lease that expired is still good as long as nobody took the task.
pub fn report(run: &Run, past: Option<&Ended>, report: Ended) -> Result<Vec<Change>, LeaseLost> {
    let Some(task) = run.open.iter().find(|task| task.index == report.index) else {
        return if past == Some(&report) {
            Ok(Vec::new())
        } else {
            Err(LeaseLost)
        };
    };
    match &task.state {
        State::Leased { runner, .. }
            if task.fence == report.fence && report.runner.as_ref() == Some(runner) =>
        {
            let success = report.result.as_ref().is_some_and(|result| result.success);
            let mut next = Decision::on(run);
            next.make(if success {
                Change::TaskDone(report)
            } else {
                Change::TaskFailed(report)
            });
            Ok(next.changes)
        }
        _ => Err(LeaseLost),
    }
}

fn given_up(index: u32, fence: u64, message: String) -> Change {
    let failure = Failure {
        code: "lost".to_owned(),
        message,
    };
    Change::TaskFailed(Ended {
        index,
        fence,
        runner: None,
        result: None,
        failure: Some(failure),
    })
}

/// A run as it becomes, and the changes that made it so.
struct Decision {
    run: Run,
    changes: Vec<Change>,
}

impl Decision {
    fn on(run: &Run) -> Self {
        Self {
            run: run.clone(),
            changes: Vec::new(),
        }
    }

    /// Makes a change and all that follows from it.
    fn make(&mut self, change: Change) {
        let ended = matches!(change, Change::TaskDone(_) | Change::TaskFailed(_));
        self.run.apply(&change);
        self.changes.push(change);
        if ended {
            self.follow();
        }
    }

    /// A task has ended: the next one of a sequence becomes ready or all are skipped, and the run may be over.
    fn follow(&mut self) {
        if self.run.strategy == Strategy::Sequential {
            if self.run.failed {
                let rest: Vec<u32> = self.run.open.iter().map(|task| task.index).collect();
                rest.into_iter()
                    .for_each(|index| self.make(Change::TaskSkipped { index }));
            } else if let Some(index) = self.run.open.first().map(|task| task.index) {
                self.make(Change::TaskReady { index });
            }
        }
        if self.run.open.is_empty() {
            self.make(if self.run.failed {
                Change::RunFailed
            } else {
                Change::RunDone
            });
        }
    }
}

impl Run {
    /// The run after a change, as the database's triggers would have it.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::TaskReady { index } => self.set(*index, |task| task.state = State::Ready),
            Change::TaskLeased {
                index,
                fence,
                runner,
                expires_at_ms,
            } => self.set(*index, |task| {
                task.fence = *fence;
                task.state = State::Leased {
                    runner: runner.clone(),
                    expires_at_ms: *expires_at_ms,
                };
            }),
            Change::TaskDone(Ended { index, .. }) | Change::TaskSkipped { index } => {
                self.end(*index)
            }
            Change::TaskFailed(Ended { index, .. }) => {
                self.failed = true;
                self.end(*index);
            }
            Change::RunDone | Change::RunFailed => {}
        }
    }

    fn set(&mut self, index: u32, change: impl FnOnce(&mut Open)) {
        if let Some(task) = self.open.iter_mut().find(|task| task.index == index) {
            change(task);
        }
    }

    fn end(&mut self, index: u32) {
        self.open.retain(|task| task.index != index);
    }
}

#[cfg(test)]
mod every_state;
#[cfg(test)]
mod tests;
