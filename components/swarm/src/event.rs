//! The events of swarms and runs: their kinds and payloads. The event stream shows them, so they are an API.
//!
//! | stream | kind | payload | when |
//! |---|---|---|---|
//! | `sw_…` | `swarm.created` | [`SwarmCreated`] | first |
//! | `sw_…` | `swarm.scaled` | [`SwarmScaled`] | its number of agents changed |
//! | `run_…` | `run.submitted` | [`RunSubmitted`] | first; says all tasks, and which of them each needs |
//! | `run_…` | `task.leased` | [`Leased`] | a runner took it; from now on its workspace is that one |
//! | `run_…` | `task.done` | [`Ended`] with `result` | it was reported, and succeeded |
//! | `run_…` | `task.retried` | [`Retried`] | it was reported, did not succeed, and is tried again at a time |
//! | `run_…` | `task.failed` | [`Ended`] with `result` or `failure` | it was reported, and is not tried again |
//! | `run_…` | `task.dead` | [`Ended`] with `result` or `failure` | the same after all its tries, or its leases were lost: then `runner` is null |
//! | `run_…` | `task.skipped` | `{index}` | never tried, because a task that it needs was not done |
//! | `run_…` | `task.cancelled` | `{index}` | the run was over, or cancelled, before it ended |
//! | `run_…` | `task.waiting` | [`Waiting`] | its agent waits for something: the lease is over |
//! | `run_…` | `task.delegated` | [`Delegated`] | it made other tasks |
//! | `run_…` | `task.progressed` | [`Progressed`] | it says how far it is |
//! | `run_…` | `task.reserved` | [`TaskReserved`] | something was put aside for its call of a model |
//! | `run_…` | `locks.changed` | [`LocksChanged`] | locks are held or waited for by others than before |
//! | `run_…` | `message.sent` | [`MessageSent`] | its id is the event's sequence |
//! | `run_…` | `message.received` | [`MessageReceived`] | a task took it out of its mailbox |
//! | `run_…` | `question.asked` | [`QuestionAsked`] | somebody is to answer |
//! | `run_…` | `question.answered`, `question.expired` | [`QuestionClosed`] | somebody did; nobody did in time |
//! | `run_…` | `run.paused`, `run.resumed` | `{}` | nothing is leased in between |
//! | `run_…` | `run.done` | [`RunEnded`] | last: it came to what its strategy wants |
//! | `run_…` | `run.failed` | [`RunEnded`] | last: it did not |
//! | `run_…` | `run.cancelled` | [`RunEnded`] | last: somebody asked for that |
//! | `memory:SWARM:OWNER:KEY` | `memory.written`, `memory.deleted` | [`MemoryWritten`] | an agent wrote a key; `OWNER` is its kind, or nothing for what all know |
//!
//! That a task is ready is no event: it follows from the ends of those that it needs, and of what it waits for.
//!
//! Where `accounts` stand in a payload, they say what the run and the task have used and put aside from now on.
//!
//! A task's fence counts its leases from 1; it is its attempt too. Renewals are no events.

use crate::budget::{Accounts, Budget};
use crate::locks::Lock;
use crate::strategy::{Options, Outcome, Strategy};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use swarm_flow_state::{DatabaseError, NewEvent};

/// `swarm.created`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmCreated {
    pub name: String,
    pub agents: Vec<AgentGroup>,
    pub coordination_strategy: Strategy,
    pub platform: Platform,
    pub workspaces: Vec<String>,
    #[serde(default, skip_serializing_if = "is_unbounded")]
    pub budget: Budget,
}

/// `swarm.scaled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmScaled {
    pub agents: Vec<AgentGroup>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentGroup {
    pub kind: String,
    pub count: u32,
    /// For tasks that say nothing of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    Local,
}

/// `run.submitted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSubmitted {
    pub swarm: String,
    pub strategy: Strategy,
    pub options: Options,
    #[serde(default, skip_serializing_if = "is_unbounded")]
    pub budget: Budget,
    /// SHA-256 of what was asked, in hexadecimal: the same key with something else is a conflict.
    pub request: String,
    pub tasks: Vec<SubmittedTask>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedTask {
    pub task: Task,
    pub agent: String,
    /// None: that of the first task that it needs, or any of the swarm's that is free when it is leased.
    pub workspace: Option<String>,
    /// Of other tasks, by index.
    pub needs: Vec<u32>,
    pub retry: Retry,
    pub priority: i32,
    pub timeout_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_time_ms: Option<u64>,
    pub optional: bool,
    pub weight: u32,
}

/// How often a task is tried, and when again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Retry {
    pub max_attempts: u32,
    /// Before the second try; twice as long before each one that follows.
    pub initial_interval_ms: u64,
    pub max_interval_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: String,
    pub description: String,
    pub requirements: Vec<String>,
    pub context: Option<String>,
}

/// `task.done`, `task.failed` and `task.dead`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    pub index: u32,
    pub fence: u64,
    /// Who reported it; null when no one did.
    pub runner: Option<String>,
    /// What the agent says came of it.
    pub result: Option<TaskResult>,
    /// Why it could not be tried to its end.
    pub failure: Option<Failure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Accounts>,
}

/// `task.retried`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retried {
    #[serde(flatten)]
    pub ended: Ended,
    pub ready_at_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    pub success: bool,
    pub output: String,
    pub artifacts: Vec<String>,
    pub metrics: Option<Metrics>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    pub execution_time_ms: u64,
    pub memory_usage_bytes: u64,
    /// Share of one core.
    pub cpu_usage: f32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// `lost` when the platform ended it; else as the runner or the strategy says.
    pub code: String,
    pub message: String,
}

/// `memory.written` and `memory.deleted`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryWritten {
    pub swarm: String,
    pub owner: String,
    pub key: String,
    pub value: Option<String>,
    pub run: String,
    pub index: u32,
    /// The call of the task's agent that wrote it: the same step again is the same write.
    pub step: String,
}

/// What a run came to. Nothing of it is there when its tasks say it all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEnded {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// What a task waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wait {
    Lock {
        name: String,
    },
    /// Of one of these; of any when there are none.
    Message {
        tasks: Vec<u32>,
    },
    /// To the message `request`, which went to the one task.
    Reply {
        request: u64,
        tasks: Vec<u32>,
    },
    /// That all of these have ended.
    Tasks {
        tasks: Vec<u32>,
    },
    /// For the answer to the question of this id.
    Human {
        name: String,
    },
}

/// `task.waiting`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub index: u32,
    pub fence: u64,
    /// The call of its agent that waits.
    pub step: String,
    pub wait: Wait,
    pub since_ms: u64,
    pub until_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Accounts>,
}

/// `task.delegated`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegated {
    pub index: u32,
    pub step: String,
    /// The index of the first of the new tasks; the others follow.
    pub first: u32,
    pub tasks: Vec<SubmittedTask>,
    /// The tasks, by index, that need these too.
    pub needed_by: Vec<u32>,
}

/// `task.progressed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progressed {
    pub index: u32,
    pub message: String,
    pub done: Option<f32>,
}

/// `locks.changed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocksChanged {
    /// The task whose doing it is.
    pub index: u32,
    /// The call of its agent; none when the task has ended or gave up waiting.
    pub step: Option<String>,
    /// By name, as they are now; null for one that nobody holds.
    pub locks: BTreeMap<String, Option<Lock<u32>>>,
}

/// `message.sent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSent {
    /// The sender.
    pub index: u32,
    pub step: String,
    /// None: to all others that have not ended.
    pub to: Option<u32>,
    pub body: String,
    pub wants_reply: bool,
    /// The message that it answers.
    pub reply_to: Option<u64>,
}

/// `message.received`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageReceived {
    pub index: u32,
    pub step: String,
    pub message: u64,
}

/// `question.asked`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionAsked {
    pub index: u32,
    pub id: String,
    pub question: Question,
    pub expires_at_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub text: String,
    pub options: Vec<String>,
    pub default: Option<String>,
    pub confidence: Option<f32>,
}

/// `question.answered` and `question.expired`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionClosed {
    pub index: u32,
    pub id: String,
    /// None when it has expired and has no default.
    pub answer: Option<String>,
    pub answered_by: Option<String>,
}

/// What happens to a run after it was submitted.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    TaskLeased(Leased),
    TaskWaiting(Waiting),
    TaskDelegated(Delegated),
    TaskProgressed(Progressed),
    TaskReserved(TaskReserved),
    LocksChanged(LocksChanged),
    MessageSent(MessageSent),
    MessageReceived(MessageReceived),
    QuestionAsked(QuestionAsked),
    QuestionAnswered(QuestionClosed),
    QuestionExpired(QuestionClosed),
    TaskDone(Ended),
    TaskRetried(Retried),
    TaskFailed(Ended),
    TaskDead(Ended),
    TaskSkipped(Index),
    TaskCancelled(Index),
    RunPaused,
    RunResumed,
    RunDone(RunEnded),
    RunFailed(RunEnded),
    RunCancelled,
}

/// `task.leased`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leased {
    pub index: u32,
    pub fence: u64,
    pub runner: String,
    pub session: String,
    pub workspace: String,
    pub expires_at_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Accounts>,
}

/// `task.skipped` and `task.cancelled`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    pub index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Accounts>,
}

/// `task.reserved`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskReserved {
    pub index: u32,
    pub step: String,
    pub accounts: Accounts,
}

fn is_unbounded(budget: &Budget) -> bool {
    *budget == Budget::default()
}

impl Change {
    /// What it changes in the accounts.
    pub fn accounts(&self) -> Option<(u32, &Accounts)> {
        match self {
            Self::TaskLeased(Leased {
                index, accounts, ..
            })
            | Self::TaskWaiting(Waiting {
                index, accounts, ..
            })
            | Self::TaskSkipped(Index { index, accounts })
            | Self::TaskCancelled(Index { index, accounts })
            | Self::TaskDone(Ended {
                index, accounts, ..
            })
            | Self::TaskRetried(Retried {
                ended: Ended {
                    index, accounts, ..
                },
                ..
            })
            | Self::TaskFailed(Ended {
                index, accounts, ..
            })
            | Self::TaskDead(Ended {
                index, accounts, ..
            }) => Some((*index, accounts.as_ref()?)),
            Self::TaskReserved(reserved) => Some((reserved.index, &reserved.accounts)),
            _ => None,
        }
    }

    /// The event that says so.
    pub fn event(&self) -> Result<NewEvent, DatabaseError> {
        match self {
            Self::TaskLeased(leased) => NewEvent::new("task.leased", leased),
            Self::TaskWaiting(waiting) => NewEvent::new("task.waiting", waiting),
            Self::TaskDelegated(delegated) => NewEvent::new("task.delegated", delegated),
            Self::TaskProgressed(progressed) => NewEvent::new("task.progressed", progressed),
            Self::TaskReserved(reserved) => NewEvent::new("task.reserved", reserved),
            Self::LocksChanged(changed) => NewEvent::new("locks.changed", changed),
            Self::MessageSent(sent) => NewEvent::new("message.sent", sent),
            Self::MessageReceived(received) => NewEvent::new("message.received", received),
            Self::QuestionAsked(asked) => NewEvent::new("question.asked", asked),
            Self::QuestionAnswered(closed) => NewEvent::new("question.answered", closed),
            Self::QuestionExpired(closed) => NewEvent::new("question.expired", closed),
            Self::TaskDone(ended) => NewEvent::new("task.done", ended),
            Self::TaskRetried(retried) => NewEvent::new("task.retried", retried),
            Self::TaskFailed(ended) => NewEvent::new("task.failed", ended),
            Self::TaskDead(ended) => NewEvent::new("task.dead", ended),
            Self::TaskSkipped(index) => NewEvent::new("task.skipped", index),
            Self::TaskCancelled(index) => NewEvent::new("task.cancelled", index),
            Self::RunPaused => NewEvent::new("run.paused", &RunEnded::default()),
            Self::RunResumed => NewEvent::new("run.resumed", &RunEnded::default()),
            Self::RunDone(ended) => NewEvent::new("run.done", ended),
            Self::RunFailed(ended) => NewEvent::new("run.failed", ended),
            Self::RunCancelled => NewEvent::new("run.cancelled", &RunEnded::default()),
        }
    }
}
