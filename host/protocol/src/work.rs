//! Tasks that a runner leases, does and reports:
//!
//! | method and path | request | response |
//! |---|---|---|
//! | `POST /api/v1/runners/{id}/work` | [`Exchange`] | [`Exchanged`] |
//! | `POST /api/v1/runners/{id}/memory` | [`CallRequest`](crate::CallRequest) of a [`MemoryCall`] | [`MemoryAnswer`] |
//! | `POST /api/v1/runners/{id}/leases/renew` | `{"leases": [LeaseId]}` | `{"lost": [LeaseId]}` |

use crate::Usage;
use serde::{Deserialize, Serialize};
use swarm_flow_policy::Policy;

/// The right to do a task until a point in time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub id: LeaseId,
    pub task: Task,
    /// What came of the tasks that it needs.
    pub inputs: Vec<Input>,
    /// The agent's kind.
    pub agent: String,
    /// The workspace, and what its sandboxes get.
    pub workspace: String,
    pub environment: String,
    pub policy: Policy,
    /// From 1. A lease that was lost goes on with the attempt.
    pub attempt: u32,
    /// Of this attempt.
    pub timeout_ms: Option<u64>,
    /// What it may use of the run's CPU time, with what it used under earlier leases.
    pub cpu_time_us: Option<u64>,
    /// When the run's time is over.
    pub ends_at_ms: Option<u64>,
    pub expires_at_ms: u64,
    /// What the runner may go on with without asking, one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successors: Vec<Successor>,
}

/// A task that may be begun once the one before it has succeeded, in the same workspace; its only input is what came of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Successor {
    /// The lease as it will be, if nobody else has the task by then.
    pub id: LeaseId,
    pub task: Task,
    /// The agent's kind.
    pub agent: String,
    /// From 1.
    pub attempt: u32,
    pub timeout_ms: Option<u64>,
}

/// What came of a task that another one needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The task's id.
    pub task: String,
    pub success: bool,
    pub output: String,
    pub artifacts: Vec<String>,
    pub workspace: Option<String>,
}

impl Input {
    /// What came of a task that has succeeded, as the app would give it to the one that follows.
    pub fn of(task: &str, result: &TaskResult, workspace: &str) -> Self {
        let mut output = result.output.clone();
        cut(&mut output, OUTPUT_BYTES_MAX);
        cut(&mut output, INPUT_BYTES_MAX);
        Self {
            task: task.to_owned(),
            success: result.success,
            output,
            artifacts: result.artifacts.clone(),
            workspace: Some(workspace.to_owned()),
        }
    }
}

/// Of a result's output the app keeps no more: a run's tasks are read as a whole, and large results belong into files.
pub const OUTPUT_BYTES_MAX: usize = 1 << 20;
/// Of one output in a task's inputs.
pub const INPUT_BYTES_MAX: usize = 256 << 10;

/// At most so many bytes, and says so when there were more.
pub fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let all = text.len();
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push_str(&format!("\n[cut off after {bytes_max} of {all} bytes]\n"));
    }
}

/// A runner says what came of tasks, and asks for others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Another one after each start of the runner: what it leased in an earlier one is lost. 1 to 63 bytes.
    pub session: String,
    /// At most 64.
    pub reports: Vec<Report>,
    /// 0 to 64.
    pub most: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchanged {
    /// Of the reports, those whose lease was lost: they changed nothing. And what they went on with, where that could not be
    /// leased.
    pub lost: Vec<LeaseId>,
    pub leases: Vec<Lease>,
    /// Those that this call brought to their end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ended_runs: Vec<EndedRun>,
}

/// A run that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedRun {
    pub id: String,
    /// The swarm's name.
    pub swarm: String,
    /// As the API names it.
    pub strategy: String,
    pub state: String,
    /// The code of what made it fail, when no task says that.
    pub failure: Option<String>,
    pub spent: Usage,
    pub created_at_ms: u64,
    pub ended_at_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseId {
    pub run_id: String,
    pub index: u32,
    /// Grows with each lease of the task; a report with an older one is refused.
    pub fence: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub id: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub requirements: Vec<String>,
    #[serde(default)]
    pub context: Option<String>,
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub lease: LeaseId,
    pub outcome: Result<TaskResult, AgentError>,
    /// Of the whole attempt.
    #[serde(default, skip_serializing_if = "Usage::is_nothing")]
    pub usage: Usage,
    /// The successor that the runner has gone on with: it is leased now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<LeaseId>,
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
    /// Milliseconds.
    pub execution_time: u64,
    /// Bytes.
    pub memory_usage: u64,
    /// Share of one core.
    pub cpu_usage: f32,
}

/// Why a task could not be tried to its end, as a person would read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentError {
    /// `invalid_task`, `lacks_capabilities`, `tool_unavailable`, `denied`, `unknown_agent`, `unavailable`, `timeout`, `trapped`.
    pub code: String,
    pub message: String,
}

/// Tasks that a runner shall replay: the last attempt of each is made again, fed with what its agent got then. Nothing is
/// done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    pub tasks: Vec<ReplayTask>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayTask {
    pub workspace: String,
    pub run_id: String,
    pub index: u32,
}

/// What replays came to, in the order of the tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replays {
    pub replays: Vec<Replayed>,
}

/// What a replay came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    pub index: u32,
    pub attempt: u32,
    /// How many calls of the agent were fed.
    pub steps: u64,
    /// None when the agent did the same as then.
    pub divergence: Option<Divergence>,
    /// Why the task could not be replayed.
    pub failure: Option<AgentError>,
}

/// Where an agent first did something else than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// How many calls came before it.
    pub step: u64,
    /// What it did then: the call and its request, or the end.
    pub expected: String,
    pub actual: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum MemoryCall {
    Get {
        scope: MemoryScope,
        key: String,
    },
    Put {
        scope: MemoryScope,
        key: String,
        value: String,
        expected: Option<u64>,
    },
    Delete {
        scope: MemoryScope,
        key: String,
        expected: Option<u64>,
    },
    List {
        scope: MemoryScope,
        prefix: String,
        after: Option<String>,
    },
}

/// Whose it is: the whole swarm's, or that of its agents of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryScope {
    Shared,
    Agent,
}

/// What came of it: entries of a look, the revision of a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryAnswer {
    Entries(Vec<MemoryEntry>),
    Revision(u64),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryEntry {
    pub key: String,
    pub value: String,
    pub revision: u64,
    pub updated_at_ms: u64,
}
