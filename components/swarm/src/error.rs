//! Errors in the words of `types.wit`.

use crate::bindings::types::{Error, InvalidInput, Limit, Missing};
use swarm_flow_state::{DatabaseError, Id, Kind};

pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Error {
    Error::Invalid(InvalidInput {
        field: field.into(),
        message: message.into(),
    })
}

pub fn missing(kind: &str, id: impl Into<String>) -> Error {
    Error::NotFound(Missing {
        kind: kind.to_owned(),
        id: id.into(),
        known: Vec::new(),
    })
}

pub fn too_large(name: &str, allowed: u64) -> Error {
    Error::TooLarge(Limit {
        name: name.to_owned(),
        allowed,
    })
}

pub fn internal(error: DatabaseError) -> Error {
    Error::Internal(error.0)
}

/// Another request came first, again and again.
pub fn contended() -> Error {
    Error::Busy(50)
}

pub fn parse_id(kind: Kind, field: &str, text: &str) -> Result<Id, Error> {
    Id::parse(kind, text).map_err(|error| invalid(field, error.to_string()))
}

// `conflict` carries text. Where a caller acts on the reason, it starts with a code and a colon, which the
// gateway makes the problem's code. Component `workspace` does the same.

pub fn idempotency_conflict() -> Error {
    Error::Conflict("idempotency-conflict: the key came with another request before".to_owned())
}

pub fn stopped(workspace_id: &str) -> Error {
    Error::Conflict(format!(
        "workspace-stopped: the workspace `{workspace_id}` is stopped; start it first"
    ))
}

/// Of a swarm that has as much to do as it may. Some of it ends within a second, as a rule.
pub fn queue_full() -> Error {
    Error::Busy(1000)
}
