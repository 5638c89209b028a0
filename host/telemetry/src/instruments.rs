//! What is measured.

use crate::names;
use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};

/// Seconds: those that the GenAI conventions recommend for an operation.
const OPERATIONS: [f64; 14] = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];
/// The same, of tokens.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// The same, of the HTTP conventions.
const REQUESTS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

pub(crate) struct Instruments {
    pub(crate) workflow: Histogram<f64>,
    pub(crate) agent: Histogram<f64>,
    pub(crate) tool: Histogram<f64>,
    pub(crate) client: Histogram<f64>,
    pub(crate) tokens: Histogram<u64>,
    pub(crate) request: Histogram<f64>,
    pub(crate) sandboxes: UpDownCounter<i64>,
    pub(crate) tasks: Counter<u64>,
    pub(crate) denials: Counter<u64>,
}

impl Instruments {
    pub(crate) fn new(meter: &Meter) -> Self {
        let seconds = |name, description: &'static str, boundaries: &[f64]| {
            meter
                .f64_histogram(name)
                .with_unit("s")
                .with_description(description)
                .with_boundaries(boundaries.to_vec())
                .build()
        };
        let count = |name, unit: &'static str, description: &'static str| {
            let counter = meter.u64_counter(name);
            counter
                .with_unit(unit)
                .with_description(description)
                .build()
        };
        Self {
            workflow: seconds(names::WORKFLOW_DURATION, "Runs of swarms", &OPERATIONS),
            agent: seconds(
                names::INVOKE_AGENT_DURATION,
                "Attempts at tasks",
                &OPERATIONS,
            ),
            tool: seconds(names::EXECUTE_TOOL_DURATION, "Calls of tools", &OPERATIONS),
            client: seconds(names::CLIENT_DURATION, "Calls of models", &OPERATIONS),
            tokens: meter
                .u64_histogram(names::CLIENT_TOKENS)
                .with_unit("{token}")
                .with_description("What calls of models read and said")
                .with_boundaries(TOKENS.to_vec())
                .build(),
            request: seconds(
                names::REQUEST_DURATION,
                "Requests that the app answered",
                &REQUESTS,
            ),
            sandboxes: meter
                .i64_up_down_counter(names::SANDBOXES)
                .with_unit("{sandbox}")
                .with_description("Sandboxes that run")
                .build(),
            tasks: count(names::TASKS, "{task}", "Attempts at tasks that ended"),
            denials: count(
                names::DENIALS,
                "{denial}",
                "What sandboxes asked for and were not granted",
            ),
        }
    }
}
