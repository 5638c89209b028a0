//! From what is stored to the words of `wit/swarm.wit`, and back for results. Nothing is decided here.

mod lease;

pub use lease::lease;

use crate::bindings::agent::{PerformanceMetrics, Task, TaskResult};
use crate::bindings::inputs;
use crate::bindings::policy;
use crate::bindings::swarm::{
    AgentGroup, CoordinationStrategy, PlatformType, Question, QuestionState, Quorum, Reservation,
    RetryPolicy, Run, RunOutcome, RunState, RunSummary, RunTask, Swarm, SwarmConfig, TaskFailure,
    TaskProgress, TaskState, Votes, Wait, WaitKind,
};
use crate::bindings::work::EndedRun;
use crate::budget::Reserved;
use crate::event;
use crate::store::{
    self, Input, StoredQuestion, StoredRun, StoredSummary, StoredSwarm, StoredTask,
};
use crate::strategy::{self, Strategy};
use swarm_flow_protocol::{INPUT_BYTES_MAX, cut};

swarm_flow_protocol::convert_policy!(policy);

pub fn swarm(stored: StoredSwarm) -> Swarm {
    let group = |group: event::AgentGroup| AgentGroup {
        kind: group.kind,
        count: group.count,
        retry: group.retry.map(|retry| RetryPolicy {
            max_attempts: retry.max_attempts,
            initial_interval_ms: retry.initial_interval_ms,
            max_interval_ms: retry.max_interval_ms,
        }),
    };
    Swarm {
        id: stored.id,
        config: SwarmConfig {
            name: stored.name,
            agents: stored.agents.into_iter().map(group).collect(),
            coordination_strategy: coordination_strategy(stored.strategy),
            platform: PlatformType::Local,
            workspaces: stored.workspaces,
            budget: stored.budget.into(),
            idempotency_key: None,
        },
        created_at_ms: stored.created_at_ms,
        updated_at_ms: stored.updated_at_ms,
        revision: stored.head.sequence,
    }
}

fn coordination_strategy(strategy: Strategy) -> CoordinationStrategy {
    match strategy {
        Strategy::Sequential => CoordinationStrategy::Sequential,
        Strategy::Parallel => CoordinationStrategy::Parallel,
        Strategy::Pipeline => CoordinationStrategy::Pipeline,
        Strategy::MapReduce => CoordinationStrategy::MapReduce,
        Strategy::Hierarchical => CoordinationStrategy::Hierarchical,
        Strategy::Consensus => CoordinationStrategy::Consensus,
        Strategy::Race => CoordinationStrategy::Race,
        Strategy::Debate => CoordinationStrategy::Debate,
    }
}

pub fn stored_strategy(strategy: CoordinationStrategy) -> Strategy {
    match strategy {
        CoordinationStrategy::Sequential => Strategy::Sequential,
        CoordinationStrategy::Parallel => Strategy::Parallel,
        CoordinationStrategy::Pipeline => Strategy::Pipeline,
        CoordinationStrategy::MapReduce => Strategy::MapReduce,
        CoordinationStrategy::Hierarchical => Strategy::Hierarchical,
        CoordinationStrategy::Consensus => Strategy::Consensus,
        CoordinationStrategy::Race => Strategy::Race,
        CoordinationStrategy::Debate => Strategy::Debate,
    }
}

pub fn stored_quorum(quorum: Quorum) -> strategy::Quorum {
    match quorum {
        Quorum::Simple => strategy::Quorum::Simple,
        Quorum::SuperMajority => strategy::Quorum::SuperMajority,
        Quorum::Unanimous => strategy::Quorum::Unanimous,
        Quorum::Weighted => strategy::Quorum::Weighted,
    }
}

pub fn run(stored: StoredRun) -> Run {
    let ids: Vec<String> = stored
        .tasks
        .iter()
        .map(|task| task.task.id.clone())
        .collect();
    Run {
        id: stored.id,
        swarm_id: stored.swarm,
        strategy: coordination_strategy(stored.strategy),
        state: run_state(&stored.state),
        tasks: stored
            .tasks
            .into_iter()
            .map(|task| run_task(task, &ids))
            .collect(),
        outcome: stored.outcome.map(outcome),
        failure: stored.failure.map(failure),
        budget: stored.budget.into(),
        spent: stored.account.spent.into(),
        reserved: reservation(stored.account.reserved),
        created_at_ms: stored.created_at_ms,
        ended_at_ms: stored.ended_at_ms,
    }
}

pub fn run_summary(stored: StoredSummary) -> RunSummary {
    RunSummary {
        id: stored.id,
        swarm_id: stored.swarm,
        strategy: coordination_strategy(stored.strategy),
        state: run_state(&stored.state),
        tasks: stored.tasks,
        ended_tasks: stored.ended_tasks,
        spent: stored.account.spent.into(),
        created_at_ms: stored.created_at_ms,
        ended_at_ms: stored.ended_at_ms,
    }
}

fn reservation(reserved: Reserved) -> Reservation {
    let Reserved {
        cpu_time_us,
        tokens,
        cost_microusd,
    } = reserved;
    Reservation {
        cpu_time_us,
        tokens,
        cost_microusd,
    }
}

fn run_state(stored: &str) -> RunState {
    match stored {
        "paused" => RunState::Paused,
        "done" => RunState::Done,
        "failed" => RunState::Failed,
        "cancelled" => RunState::Cancelled,
        _ => RunState::Running,
    }
}

fn outcome(outcome: strategy::Outcome) -> RunOutcome {
    let votes = |votes: strategy::Votes| Votes {
        answer: votes.answer,
        weight: votes.weight,
        tasks: votes.tasks,
    };
    RunOutcome {
        winner: outcome.winner,
        answer: outcome.answer,
        votes: outcome.votes.into_iter().map(votes).collect(),
        abstained: outcome.abstained,
    }
}

fn failure(failure: event::Failure) -> TaskFailure {
    TaskFailure {
        code: failure.code,
        message: failure.message,
    }
}

fn run_task(stored: StoredTask, ids: &[String]) -> RunTask {
    let id = |index: u32| ids.get(index as usize).cloned();
    RunTask {
        task: task(stored.task),
        index: stored.index,
        agent: stored.agent,
        workspace: stored.workspace,
        needs: stored.needs.into_iter().filter_map(id).collect(),
        parent: stored.parent.and_then(id),
        waits_for: stored
            .wait
            .filter(|_| stored.state == "waiting")
            .map(|wait| Wait {
                since_ms: stored.wait_since_ms,
                until_ms: stored.wait_until_ms,
                ..self::wait(wait, id)
            }),
        progress: stored.progress.map(|progress| TaskProgress {
            message: progress.message,
            done: progress.done,
            at_ms: progress.at_ms,
        }),
        not_before_ms: Some(stored.not_before_ms)
            .filter(|not_before_ms| *not_before_ms > 0 && stored.state == "ready"),
        state: match stored.state.as_str() {
            "ready" => TaskState::Ready,
            "leased" => TaskState::Leased,
            "waiting" => TaskState::Waiting,
            "done" => TaskState::Done,
            "failed" => TaskState::Failed,
            "dead" => TaskState::Dead,
            "skipped" => TaskState::Skipped,
            "cancelled" => TaskState::Cancelled,
            _ => TaskState::Pending,
        },
        optional: stored.optional,
        priority: stored.priority,
        attempt: u32::try_from(stored.fence).unwrap_or(u32::MAX),
        failures: stored.failures,
        runner: stored.runner,
        task_result: stored.result.map(result),
        failure: stored.failure.map(failure),
        spent: stored.account.account.spent.into(),
        started_at_ms: stored.started_at_ms,
        ended_at_ms: stored.ended_at_ms,
    }
}

/// Without its times.
fn wait(wait: event::Wait, id: impl Fn(u32) -> Option<String>) -> Wait {
    let (kind, name, tasks) = match wait {
        event::Wait::Lock { name } => (WaitKind::Lock, Some(name), Vec::new()),
        event::Wait::Message { tasks } => (WaitKind::Message, None, tasks),
        event::Wait::Reply { tasks, .. } => (WaitKind::Reply, None, tasks),
        event::Wait::Tasks { tasks } => (WaitKind::Tasks, None, tasks),
        event::Wait::Human { name } => (WaitKind::Human, Some(name), Vec::new()),
    };
    Wait {
        kind,
        name,
        tasks: tasks.into_iter().filter_map(id).collect(),
        since_ms: 0,
        until_ms: None,
    }
}

pub fn question(stored: StoredQuestion) -> Question {
    Question {
        id: stored.id,
        run_id: stored.run,
        task: stored.task,
        text: stored.question.text,
        options: stored.question.options,
        default: stored.question.default,
        confidence: stored.question.confidence,
        state: match stored.state.as_str() {
            "answered" => QuestionState::Answered,
            "expired" => QuestionState::Expired,
            "withdrawn" => QuestionState::Withdrawn,
            _ => QuestionState::Open,
        },
        answer: stored.answer,
        answered_by: stored.answered_by,
        asked_at_ms: stored.asked_at_ms,
        expires_at_ms: stored.expires_at_ms,
        closed_at_ms: stored.closed_at_ms,
    }
}

pub fn stored_question_state(state: QuestionState) -> &'static str {
    match state {
        QuestionState::Open => "open",
        QuestionState::Answered => "answered",
        QuestionState::Expired => "expired",
        QuestionState::Withdrawn => "withdrawn",
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

pub fn stored_task(task: Task) -> event::Task {
    let Task {
        id,
        description,
        requirements,
        context,
    } = task;
    event::Task {
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

pub fn ended_run(stored: store::EndedRun) -> EndedRun {
    EndedRun {
        id: stored.id,
        swarm: stored.swarm,
        strategy: coordination_strategy(stored.strategy),
        state: run_state(&stored.state),
        failure: stored.failure.map(|failure| failure.code),
        spent: stored.account.spent.into(),
        created_at_ms: stored.created_at_ms,
        ended_at_ms: stored.ended_at_ms,
    }
}

/// Of all that a task is given. What is larger belongs into a file.
const INPUTS_BYTES_MAX: usize = 4 << 20;

pub fn inputs(stored: Vec<Input>) -> Vec<inputs::Input> {
    let mut room = INPUTS_BYTES_MAX;
    let given = stored.into_iter().map(|stored| input(stored, &mut room));
    given.collect()
}

fn input(mut stored: Input, room: &mut usize) -> inputs::Input {
    cut(&mut stored.output, INPUT_BYTES_MAX.min(*room));
    *room = room.saturating_sub(stored.output.len());
    inputs::Input {
        task: stored.task,
        success: stored.success,
        output: stored.output,
        artifacts: stored.artifacts,
        workspace: stored.workspace,
    }
}
