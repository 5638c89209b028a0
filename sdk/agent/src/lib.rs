//! Agents for Swarm Flow: a type that does tasks becomes a component that a runner can run.
//!
//! ```
//! use serde::Deserialize;
//! use swarm_flow_agent::{Agent, AgentError, Task, TaskResult, tools};
//!
//! #[derive(Deserialize)]
//! struct Context {
//!     script: String,
//! }
//!
//! struct Counter;
//!
//! impl Agent for Counter {
//!     const NAME: &'static str = "counter";
//!     const VERSION: &'static str = env!("CARGO_PKG_VERSION");
//!
//!     fn execute(task: Task) -> Result<TaskResult, AgentError> {
//!         let asked: Context = task.context_as()?;
//!         let done = tools::exec(["python", &asked.script]).env("ROUNDS", "3").run()?;
//!         if !done.success() {
//!             return Ok(TaskResult::failure(done.stderr_text()));
//!         }
//!         let lines = tools::read_to_string("out.txt")?.lines().count();
//!         Ok(TaskResult::success(format!("{lines} lines")).artifact("out.txt"))
//!     }
//! }
//!
//! swarm_flow_agent::export!(Counter);
//! ```
//!
//! The crate is a `cdylib`, built with `cargo build --release --target wasm32-wasip2`. What of the platform an agent
//! may use is one module each: [`tools`], [`inputs`], [`memory`], [`locks`], [`messages`], [`delegation`], [`human`],
//! [`progress`] and [`model`]; a module that is not called leaves no import in the component, so the agent also runs where that import is not given.
//!
//! Beside them an agent has WASI's clocks, randomness and standard library, but no file, variable or socket: what it
//! knows of the workspace comes by its tools. Outside of WebAssembly the crate compiles, so that an agent's own logic
//! can be tested natively; a call of a tool panics there.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

#[doc(hidden)]
pub mod bindings;
pub mod delegation;
mod error;
mod export;
pub mod human;
pub mod inputs;
pub mod locks;
pub mod memory;
pub mod messages;
pub mod model;
pub mod progress;
mod result;
mod task;
pub mod tools;

pub use bindings::exports::swarm_flow::core::agent::{
    AgentError, Health, PerformanceMetrics, Task, TaskResult,
};

/// Something that does tasks. It has no state: each task gets an instance of its own.
pub trait Agent {
    /// What the agent calls itself. Swarms know it by the name under which it was added, which is best the same.
    const NAME: &'static str;
    /// `env!("CARGO_PKG_VERSION")`, for most.
    const VERSION: &'static str;
    /// How a task's context must look, as a JSON Schema of 16 KiB at most; none when it is free text.
    const CONTEXT_SCHEMA: Option<&'static str> = None;

    /// What a task's requirements can name: 64 at most, each of 63 bytes at most. A task that requires another one is
    /// refused before [`Agent::execute`] sees it.
    #[must_use]
    fn capabilities() -> &'static [&'static str] {
        &[]
    }

    /// Does a task. What was tried and failed is a [`TaskResult::failure`]; an error says that it could not be tried
    /// to its end.
    ///
    /// # Errors
    ///
    /// Those of the tools, by `?`, and what the agent finds wrong with the task.
    fn execute(task: Task) -> Result<TaskResult, AgentError>;

    /// Whether the agent works. It is asked outside of a task, without a workspace.
    #[must_use]
    fn health_check() -> Health {
        Health::Healthy
    }
}

/// The examples of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

#[doc(hidden)]
pub mod __private {
    //! What [`export!`](crate::export) expands to. No part of the interface.

    pub use crate::export::Exported;

    /// An agent is one on every target, though it is exported on one.
    pub const fn check<A: crate::Agent>() {}
}
