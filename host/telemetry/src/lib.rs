//! OpenTelemetry: traces and metrics of what this process does, with the names of the GenAI conventions.
//!
//! Off unless the standard variables name a collector; then [`on`] is one look at a cell that is empty. Nothing here waits for
//! a collector: what has ended goes into a bounded queue and is lost when that is full. No argument, content, header or
//! variable of a command gets in, only names, ids and numbers.
//!
//! The id of a run *is* its trace, and the span of an attempt at a task follows from run, index and attempt. So
//! what any runner does for a run is one trace, also after a crash, without anything that is passed around.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod attempt;
mod chat;
mod client;
mod environment;
mod ids;
mod instruments;
pub mod names;
mod request;
mod run;
mod start;
mod tool;

pub use attempt::{Attempt, AttemptSpan};
pub use chat::{Chat, ChatSpan, Chatted, Tokens};
pub use client::{Answer, Send};
pub use environment::with_content;
pub use request::{Caller, RequestSpan};
pub use run::RunEnded;
pub use start::{Exporting, Setup, start};
pub use tool::{Called, ToolEnded, ToolSpan};

use instruments::Instruments;
use matchit::Router;
use opentelemetry::trace::{Span as _, SpanId, SpanKind, Status, TraceId, Tracer as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::SdkTracer;
use std::sync::OnceLock;
use std::time::SystemTime;

static ON: OnceLock<Telemetry> = OnceLock::new();

/// None unless it was switched on.
pub fn on() -> Option<&'static Telemetry> {
    ON.get()
}

/// What spans and measurements are made with.
pub struct Telemetry {
    tracer: SdkTracer,
    instruments: Instruments,
    /// The templates of the paths that the app answers.
    routes: Router<String>,
}

/// A span that is told when it is over.
struct Over {
    name: String,
    /// The trace's where there is no parent.
    trace: Option<TraceId>,
    /// Of itself; another is made without.
    id: Option<SpanId>,
    parent: Context,
    kind: SpanKind,
    started_at: SystemTime,
    ended_at: SystemTime,
    attributes: Vec<KeyValue>,
    error: Option<String>,
}

impl Telemetry {
    /// Gives the span to the exporter. Whether it is sampled follows from its trace, so nothing has to be decided before.
    fn tell(&self, over: Over) {
        let Over { error, .. } = over;
        let mut attributes = over.attributes;
        attributes.extend(
            error
                .clone()
                .map(|code| KeyValue::new(names::ERROR_TYPE, code)),
        );
        let builder = self.tracer.span_builder(over.name);
        let builder = builder
            .with_kind(over.kind.clone())
            .with_start_time(over.started_at)
            .with_attributes(attributes);
        let mut span = ids::given(over.trace, over.id, || {
            self.tracer.build_with_context(builder, &over.parent)
        });
        if let Some(code) = error {
            span.set_status(Status::error(code));
        }
        span.end_with_timestamp(over.ended_at.max(over.started_at));
    }

    /// One sandbox more or less.
    pub fn sandboxes(&self, difference: i64) {
        self.instruments.sandboxes.add(difference, &[]);
    }

    /// Something was asked for that the policy does not grant.
    pub fn denied(&self, capability: &'static str) {
        let capability = KeyValue::new(names::CAPABILITY, capability);
        self.instruments.denials.add(1, &[capability]);
    }
}

#[cfg(test)]
mod tests;
