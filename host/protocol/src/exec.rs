//! Commands and how they end.

use serde::{Deserialize, Serialize};
use swarm_flow_policy::{LimitsOverride, Policy};

/// A command to run, with the policy that its sandbox gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecRequest {
    /// The program's name, then its arguments.
    pub command: Vec<String>,
    #[serde(with = "crate::base64_bytes", default)]
    pub stdin: Vec<u8>,
    #[serde(default)]
    pub env: Vec<(String, String)>,
    #[serde(default)]
    pub cwd: Option<String>,
    /// Which programs can be found.
    pub environment: String,
    pub policy: Policy,
    /// The preset or the kept policy that it came from, or `custom`.
    #[serde(default)]
    pub policy_name: String,
    /// Of the workspace whose policy this is. A runner that knows a later [`PolicyChange`] goes by that; 0 is before all.
    #[serde(default)]
    pub revision: u64,
    /// Who asks, for the audit log: `user`, `agent:script`.
    #[serde(default)]
    pub actor: String,
    /// For an agent: the lines of the policy's `approvals` that a person approved. Without it nobody has to be asked: a user's own
    /// command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Vec<String>>,
    #[serde(default)]
    pub limits: LimitsOverride,
    /// One [`Event`] a line instead of one [`ExecResult`].
    #[serde(default)]
    pub stream: bool,
    /// After `stdin`, the program reads what is sent to it while it runs. Only with `stream`.
    #[serde(default)]
    pub stdin_stream: bool,
}

/// The policy that a workspace has from a revision on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    pub revision: u64,
    pub policy: Policy,
}

/// What became of a piece of input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StdinTaken {
    /// Fewer than were sent when the program did not read in time; then its input did not end either.
    pub taken_bytes: u64,
}

/// How a sandbox ended and what it used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecResult {
    pub outcome: Outcome,
    /// 0 to 255. 124 when time ran out, 137 for another limit or a cancellation, 134 for a trap.
    pub exit_code: u8,
    #[serde(with = "crate::base64_bytes", default)]
    pub stdout: Vec<u8>,
    #[serde(with = "crate::base64_bytes", default)]
    pub stderr: Vec<u8>,
    pub stdout_truncated: bool,
    pub stderr_truncated: bool,
    pub wall_ms: f64,
    pub cpu_ms: f64,
    pub peak_memory_bytes: u64,
    pub read_bytes: u64,
    pub written_bytes: u64,
    /// By this the audit log knows the sandbox: `sb_` and 32 hexadecimal digits.
    #[serde(default)]
    pub sandbox: String,
    /// The first 16 that differ.
    #[serde(default)]
    pub denials: Vec<Denial>,
}

/// What a sandbox was denied, and the change of the policy that would allow it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    pub capability: String,
    pub resource: String,
    pub rule: String,
}

/// Why a sandbox ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The program ended by itself.
    Exited,
    /// The guest did something impossible.
    Trapped { message: String },
    /// `memory`, `cpu_time`, `wall_time`, `handles`; in the units of the policy's field.
    Limit {
        name: String,
        used: u64,
        allowed: u64,
    },
    /// Someone ended it, or its caller left.
    Cancelled,
}

/// Something a running command did. The last one is `exit`, or `error` when the runner failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first one where input follows: the id under which the command takes it.
    Started {
        exec_id: String,
    },
    Stdout {
        #[serde(with = "crate::base64_bytes")]
        bytes: Vec<u8>,
    },
    Stderr {
        #[serde(with = "crate::base64_bytes")]
        bytes: Vec<u8>,
    },
    Exit {
        result: ExecResult,
    },
    Error {
        error: crate::Error,
    },
}
