//! What becomes of a run: given its open tasks and a command, the changes that follow. No I/O, no clock.
//!
//! ```text
//! pending ──▶ ready ──▶ leased ──▶ done | failed | dead
//!    │          ▲  └──────┘ │ │ │
//!    ▼          lease lost ─┘ │ │    (10 times: dead)
//! skipped       retried ──────┘ │    (after a pause, as often as the task says; then: dead)
//!               waiting ◀───────┘    (for a lock, a message, tasks, a person; then ready again)
//! ```
//!
//! A task is pending until all that it needs is done, and then ready: both follow from the ends of tasks and are no
//! changes of their own. What is open is cancelled when the run is, or when its strategy has what it wants.
//!
//! The writer reads a run, decides here, and appends the changes after what it read; who was slower reads
//! and decides again. So whatever holds here for one command at a time holds for the platform.

mod going_on;
mod waiting;

pub use going_on::{GoingOn, go_on, leads};
pub use waiting::{Lock, give_up_lock, release_lock, take_lock, wait};

use crate::budget::{self, Account, Accounts, Budget, Left, TaskAccount, Usage};
use crate::event::{Change, Ended, Failure, Index, Leased, Retried, Retry, RunEnded, Wait};
use crate::locks::Table;
use crate::strategy::{self, End, Next, Options, Seen, Strategy, View};
use std::collections::BTreeMap;

/// How long a lease lasts without a renewal.
pub const LEASE_MS: u64 = 30_000;

/// A task whose lease was lost so often is not tried again: it may be what ends its runners.
/// Fewer in tests, so that every state can be looked at.
pub const LEASES_MAX: u64 = if cfg!(test) { 5 } else { 10 };

/// A run, as far as decisions need it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    pub strategy: Strategy,
    /// Whether a task of it has failed that must not.
    pub failed: bool,
    pub paused: bool,
    /// The tasks that have not ended, by index. A run without any has ended.
    pub open: Vec<Open>,
    /// All tasks, for a strategy that [looks](looks) at them.
    pub seen: Vec<Seen>,
    pub options: Options,
    pub budget: Budget,
    pub account: Account,
    /// When its time is over, if that is bounded.
    pub ends_at_ms: Option<u64>,
    /// Those that are held, with the tasks by index.
    pub locks: Table<u32>,
    /// The ids of its tasks, where any task waits.
    pub names: BTreeMap<u32, String>,
}

/// A task that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Open {
    pub index: u32,
    /// Of its last lease; 0 before the first.
    pub fence: u64,
    /// Tries that were reported and did not succeed.
    pub failures: u32,
    /// How often its lease ended because it waited.
    pub waits: u64,
    /// The task that made it.
    pub parent: Option<u32>,
    /// Of its attempt: how long its agent has worked, and since when it does now.
    pub worked_ms: u64,
    pub leased_at_ms: u64,
    pub retry: Retry,
    /// What an attempt is to have of the run's CPU time; a share when it is not said.
    pub cpu_time_ms: Option<u64>,
    pub account: TaskAccount,
    /// Neither fails its run nor keeps what needs it from being tried.
    pub optional: bool,
    /// The tasks that it needs and that have not ended, by index.
    pub needs: Vec<u32>,
    pub state: State,
    pub place: Place,
}

impl Open {
    /// Whether somebody may try it now, or again.
    fn is_due(&self, now_ms: u64) -> bool {
        match &self.state {
            State::Queued { until_ms } => self.needs.is_empty() && *until_ms <= now_ms,
            State::Waiting { until_ms, .. } => until_ms.is_some_and(|until_ms| until_ms <= now_ms),
            State::Leased { expires_at_ms, .. } => *expires_at_ms <= now_ms,
        }
    }

    /// How many of its leases were lost, when the last one is: of none came a report.
    fn lost(&self) -> u64 {
        self.fence
            .saturating_sub(self.failures.into())
            .saturating_sub(self.waits)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Neither leased nor ended. It can be leased when it needs nothing any more and its time has come.
    Queued {
        until_ms: u64,
    },
    Leased {
        runner: String,
        expires_at_ms: u64,
    },
    /// Its agent waits; at the latest until then.
    Waiting {
        wait: Wait,
        until_ms: Option<u64>,
    },
}

/// Where a task's workspace is, seen from the runner that asks for work.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The runner holds it, and it is started.
    Here { workspace: String },
    /// Another runner holds it, or it is stopped.
    Elsewhere,
    /// It was deleted.
    Gone,
}

/// A runner asks for work.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    pub runner: &'a str,
    /// From one start of the runner to its next.
    pub session: &'a str,
    /// How many leases it can have, and the swarm has agents for.
    pub room: u32,
    pub now_ms: u64,
}

/// The strategies that ask how the tasks ended before all of them have.
pub const LOOKING: [Strategy; 3] = [Strategy::Consensus, Strategy::Race, Strategy::Debate];

pub fn looks(strategy: Strategy) -> bool {
    LOOKING.contains(&strategy)
}

/// The run is to end with this failure, because it has used up what it may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded(pub Failure);

/// Hands out what can be tried, in the order given, and gives up on what cannot be tried any more.
pub fn lease(run: &Run, asking: Asking<'_>) -> Result<Vec<Change>, Exceeded> {
    if run.is_late(asking.now_ms) {
        let all = run.budget.wall_time_ms.unwrap_or_default();
        return Err(exceeded("wall_time_ms", all));
    }
    let mut next = Decision::on(run);
    let mut room = if run.paused { 0 } else { asking.room };
    let takers = run
        .open
        .iter()
        .filter(|task| task.is_due(asking.now_ms) && matches!(task.place, Place::Here { .. }));
    let mut takers = u32::try_from(takers.count()).unwrap_or(u32::MAX).min(room);
    for task in &run.open {
        let index = task.index;
        let Some(task) = next.run.open.iter().find(|task| task.index == index) else {
            continue;
        };
        if !task.is_due(asking.now_ms) {
            continue;
        }
        let lost = matches!(task.state, State::Leased { .. });
        let fence = task.fence;
        match &task.place {
            Place::Elsewhere => {}
            Place::Gone => {
                next.give_up(index, fence, "its workspace was deleted".to_owned());
            }
            Place::Here { .. } if lost && task.lost() >= LEASES_MAX => {
                let message = format!("its lease was lost {} times", task.lost());
                next.give_up(index, fence, message);
            }
            Place::Here { workspace } if room > 0 => {
                let share = match next.run.share(task, takers) {
                    Share::Unbounded => None,
                    Share::Is(share) => Some(share),
                    Share::Later => continue,
                    Share::Never if next.changes.is_empty() => {
                        let all = run.budget.cpu_time_ms.unwrap_or_default();
                        return Err(exceeded("cpu_time_ms", all));
                    }
                    Share::Never => continue,
                };
                room -= 1;
                takers = takers.saturating_sub(1);
                let workspace = workspace.clone();
                let accounts = next.run.accounts(index, |accounts| {
                    if let Some(share) = share {
                        accounts.reserve_cpu(share);
                    }
                });
                next.make(Change::TaskLeased(Leased {
                    accounts,
                    index,
                    fence: fence + 1,
                    runner: asking.runner.to_owned(),
                    session: asking.session.to_owned(),
                    workspace,
                    expires_at_ms: asking.now_ms.saturating_add(LEASE_MS),
                }));
            }
            Place::Here { .. } => {}
        }
    }
    // What is leased or not changes nothing for those who wait, and not all of them may be known here.
    if next
        .changes
        .iter()
        .any(|change| matches!(change, Change::TaskDead(_)))
    {
        next.settle(asking.now_ms);
    }
    Ok(next.changes)
}

fn exceeded(name: &str, all: u64) -> Exceeded {
    Exceeded(Failure {
        code: "budget_exceeded".to_owned(),
        message: format!(
            "the run has used up its `budget.{name}` of {all}; what had not ended was cancelled"
        ),
    })
}

/// Ends all that is open, because a budget is used up.
pub fn exceed(run: &Run, Exceeded(failure): Exceeded) -> Vec<Change> {
    let mut next = Decision::on(run);
    if !run.open.is_empty() {
        next.cancel_open();
        next.changes.push(Change::RunFailed(RunEnded {
            outcome: None,
            failure: Some(failure),
        }));
    }
    next.changes
}

/// What a task can have of the run's CPU time now.
enum Share {
    Unbounded,
    /// Microseconds.
    Is(u64),
    /// Others may give back of theirs.
    Later,
    Never,
}

/// The lease was lost to another runner, or the task has ended otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseLost;

/// Takes a report. `past` is what was reported last, if anything was: the same report twice changes nothing.
/// A lease that expired is still good as long as nobody took the task.
pub fn report(
    run: &Run,
    past: Option<&Ended>,
    report: Ended,
    usage: Usage,
    now_ms: u64,
) -> Result<Vec<Change>, LeaseLost> {
    let repeated = if past == Some(&report) {
        Ok(Vec::new())
    } else {
        Err(LeaseLost)
    };
    let open = run.open.iter().find(|task| task.index == report.index);
    let Some(task) = open else { return repeated };
    match &task.state {
        State::Queued { .. } | State::Waiting { .. } => repeated,
        State::Leased { runner, .. }
            if task.fence == report.fence && report.runner.as_ref() == Some(runner) =>
        {
            let mut next = Decision::on(run);
            next.end_attempt(report, Some(usage), now_ms);
            next.settle(now_ms);
            Ok(next.changes)
        }
        State::Leased { .. } => Err(LeaseLost),
    }
}

/// Ends all that is open.
pub fn cancel(run: &Run) -> Vec<Change> {
    let mut next = Decision::on(run);
    if !run.open.is_empty() {
        next.cancel_open();
        next.changes.push(Change::RunCancelled);
    }
    next.changes
}

/// Leases nothing until it is resumed; what is leased goes on to its end.
pub fn pause(run: &Run) -> Vec<Change> {
    if run.paused || run.open.is_empty() {
        Vec::new()
    } else {
        vec![Change::RunPaused]
    }
}

pub fn resume(run: &Run) -> Vec<Change> {
    if run.paused && !run.open.is_empty() {
        vec![Change::RunResumed]
    } else {
        Vec::new()
    }
}

/// How often such a task is tried. What the task or the policy makes impossible is tried once.
fn attempts_max(retry: &Retry, report: &Ended) -> u32 {
    match &report.failure {
        None => retry.max_attempts,
        Some(failure) if AS_SAID.contains(&failure.code.as_str()) => retry.max_attempts,
        Some(failure) if PASSING.contains(&failure.code.as_str()) => {
            retry.max_attempts.max(PASSING_ATTEMPTS)
        }
        Some(_) => 1,
    }
}

/// What another attempt may well get over, if the task can be tried again at all.
const AS_SAID: [&str; 2] = ["timeout", "deadlock"];
/// What may pass without anybody's doing.
const PASSING: [&str; 3] = ["tool_unavailable", "unavailable", "unknown_agent"];
const PASSING_ATTEMPTS: u32 = 3;

/// Twice as long each time, and up to half of it less, so that many that failed at once do not come back at once.
fn pause_ms(retry: &Retry, failures: u32, index: u32, now_ms: u64) -> u64 {
    let doubled = retry
        .initial_interval_ms
        .saturating_mul(1 << failures.min(20));
    let whole = doubled.min(retry.max_interval_ms);
    let spread = now_ms
        .wrapping_mul(31)
        .wrapping_add(u64::from(index).wrapping_mul(7919))
        % 1000;
    whole - whole / 2 * spread / 1000
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

    /// An attempt of an open task is over: the task is done, tried again, or has failed.
    fn end_attempt(&mut self, mut ended: Ended, usage: Option<Usage>, now_ms: u64) {
        let Some(task) = self.run.task(ended.index) else {
            return;
        };
        let (failures, retry) = (task.failures, task.retry);
        let attempts = failures.saturating_add(1);
        ended.accounts = self.run.accounts(ended.index, |accounts| {
            if let Some(usage) = usage {
                accounts.tell(usage);
            }
            accounts.release();
            accounts.begin_anew();
        });
        self.make(
            if ended.result.as_ref().is_some_and(|result| result.success) {
                Change::TaskDone(ended)
            } else if attempts < attempts_max(&retry, &ended) {
                let pause = pause_ms(&retry, failures, ended.index, now_ms);
                Change::TaskRetried(Retried {
                    ended,
                    ready_at_ms: now_ms.saturating_add(pause),
                })
            } else if attempts > 1 {
                Change::TaskDead(ended)
            } else {
                Change::TaskFailed(ended)
            },
        );
    }

    /// It is not tried again, and what its last attempt came to is not known.
    fn give_up(&mut self, index: u32, fence: u64, message: String) {
        let failure = Failure {
            code: "lost".to_owned(),
            message,
        };
        let accounts = self.run.accounts(index, Accounts::write_off);
        self.make(Change::TaskDead(Ended {
            index,
            fence,
            runner: None,
            result: None,
            failure: Some(failure),
            accounts,
        }));
    }

    /// Makes a change and all that follows from it.
    fn make(&mut self, change: Change) {
        let (ended, failed, over) = match &change {
            Change::TaskDone(Ended { index, .. }) => (true, None, Some(*index)),
            Change::TaskFailed(Ended { index, .. }) | Change::TaskDead(Ended { index, .. }) => {
                (true, Some(*index), Some(*index))
            }
            Change::TaskRetried(retried) => (false, None, Some(retried.ended.index)),
            _ => (false, None, None),
        };
        let optional = failed.is_some_and(|index| self.run.is_optional(index));
        self.push(change);
        if let Some(index) = over {
            self.free(index);
        }
        if let Some(index) = failed {
            self.cancel_children(index);
        }
        if let Some(index) = failed.filter(|_| !optional) {
            self.skip_what_needs(index);
        }
        if ended {
            self.follow();
        }
    }

    fn push(&mut self, change: Change) {
        self.run.apply(&change);
        self.changes.push(change);
    }

    /// What a task has made is not wanted any more when it has failed.
    fn cancel_children(&mut self, failed: u32) {
        let mut gone = vec![failed];
        while let Some(parent) = gone.pop() {
            let children = self.run.open.iter();
            let children = children.filter(|task| task.parent == Some(parent));
            let children: Vec<u32> = children.map(|task| task.index).collect();
            for index in children {
                self.cancel(index);
                self.free(index);
                gone.push(index);
            }
        }
    }

    /// What needs it, and what needs that; where a need is optional, the chain ends.
    fn skip_what_needs(&mut self, failed: u32) {
        let mut gone = vec![failed];
        while let Some(index) = gone.pop() {
            let needing = self.run.open.iter();
            let needing = needing.filter(|task| task.needs.contains(&index));
            let needing: Vec<(u32, bool)> =
                needing.map(|task| (task.index, task.optional)).collect();
            for (index, optional) in needing {
                self.push(Change::TaskSkipped(Index {
                    index,
                    accounts: None,
                }));
                if !optional {
                    gone.push(index);
                }
            }
        }
    }

    /// Whether the run is over now.
    fn follow(&mut self) {
        let next = if looks(self.run.strategy) {
            strategy::planner(self.run.strategy).next(&View {
                options: &self.run.options,
                tasks: &self.run.seen,
            })
        } else if !self.run.open.is_empty() {
            Next::GoOn
        } else if self.run.failed {
            return self.changes.push(Change::RunFailed(RunEnded::default()));
        } else {
            Next::Done { outcome: None }
        };
        let over = match next {
            Next::GoOn => return,
            Next::Done { outcome } => Change::RunDone(RunEnded {
                outcome,
                failure: None,
            }),
            Next::Failed {
                code,
                message,
                outcome,
            } => Change::RunFailed(RunEnded {
                outcome,
                failure: Some(Failure {
                    code: code.to_owned(),
                    message,
                }),
            }),
        };
        self.cancel_open();
        self.changes.push(over);
    }

    /// What it uses from now on, or has used, nobody takes.
    fn cancel(&mut self, index: u32) {
        let accounts = self.run.accounts(index, Accounts::write_off);
        self.push(Change::TaskCancelled(Index { index, accounts }));
    }

    fn cancel_open(&mut self) {
        let open: Vec<u32> = self.run.open.iter().map(|task| task.index).collect();
        for index in open {
            self.cancel(index);
        }
        self.free_all();
    }
}

impl Run {
    fn task(&self, index: u32) -> Option<&Open> {
        self.open.iter().find(|task| task.index == index)
    }

    /// Whether its time is over.
    fn is_late(&self, now_ms: u64) -> bool {
        self.ends_at_ms
            .is_some_and(|ends_at_ms| ends_at_ms <= now_ms)
    }

    /// Whether an agent of the swarm works on the task.
    pub fn has_agent(&self, index: u32, now_ms: u64) -> bool {
        self.task(index).is_some_and(
            |task| matches!(task.state, State::Leased { expires_at_ms, .. } if expires_at_ms > now_ms),
        )
    }

    fn is_optional(&self, index: u32) -> bool {
        self.task(index).is_some_and(|task| task.optional)
    }

    /// Its accounts with a task's after a change of them; none when it changes nothing.
    pub fn accounts(&self, index: u32, change: impl FnOnce(&mut Accounts)) -> Option<Accounts> {
        let before = Accounts {
            run: self.account,
            task: self.task(index)?.account.clone(),
        };
        let mut accounts = before.clone();
        change(&mut accounts);
        (accounts != before).then_some(accounts)
    }

    /// What a task can put aside of the run's CPU time, when so many share what is left.
    fn share(&self, task: &Open, takers: u32) -> Share {
        let Some(Left { left, others }) =
            budget::cpu_left(&self.budget, &self.account, &task.account)
        else {
            return Share::Unbounded;
        };
        let told = task.account.told.cpu_time_us;
        let asked = task.cpu_time_ms.map(|asked| asked.saturating_mul(1000));
        let share = match asked {
            Some(asked) => asked.saturating_sub(told).max(1),
            None => left.div_ceil(takers.max(1).into()),
        };
        if left > 0 && share <= left {
            Share::Is(share)
        } else if others > 0 {
            Share::Later
        } else if left > 0 {
            Share::Is(left)
        } else {
            Share::Never
        }
    }

    /// The run after a change, as the database's triggers would have it.
    pub fn apply(&mut self, change: &Change) {
        if let Some((index, accounts)) = change.accounts() {
            self.account = accounts.run;
            self.set(index, |task| task.account = accounts.task.clone());
        }
        match change {
            Change::TaskLeased(leased) => self.set(leased.index, |task| {
                task.fence = leased.fence;
                task.state = State::Leased {
                    runner: leased.runner.clone(),
                    expires_at_ms: leased.expires_at_ms,
                };
            }),
            Change::TaskRetried(retried) => self.set(retried.ended.index, |task| {
                task.failures += 1;
                task.worked_ms = 0;
                task.state = State::Queued {
                    until_ms: retried.ready_at_ms,
                };
            }),
            Change::TaskDone(ended) => {
                let output = ended.result.as_ref().map(|result| result.output.clone());
                self.see(ended.index, End::Done, output);
                self.satisfy(ended.index);
            }
            Change::TaskFailed(ended) | Change::TaskDead(ended) => {
                self.see(ended.index, End::Failed, None);
                if self.is_optional(ended.index) {
                    self.satisfy(ended.index);
                } else {
                    self.failed = true;
                    self.end(ended.index);
                }
            }
            Change::TaskSkipped(Index { index, .. }) => {
                self.see(*index, End::Skipped, None);
                if self.is_optional(*index) {
                    self.satisfy(*index);
                } else {
                    self.end(*index);
                }
            }
            Change::TaskCancelled(Index { index, .. }) => {
                self.see(*index, End::Cancelled, None);
                self.end(*index);
            }
            Change::TaskWaiting(waiting) => self.set(waiting.index, |task| {
                task.waits += 1;
                task.state = State::Waiting {
                    wait: waiting.wait.clone(),
                    until_ms: waiting.until_ms,
                };
            }),
            Change::TaskDelegated(delegated) => self.delegate(delegated),
            Change::LocksChanged(changed) => {
                self.locks.set(&changed.locks);
                self.resume_holders(changed);
            }
            Change::MessageSent(sent) => self.resume_recipients(sent),
            Change::QuestionAnswered(closed) | Change::QuestionExpired(closed) => {
                self.resume_asker(closed);
            }
            Change::RunPaused => self.paused = true,
            Change::RunResumed => self.paused = false,
            Change::TaskProgressed(_)
            | Change::TaskReserved(_)
            | Change::MessageReceived(_)
            | Change::QuestionAsked(_)
            | Change::RunDone(_)
            | Change::RunFailed(_)
            | Change::RunCancelled => {}
        }
    }

    fn set(&mut self, index: u32, change: impl FnOnce(&mut Open)) {
        if let Some(task) = self.open.iter_mut().find(|task| task.index == index) {
            change(task);
        }
    }

    fn end(&mut self, index: u32) {
        self.open.retain(|task| task.index != index);
        self.resume_joiners();
    }

    /// It has ended so that what needs it can be tried.
    fn satisfy(&mut self, index: u32) {
        self.end(index);
        for task in &mut self.open {
            task.needs.retain(|need| *need != index);
        }
    }

    fn see(&mut self, index: u32, end: End, answer: Option<String>) {
        if let Some(seen) = self.seen.get_mut(index as usize) {
            seen.end = Some(end);
            seen.answer = answer;
        }
    }
}

#[cfg(test)]
mod every_state;
#[cfg(test)]
mod every_wait;
#[cfg(test)]
mod tests;
