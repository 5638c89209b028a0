//! A policy that is narrowed while a sandbox runs under it: what the guest holds is taken, what the change does not concern
//! stays, and a policy that is widened gives it nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "live/files.rs"]
mod files;
#[path = "live/guest.rs"]
mod guest;
#[path = "live/limits.rs"]
mod limits;
#[path = "live/network.rs"]
mod network;
#[path = "live/server.rs"]
mod server;
