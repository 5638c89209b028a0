//! What a runner leases and reports: the shapes of `swarm-flow-protocol`, and WIT's words for them.

use crate::bindings::{agent, swarm, work as wit};
use crate::shape::policy;
use serde::{Deserialize, Serialize};
use swarm_flow_protocol::{AgentError, Lease, LeaseId, Task, TaskResult};

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
    let agent::Task {
        id,
        description,
        requirements,
        context,
    } = lease.task;
    Lease {
        id: LeaseId {
            run_id: lease.run_id,
            index: lease.index,
            fence: lease.fence,
        },
        task: Task {
            id,
            description,
            requirements,
            context,
        },
        agent: lease.agent,
        workspace: lease.workspace,
        environment: lease.environment,
        policy: policy::from_wit(lease.policy),
        expires_at_ms: lease.expires_at_ms,
    }
}

pub fn id_to_wit(id: LeaseId) -> wit::LeaseId {
    wit::LeaseId {
        run_id: id.run_id,
        index: id.index,
        fence: id.fence,
    }
}

pub fn id_from_wit(id: wit::LeaseId) -> LeaseId {
    LeaseId {
        run_id: id.run_id,
        index: id.index,
        fence: id.fence,
    }
}

pub fn outcome(
    outcome: Result<TaskResult, AgentError>,
) -> Result<agent::TaskResult, swarm::TaskFailure> {
    match outcome {
        Ok(result) => Ok(agent::TaskResult {
            success: result.success,
            output: result.output,
            artifacts: result.artifacts,
            metrics: result.metrics.map(|metrics| agent::PerformanceMetrics {
                execution_time: metrics.execution_time,
                memory_usage: metrics.memory_usage,
                cpu_usage: metrics.cpu_usage,
            }),
        }),
        Err(error) => Err(swarm::TaskFailure {
            code: error.code,
            message: error.message,
        }),
    }
}
