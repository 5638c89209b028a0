//! Swarms of agents: what they are, the runs of their tasks, and how runners come by these tasks.
//!
//! A run is a stream of events (`event`), what follows on what is decided without I/O (`decide`), and the
//! database holds writers apart: each change is one statement that fails when someone else was first, and
//! is then decided again. Nothing here runs by itself. Whether a lease has expired is decided when a runner
//! asks for work.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod bindings;
mod budget;
mod call;
mod config;
mod convert;
mod deadlock;
mod decide;
mod error;
mod event;
mod locks;
mod memory;
mod page;
mod plan;
mod question;
mod replay;
mod run;
mod store;
mod strategy;
mod swarm;
mod wake;
mod work;
