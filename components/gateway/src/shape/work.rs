//! What a runner leases and reports: the shapes of `swarm-flow-protocol`, and WIT's words for them.

use crate::bindings::work as wit;
use serde::{Deserialize, Serialize};
use swarm_flow_protocol::{Exchanged, Lease, LeaseId, MemoryAnswer, MemoryCall, Report};

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

pub fn exchanged(exchanged: wit::Exchanged) -> Exchanged {
    Exchanged {
        lost: exchanged.lost.into_iter().map(Into::into).collect(),
        leases: exchanged.leases.into_iter().map(lease).collect(),
    }
}

fn lease(lease: wit::Lease) -> Lease {
    Lease {
        id: lease.id.into(),
        task: lease.task.into(),
        inputs: lease.inputs.into_iter().map(Into::into).collect(),
        agent: lease.agent,
        workspace: lease.workspace,
        environment: lease.environment,
        policy: lease.policy.into(),
        attempt: lease.attempt,
        timeout_ms: lease.timeout_ms,
        expires_at_ms: lease.expires_at_ms,
    }
}

pub fn report(report: Report) -> wit::Report {
    wit::Report {
        lease: report.lease.into(),
        outcome: report.outcome.map(Into::into).map_err(Into::into),
    }
}

pub fn memory_call(call: MemoryCall) -> wit::MemoryCall {
    let write = |scope: swarm_flow_protocol::MemoryScope, key, value, expected| wit::MemoryWrite {
        scope: scope.into(),
        key,
        value,
        expected,
    };
    match call {
        MemoryCall::Get { scope, key } => wit::MemoryCall::Get(wit::MemoryKey {
            scope: scope.into(),
            key,
        }),
        MemoryCall::Put {
            scope,
            key,
            value,
            expected,
        } => wit::MemoryCall::Put(write(scope, key, value, expected)),
        MemoryCall::Delete {
            scope,
            key,
            expected,
        } => wit::MemoryCall::Delete(write(scope, key, String::new(), expected)),
        MemoryCall::List {
            scope,
            prefix,
            after,
        } => wit::MemoryCall::List(wit::MemoryList {
            scope: scope.into(),
            prefix,
            after,
        }),
    }
}

pub fn memory_answer(answer: wit::MemoryAnswer) -> MemoryAnswer {
    match answer {
        wit::MemoryAnswer::Entries(entries) => {
            MemoryAnswer::Entries(entries.into_iter().map(Into::into).collect())
        }
        wit::MemoryAnswer::Revision(revision) => MemoryAnswer::Revision(revision),
    }
}
