//! What a runner leases and reports: the shapes of `swarm-flow-protocol`, and WIT's words for them.

use crate::bindings::work as wit;
use crate::shape::swarm::{run_state, strategy_name};
use serde::{Deserialize, Serialize};
use swarm_flow_protocol::{
    EndedRun, Exchanged, Lease, LeaseId, MemoryAnswer, MemoryCall, Report, Successor, TaskAnswer,
    TaskCall,
};

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
        ended_runs: exchanged.ended_runs.into_iter().map(ended_run).collect(),
    }
}

fn ended_run(run: wit::EndedRun) -> EndedRun {
    EndedRun {
        id: run.id,
        swarm: run.swarm,
        strategy: strategy_name(run.strategy),
        state: run_state(run.state).to_owned(),
        failure: run.failure,
        spent: run.spent.into(),
        created_at_ms: run.created_at_ms,
        ended_at_ms: run.ended_at_ms,
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
        cpu_time_us: lease.cpu_time_us,
        ends_at_ms: lease.ends_at_ms,
        expires_at_ms: lease.expires_at_ms,
        successors: lease.successors.into_iter().map(successor).collect(),
    }
}

fn successor(successor: wit::Successor) -> Successor {
    Successor {
        id: successor.id.into(),
        task: successor.task.into(),
        agent: successor.agent,
        attempt: successor.attempt,
        timeout_ms: successor.timeout_ms,
    }
}

pub fn report(report: Report) -> wit::Report {
    wit::Report {
        lease: report.lease.into(),
        outcome: report.outcome.map(Into::into).map_err(Into::into),
        usage: report.usage.into(),
        next: report.next.map(Into::into),
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

pub fn task_call(call: TaskCall) -> wit::TaskCall {
    match call {
        TaskCall::Acquire {
            name,
            mode,
            timeout_ms,
        } => wit::TaskCall::Acquire(wit::Acquire {
            name,
            mode: mode.into(),
            timeout_ms,
        }),
        TaskCall::Release { name } => wit::TaskCall::Release(name),
        TaskCall::Send { to, body } => wit::TaskCall::Send(wit::Send { to, body }),
        TaskCall::Receive {
            senders,
            timeout_ms,
        } => wit::TaskCall::Receive(wit::Receive {
            senders,
            timeout_ms,
        }),
        TaskCall::Request {
            to,
            body,
            timeout_ms,
        } => wit::TaskCall::Request(wit::Request {
            to,
            body,
            timeout_ms,
        }),
        TaskCall::Reply { message, body } => wit::TaskCall::Reply(wit::Reply { message, body }),
        TaskCall::Delegate { children } => {
            wit::TaskCall::Delegate(children.into_iter().map(Into::into).collect())
        }
        TaskCall::Join { tasks, timeout_ms } => {
            wit::TaskCall::Join(wit::Join { tasks, timeout_ms })
        }
        TaskCall::Ask(question) => wit::TaskCall::Ask(question.into()),
        TaskCall::Reserve {
            tokens,
            cost_microusd,
            settled,
        } => wit::TaskCall::Reserve(wit::Reserve {
            tokens,
            cost_microusd,
            settled,
        }),
        TaskCall::Progress { message, done } => wit::TaskCall::Progress(wit::TaskProgress {
            message,
            done,
            at_ms: 0,
        }),
    }
}

pub fn task_answer(answer: wit::TaskAnswer) -> TaskAnswer {
    match answer {
        wit::TaskAnswer::Waits => TaskAnswer::Waits,
        wit::TaskAnswer::Made => TaskAnswer::Made,
        wit::TaskAnswer::Message(message) => TaskAnswer::Message(message.map(Into::into)),
        wit::TaskAnswer::Reply(body) => TaskAnswer::Reply(body),
        wit::TaskAnswer::Tasks(ids) => TaskAnswer::Tasks(ids),
        wit::TaskAnswer::Inputs(inputs) => {
            TaskAnswer::Inputs(inputs.into_iter().map(Into::into).collect())
        }
        wit::TaskAnswer::Answer(answer) => TaskAnswer::Answer(answer.into()),
    }
}
