//! The agent that changes code until a check is green: it looks, edits, runs tests, reads errors, and repeats.
//!
//! The model decides what is done; the loop ([`swarm_flow_agent_loop`]) decides when it is over.
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
mod coding;

pub use agent::Coder;
