//! Events.

use crate::bindings::events as wit;
use crate::time::rfc3339;
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
pub struct Event {
    pub id: u64,
    stream: String,
    sequence: u64,
    pub kind: String,
    payload: Value,
    actor: String,
    at: String,
    hash: String,
}

impl From<wit::Event> for Event {
    fn from(event: wit::Event) -> Self {
        Self {
            id: event.id,
            stream: event.stream,
            sequence: event.sequence,
            kind: event.kind,
            // The database takes nothing but JSON.
            payload: serde_json::from_str(&event.payload).unwrap_or(Value::Null),
            actor: event.actor,
            at: rfc3339(event.at_ms),
            hash: event.hash,
        }
    }
}
