//! What a runner leases and reports: the shapes of `swarm-flow-protocol`, and WIT's words for them.

use crate::bindings::{agent, swarm, work as wit};
use serde::{Deserialize, Serialize};
use swarm_flow_protocol::{AgentError, Lease, LeaseId, TaskResult};

/// `POST /runners/{id}/leases`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acquire {
    pub most: u32,
}

#[derive(Serialize)]
pub struct Leases {
    pub leases: Vec<Lease>,
}

/// `POST /runners/{id}/leases/renew`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    pub leases: Vec<LeaseId>,
}

#[derive(Serialize)]
pub struct Lost {
    pub lost: Vec<LeaseId>,
}

pub fn lease(lease: wit::Lease) -> Lease {
    Lease {
        id: LeaseId {
            run_id: lease.run_id,
            index: lease.index,
            fence: lease.fence,
        },
        task: lease.task.into(),
        agent: lease.agent,
        workspace: lease.workspace,
        environment: lease.environment,
        policy: lease.policy.into(),
        expires_at_ms: lease.expires_at_ms,
    }
}

pub fn outcome(
    outcome: Result<TaskResult, AgentError>,
) -> Result<agent::TaskResult, swarm::TaskFailure> {
    outcome
        .map(Into::into)
        .map_err(|AgentError { code, message }| swarm::TaskFailure { code, message })
}
