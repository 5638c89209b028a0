//! The words between the app and a runner: JSON shapes, their paths, and nothing else.
//!
//! The app calls a runner for files and commands (`/v1/…`, see [`path`]); a runner calls the app to join,
//! to fetch work and to report (`/api/v1/runners/…`). Both present the runner token as a bearer token.
//! The shapes mirror `wit/types.wit`; bytes travel as base64.

mod audit;
mod budget;
mod call;
mod chain;
mod error;
mod exec;
mod file;
mod name;
mod program;
mod registration;
mod secret;
pub mod time;
mod tools;
mod verify;
mod wit;
mod work;

pub use audit::{
    AUDIT_ACTOR_CHARACTERS_MAX, AUDIT_BATCH_MAX, AUDIT_PAYLOAD_BYTES_MAX, AuditBatch, AuditEntry,
    AuditHead, audit_stream,
};
pub use budget::{Budget, Usage};
pub use call::{
    Answer, CallRequest, Child, LockMode, Message, Place, Question, TaskAnswer, TaskCall,
};
pub use chain::Link;
pub use error::Error;
pub use exec::{Denial, Event, ExecRequest, ExecResult, Outcome, PolicyChange, StdinTaken};
pub use file::{FileInfo, FileKind, FilePage, Written};
pub use name::check_name;
pub use program::{
    AgentProfile, ImportGroup, Origin, PROGRAM_BYTES_MAX, PROGRAMS_ADDED_MAX, Program,
    ProgramDetails, ProgramKind, check_digest, check_program_version,
};
pub use registration::{ALIVE_MS, Environment, Registration, Wall};
pub use secret::{Binding, BoundSecret, Placement, SECRETS_MAX, check_secret_name};
/// For the macros.
#[doc(hidden)]
pub use swarm_flow_policy as policy;
pub use tools::{ToolDecision, tool_decision, tool_granted, write_approved};
pub use verify::{Extent, Finding, Verifier};
pub use work::{
    AgentError, Divergence, EndedRun, Exchange, Exchanged, INPUT_BYTES_MAX, Input, Lease, LeaseId,
    MemoryAnswer, MemoryCall, MemoryEntry, MemoryScope, Metrics, OUTPUT_BYTES_MAX, Replay,
    ReplayTask, Replayed, Replays, Report, Successor, Task, TaskResult, cut,
};

/// Where a runner answers.
///
/// | method and path | request | response |
/// |---|---|---|
/// | `PUT /v1/workspaces/{id}` | – | 204; makes the directory, once |
/// | `DELETE /v1/workspaces/{id}` | – | 204; ends what runs, removes the directory |
/// | `POST /v1/workspaces/{id}/stop` | – | 204; ends what runs |
/// | `PUT /v1/workspaces/{id}/policy` | [`PolicyChange`] | 204; what runs loses what the policy does not grant |
/// | `PUT /v1/workspaces/{id}/secrets/{name}` | [`BoundSecret`] | 204; a new one or another value |
/// | `DELETE /v1/workspaces/{id}/secrets/{name}` | – | 204; also when there is none |
/// | `POST /v1/workspaces/{id}/exec` | [`ExecRequest`] | [`ExecResult`], or with `stream` one [`Event`] a line |
/// | `POST /v1/workspaces/{id}/exec/{exec_id}/stdin?last&offset&wait_ms` | bytes | [`StdinTaken`]; more for a command with `stdin_stream` to read |
/// | `GET /v1/workspaces/{id}/files/{path}?offset&length` | – | bytes; header [`FILE_HEADER`] is a [`FileInfo`] |
/// | `PUT /v1/workspaces/{id}/files/{path}?disk_bytes` | bytes | [`Written`] |
/// | `DELETE /v1/workspaces/{id}/files/{path}` | – | 204 |
/// | `GET /v1/workspaces/{id}/list?path&recursive&cursor&limit` | – | [`FilePage`] |
/// | `PUT /v1/programs/{name}?version&digest&agent` | bytes | [`ProgramDetails`]; a program of a user's, or an agent |
/// | `GET /v1/programs/{name}` | – | [`ProgramDetails`] |
/// | `DELETE /v1/programs/{name}` | – | 204; what runs goes on |
/// | `POST /v1/replay` | [`Replay`] | [`Replays`] |
/// | `POST /v1/wake?leases=lost` | – | 204; there may be work to lease, or with `leases=lost` leases were taken away |
/// | `GET /v1/health` | – | 204 |
///
/// Anything that did not succeed is an [`Error`] with [`Error::status`]. `{path}` is percent-encoded.
pub mod path {
    pub const WORKSPACES: &str = "/v1/workspaces";
    pub const PROGRAMS: &str = "/v1/programs";
    pub const WAKE: &str = "/v1/wake";
    pub const REPLAY: &str = "/v1/replay";
    pub const HEALTH: &str = "/v1/health";
}

/// The response header that carries a [`FileInfo`] as JSON, beside a file's bytes. Not ASCII is `\u`-escaped.
pub const FILE_HEADER: &str = "swarm-flow-file";

/// The most that one file may be written with at once, and that one read gives back.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// The most that a command may be given to read when it starts.
pub const STDIN_BYTES_MAX: u64 = 16 << 20;

/// The most that a running command may be given to read at once.
pub const STDIN_PIECE_BYTES_MAX: u64 = 1 << 20;

/// How long more input may wait for a program that does not read, at most and when nobody says.
pub const STDIN_WAIT_MS_MAX: u64 = 20_000;

/// What the text of a conflict starts with when a command takes no more input.
pub const STDIN_CLOSED: &str = "stdin-closed";

/// Bytes as base64 in JSON.
pub(crate) mod base64_bytes {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map_err(de::Error::custom)
    }
}
