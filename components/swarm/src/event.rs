//! The events of swarms and runs: their kinds and payloads. The event stream shows them, so they are an API.
//!
//! | stream | kind | payload | when |
//! |---|---|---|---|
//! | `sw_…` | `swarm.created` | [`SwarmCreated`] | first |
//! | `sw_…` | `swarm.scaled` | [`SwarmScaled`] | its number of agents changed |
//! | `run_…` | `run.submitted` | [`RunSubmitted`] | first; says which tasks are ready at once |
//! | `run_…` | `task.ready` | `{index}` | its predecessor is done |
//! | `run_…` | `task.leased` | `{index, fence, runner, expires_at_ms}` | a runner took it |
//! | `run_…` | `task.done` | [`Ended`] with `result` | it was reported, and succeeded |
//! | `run_…` | `task.failed` | [`Ended`] with `result` or `failure` | it was reported, or its leases were lost: then `runner` is null |
//! | `run_…` | `task.skipped` | `{index}` | never tried, because a task before it failed |
//! | `run_…` | `run.done` | `{}` | last: every task was done |
//! | `run_…` | `run.failed` | `{}` | last: a task failed |
//!
//! A task's fence counts its leases from 1; it is its attempt too. Renewals are no events.

use serde::{Deserialize, Serialize};
use swarm_flow_state::{DatabaseError, NewEvent};

/// `swarm.created`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwarmCreated {
    pub name: String,
    pub agents: Vec<AgentGroup>,
    pub coordination_strategy: Strategy,
    pub platform: Platform,
    pub workspaces: Vec<String>,
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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    Sequential,
    Parallel,
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
    pub tasks: Vec<SubmittedTask>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmittedTask {
    pub task: Task,
    pub agent: String,
    pub workspace: String,
    pub state: FirstState,
}

/// How a task begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstState {
    Ready,
    Pending,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: String,
    pub description: String,
    pub requirements: Vec<String>,
    pub context: Option<String>,
}

/// `task.done` and `task.failed`.
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
    /// `lost` when the platform ended it; else as the runner says.
    pub code: String,
    pub message: String,
}

/// What happens to a run after it was submitted.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    TaskReady {
        index: u32,
    },
    TaskLeased {
        index: u32,
        fence: u64,
        runner: String,
        expires_at_ms: u64,
    },
    TaskDone(Ended),
    TaskFailed(Ended),
    TaskSkipped {
        index: u32,
    },
    RunDone,
    RunFailed,
}

impl Change {
    /// The event that says so.
    pub fn event(&self) -> Result<NewEvent, DatabaseError> {
        #[derive(Serialize)]
        struct Index {
            index: u32,
        }
        #[derive(Serialize)]
        struct Leased<'a> {
            index: u32,
            fence: u64,
            runner: &'a str,
            expires_at_ms: u64,
        }
        #[derive(Serialize)]
        struct Nothing {}
        match self {
            Self::TaskReady { index } => NewEvent::new("task.ready", &Index { index: *index }),
            Self::TaskLeased {
                index,
                fence,
                runner,
                expires_at_ms,
            } => NewEvent::new(
                "task.leased",
                &Leased {
                    index: *index,
                    fence: *fence,
                    runner,
                    expires_at_ms: *expires_at_ms,
                },
            ),
            Self::TaskDone(ended) => NewEvent::new("task.done", ended),
            Self::TaskFailed(ended) => NewEvent::new("task.failed", ended),
            Self::TaskSkipped { index } => NewEvent::new("task.skipped", &Index { index: *index }),
            Self::RunDone => NewEvent::new("run.done", &Nothing {}),
            Self::RunFailed => NewEvent::new("run.failed", &Nothing {}),
        }
    }
}
