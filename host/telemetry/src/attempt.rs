//! `invoke_agent`: an attempt at a task of a run.
//!
//! Told by the runner that brings the attempt to its end. One that loses it, by a crash or because its lease ended, tells
//! nothing: who goes on with it tells the whole, from its first start.

use crate::{Over, Telemetry, ids, names};
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;
use std::time::{Duration, SystemTime};

/// What is attempted.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub run: String,
    pub task: String,
    pub index: u32,
    /// From 1.
    pub attempt: u32,
    /// The agent's kind.
    pub agent: String,
    pub workspace: String,
}

/// An attempt that is under way. Dropped, it was nothing.
pub struct AttemptSpan {
    telemetry: &'static Telemetry,
    attempt: Attempt,
    digest: Option<String>,
    started_at: SystemTime,
}

impl Telemetry {
    pub fn attempt(&'static self, attempt: Attempt) -> AttemptSpan {
        AttemptSpan {
            telemetry: self,
            attempt,
            digest: None,
            started_at: SystemTime::now(),
        }
    }
}

impl AttemptSpan {
    /// The journal knows when the attempt began, maybe in another process, and with which agent.
    pub fn began(&mut self, at_ms: u64, digest: &str) {
        self.started_at = SystemTime::UNIX_EPOCH + Duration::from_millis(at_ms);
        self.digest = Some(digest.to_owned());
    }

    /// `outcome` is whether the agent was content, or the code of what went wrong.
    pub fn end(self, outcome: Result<bool, &str>) {
        let Attempt {
            run,
            task,
            index,
            attempt,
            agent,
            workspace,
        } = self.attempt;
        let (outcome, error) = match outcome {
            Ok(true) => ("done", None),
            Ok(false) => ("failed", Some("failed".to_owned())),
            Err(code) => ("error", Some(code.to_owned())),
        };
        let ended_at = SystemTime::now();
        let took = ended_at.duration_since(self.started_at).unwrap_or_default();
        let mut common = vec![
            KeyValue::new(names::OPERATION_NAME, names::INVOKE_AGENT),
            KeyValue::new(names::AGENT_NAME, agent.clone()),
        ];
        let mut attributes = common.clone();
        attributes.extend([
            KeyValue::new(names::CONVERSATION_ID, run.clone()),
            KeyValue::new(names::RUN_ID, run.clone()),
            KeyValue::new(names::TASK_ID, task),
            KeyValue::new(names::TASK_INDEX, i64::from(index)),
            KeyValue::new(names::TASK_ATTEMPT, i64::from(attempt)),
            KeyValue::new(names::WORKSPACE_ID, workspace),
            KeyValue::new(names::OUTCOME, outcome),
        ]);
        attributes.extend(
            self.digest
                .map(|digest| KeyValue::new(names::AGENT_DIGEST, digest)),
        );
        common.extend(
            error
                .clone()
                .map(|code| KeyValue::new(names::ERROR_TYPE, code)),
        );
        let instruments = &self.telemetry.instruments;
        instruments.agent.record(took.as_secs_f64(), &common);
        common.push(KeyValue::new(names::OUTCOME, outcome));
        instruments.tasks.add(1, &common);
        self.telemetry.tell(Over {
            name: format!("{} {agent}", names::INVOKE_AGENT),
            trace: None,
            id: Some(ids::span_of_attempt(&run, index, attempt)),
            parent: ids::within_run(&run, ids::span_of_run(&run)),
            kind: SpanKind::Internal,
            started_at: self.started_at,
            ended_at,
            attributes,
            error,
        });
    }
}
