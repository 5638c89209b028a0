//! A record as the server gives it: one line of JSON.

use crate::output::harmless;
use anyhow::{Context, Result, bail};
use bytes::{Bytes, BytesMut};
use reqwest::Response;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use std::fmt;
use swarm_flow_protocol::Link;

/// Every field, and no other: what the hash does not cover must not be able to say something else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub id: u64,
    pub stream: String,
    pub sequence: u64,
    kind: String,
    /// As it came: the hash is over its bytes.
    payload: Box<RawValue>,
    actor: String,
    pub at: String,
    pub at_ms: u64,
    previous_hash: String,
    pub hash: String,
}

impl Record {
    pub fn read(line: &[u8]) -> Result<Self> {
        serde_json::from_slice(line).context("this is not a record")
    }

    pub fn link(&self) -> Link<'_> {
        Link {
            previous_hash: &self.previous_hash,
            stream: &self.stream,
            sequence: self.sequence,
            kind: &self.kind,
            payload: self.payload.get(),
            actor: &self.actor,
            at_ms: self.at_ms,
        }
    }
}

/// The longest payload that is shown.
const SHOWN_CHARACTERS: usize = 160;

/// When, what, on what, by whom; then what it says, in words where we know the kind.
impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload: Value = serde_json::from_str(self.payload.get()).unwrap_or_default();
        let about = payload["workspace"].as_str().unwrap_or(&self.stream);
        let said = said(&self.kind, &payload).unwrap_or_else(|| {
            let text = self.payload.get();
            text.chars().take(SHOWN_CHARACTERS).collect()
        });
        let line = format!(
            "{}  {:<18}  {:<35}  {:<12}  {said}",
            self.at, self.kind, about, self.actor
        );
        formatter.write_str(harmless(&line).trim_end())
    }
}

/// What a sandbox did.
fn said(kind: &str, payload: &Value) -> Option<String> {
    let text = |name: &str| payload[name].as_str().unwrap_or("-").to_owned();
    match kind {
        "decision.allowed" | "decision.denied" => {
            let mut said = format!("{} {}", text("capability"), text("resource"));
            if let Some(count @ 2..) = payload["count"].as_u64() {
                said.push_str(&format!(" ({count} times)"));
            }
            if let Some(rule) = payload["rule"].as_str().filter(|rule| !rule.is_empty()) {
                said.push_str(&format!("; {rule}"));
            }
            Some(said)
        }
        "sandbox.started" => Some(format!("{} {}", text("sandbox"), text("program"))),
        "sandbox.ended" => Some(format!(
            "{} {}, exit code {}",
            text("sandbox"),
            text("outcome"),
            payload["exit_code"]
        )),
        _ => None,
    }
}

/// The lines of an answer, as they come.
pub struct Lines {
    answer: Response,
    /// What came and was not given yet.
    buffer: BytesMut,
}

impl Lines {
    pub fn new(answer: Response) -> Self {
        Self {
            answer,
            buffer: BytesMut::new(),
        }
    }

    /// The next line with its end; none after the last. An answer that broke off is an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let mut searched = 0;
        loop {
            let rest = self.buffer.iter().skip(searched);
            if let Some(end) = rest.clone().position(|byte| *byte == b'\n') {
                return Ok(Some(self.buffer.split_to(searched + end + 1).freeze()));
            }
            searched = self.buffer.len();
            match self.answer.chunk().await.context(super::BROKE_OFF)? {
                Some(piece) => self.buffer.extend_from_slice(&piece),
                None if self.buffer.is_empty() => return Ok(None),
                None => bail!("{} in the middle of one", super::BROKE_OFF),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: &str, payload: &str) -> Record {
        let line = format!(
            r#"{{"id":7,"stream":"audit:home","sequence":2,"kind":"{kind}","payload":{payload},"actor":"user","at":"2026-01-31T23:59:59.999Z","at_ms":1769903999999,"previous_hash":"","hash":"x"}}"#
        );
        Record::read(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_record_is_shown_in_words_and_commands_no_terminal() {
        let denied = r#"{"workspace":"ws_1","capability":"http","resource":"https://a.example","rule":"add it","count":3}"#;
        for (kind, payload, end) in [
            (
                "decision.denied",
                denied,
                "http https://a.example (3 times); add it",
            ),
            (
                "sandbox.started",
                r#"{"sandbox":"sb_1","program":"python"}"#,
                "sb_1 python",
            ),
            (
                "sandbox.ended",
                r#"{"sandbox":"sb_1","outcome":"exited","exit_code":7}"#,
                "sb_1 exited, exit code 7",
            ),
            ("x.y", r#"{"a":  1}"#, r#"{"a":  1}"#),
            (
                "decision.allowed",
                r#"{"capability":"tcp","resource":"\u001b[2J"}"#,
                "tcp \u{fffd}[2J",
            ),
        ] {
            let shown = record(kind, payload).to_string();
            assert!(shown.ends_with(end), "{shown}");
        }
    }

    #[test]
    fn a_record_with_a_field_too_many_or_twice_is_none() {
        for extra in [r#""note":1"#, r#""at_ms":5"#] {
            let line = format!(
                r#"{{{extra},"id":7,"stream":"a","sequence":2,"kind":"k","payload":{{}},"actor":"u","at":"t","at_ms":5,"previous_hash":"","hash":"x"}}"#
            );
            assert!(Record::read(line.as_bytes()).is_err(), "{extra}");
        }
    }
}
