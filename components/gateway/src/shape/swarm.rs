//! Swarms and their runs.

use crate::bindings::swarm as wit;
use crate::json::Strings;
use crate::shape::agent::NewTask;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use swarm_flow_protocol::time::rfc3339;
use swarm_flow_protocol::{AgentError, Task, TaskResult};

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
    pub tasks: Vec<NewTask>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    kind: String,
    count: u32,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Strategy {
    Sequential,
    #[default]
    Parallel,
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
            agents: self
                .agents
                .into_iter()
                .map(|group| wit::AgentGroup {
                    kind: group.kind,
                    count: group.count,
                })
                .collect(),
            coordination_strategy: match self.coordination_strategy {
                Strategy::Sequential => wit::CoordinationStrategy::Sequential,
                Strategy::Parallel => wit::CoordinationStrategy::Parallel,
            },
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
            agents: config
                .agents
                .into_iter()
                .map(|group| Group {
                    kind: group.kind,
                    count: group.count,
                })
                .collect(),
            coordination_strategy: match config.coordination_strategy {
                wit::CoordinationStrategy::Sequential => Strategy::Sequential,
                wit::CoordinationStrategy::Parallel => Strategy::Parallel,
            },
            platform: config.platform.into(),
            workspaces: config.workspaces,
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
    state: &'static str,
    tasks: Vec<RunTask>,
    created_at: String,
    ended_at: Option<String>,
}

#[derive(Serialize)]
struct RunTask {
    index: u32,
    #[serde(flatten)]
    task: Task,
    agent: String,
    workspace: String,
    state: &'static str,
    attempt: u32,
    runner: Option<String>,
    result: Option<TaskResult>,
    failure: Option<AgentError>,
    started_at: Option<String>,
    ended_at: Option<String>,
}

impl From<wit::Run> for Run {
    fn from(run: wit::Run) -> Self {
        Self {
            id: run.id,
            swarm: run.swarm_id,
            state: match run.state {
                wit::RunState::Running => "running",
                wit::RunState::Done => "done",
                wit::RunState::Failed => "failed",
            },
            tasks: run.tasks.into_iter().map(Into::into).collect(),
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
            state: match task.state {
                wit::TaskState::Pending => "pending",
                wit::TaskState::Ready => "ready",
                wit::TaskState::Leased => "leased",
                wit::TaskState::Done => "done",
                wit::TaskState::Failed => "failed",
                wit::TaskState::Skipped => "skipped",
            },
            attempt: task.attempt,
            runner: task.runner,
            result: task.task_result.map(Into::into),
            failure: task.failure.map(|failure| AgentError {
                code: failure.code,
                message: failure.message,
            }),
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
