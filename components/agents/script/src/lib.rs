//! The agent that runs a command, or a list of them: a task's `context` names it, the workspace of the task is where it runs.
//!
//! It decides nothing that a model would: the exit code and the artifacts say whether a task was done. It
//! imports `tools` and no more, so that one file serves in a runner and in the app.
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
mod children;
mod context;
mod list;
mod outcome;

pub use agent::Script;
