//! The agent that finds things out: it fetches pages from hosts that the policy grants, and reports with its sources.
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
mod fetch;
mod page;
mod sources;

pub use agent::Researcher;
