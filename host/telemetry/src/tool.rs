//! `execute_tool`: a call of one of an agent's imports that is made, not fed from a journal; and a command over HTTP.

use crate::request::parent;
use crate::{Over, Telemetry, ids, names};
use http::HeaderMap;
use opentelemetry::trace::SpanKind;
use opentelemetry::{Context, KeyValue};
use std::time::{Duration, Instant, SystemTime};

/// A call that an attempt at a task makes.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    pub run: &'a str,
    pub index: u32,
    pub attempt: u32,
    pub agent: &'a str,
    pub tool: &'static str,
    /// The call's name in the journal: the same when it is made again after a crash.
    pub key: &'a str,
}

/// What came of a call.
#[derive(Clone, Debug, Default)]
pub struct ToolEnded {
    /// Why it failed.
    pub error: Option<String>,
    /// Of a command.
    pub exit_code: Option<i64>,
}

/// A call that is under way.
pub struct ToolSpan(Option<Inner>);

struct Inner {
    telemetry: &'static Telemetry,
    tool: &'static str,
    parent: Context,
    attributes: Vec<KeyValue>,
    agent: Option<String>,
    /// One that is never told is made again.
    is_journaled: bool,
    since: Instant,
}

impl Telemetry {
    /// Beneath the attempt. Dropped, it was nothing: whoever goes on with the attempt makes the call again.
    pub fn tool(&'static self, called: Called<'_>) -> ToolSpan {
        let Called {
            run,
            index,
            attempt,
            agent,
            ..
        } = called;
        ToolSpan(Some(Inner {
            telemetry: self,
            tool: called.tool,
            parent: ids::within_run(run, ids::span_of_attempt(run, index, attempt)),
            attributes: vec![
                KeyValue::new(names::TOOL_CALL_ID, called.key.to_owned()),
                KeyValue::new(names::RUN_ID, run.to_owned()),
            ],
            agent: Some(agent.to_owned()),
            is_journaled: true,
            since: Instant::now(),
        }))
    }

    /// A command that a caller asked for, beneath the request that says so in its headers. Dropped, it was cancelled.
    pub fn exec(&'static self, headers: &HeaderMap, workspace: &str) -> ToolSpan {
        ToolSpan(Some(Inner {
            telemetry: self,
            tool: "exec",
            parent: parent(headers),
            attributes: vec![KeyValue::new(names::WORKSPACE_ID, workspace.to_owned())],
            agent: None,
            is_journaled: false,
            since: Instant::now(),
        }))
    }
}

impl ToolSpan {
    pub fn end(mut self, ended: ToolEnded) {
        if let Some(inner) = self.0.take() {
            inner.tell(ended);
        }
    }
}

impl Drop for ToolSpan {
    fn drop(&mut self) {
        if let Some(inner) = self.0.take().filter(|inner| !inner.is_journaled) {
            inner.tell(ToolEnded {
                error: Some("cancelled".to_owned()),
                exit_code: None,
            });
        }
    }
}

impl Inner {
    fn tell(self, ended: ToolEnded) {
        let took: Duration = self.since.elapsed();
        let ended_at = SystemTime::now();
        let mut common = vec![
            KeyValue::new(names::OPERATION_NAME, names::EXECUTE_TOOL),
            KeyValue::new(names::TOOL_NAME, self.tool),
        ];
        common.extend(
            self.agent
                .map(|agent| KeyValue::new(names::AGENT_NAME, agent)),
        );
        let mut attributes = self.attributes;
        attributes.extend(common.iter().cloned());
        attributes.extend(
            ended
                .exit_code
                .map(|code| KeyValue::new(names::EXIT_CODE, code)),
        );
        common.extend(
            ended
                .error
                .clone()
                .map(|code| KeyValue::new(names::ERROR_TYPE, code)),
        );
        self.telemetry
            .instruments
            .tool
            .record(took.as_secs_f64(), &common);
        self.telemetry.tell(Over {
            name: format!("{} {}", names::EXECUTE_TOOL, self.tool),
            trace: None,
            id: None,
            parent: self.parent,
            kind: SpanKind::Internal,
            started_at: ended_at - took,
            ended_at,
            attributes,
            error: ended.error,
        });
    }
}
