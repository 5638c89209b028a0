//! What a runner is told with a lease.

use super::{inputs, task};
use crate::bindings::work::{Lease, LeaseId, Successor};
use crate::store::{Details, Following};

pub fn lease(details: Details, fence: u64, expires_at_ms: u64, following: Vec<Following>) -> Lease {
    let successors = following.into_iter();
    let successors = successors.map(|following| successor(&details.run, following));
    Lease {
        successors: successors.collect(),
        id: LeaseId {
            run_id: details.run,
            index: details.index,
            fence,
        },
        task: task(details.task),
        inputs: inputs(details.inputs),
        agent: details.agent,
        workspace: details.workspace,
        environment: details.environment,
        policy: details.policy.into(),
        attempt: details.failures + 1,
        timeout_ms: details.timeout_ms,
        cpu_time_us: details.cpu_time_us,
        ends_at_ms: details.ends_at_ms,
        expires_at_ms,
    }
}

fn successor(run: &str, following: Following) -> Successor {
    Successor {
        id: LeaseId {
            run_id: run.to_owned(),
            index: following.index,
            fence: following.fence + 1,
        },
        task: task(following.task),
        agent: following.agent,
        attempt: following.failures + 1,
        timeout_ms: following.timeout_ms,
    }
}
