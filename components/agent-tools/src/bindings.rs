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

pub use exports::swarm_flow::core::{
    binding, delegation, human, inputs, locks, memory, messages, model, progress, tools,
};
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

/// What needs other tasks of a run, or somebody who waits for it.
impl locks::Guest for AgentTools {
    fn acquire(_: String, _: locks::LockMode, _: Option<u64>) -> Result<(), types::Error> {
        Err(no_run())
    }

    fn release(_: String) -> Result<(), types::Error> {
        Err(no_run())
    }
}

impl messages::Guest for AgentTools {
    fn send(_: Option<String>, _: String) -> Result<(), types::Error> {
        Err(no_run())
    }

    fn receive(_: Vec<String>, _: Option<u64>) -> Result<Option<messages::Message>, types::Error> {
        Err(no_run())
    }

    fn request(_: String, _: String, _: Option<u64>) -> Result<String, types::Error> {
        Err(no_run())
    }

    fn reply(_: u64, _: String) -> Result<(), types::Error> {
        Err(no_run())
    }
}

impl delegation::Guest for AgentTools {
    fn delegate(_: Vec<delegation::Child>) -> Result<Vec<String>, types::Error> {
        Err(no_run())
    }

    fn join(_: Vec<String>, _: Option<u64>) -> Result<Vec<inputs::Input>, types::Error> {
        Err(no_run())
    }
}

impl human::Guest for AgentTools {
    fn ask(_: human::Question) -> Result<human::Answer, types::Error> {
        Err(no_run())
    }
}

/// Nobody looks on.
impl progress::Guest for AgentTools {
    fn report(_: String, _: Option<f32>) {}
}

/// The keys are the runners'.
impl model::Guest for AgentTools {
    fn chat(_: model::Request) -> Result<model::Response, model::ModelError> {
        Err(model::ModelError::NotConfigured(
            "models are with the runners, and the app itself runs this task; submit it as a run"
                .to_owned(),
        ))
    }

    fn models() -> Vec<model::ModelInfo> {
        Vec::new()
    }
}

fn no_run() -> types::Error {
    types::Error::Conflict(
        "no-run: the task belongs to no run, and so it can neither wait nor reach other tasks; submit it as a run"
            .to_owned(),
    )
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
