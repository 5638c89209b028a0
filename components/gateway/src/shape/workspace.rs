//! Workspaces.

use crate::bindings::workspace as wit;
use crate::shape::policy::{Choice, Named};
use serde::{Deserialize, Serialize};
use swarm_flow_protocol::Environment;
use swarm_flow_protocol::time::rfc3339;

/// `POST /workspaces`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    pub name: String,
    #[serde(default = "python")]
    pub environment: String,
    #[serde(default)]
    pub policy: Choice,
}

fn python() -> String {
    "python".to_owned()
}

impl Create {
    pub fn into_wit(self, policy: Named, idempotency_key: Option<String>) -> wit::WorkspaceConfig {
        wit::WorkspaceConfig {
            name: self.name,
            environment: self.environment,
            policy_name: policy.name,
            policy_version: policy.version,
            policy: policy.policy.into(),
            idempotency_key,
        }
    }
}

#[derive(Serialize)]
pub struct Workspace {
    id: String,
    name: String,
    environment: Environment,
    policy: Named,
    resources: Resources,
    state: &'static str,
    runner: String,
    revision: u64,
    created_at: String,
    updated_at: String,
}

/// What a workspace may use, so that nobody has to look into its policy.
#[derive(Serialize)]
struct Resources {
    memory_bytes: u64,
    cpu_time_ms: u64,
    wall_time_ms: u64,
    disk_bytes: u64,
    sandboxes: u32,
    handles: u32,
}

impl From<wit::Workspace> for Workspace {
    fn from(workspace: wit::Workspace) -> Self {
        let limits = workspace.policy.limits;
        Self {
            id: workspace.id,
            name: workspace.name,
            environment: workspace.environment.into(),
            policy: Named {
                name: workspace.policy_name,
                version: workspace.policy_version,
                policy: workspace.policy.into(),
                created_at: None,
            },
            resources: Resources {
                memory_bytes: limits.memory_bytes,
                cpu_time_ms: limits.cpu_time_ms,
                wall_time_ms: limits.wall_time_ms,
                disk_bytes: limits.disk_bytes,
                sandboxes: limits.sandboxes,
                handles: limits.handles,
            },
            state: match workspace.state {
                wit::State::Started => "started",
                wit::State::Stopped => "stopped",
            },
            runner: workspace.runner,
            revision: workspace.revision,
            created_at: rfc3339(workspace.created_at_ms),
            updated_at: rfc3339(workspace.updated_at_ms),
        }
    }
}
