//! What wit-bindgen makes of the world `agent-tools-component`. Nothing of it is seen outside this crate.
#![allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    unsafe_op_in_unsafe_fn,
    reason = "the code is generated"
)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "swarm-flow:core/agent-tools-component",
    generate_all,
});

pub use exports::swarm_flow::core::{binding, inputs, memory, tools};
pub use swarm_flow::core::{policy, runners, types, workspace};

swarm_flow_protocol::convert_types!(types);
swarm_flow_protocol::convert_policy!(policy);

/// The component. Its only state is the bound workspace, see `binding`.
pub struct AgentTools;

// The names of exported functions are no symbols that a native linker takes.
#[cfg(target_family = "wasm")]
export!(AgentTools with_types_in self);

impl binding::Guest for AgentTools {
    fn bind(workspace_id: String) -> Result<(), types::Error> {
        crate::binding::bind(&workspace_id)
    }

    fn unbind() {
        crate::binding::unbind();
    }
}

/// A task that the app itself runs belongs to no run.
impl inputs::Guest for AgentTools {
    fn get() -> Vec<inputs::Input> {
        Vec::new()
    }
}

/// It has no swarm either.
impl memory::Guest for AgentTools {
    fn get(_: memory::Scope, _: String) -> Result<Option<memory::Entry>, types::Error> {
        Err(no_memory())
    }

    fn put(_: memory::Scope, _: String, _: String, _: Option<u64>) -> Result<u64, types::Error> {
        Err(no_memory())
    }

    fn delete(_: memory::Scope, _: String, _: Option<u64>) -> Result<(), types::Error> {
        Err(no_memory())
    }

    fn list(
        _: memory::Scope,
        _: String,
        _: Option<String>,
    ) -> Result<Vec<memory::Entry>, types::Error> {
        Err(no_memory())
    }
}

fn no_memory() -> types::Error {
    types::Error::Conflict(
        "no-memory: the task belongs to no swarm, and so it has no memory; submit it as a run"
            .to_owned(),
    )
}

impl tools::Guest for AgentTools {
    fn exec(command: types::Command) -> Result<types::ExecResult, types::Error> {
        crate::tools::exec(&command)
    }

    fn read_file(path: String) -> Result<Vec<u8>, types::Error> {
        crate::tools::read_file(&path)
    }

    fn write_file(path: String, bytes: Vec<u8>) -> Result<(), types::Error> {
        crate::tools::write_file(&path, &bytes)
    }

    fn list_files(path: String, recursive: bool) -> Result<Vec<types::FileInfo>, types::Error> {
        crate::tools::list_files(&path, recursive)
    }
}
