//! A sandbox: one WebAssembly component, run under one policy.
//!
//! Three lifetimes: the [`Engine`] once per process, a [`Program`] once per component, a sandbox once per
//! run. What a policy does not grant is not there: a guest sees the directories that were opened for it, no
//! sockets, and of HTTP what the policy's network part allows. What a sandbox uses is metered as it runs and
//! ends it at the limit.
//!
//! This crate does not know workspaces, HTTP routes or agents.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod compiled;
mod dial;
mod egress;
mod engine;
mod guest;
mod meter;
mod output;
mod program;
mod run;
mod streams;
mod ticker;

pub use compiled::CompiledCache;
pub use egress::Egress;
pub use engine::Engine;
pub use guest::{Guest, GuestView};
pub use meter::Usage;
pub use output::{Output, OutputChunk, Stream};
pub use program::{Program, linker};
pub use run::{Directory, End, Ended, Grants, run};
