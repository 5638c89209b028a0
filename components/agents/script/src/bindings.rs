//! What wit-bindgen makes of the world `agent-component`. Nothing of it is seen outside this crate.
#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    unsafe_op_in_unsafe_fn,
    reason = "the code is generated"
)]

wit_bindgen::generate!({
    path: "../../../wit",
    world: "swarm-flow:core/agent-component",
    generate_all,
});

// The names of exported functions are no symbols that a native linker takes.
#[cfg(target_family = "wasm")]
export!(Script with_types_in self);

#[cfg(target_family = "wasm")]
use crate::Script;

/// The host's tools, behind the trait that the agent is written against.
pub struct HostTools;

use swarm_flow::core::{tools, types};

impl crate::agent::Tools for HostTools {
    fn exec(&self, command: &types::Command) -> Result<types::ExecResult, types::Error> {
        tools::exec(command)
    }

    fn list_files(&self, path: &str) -> Result<Vec<types::FileInfo>, types::Error> {
        tools::list_files(path, false)
    }
}

impl exports::swarm_flow::core::agent::Guest for crate::Script {
    fn execute_task(
        task: exports::swarm_flow::core::agent::Task,
    ) -> Result<
        exports::swarm_flow::core::agent::TaskResult,
        exports::swarm_flow::core::agent::AgentError,
    > {
        crate::agent::execute(&HostTools, &task)
    }

    fn get_capabilities() -> exports::swarm_flow::core::agent::AgentCapabilities {
        crate::agent::capabilities()
    }

    fn health_check() -> exports::swarm_flow::core::agent::Health {
        crate::agent::health(&HostTools)
    }
}
