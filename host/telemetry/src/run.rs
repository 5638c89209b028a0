//! `invoke_workflow`: a run as a whole, the root of its trace.

use crate::{Over, Telemetry, ids, names};
use opentelemetry::trace::SpanKind;
use opentelemetry::{Context, KeyValue};
use std::time::{Duration, SystemTime};

/// A run that is over.
#[derive(Clone, Copy, Debug)]
pub struct RunEnded<'a> {
    pub run: &'a str,
    /// The swarm's name.
    pub swarm: &'a str,
    pub strategy: &'a str,
    pub started_at_ms: u64,
    pub ended_at_ms: u64,
    /// `done`, or what else became of it.
    pub outcome: &'a str,
}

impl Telemetry {
    /// To be told once: by whoever ended it.
    pub fn run_ended(&self, ended: RunEnded<'_>) {
        let at = |ms| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        let error = (ended.outcome != "done").then(|| ended.outcome.to_owned());
        let took = Duration::from_millis(ended.ended_at_ms.saturating_sub(ended.started_at_ms));
        let mut common = vec![
            KeyValue::new(names::OPERATION_NAME, names::INVOKE_WORKFLOW),
            KeyValue::new(names::WORKFLOW_NAME, ended.swarm.to_owned()),
        ];
        let mut attributes = common.clone();
        attributes.extend([
            KeyValue::new(names::CONVERSATION_ID, ended.run.to_owned()),
            KeyValue::new(names::RUN_ID, ended.run.to_owned()),
            KeyValue::new(names::STRATEGY, ended.strategy.to_owned()),
            KeyValue::new(names::OUTCOME, ended.outcome.to_owned()),
        ]);
        common.extend(
            error
                .clone()
                .map(|code| KeyValue::new(names::ERROR_TYPE, code)),
        );
        self.instruments
            .workflow
            .record(took.as_secs_f64(), &common);
        self.tell(Over {
            name: format!("{} {}", names::INVOKE_WORKFLOW, ended.swarm),
            trace: Some(ids::trace_of(ended.run)),
            id: Some(ids::span_of_run(ended.run)),
            parent: Context::new(),
            kind: SpanKind::Internal,
            started_at: at(ended.started_at_ms),
            ended_at: at(ended.ended_at_ms),
            attributes,
            error,
        });
    }
}
