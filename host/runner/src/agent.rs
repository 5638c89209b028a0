//! Agents: components that export `swarm-flow:core/agent`, each task in a sandbox of its own.

use crate::audit;
use crate::tools::Tools;
use swarm_flow_audit::Trail;
use swarm_flow_policy::{Limits, Network};
use swarm_flow_protocol as protocol;
use swarm_flow_sandbox::{
    Decisions, Egress, End, Engine, Grants, Guest, Output, Secrets, linker, run,
};
use wasmtime::component::{Component, HasSelf};
use wasmtime::{Result, error::Context};

pub(crate) mod bindings {
    //! What the WIT world `agent-component` is in Rust.

    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "swarm-flow:core/agent-component",
        imports: { default: async },
        exports: { default: async },
    });
}

use bindings::exports::swarm_flow::core::agent as wit;

protocol::convert_agent!(wit);

/// An agent, compiled and linked.
#[derive(Clone)]
pub(crate) struct Agent {
    engine: Engine,
    component: bindings::AgentComponentPre<Guest<Tools>>,
}

/// What an agent's own sandbox may use; what its tools run has the workspace's limits.
const LIMITS: Limits = Limits {
    memory_bytes: 256 << 20,
    cpu_time_ms: 60_000,
    wall_time_ms: 3_600_000,
    handles: 100,
    output_bytes: 64 << 10,
    disk_bytes: 1,
    sandboxes: 1,
};

impl Agent {
    pub(crate) fn new(engine: &Engine, component: &Component) -> Result<Self> {
        let mut linker = linker::<Tools>(engine)?;
        bindings::swarm_flow::core::tools::add_to_linker::<_, HasSelf<Tools>>(
            &mut linker,
            |guest| &mut guest.imports,
        )?;
        bindings::swarm_flow::core::types::add_to_linker::<_, HasSelf<Tools>>(
            &mut linker,
            |guest| &mut guest.imports,
        )?;
        let pre = linker
            .instantiate_pre(component)
            .context("the component asks for an import that an agent does not have")?;
        let component = bindings::AgentComponentPre::new(pre)
            .context("the component does not export `swarm-flow:core/agent`")?;
        Ok(Self {
            engine: engine.clone(),
            component,
        })
    }

    /// Does a task with these tools.
    pub(crate) async fn execute(
        &self,
        task: &protocol::Task,
        mut tools: Tools,
        trail: Trail,
    ) -> Result<protocol::TaskResult, protocol::AgentError> {
        let task = task.clone().into();
        tools.recording = Some(trail.recording());
        let grants = grants(audit::decisions(&trail));
        let ended = run(&self.engine, grants, tools, async |store| {
            let agent = self.component.instantiate_async(&mut *store).await?;
            agent
                .swarm_flow_core_agent()
                .call_execute_task(store, &task)
                .await
        })
        .await;
        trail.end(audit::agent_ended(&ended));
        match ended.map(|ended| ended.end) {
            Ok(End::Returned(Ok(result))) => Ok(result.into()),
            Ok(End::Returned(Err(error))) => Err(agent_error(error)),
            Ok(End::Exited(code)) => Err(failure(
                "trapped",
                format!("the agent exited with code {code}"),
            )),
            Ok(End::Trapped(message) | End::Revoked(message)) => Err(failure("trapped", message)),
            Ok(End::Limit {
                name,
                used,
                allowed,
            }) => Err(failure(
                "trapped",
                format!("the agent used {used} of {allowed} {name}"),
            )),
            Err(error) => Err(failure(
                "trapped",
                format!("the agent cannot be started: {error:#}"),
            )),
        }
    }
}

/// An agent reaches the world by its imports alone.
fn grants(decisions: Decisions) -> Grants {
    Grants {
        arguments: Vec::new(),
        environment: Vec::new(),
        cwd: "/".to_owned(),
        stdin: bytes::Bytes::new().into(),
        stdout: Output::collected(LIMITS.output_bytes),
        stderr: Output::collected(LIMITS.output_bytes),
        directories: Vec::new(),
        egress: Egress::new(Network::None, [].into()),
        secrets: Secrets::default(),
        sockets: None,
        decisions: Some(decisions),
        disk: None,
        live: None,
        family: None,
        limits: LIMITS,
    }
}

fn agent_error(error: wit::AgentError) -> protocol::AgentError {
    match error {
        wit::AgentError::InvalidTask(message) => failure("invalid_task", message),
        wit::AgentError::LacksCapabilities(names) => {
            failure("lacks_capabilities", names.join(", "))
        }
        wit::AgentError::ToolUnavailable(message) => failure("tool_unavailable", message),
        wit::AgentError::Denied(message) => failure("denied", message),
    }
}

pub(crate) fn failure(code: &str, message: String) -> protocol::AgentError {
    protocol::AgentError {
        code: code.to_owned(),
        message,
    }
}
