//! From what is stored to the words of `wit/swarm.wit`, and back for results. Nothing is decided here.

use crate::bindings::agent::{PerformanceMetrics, Task, TaskResult};
use crate::bindings::policy;
use crate::bindings::swarm::{
    AgentGroup, CoordinationStrategy, PlatformType, Run, RunState, RunTask, Swarm, SwarmConfig,
    TaskFailure, TaskState,
};
use crate::bindings::work::Lease;
use crate::event::{self, Strategy};
use crate::store::{Details, StoredRun, StoredSwarm, StoredTask};

swarm_flow_protocol::convert_policy!(policy);

pub fn swarm(stored: StoredSwarm) -> Swarm {
    let group = |group: event::AgentGroup| AgentGroup {
        kind: group.kind,
        count: group.count,
    };
    Swarm {
        id: stored.id,
        config: SwarmConfig {
            name: stored.name,
            agents: stored.agents.into_iter().map(group).collect(),
            coordination_strategy: match stored.strategy {
                Strategy::Sequential => CoordinationStrategy::Sequential,
                Strategy::Parallel => CoordinationStrategy::Parallel,
            },
            platform: PlatformType::Local,
            workspaces: stored.workspaces,
            idempotency_key: None,
        },
        created_at_ms: stored.created_at_ms,
        updated_at_ms: stored.updated_at_ms,
        revision: stored.head.sequence,
    }
}

pub fn run(stored: StoredRun) -> Run {
    Run {
        id: stored.id,
        swarm_id: stored.swarm,
        state: match stored.state.as_str() {
            "done" => RunState::Done,
            "failed" => RunState::Failed,
            _ => RunState::Running,
        },
        tasks: stored.tasks.into_iter().map(run_task).collect(),
        created_at_ms: stored.created_at_ms,
        ended_at_ms: stored.ended_at_ms,
    }
}

fn run_task(stored: StoredTask) -> RunTask {
    RunTask {
        task: task(stored.task),
        index: stored.index,
        agent: stored.agent,
        workspace: stored.workspace,
        state: match stored.state.as_str() {
            "ready" => TaskState::Ready,
            "leased" => TaskState::Leased,
            "done" => TaskState::Done,
            "failed" => TaskState::Failed,
            "skipped" => TaskState::Skipped,
            _ => TaskState::Pending,
        },
        attempt: u32::try_from(stored.fence).unwrap_or(u32::MAX),
        runner: stored.runner,
        task_result: stored.result.map(result),
        failure: stored.failure.map(|failure| TaskFailure {
            code: failure.code,
            message: failure.message,
        }),
        started_at_ms: stored.started_at_ms,
        ended_at_ms: stored.ended_at_ms,
    }
}

fn task(task: event::Task) -> Task {
    let event::Task {
        id,
        description,
        requirements,
        context,
    } = task;
    Task {
        id,
        description,
        requirements,
        context,
    }
}

fn result(result: event::TaskResult) -> TaskResult {
    let metrics = |metrics: event::Metrics| PerformanceMetrics {
        execution_time: metrics.execution_time_ms,
        memory_usage: metrics.memory_usage_bytes,
        cpu_usage: metrics.cpu_usage,
    };
    TaskResult {
        success: result.success,
        output: result.output,
        artifacts: result.artifacts,
        metrics: result.metrics.map(metrics),
    }
}

pub fn stored_result(result: TaskResult) -> event::TaskResult {
    let metrics = |metrics: PerformanceMetrics| event::Metrics {
        execution_time_ms: metrics.execution_time,
        memory_usage_bytes: metrics.memory_usage,
        // JSON has no word for what is not a number.
        cpu_usage: if metrics.cpu_usage.is_finite() {
            metrics.cpu_usage
        } else {
            0.0
        },
    };
    event::TaskResult {
        success: result.success,
        output: result.output,
        artifacts: result.artifacts,
        metrics: result.metrics.map(metrics),
    }
}

pub fn stored_failure(failure: TaskFailure) -> event::Failure {
    event::Failure {
        code: failure.code,
        message: failure.message,
    }
}

pub fn lease(details: Details, fence: u64, expires_at_ms: u64) -> Lease {
    Lease {
        run_id: details.run,
        index: details.index,
        fence,
        task: task(details.task),
        agent: details.agent,
        workspace: details.workspace,
        environment: details.environment,
        policy: details.policy.into(),
        expires_at_ms,
    }
}
