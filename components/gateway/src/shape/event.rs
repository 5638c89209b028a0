//! Events, which are the records of the audit log.

use crate::bindings::events as wit;
use serde::Serialize;
use serde_json::value::RawValue;
use swarm_flow_protocol::time::rfc3339;

#[derive(Serialize)]
pub struct Event {
    pub id: u64,
    stream: String,
    sequence: u64,
    pub kind: String,
    /// Byte by byte as it is kept: the hash is over these bytes.
    payload: Box<RawValue>,
    actor: String,
    at: String,
    at_ms: u64,
    previous_hash: String,
    hash: String,
}

impl From<wit::Event> for Event {
    fn from(event: wit::Event) -> Self {
        Self {
            id: event.id,
            stream: event.stream,
            sequence: event.sequence,
            kind: event.kind,
            payload: raw(event.payload),
            actor: event.actor,
            at: rfc3339(event.at_ms),
            at_ms: event.at_ms,
            previous_hash: event.previous_hash,
            hash: event.hash,
        }
    }
}

/// Nothing with a line break was ever written. Where somebody put one into the database, or what is no JSON, the record
/// must still be one line; its hash then tells.
fn raw(payload: String) -> Box<RawValue> {
    if payload.contains(['\n', '\r']) {
        return raw(payload.replace(['\n', '\r'], " "));
    }
    RawValue::from_string(payload).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(payload: &str) -> String {
        let event = wit::Event {
            id: 7,
            stream: "audit:home".to_owned(),
            sequence: 2,
            kind: "decision.denied".to_owned(),
            payload: payload.to_owned(),
            actor: "user".to_owned(),
            at_ms: 1_709_251_199_999,
            previous_hash: "a".to_owned(),
            hash: "b".to_owned(),
        };
        serde_json::to_string(&Event::from(event)).unwrap()
    }

    #[test]
    fn a_payload_is_passed_on_byte_by_byte() {
        let payload = r#"{"z":1.50,"a":[1e2, "\u00e4"],"a":null}"#;
        let expected = format!(
            r#"{{"id":7,"stream":"audit:home","sequence":2,"kind":"decision.denied","payload":{payload},"actor":"user","at":"2024-02-29T23:59:59.999Z","at_ms":1709251199999,"previous_hash":"a","hash":"b"}}"#
        );
        assert_eq!(written(payload), expected);
    }

    #[test]
    fn whatever_stands_in_the_database_is_one_line_of_json() {
        for (payload, shown) in [("{\"a\":\n1}", "{\"a\": 1}"), ("{", "null"), ("", "null")] {
            let line = written(payload);
            assert!(line.contains(&format!("\"payload\":{shown},")), "{line}");
            assert!(!line.contains(['\n', '\r']));
        }
    }
}
