//! The agent that splits work into tasks of the run, for a swarm whose strategy is `hierarchical`.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod agent;
mod plan;

pub use agent::Planner;
