//! The audit log of a runner, on its way to the app. What the records say is described in `wit/audit.wit`.
//!
//! | method and path | request | response |
//! |---|---|---|
//! | `GET /api/v1/runners/{id}/audit` | – | [`AuditHead`] |
//! | `POST /api/v1/runners/{id}/audit` | [`AuditBatch`] | [`AuditHead`]; 409 when the app has other records there |

use serde::{Deserialize, Serialize};

/// The most records of one batch.
pub const AUDIT_BATCH_MAX: usize = 500;

/// The most bytes of a record's payload, which is a JSON object on one line.
pub const AUDIT_PAYLOAD_BYTES_MAX: usize = 8 << 10;

/// The most characters of a record's actor; none is a control character.
pub const AUDIT_ACTOR_CHARACTERS_MAX: usize = 100;

/// The stream of a runner's audit log.
pub fn audit_stream(runner: &str) -> String {
    format!("audit:{runner}")
}

/// The last record of a runner's audit log; the default is the head of one that has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditHead {
    pub sequence: u64,
    pub hash: String,
}

/// A record as a runner wrote it. Its place in the stream follows from its place in the batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    pub kind: String,
    /// JSON.
    pub payload: String,
    /// Who asked for the sandbox.
    pub actor: String,
    pub at_ms: u64,
    /// [`crate::Link::hash`], over the stream of [`audit_stream`].
    pub hash: String,
}

/// Records that follow `previous`, 1 to [`AUDIT_BATCH_MAX`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditBatch {
    pub previous: AuditHead,
    pub entries: Vec<AuditEntry>,
}
