//! What the tests stand on: where the artefacts are, and a running `swarm-flow` to talk to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops at the first thing that is not as it should be"
)]

pub mod aimock;
pub mod artefact;
pub mod events;
pub mod mcp;
pub mod project;
pub mod raw;
pub mod runner;
pub mod sandbox;
pub mod server;
mod spin;
pub mod survive;
