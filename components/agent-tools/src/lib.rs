//! The tools of an agent that runs in the app: each is a call of the component `workspace`, on the workspace that was
//! bound.
//!
//! In a runner the host itself meets an agent's `tools`; here this component does, composed with the agent
//! and the component `workspace` at build time. A command goes with the workspace's policy to the runner, which holds it to
//! that. Files are asked for by the API's own way, which has no policy; so here is decided, as in a runner, whether
//! a program of the workspace could do the same. Without a bound workspace every tool is refused.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod binding;
mod bindings;
mod tools;
