//! The component `workspace`: workspaces, the runners that hold them, and the events of everything.
//!
//! It decides and remembers; what touches files or runs code is asked of the runner over HTTP (`swarm_flow_wire`).
//! Everything but `bindings` is plain Rust over two traits (a database, a wire) and tested natively. It holds no state between calls and refuses what is malformed before it calls anyone.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod audit;
mod bindings;
mod command;
mod execution;
mod fault;
mod files;
mod input;
mod lifecycle;
mod model;
mod policies;
mod programs;
mod remote;
mod runners;
mod secrets;
mod store;

#[cfg(test)]
mod tests;
