//! Agents: components that export `swarm-flow:core/agent`, each task in a sandbox of its own.

use crate::audit;
use crate::tools::Tools;
use swarm_flow_audit::Trail;
use swarm_flow_policy::{Limits, Network};
use swarm_flow_protocol as protocol;
use swarm_flow_sandbox::undo::Changes;
use swarm_flow_sandbox::{
    Decisions, Determined, Egress, End, Ended, Engine, Grants, Guest, Output, Secrets, run,
};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Result, error::Context};

pub(crate) mod bindings {
    //! What the WIT world `agent-component` is in Rust.

    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "swarm-flow:core/agent-component",
        imports: { default: async | trappable },
        exports: { default: async },
    });
}

use bindings::exports::swarm_flow::core::agent as wit;

protocol::convert_agent!(wit);

/// An agent, compiled and linked.
#[derive(Clone)]
pub(crate) struct Agent {
    engine: Engine,
    /// Of the component's bytes.
    pub(crate) digest: blake3::Hash,
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

/// What an agent imports beside WASI.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Guest<Tools>>> {
    let mut linker = swarm_flow_sandbox::linker::<Tools>(engine)?;
    bindings::swarm_flow::core::tools::add_to_linker::<_, HasSelf<Tools>>(&mut linker, |guest| {
        &mut guest.imports
    })?;
    bindings::swarm_flow::core::memory::add_to_linker::<_, HasSelf<Tools>>(&mut linker, |guest| {
        &mut guest.imports
    })?;
    bindings::swarm_flow::core::inputs::add_to_linker::<_, HasSelf<Tools>>(&mut linker, |guest| {
        &mut guest.imports
    })?;
    bindings::swarm_flow::core::locks::add_to_linker::<_, HasSelf<Tools>>(&mut linker, |guest| {
        &mut guest.imports
    })?;
    bindings::swarm_flow::core::messages::add_to_linker::<_, HasSelf<Tools>>(
        &mut linker,
        |guest| &mut guest.imports,
    )?;
    bindings::swarm_flow::core::delegation::add_to_linker::<_, HasSelf<Tools>>(
        &mut linker,
        |guest| &mut guest.imports,
    )?;
    bindings::swarm_flow::core::human::add_to_linker::<_, HasSelf<Tools>>(&mut linker, |guest| {
        &mut guest.imports
    })?;
    bindings::swarm_flow::core::progress::add_to_linker::<_, HasSelf<Tools>>(
        &mut linker,
        |guest| &mut guest.imports,
    )?;
    bindings::swarm_flow::core::model::add_to_linker::<_, HasSelf<Tools>>(&mut linker, |guest| {
        &mut guest.imports
    })?;
    bindings::swarm_flow::core::types::add_to_linker::<_, HasSelf<Tools>>(&mut linker, |guest| {
        &mut guest.imports
    })?;
    Ok(linker)
}

impl Agent {
    pub(crate) fn new(
        engine: &Engine,
        component: &Component,
        digest: blake3::Hash,
    ) -> Result<Self> {
        let pre = linker(engine)?
            .instantiate_pre(component)
            .context("the component asks for an import that an agent does not have")?;
        let component = bindings::AgentComponentPre::new(pre)
            .context("the component does not export `swarm-flow:core/agent`")?;
        Ok(Self {
            engine: engine.clone(),
            digest,
            component,
        })
    }

    /// What it says of itself: its version and what it can.
    pub(crate) async fn capabilities(
        &self,
        mut tools: Tools,
        trail: Trail,
    ) -> Result<(String, protocol::AgentProfile), String> {
        tools.recording = Some(trail.recording());
        let mut grants = grants(audit::decisions(&trail));
        grants.limits.cpu_time_ms = ASKED_CPU_TIME_MS;
        grants.limits.wall_time_ms = ASKED_CPU_TIME_MS;
        let ended = run(&self.engine, grants, tools, async |store| {
            let agent = self.component.instantiate_async(&mut *store).await?;
            agent
                .swarm_flow_core_agent()
                .call_get_capabilities(store)
                .await
        })
        .await;
        trail.end(audit::sandbox_ended(&ended));
        let said = returned(ended)
            .map_err(|error| format!("it was asked for its capabilities: {}", error.message))?;
        let profile = protocol::AgentProfile {
            capabilities: said.capabilities,
            context_schema: said.context_schema,
        };
        check(&profile)?;
        Ok((said.version, profile))
    }

    /// Does a task with these tools.
    pub(crate) async fn execute(
        &self,
        task: &protocol::Task,
        mut tools: Tools,
        trail: Trail,
    ) -> Result<protocol::TaskResult, protocol::AgentError> {
        let task = task.clone().into();
        let spending = tools.spending.clone();
        tools.recording = Some(trail.recording());
        let mut grants = grants(audit::decisions(&trail));
        grants.determined = tools.journal.clone().map(|journal| Determined {
            seed: journal.seed(),
            clock: journal,
        });
        let limits = &mut grants.limits;
        match spending.cpu_ms_left() {
            // What was put aside is less than a limit can be.
            Some(0) => {
                spending.exceed();
                return Err(failure("budget_exceeded", String::new()));
            }
            Some(left) => limits.cpu_time_ms = limits.cpu_time_ms.min(left),
            None => {}
        }
        let ended = run(&self.engine, grants, tools, async |store| {
            let agent = self.component.instantiate_async(&mut *store).await?;
            agent
                .swarm_flow_core_agent()
                .call_execute_task(store, &task)
                .await
        })
        .await;
        trail.end(audit::sandbox_ended(&ended));
        if let Ok(ended) = &ended {
            spending.add_cpu(ended.usage.cpu_ms);
            let out_of_cpu = matches!(
                &ended.end,
                End::Limit {
                    name: "cpu_time",
                    ..
                }
            );
            if out_of_cpu && spending.cpu_ms_left() == Some(0) {
                spending.exceed();
            }
        }
        match returned(ended)? {
            Ok(result) => Ok(result.into()),
            Err(error) => Err(agent_error(error)),
        }
    }
}

/// What an agent's function returned, or why it did not.
fn returned<R>(ended: Result<Ended<R>>) -> Result<R, protocol::AgentError> {
    let why = match ended.map(|ended| ended.end) {
        Ok(End::Returned(returned)) => return Ok(returned),
        Ok(End::Exited(code)) => format!("the agent exited with code {code}"),
        Ok(End::Trapped(message) | End::Revoked(message)) => message,
        Ok(End::Limit {
            name,
            used,
            allowed,
        }) => format!("the agent used {used} of {allowed} {name}"),
        Err(error) => format!("the agent cannot be started: {error:#}"),
    };
    Err(failure("trapped", why))
}

/// So much of a profile is passed around and shown.
fn check(profile: &protocol::AgentProfile) -> Result<(), String> {
    let schema = profile.context_schema.as_deref().unwrap_or_default();
    if profile.capabilities.len() > CAPABILITIES_MAX
        || profile
            .capabilities
            .iter()
            .any(|name| name.is_empty() || name.len() > CAPABILITY_BYTES_MAX)
    {
        return Err(format!(
            "an agent has {CAPABILITIES_MAX} capabilities at most, each of 1 to {CAPABILITY_BYTES_MAX} bytes"
        ));
    }
    if schema.len() > SCHEMA_BYTES_MAX {
        return Err(format!(
            "an agent's context schema has {SCHEMA_BYTES_MAX} bytes at most, not {}",
            schema.len()
        ));
    }
    Ok(())
}

const CAPABILITIES_MAX: usize = 64;
const CAPABILITY_BYTES_MAX: usize = 63;
const SCHEMA_BYTES_MAX: usize = 16 << 10;
/// What an agent may take to say what it is.
const ASKED_CPU_TIME_MS: u64 = 10_000;

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
        changes: Changes::Alone,
        idempotency: None,
        live: None,
        determined: None,
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
