//! The agent that judges: it votes for an option, decides a debate, or says whether a result meets criteria.
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
mod judgement;

pub use agent::Judge;
