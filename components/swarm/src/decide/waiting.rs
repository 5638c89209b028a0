//! Tasks that wait: for locks, messages, other tasks and people. What a waiter waits for makes it ready again, as the database's
//! triggers would have it; it then asks again, so one that is made ready too often only waits again.
//!
//! Whenever something begins to wait or ends, those who wait for each other are found, and of each circle one attempt ends.

use super::{Decision, Open, Place, Run, State};
use crate::budget::{TaskAccount, Usage};
use crate::deadlock::{self, Node};
use crate::event::{
    Change, Delegated, Ended, Failure, LocksChanged, MessageSent, QuestionClosed, Wait, Waiting,
};
use crate::locks::{Mode, NotHeld, Table, Taken};
use std::collections::HashMap;

/// What came of asking for a lock.
#[derive(Clone, Debug, PartialEq)]
pub enum Lock {
    Held(Vec<Change>),
    Waits(Vec<Change>),
}

/// The task `waiting.index`, which has a lease, gives it up until it can go on.
pub fn wait(
    run: &Run,
    before: Vec<Change>,
    mut waiting: Waiting,
    usage: Usage,
    now_ms: u64,
) -> Vec<Change> {
    let mut next = Decision::on(run);
    before.into_iter().for_each(|change| next.push(change));
    waiting.accounts = next.run.accounts(waiting.index, |accounts| {
        accounts.tell(usage);
        accounts.release();
    });
    next.run.set(waiting.index, |task| {
        task.worked_ms += now_ms.saturating_sub(task.leased_at_ms);
    });
    next.push(Change::TaskWaiting(waiting));
    next.settle(now_ms);
    next.changes
}

/// A task asks for a lock. Who must wait is in its queue from now on, and [waits](wait).
pub fn take_lock(run: &Run, index: u32, step: &str, name: &str, mode: Mode) -> Lock {
    let mut locks = run.locks.clone();
    let taken = locks.take(name, &index, mode);
    let changed = vec![changed(&locks, index, Some(step), [name.to_owned()])];
    match taken {
        Taken::Held => Lock::Held(changed),
        Taken::Waits => Lock::Waits(changed),
    }
}

/// A task lets go of a lock.
pub fn release_lock(run: &Run, index: u32, step: &str, name: &str) -> Result<Vec<Change>, NotHeld> {
    let mut locks = run.locks.clone();
    locks.release(name, &index)?;
    Ok(vec![changed(&locks, index, Some(step), [name.to_owned()])])
}

/// A task does not want to wait for a lock any longer.
pub fn give_up_lock(run: &Run, index: u32, name: &str) -> Vec<Change> {
    let mut locks = run.locks.clone();
    locks.withdraw(name, &index);
    vec![changed(&locks, index, None, [name.to_owned()])]
}

/// What is so of these locks now, by a task's doing.
fn changed(
    locks: &Table<u32>,
    index: u32,
    step: Option<&str>,
    names: impl IntoIterator<Item = String>,
) -> Change {
    let now = names.into_iter().map(|name| {
        let lock = locks.get(&name).cloned();
        (name, lock)
    });
    Change::LocksChanged(LocksChanged {
        index,
        step: step.map(str::to_owned),
        locks: now.collect(),
    })
}

impl Decision {
    /// A task has ended, or its attempt: what it held others can have.
    pub(super) fn free(&mut self, index: u32) {
        let mut locks = self.run.locks.clone();
        let had = locks.locks().filter(|(_, lock)| lock.has(&index));
        let had: Vec<String> = had.map(|(name, _)| name.to_owned()).collect();
        if !had.is_empty() {
            locks.release_all(&index);
            self.push(changed(&locks, index, None, had));
        }
    }

    /// The run is over.
    pub(super) fn free_all(&mut self) {
        let all = self.run.locks.locks();
        let all: Vec<String> = all.map(|(name, _)| name.to_owned()).collect();
        if !all.is_empty() {
            self.push(changed(&Table::default(), 0, None, all));
        }
    }

    /// Ends who would wait for ever: of each deadlock the attempt that has worked least.
    pub(super) fn settle(&mut self, now_ms: u64) {
        while let Some((index, fence, failure)) = self.run.deadlock() {
            let ended = Ended {
                index,
                fence,
                runner: None,
                result: None,
                failure: Some(failure),
                accounts: None,
            };
            self.end_attempt(ended, None, now_ms);
        }
    }
}

impl Run {
    pub(super) fn delegate(&mut self, delegated: &Delegated) {
        for (index, task) in (delegated.first..).zip(&delegated.tasks) {
            let open = task.needs.iter().copied();
            let needs = open.filter(|need| *need >= delegated.first || self.task(*need).is_some());
            let needs = needs.collect();
            self.open.push(Open {
                index,
                fence: 0,
                failures: 0,
                waits: 0,
                parent: Some(delegated.index),
                worked_ms: 0,
                leased_at_ms: 0,
                retry: task.retry,
                cpu_time_ms: task.cpu_time_ms,
                account: TaskAccount::default(),
                optional: task.optional,
                needs,
                state: State::Queued { until_ms: 0 },
                place: Place::Elsewhere,
            });
            for needing in &delegated.needed_by {
                self.set(*needing, |task| task.needs.push(index));
            }
        }
    }

    /// Who waits for tasks of which none is open any more.
    pub(super) fn resume_joiners(&mut self) {
        let is_open: Vec<u32> = self.open.iter().map(|task| task.index).collect();
        for task in &mut self.open {
            let index = task.index;
            let State::Waiting { wait, .. } = &task.state else {
                continue;
            };
            let over = match wait {
                Wait::Message { tasks } if tasks.is_empty() => {
                    is_open.iter().all(|other| *other == index)
                }
                Wait::Message { tasks } | Wait::Reply { tasks, .. } | Wait::Tasks { tasks } => {
                    !tasks.iter().any(|other| is_open.contains(other))
                }
                Wait::Lock { .. } | Wait::Human { .. } => false,
            };
            if over {
                task.state = READY;
            }
        }
    }

    pub(super) fn resume_holders(&mut self, changed: &LocksChanged) {
        for task in &mut self.open {
            if let State::Waiting {
                wait: Wait::Lock { name },
                ..
            } = &task.state
                && let Some(Some(lock)) = changed.locks.get(name)
                && lock.holds(&task.index)
                && !lock.queue.iter().any(|waiter| waiter.task == task.index)
            {
                task.state = READY;
            }
        }
    }

    pub(super) fn resume_recipients(&mut self, sent: &MessageSent) {
        for task in &mut self.open {
            let State::Waiting { wait, .. } = &task.state else {
                continue;
            };
            let for_it = sent.to.is_none_or(|to| to == task.index);
            let has = match wait {
                Wait::Reply { request, .. } => sent.reply_to == Some(*request),
                Wait::Message { tasks } => {
                    sent.reply_to.is_none() && (tasks.is_empty() || tasks.contains(&sent.index))
                }
                Wait::Lock { .. } | Wait::Tasks { .. } | Wait::Human { .. } => false,
            };
            if for_it && has {
                task.state = READY;
            }
        }
    }

    pub(super) fn resume_asker(&mut self, closed: &QuestionClosed) {
        self.set(closed.index, |task| {
            if matches!(&task.state, State::Waiting { wait: Wait::Human { name }, .. } if *name == closed.id)
            {
                task.state = READY;
            }
        });
    }

    /// Who has to end of a deadlock, with its fence, and why.
    fn deadlock(&self) -> Option<(u32, u64, Failure)> {
        let waits = |task: &&Open| matches!(task.state, State::Waiting { .. });
        self.open.iter().find(waits)?;
        let places: HashMap<u32, usize> = self
            .open
            .iter()
            .zip(0..)
            .map(|(task, place)| (task.index, place))
            .collect();
        let nodes: Vec<Node> = self
            .open
            .iter()
            .map(|task| self.node(task, &places))
            .collect();
        let cycle = deadlock::stuck(&nodes).into_iter().next()?;
        // What has not begun cannot end for others.
        let work = self.open.iter().map(|task| match task.state {
            State::Waiting { .. } => task.worked_ms,
            State::Queued { .. } | State::Leased { .. } => u64::MAX,
        });
        let work: Vec<u64> = work.collect();
        let victim = self.open.get(deadlock::victim(&cycle, &work))?;
        let failure = Failure {
            code: "deadlock".to_owned(),
            message: self.told(&cycle),
        };
        Some((victim.index, victim.fence, failure))
    }

    fn node(&self, task: &Open, places: &HashMap<u32, usize>) -> Node {
        let placed = |tasks: &[u32]| -> Vec<usize> {
            let places = tasks.iter().filter_map(|task| places.get(task));
            places.copied().collect()
        };
        let all = |tasks: &[u32]| Node::Waits(deadlock::Wait::All(placed(tasks)));
        match &task.state {
            State::Queued { .. } if !task.needs.is_empty() => all(&task.needs),
            State::Queued { .. } | State::Leased { .. } => Node::Moves,
            State::Waiting { wait, until_ms } => match wait {
                Wait::Lock { .. } => all(&self.locks.edges(&task.index)),
                Wait::Reply { tasks, .. } | Wait::Tasks { tasks } => all(tasks),
                // Who looks for messages from time to time has other things to do.
                Wait::Message { .. } if until_ms.is_some() => Node::Waits(deadlock::Wait::Outside),
                Wait::Message { tasks } if tasks.is_empty() => {
                    let others = self.open.iter().filter(|other| other.index != task.index);
                    let others: Vec<u32> = others.map(|other| other.index).collect();
                    Node::Waits(deadlock::Wait::Any(placed(&others)))
                }
                Wait::Message { tasks } => Node::Waits(deadlock::Wait::Any(placed(tasks))),
                Wait::Human { .. } => Node::Waits(deadlock::Wait::Outside),
            },
        }
    }

    /// Who waits for whom, around the circle.
    fn told(&self, cycle: &[usize]) -> String {
        let tasks: Vec<&Open> = cycle.iter().filter_map(|at| self.open.get(*at)).collect();
        let following = tasks.iter().cycle().skip(1);
        let waits = tasks.iter().zip(following).map(|(task, other)| {
            let (task_id, other_id) = (self.name(task.index), self.name(other.index));
            match &task.state {
                State::Waiting { wait, .. } => match wait {
                    Wait::Lock { name } => {
                        format!("`{task_id}` waits for the lock `{name}`, which `{other_id}` has or asked for before")
                    }
                    Wait::Message { .. } => format!("`{task_id}` waits for a message of `{other_id}`"),
                    Wait::Reply { .. } => format!("`{task_id}` waits for a reply of `{other_id}`"),
                    Wait::Tasks { .. } | Wait::Human { .. } => {
                        format!("`{task_id}` waits for the end of `{other_id}`")
                    }
                },
                State::Queued { .. } | State::Leased { .. } => {
                    format!("`{task_id}` needs `{other_id}`")
                }
            }
        });
        let waits: Vec<String> = waits.collect();
        format!("tasks wait for each other: {}", waits.join("; "))
    }

    fn name(&self, index: u32) -> String {
        let name = self.names.get(&index).cloned();
        name.unwrap_or_else(|| index.to_string())
    }
}

const READY: State = State::Queued { until_ms: 0 };
