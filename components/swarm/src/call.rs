//! What a task's agent does with other tasks and with people, as long as its lease is held.
//!
//! A call is named by its step. An agent that was started again makes its last call once more: what that changed then is not
//! changed again, and the answer is found in what is there. A call that has to wait ends the lease; when the task can go on it
//! is leased again, its agent is fed up to this call, and asks once more.
//!
//! | what | how much |
//! |---|---|
//! | name of a lock | 1 to 256 bytes, 1000 locks in a run |
//! | message | 64 KiB, 1000 in a mailbox |
//! | question | 16 KiB, 64 options of 256 bytes |
//! | children | 1000 at once; 10000 tasks in a run, 16 deep, or less by its budget |
//! | time to wait | 1 ms to a day; for people to 30 days |

mod delegate;
mod lock;
mod message;
mod question;
mod reserve;

use crate::bindings::swarm;
use crate::bindings::types::Error;
use crate::bindings::work::{LeaseId, TaskAnswer, TaskCall};
use crate::budget::Usage;
use crate::decide::{self, Run};
use crate::error::{contended, internal, invalid, missing, parse_id};
use crate::event::{Change, Progressed, Wait, Waiting};
use crate::store::{self, ATTEMPTS_MAX, Caller, Named};
use swarm_flow_state::{Database, Head, Kind, NewEvent};

const STEP_BYTES_MAX: usize = 256;
const WAIT_MS_MAX: u64 = 24 * 60 * 60 * 1000;
const PROGRESS_BYTES_MAX: usize = 1024;

/// What a call comes to.
struct Decided {
    answer: Result<TaskAnswer, Error>,
    changes: Vec<Change>,
    /// Whether others may have something to do now.
    wakes: bool,
}

impl Decided {
    /// It changes nothing, or did before.
    fn known(answer: TaskAnswer) -> Self {
        Self {
            answer: Ok(answer),
            changes: Vec::new(),
            wakes: false,
        }
    }

    fn made(answer: TaskAnswer, changes: Vec<Change>) -> Self {
        Self {
            answer: Ok(answer),
            changes,
            wakes: true,
        }
    }

    /// The agent gets an error, and something changes all the same.
    fn refused(error: Error, changes: Vec<Change>) -> Self {
        Self {
            answer: Err(error),
            changes,
            wakes: true,
        }
    }
}

/// A call, and what was read for it.
struct Called<'a, D> {
    database: &'a D,
    run_id: &'a str,
    index: u32,
    step: &'a str,
    /// Of the attempt so far.
    usage: Usage,
    now_ms: u64,
    head: &'a Head,
    run: &'a Run,
    caller: &'a Caller,
}

/// Does what an agent asks. Gives the swarm in which others may have something to do now.
pub fn call(
    database: &impl Database,
    runner: &str,
    lease: &LeaseId,
    (step, usage): (&str, swarm::Usage),
    call: &TaskCall,
    now_ms: u64,
) -> Result<(Result<TaskAnswer, Error>, Option<String>), Error> {
    let id = parse_id(Kind::Run, "lease.run_id", &lease.run_id)?;
    if !(1..=STEP_BYTES_MAX).contains(&step.len()) {
        let message = format!("has {} bytes, must have 1 to {STEP_BYTES_MAX}", step.len());
        return Err(invalid("step", message));
    }
    for _ in 0..ATTEMPTS_MAX {
        let read = store::read(database, id.as_str(), &[lease.index], true).map_err(internal)?;
        let caller = store::caller(database, id.as_str(), lease.index).map_err(internal)?;
        let (Some(read), Some(caller)) = (read, caller) else {
            return Err(lost());
        };
        if caller.runner.as_deref() != Some(runner) || caller.fence != lease.fence {
            return Err(lost());
        }
        match caller.state.as_str() {
            "leased" => {}
            // The answer was lost on its way.
            "waiting" if caller.step == step => return Ok((Ok(TaskAnswer::Waits), None)),
            _ => return Err(lost()),
        }
        let called = Called {
            database,
            run_id: id.as_str(),
            index: lease.index,
            step,
            usage: usage.into(),
            now_ms,
            head: &read.head,
            run: &read.run,
            caller: &caller,
        };
        let decided = called.decide(call)?;
        if decided.changes.is_empty() {
            return Ok((decided.answer, None));
        }
        let events: Result<Vec<NewEvent>, _> = decided.changes.iter().map(Change::event).collect();
        let events = events.map_err(internal)?;
        let actor = format!("task:{}/{}", id.as_str(), lease.index);
        let appended = store::append(database, id.as_str(), &read.head, &events, &actor, now_ms)?;
        if appended.is_some() {
            let wakes = decided.wakes.then_some(read.swarm);
            return Ok((decided.answer, wakes));
        }
    }
    Err(contended())
}

/// The runner ends the agent: someone else goes on with the task, or it is over.
fn lost() -> Error {
    Error::Conflict("lease-lost: the lease was lost".to_owned())
}

impl<D: Database> Called<'_, D> {
    fn decide(&self, call: &TaskCall) -> Result<Decided, Error> {
        match call {
            TaskCall::Acquire(asked) => self.acquire(asked),
            TaskCall::Release(name) => self.release(name),
            TaskCall::Send(asked) => self.send(asked),
            TaskCall::Receive(asked) => self.receive(asked),
            TaskCall::Request(asked) => self.request(asked),
            TaskCall::Reply(asked) => self.reply(asked),
            TaskCall::Delegate(children) => self.delegate(children),
            TaskCall::Join(asked) => self.join(asked),
            TaskCall::Ask(question) => self.ask(question),
            TaskCall::Reserve(asked) => self.reserve(asked),
            TaskCall::Progress(progress) => self.progress(&progress.message, progress.done),
        }
    }

    /// Whether this call has changed what it changes: then only the answer was lost.
    fn again(&self) -> bool {
        self.caller.step == self.step
    }

    /// What this call waits for, when it has waited before.
    fn waited(&self) -> Option<&Wait> {
        self.caller.wait.as_ref().filter(|_| self.again())
    }

    /// Its time is over.
    fn late(&self) -> bool {
        self.waited().is_some()
            && self
                .caller
                .until_ms
                .is_some_and(|until_ms| until_ms <= self.now_ms)
    }

    /// Waits, counted from when it began to.
    fn wait(&self, before: Vec<Change>, wait: Wait, timeout_ms: Option<u64>) -> Decided {
        let since_ms = match self.waited() {
            Some(_) => self.caller.since_ms,
            None => self.now_ms,
        };
        let waiting = Waiting {
            index: self.index,
            fence: self.caller.fence,
            step: self.step.to_owned(),
            wait,
            since_ms,
            until_ms: timeout_ms.map(|timeout_ms| since_ms.saturating_add(timeout_ms)),
            accounts: None,
        };
        Decided::made(
            TaskAnswer::Waits,
            decide::wait(self.run, before, waiting, self.usage, self.now_ms),
        )
    }

    /// The tasks of these ids, in this order.
    fn tasks(&self, field: &str, ids: &[String]) -> Result<Vec<Named>, Error> {
        let mut named = store::named(self.database, self.run_id, ids).map_err(internal)?;
        let mut tasks = Vec::with_capacity(ids.len());
        for (place, id) in ids.iter().enumerate() {
            let Some(found) = named.iter().position(|named| named.id == *id) else {
                let twice = ids.iter().take(place).any(|other| other == id);
                return Err(if twice {
                    invalid(
                        format!("{field}[{place}]"),
                        format!("`{id}` is given twice"),
                    )
                } else {
                    missing("task", id)
                });
            };
            let task = named.swap_remove(found);
            if task.index == self.index {
                let message = format!("`{id}` is the task itself");
                return Err(invalid(format!("{field}[{place}]"), message));
            }
            tasks.push(task);
        }
        Ok(tasks)
    }

    /// Shown, and nothing else: it counts as no call.
    fn progress(&self, message: &str, done: Option<f32>) -> Result<Decided, Error> {
        if message.len() > PROGRESS_BYTES_MAX {
            let message = format!("has {} bytes, may have {PROGRESS_BYTES_MAX}", message.len());
            return Err(invalid("message", message));
        }
        if done.is_some_and(|done| !(0.0..=1.0).contains(&done)) {
            return Err(invalid("done", "must be 0.0 to 1.0".to_owned()));
        }
        let progressed = Progressed {
            index: self.index,
            message: message.to_owned(),
            done,
        };
        Ok(Decided {
            answer: Ok(TaskAnswer::Made),
            changes: vec![Change::TaskProgressed(progressed)],
            wakes: false,
        })
    }
}

fn check_timeout(timeout_ms: Option<u64>, least: u64, most: u64) -> Result<(), Error> {
    match timeout_ms {
        Some(timeout_ms) if !(least..=most).contains(&timeout_ms) => Err(invalid(
            "timeout_ms",
            format!("is {timeout_ms}, must be {least} to {most}"),
        )),
        _ => Ok(()),
    }
}

fn timed_out(what: &str) -> Error {
    Error::Conflict(format!("timeout: {what}"))
}

fn ended(id: &str, what: &str) -> Error {
    Error::Conflict(format!("ended: the task `{id}` has ended{what}"))
}

#[cfg(test)]
mod tests;
