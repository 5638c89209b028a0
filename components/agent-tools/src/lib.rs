//! The tools of an agent that runs in the app: each is a call of the component `workspace`, on the workspace that was
//! bound.
//!
//! In a runner the host itself meets an agent's `tools`; here this component does, composed with the agent
//! and the component `workspace` at build time. It decides nothing: the workspace's policy goes along with each command,
//! and the runner holds the command to it. Without a bound workspace every tool is refused.
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
