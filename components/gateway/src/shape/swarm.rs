//! Swarms and their runs.

use crate::bindings::agent;
use crate::bindings::swarm as wit;
use crate::json::{Any, Strings};
use crate::shape::agent::context;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use swarm_flow_protocol::time::rfc3339;
use swarm_flow_protocol::{AgentError, Budget, Replayed, Task, TaskResult};

/// `POST /swarms`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Create {
    name: String,
    agents: Vec<Group>,
    #[serde(default)]
    coordination_strategy: Strategy,
    #[serde(default)]
    platform: Platform,
    workspaces: Vec<String>,
    #[serde(default)]
    budget: Budget,
}

/// `POST /swarms/{id}/scale`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    pub target_size: u32,
}

/// `POST /swarms/{id}/runs`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    tasks: Vec<PlannedTask>,
    /// The swarm's when it is absent.
    coordination_strategy: Option<Strategy>,
    #[serde(default)]
    items: Vec<String>,
    rounds: Option<u32>,
    quorum: Option<Quorum>,
    trust: Option<f32>,
    #[serde(default)]
    budget: Budget,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlannedTask {
    /// Unique in its run; made from its place when it is not given.
    id: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    requirements: Vec<String>,
    context: Option<Any>,
    #[serde(default)]
    needs: Vec<String>,
    agent: Option<String>,
    workspace: Option<String>,
    priority: Option<i32>,
    timeout_ms: Option<u64>,
    cpu_time_ms: Option<u64>,
    retry: Option<Retry>,
    #[serde(default)]
    optional: bool,
    weight: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    kind: String,
    count: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry: Option<Retry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retry {
    max_attempts: u32,
    #[serde(default = "initial_interval_ms")]
    initial_interval_ms: u64,
    #[serde(default = "max_interval_ms")]
    max_interval_ms: u64,
}

fn initial_interval_ms() -> u64 {
    1000
}

fn max_interval_ms() -> u64 {
    10 * 60 * 1000
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Strategy {
    Sequential,
    #[default]
    Parallel,
    Pipeline,
    MapReduce,
    Hierarchical,
    Consensus,
    Race,
    Debate,
}

swarm_flow_protocol::same_cases!(
    wit::CoordinationStrategy = Strategy {
        Sequential,
        Parallel,
        Pipeline,
        MapReduce,
        Hierarchical,
        Consensus,
        Race,
        Debate
    }
);

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Quorum {
    Simple,
    SuperMajority,
    Unanimous,
    Weighted,
}

swarm_flow_protocol::same_cases!(
    wit::Quorum = Quorum {
        Simple,
        SuperMajority,
        Unanimous,
        Weighted
    }
);

swarm_flow_protocol::same_fields!(
    wit::RetryPolicy = Retry {
        max_attempts,
        initial_interval_ms,
        max_interval_ms
    }
);

swarm_flow_protocol::same_fields!(wit::AgentGroup = Group { kind, count | retry });

impl Submit {
    pub fn into_wit(self, idempotency_key: Option<String>) -> wit::RunConfig {
        let task = |(index, task): (usize, PlannedTask)| wit::PlannedTask {
            task: agent::Task {
                id: task.id.unwrap_or_else(|| format!("task-{}", index + 1)),
                description: task.description,
                requirements: task.requirements,
                context: task.context.and_then(context),
            },
            needs: task.needs,
            agent: task.agent,
            workspace: task.workspace,
            priority: task.priority,
            timeout_ms: task.timeout_ms,
            cpu_time_ms: task.cpu_time_ms,
            retry: task.retry.map(Into::into),
            optional: task.optional,
            weight: task.weight,
        };
        wit::RunConfig {
            tasks: self.tasks.into_iter().enumerate().map(task).collect(),
            strategy: self.coordination_strategy.map(Into::into),
            items: self.items,
            rounds: self.rounds,
            quorum: self.quorum.map(Into::into),
            trust: self.trust,
            budget: self.budget.into(),
            idempotency_key,
        }
    }
}

#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Platform {
    #[default]
    Local,
    Devpod,
    Kubernetes(Kubernetes),
    Edge(Edge),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kubernetes {
    namespace: String,
    replicas: u32,
    resources: Resources,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    cpu_millicores: u32,
    memory_bytes: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edge {
    #[serde(default)]
    node_selector: Strings,
    storage_path: String,
}

impl Serialize for Strings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Create {
    pub fn into_wit(self, idempotency_key: Option<String>) -> wit::SwarmConfig {
        wit::SwarmConfig {
            name: self.name,
            agents: self.agents.into_iter().map(Into::into).collect(),
            coordination_strategy: self.coordination_strategy.into(),
            platform: match self.platform {
                Platform::Local => wit::PlatformType::Local,
                Platform::Devpod => wit::PlatformType::Devpod,
                Platform::Kubernetes(kubernetes) => wit::PlatformType::Kubernetes(wit::K8sConfig {
                    namespace: kubernetes.namespace,
                    replicas: kubernetes.replicas,
                    resources: wit::ResourceLimits {
                        cpu_millicores: kubernetes.resources.cpu_millicores,
                        memory_bytes: kubernetes.resources.memory_bytes,
                    },
                }),
                Platform::Edge(edge) => wit::PlatformType::Edge(wit::EdgeConfig {
                    node_selector: edge.node_selector.0,
                    storage_path: edge.storage_path,
                }),
            },
            workspaces: self.workspaces,
            budget: self.budget.into(),
            idempotency_key,
        }
    }
}

#[derive(Serialize)]
pub struct Swarm {
    id: String,
    name: String,
    agents: Vec<Group>,
    coordination_strategy: Strategy,
    platform: Platform,
    workspaces: Vec<String>,
    #[serde(skip_serializing_if = "is_unbounded")]
    budget: Budget,
    revision: u64,
    created_at: String,
    updated_at: String,
}

impl From<wit::Swarm> for Swarm {
    fn from(swarm: wit::Swarm) -> Self {
        let config = swarm.config;
        Self {
            id: swarm.id,
            name: config.name,
            agents: config.agents.into_iter().map(Into::into).collect(),
            coordination_strategy: config.coordination_strategy.into(),
            platform: config.platform.into(),
            workspaces: config.workspaces,
            budget: config.budget.into(),
            revision: swarm.revision,
            created_at: rfc3339(swarm.created_at_ms),
            updated_at: rfc3339(swarm.updated_at_ms),
        }
    }
}

impl From<wit::PlatformType> for Platform {
    fn from(platform: wit::PlatformType) -> Self {
        match platform {
            wit::PlatformType::Local => Self::Local,
            wit::PlatformType::Devpod => Self::Devpod,
            wit::PlatformType::Kubernetes(kubernetes) => Self::Kubernetes(Kubernetes {
                namespace: kubernetes.namespace,
                replicas: kubernetes.replicas,
                resources: Resources {
                    cpu_millicores: kubernetes.resources.cpu_millicores,
                    memory_bytes: kubernetes.resources.memory_bytes,
                },
            }),
            wit::PlatformType::Edge(edge) => Self::Edge(Edge {
                node_selector: Strings(edge.node_selector),
                storage_path: edge.storage_path,
            }),
        }
    }
}

#[derive(Serialize)]
pub struct Run {
    pub id: String,
    swarm: String,
    coordination_strategy: Strategy,
    state: &'static str,
    tasks: Vec<RunTask>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<AgentError>,
    #[serde(skip_serializing_if = "is_unbounded")]
    budget: Budget,
    spent: Spent,
    #[serde(skip_serializing_if = "Option::is_none")]
    reserved: Option<Reserved>,
    created_at: String,
    ended_at: Option<String>,
}

/// What a race, a consensus or a debate came to.
#[derive(Serialize)]
struct Outcome {
    /// An index.
    winner: Option<u32>,
    answer: Option<String>,
    votes: Vec<Votes>,
    abstained: Vec<u32>,
}

#[derive(Serialize)]
struct Votes {
    answer: String,
    weight: u64,
    tasks: Vec<u32>,
}

/// A run without its tasks.
#[derive(Serialize)]
pub struct RunSummary {
    id: String,
    swarm: String,
    coordination_strategy: Strategy,
    state: &'static str,
    tasks: u32,
    ended_tasks: u32,
    spent: Spent,
    created_at: String,
    ended_at: Option<String>,
}

fn is_unbounded(budget: &Budget) -> bool {
    *budget == Budget::default()
}

/// What was used.
#[derive(PartialEq, Serialize)]
struct Spent {
    cpu_time_ms: f64,
    input_tokens: u64,
    output_tokens: u64,
    cost_microusd: u64,
}

impl Spent {
    fn is_nothing(&self) -> bool {
        self.cpu_time_ms == 0.0 && self.input_tokens == 0 && self.output_tokens == 0
    }
}

impl From<wit::Usage> for Spent {
    fn from(usage: wit::Usage) -> Self {
        Self {
            cpu_time_ms: milliseconds(usage.cpu_time_us),
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_microusd: usage.cost_microusd,
        }
    }
}

/// What is put aside for what goes on.
#[derive(Serialize)]
struct Reserved {
    cpu_time_ms: f64,
    tokens: u64,
    cost_microusd: u64,
}

/// None when nothing is.
fn reserved(reserved: wit::Reservation) -> Option<Reserved> {
    let wit::Reservation {
        cpu_time_us,
        tokens,
        cost_microusd,
    } = reserved;
    (cpu_time_us > 0 || tokens > 0 || cost_microusd > 0).then(|| Reserved {
        cpu_time_ms: milliseconds(cpu_time_us),
        tokens,
        cost_microusd,
    })
}

fn milliseconds(microseconds: u64) -> f64 {
    let exact = u32::try_from(microseconds).map(f64::from);
    // Above an hour of CPU time what is less than a millisecond does not matter.
    let whole = || f64::from(u32::try_from(microseconds / 1000).unwrap_or(u32::MAX));
    exact.map_or_else(|_| whole(), |exact| exact / 1000.0)
}

#[derive(Serialize)]
struct RunTask {
    index: u32,
    #[serde(flatten)]
    task: Task,
    agent: String,
    workspace: Option<String>,
    needs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<Wait>,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    optional: bool,
    priority: i32,
    attempt: u32,
    failures: u32,
    not_before: Option<String>,
    runner: Option<String>,
    result: Option<TaskResult>,
    failure: Option<AgentError>,
    #[serde(skip_serializing_if = "Spent::is_nothing")]
    spent: Spent,
    started_at: Option<String>,
    ended_at: Option<String>,
}

/// What a task waits for.
#[derive(Serialize)]
struct Wait {
    kind: &'static str,
    /// A lock's name, or a question's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The ids of the tasks that can end it.
    tasks: Vec<String>,
    since: String,
    until: Option<String>,
}

impl From<wit::Wait> for Wait {
    fn from(wait: wit::Wait) -> Self {
        Self {
            kind: match wait.kind {
                wit::WaitKind::Lock => "lock",
                wit::WaitKind::Message => "message",
                wit::WaitKind::Reply => "reply",
                wit::WaitKind::Tasks => "tasks",
                wit::WaitKind::Human => "human",
            },
            name: wait.name,
            tasks: wait.tasks,
            since: rfc3339(wait.since_ms),
            until: wait.until_ms.map(rfc3339),
        }
    }
}

/// How far a task is, as its agent says.
#[derive(Serialize)]
struct Progress {
    message: String,
    /// 0.0 to 1.0.
    done: Option<f32>,
    at: String,
}

impl From<wit::TaskProgress> for Progress {
    fn from(progress: wit::TaskProgress) -> Self {
        Self {
            message: progress.message,
            done: progress.done,
            at: rfc3339(progress.at_ms),
        }
    }
}

/// A value that agents know.
#[derive(Serialize)]
pub struct MemoryEntry {
    agent: Option<String>,
    key: String,
    value: String,
    revision: u64,
    updated_at: String,
    run: String,
    index: u32,
}

impl From<wit::MemoryEntry> for MemoryEntry {
    fn from(entry: wit::MemoryEntry) -> Self {
        Self {
            agent: entry.agent,
            key: entry.key,
            value: entry.value,
            revision: entry.revision,
            updated_at: rfc3339(entry.updated_at_ms),
            run: entry.run_id,
            index: entry.index,
        }
    }
}

/// What the replay of a run came to.
#[derive(Serialize)]
pub struct Replay {
    /// How many tasks did something else than before, or could not be replayed.
    diverged: usize,
    tasks: Vec<Replayed>,
}

impl From<Vec<wit::Replayed>> for Replay {
    fn from(tasks: Vec<wit::Replayed>) -> Self {
        let same = |task: &&wit::Replayed| task.divergence.is_none() && task.failure.is_none();
        Self {
            diverged: tasks.len() - tasks.iter().filter(same).count(),
            tasks: tasks.into_iter().map(Into::into).collect(),
        }
    }
}

/// As the API names it.
pub fn strategy_name(strategy: wit::CoordinationStrategy) -> String {
    let name = serde_json::to_value(Strategy::from(strategy)).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

pub fn run_state(state: wit::RunState) -> &'static str {
    match state {
        wit::RunState::Running => "running",
        wit::RunState::Paused => "paused",
        wit::RunState::Done => "done",
        wit::RunState::Failed => "failed",
        wit::RunState::Cancelled => "cancelled",
    }
}

impl From<wit::Run> for Run {
    fn from(run: wit::Run) -> Self {
        Self {
            id: run.id,
            swarm: run.swarm_id,
            coordination_strategy: run.strategy.into(),
            state: run_state(run.state),
            tasks: run.tasks.into_iter().map(Into::into).collect(),
            outcome: run.outcome.map(Into::into),
            failure: run.failure.map(Into::into),
            budget: run.budget.into(),
            spent: run.spent.into(),
            reserved: reserved(run.reserved),
            created_at: rfc3339(run.created_at_ms),
            ended_at: run.ended_at_ms.map(rfc3339),
        }
    }
}

impl From<wit::RunOutcome> for Outcome {
    fn from(outcome: wit::RunOutcome) -> Self {
        let votes = |votes: wit::Votes| Votes {
            answer: votes.answer,
            weight: votes.weight,
            tasks: votes.tasks,
        };
        Self {
            winner: outcome.winner,
            answer: outcome.answer,
            votes: outcome.votes.into_iter().map(votes).collect(),
            abstained: outcome.abstained,
        }
    }
}

impl From<wit::RunSummary> for RunSummary {
    fn from(run: wit::RunSummary) -> Self {
        Self {
            id: run.id,
            swarm: run.swarm_id,
            coordination_strategy: run.strategy.into(),
            state: run_state(run.state),
            tasks: run.tasks,
            ended_tasks: run.ended_tasks,
            spent: run.spent.into(),
            created_at: rfc3339(run.created_at_ms),
            ended_at: run.ended_at_ms.map(rfc3339),
        }
    }
}

impl From<wit::RunTask> for RunTask {
    fn from(task: wit::RunTask) -> Self {
        Self {
            index: task.index,
            task: task.task.into(),
            agent: task.agent,
            workspace: task.workspace,
            needs: task.needs,
            parent: task.parent,
            waits_for: task.waits_for.map(Into::into),
            progress: task.progress.map(Into::into),
            state: match task.state {
                wit::TaskState::Pending => "pending",
                wit::TaskState::Ready => "ready",
                wit::TaskState::Leased => "leased",
                wit::TaskState::Waiting => "waiting",
                wit::TaskState::Done => "done",
                wit::TaskState::Failed => "failed",
                wit::TaskState::Dead => "dead",
                wit::TaskState::Skipped => "skipped",
                wit::TaskState::Cancelled => "cancelled",
            },
            optional: task.optional,
            priority: task.priority,
            attempt: task.attempt,
            failures: task.failures,
            not_before: task.not_before_ms.map(rfc3339),
            runner: task.runner,
            result: task.task_result.map(Into::into),
            failure: task.failure.map(Into::into),
            spent: task.spent.into(),
            started_at: task.started_at_ms.map(rfc3339),
            ended_at: task.ended_at_ms.map(rfc3339),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_platform_is_a_word_or_an_object_and_comes_back_as_it_went() {
        for platform in [
            r#""local""#,
            r#""devpod""#,
            r#"{"kubernetes":{"namespace":"a","replicas":2,"resources":{"cpu_millicores":500,"memory_bytes":1}}}"#,
            r#"{"edge":{"node_selector":{"zone":"x"},"storage_path":"/data"}}"#,
        ] {
            let body = format!(
                r#"{{"name":"a","agents":[{{"kind":"script","count":1}}],"workspaces":[],"platform":{platform}}}"#
            );
            let config = json::parse::<Create>(body.as_bytes())
                .unwrap()
                .into_wit(None);
            assert_eq!(
                serde_json::to_string(&Platform::from(config.platform)).unwrap(),
                platform
            );
        }
    }
}
