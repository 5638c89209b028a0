//! The ids of traces and spans, and which traces are sampled.
//!
//! | what | id |
//! |---|---|
//! | the trace of a run | the 16 bytes of its id; of an id in another form, a hash |
//! | a run's own span | a hash of the run's id |
//! | an attempt at a task | a hash of run, index and attempt |
//! | everything else | random |

use opentelemetry::Context;
use opentelemetry::KeyValue;
use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SamplingResult, ShouldSample};
use std::cell::Cell;

pub(crate) fn trace_of(run: &str) -> TraceId {
    let digits = run.strip_prefix("run_").unwrap_or_default();
    let is_id = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let told = is_id.then(|| TraceId::from_hex(digits).ok()).flatten();
    told.filter(|trace| *trace != TraceId::INVALID)
        .unwrap_or_else(|| TraceId::from_bytes(hashed(run.as_bytes())))
}

pub(crate) fn span_of_run(run: &str) -> SpanId {
    SpanId::from_bytes(hashed(run.as_bytes()))
}

pub(crate) fn span_of_attempt(run: &str, index: u32, attempt: u32) -> SpanId {
    SpanId::from_bytes(hashed(format!("{run}/{index}/{attempt}").as_bytes()))
}

fn hashed<const LENGTH: usize>(text: &[u8]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let mut output = blake3::Hasher::new().update(text).finalize_xof();
    output.fill(&mut bytes);
    bytes
}

/// The parent of spans of a run, which may be told by another process, later, or never.
pub(crate) fn within_run(run: &str, parent: SpanId) -> Context {
    let parent = SpanContext::new(
        trace_of(run),
        parent,
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    );
    Context::new()
        .with_remote_span_context(parent)
        .with_value(Derived)
}

/// In a context whose parent no sampler has seen.
struct Derived;

thread_local! {
    static TRACE: Cell<Option<TraceId>> = const { Cell::new(None) };
    static SPAN: Cell<Option<SpanId>> = const { Cell::new(None) };
}

/// Makes a span with these ids. The SDK asks its generator for them on this thread before `make` returns.
pub(crate) fn given<R>(
    trace: Option<TraceId>,
    span: Option<SpanId>,
    make: impl FnOnce() -> R,
) -> R {
    TRACE.set(trace);
    SPAN.set(span);
    let made = make();
    TRACE.set(None);
    SPAN.set(None);
    made
}

#[derive(Debug, Default)]
pub(crate) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        TRACE.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        SPAN.take().unwrap_or_else(|| self.0.new_span_id())
    }
}

/// The sampler that the operator chose, for which the spans of a run are those of a trace that begins here: each process comes
/// to the same decision, and a run is sampled as a whole.
#[derive(Clone, Debug)]
pub(crate) struct ByRun(pub(crate) Box<dyn ShouldSample>);

impl ShouldSample for ByRun {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let is_real = |context: &&Context| {
            context.span().span_context().is_valid() && context.get::<Derived>().is_none()
        };
        match parent.filter(is_real) {
            Some(parent) => {
                self.0
                    .should_sample(Some(parent), trace, name, kind, attributes, links)
            }
            // A ratio is taken of the trace's last bytes, of which those of a UUID are not random.
            None => {
                let spread = TraceId::from_bytes(hashed(&trace.to_bytes()));
                self.0
                    .should_sample(None, spread, name, kind, attributes, links)
            }
        }
    }
}
