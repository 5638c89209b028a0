//! The agent that reviews a change: findings with severity, file and line, as JSON. It changes nothing.
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
mod change;
mod findings;

pub use agent::Reviewer;
