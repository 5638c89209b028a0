//! Why something was not done, in the words of `types.error`.
//!
//! `conflict` and `unavailable` carry text. Where a caller acts on the reason, the text starts with a
//! code and a colon; the gateway turns it into the problem's code.

use swarm_flow_protocol::Error;
use swarm_flow_state::{AppendError, DatabaseError, Id, Kind};

/// The same idempotency key came with another request.
const IDEMPOTENCY_CONFLICT: &str = "idempotency-conflict";
/// A command was to run in a workspace that is stopped.
const WORKSPACE_STOPPED: &str = "workspace-stopped";
/// No runner is alive.
const NO_RUNNER: &str = "no-runner";

pub fn invalid(field: &str, message: String) -> Error {
    Error::Invalid {
        field: field.to_owned(),
        message,
    }
}

pub fn missing(kind: &str, id: &str, known: Vec<String>) -> Error {
    Error::NotFound {
        kind: kind.to_owned(),
        id: id.to_owned(),
        known,
    }
}

pub fn database(error: DatabaseError) -> Error {
    Error::Internal {
        message: format!("database: {error}"),
    }
}

pub fn append(error: AppendError) -> Error {
    match error {
        AppendError::Conflict => conflict("the thing changes too often at once; try again"),
        AppendError::Database(error) => database(error),
    }
}

pub fn conflict(message: impl Into<String>) -> Error {
    Error::Conflict {
        message: message.into(),
    }
}

pub fn idempotency(message: &str) -> Error {
    conflict(format!("{IDEMPOTENCY_CONFLICT}: {message}"))
}

pub fn stopped(id: &str) -> Error {
    conflict(format!(
        "{WORKSPACE_STOPPED}: the workspace `{id}` is stopped; start it first"
    ))
}

pub fn unavailable(message: impl Into<String>) -> Error {
    Error::Unavailable {
        message: message.into(),
    }
}

pub fn no_runner() -> Error {
    unavailable(format!(
        "{NO_RUNNER}: no runner is alive; start one with `swarm-flow up` or `swarm-flow runner --join URL`"
    ))
}

/// Refuses what is not a workspace's id before anyone looks for it.
pub fn check_workspace_id(id: &str) -> Result<(), Error> {
    Id::parse(Kind::Workspace, id)
        .map(drop)
        .map_err(|error| invalid("id", error.to_string()))
}
