//! What a swarm and a run may be. Everything is refused here that could never work.
//!
//! | what | how much |
//! |---|---|
//! | groups of a swarm | 1 to 64, each of 1 to 1000 agents, 1000 together |
//! | workspaces of a swarm | 1 to 64, each once |
//! | tasks of a run | 1 to 256, each with an id of its own, 1 MiB each |

use crate::bindings::agent::Task;
use crate::bindings::swarm::{CoordinationStrategy, PlatformType, SwarmConfig};
use crate::bindings::types::Error;
use crate::error::{invalid, parse_id, too_large};
use crate::event::{self, AgentGroup, Platform, Strategy, SwarmCreated};
use std::collections::HashSet;
use swarm_flow_state::Kind;

pub const AGENTS_MAX: u32 = 1000;
const GROUPS_MAX: usize = 64;
const WORKSPACES_MAX: usize = 64;
const TASKS_MAX: usize = 256;
const TASK_BYTES_MAX: usize = 1 << 20;
const NAME_LENGTH_MAX: usize = 63;
const TASK_ID_LENGTH_MAX: usize = 128;

/// The kind of agent that is a part of the app.
pub const SHIPPED: &str = "script";

/// The swarm that a configuration describes. `added` are the agents of users. Whether its workspaces exist is not asked here.
pub fn swarm(config: SwarmConfig, added: &[String]) -> Result<SwarmCreated, Error> {
    name(&config.name)?;
    let agents: Vec<AgentGroup> = config
        .agents
        .into_iter()
        .map(|group| AgentGroup {
            kind: group.kind,
            count: group.count,
        })
        .collect();
    groups(&agents, added)?;
    workspaces(&config.workspaces)?;
    Ok(SwarmCreated {
        name: config.name,
        agents,
        coordination_strategy: match config.coordination_strategy {
            CoordinationStrategy::Sequential => Strategy::Sequential,
            CoordinationStrategy::Parallel => Strategy::Parallel,
        },
        platform: platform(&config.platform)?,
        workspaces: config.workspaces,
    })
}

/// The tasks of a run, each with an id.
pub fn tasks(tasks: Vec<Task>) -> Result<Vec<event::Task>, Error> {
    if !(1..=TASKS_MAX).contains(&tasks.len()) {
        return Err(invalid(
            "tasks",
            format!("has {} items, must have 1 to {TASKS_MAX}", tasks.len()),
        ));
    }
    let mut ids = HashSet::new();
    let mut checked = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.into_iter().enumerate() {
        let id = if task.id.is_empty() {
            format!("task-{index}")
        } else {
            task.id
        };
        if id.chars().count() > TASK_ID_LENGTH_MAX || id.chars().any(char::is_control) {
            let message = format!(
                "must be at most {TASK_ID_LENGTH_MAX} characters, without control characters"
            );
            return Err(invalid(format!("tasks[{index}].id"), message));
        }
        let bytes = task.description.len()
            + task.context.as_ref().map_or(0, String::len)
            + task.requirements.iter().map(String::len).sum::<usize>();
        if bytes > TASK_BYTES_MAX {
            return Err(too_large("task_bytes", TASK_BYTES_MAX as u64));
        }
        if !ids.insert(id.clone()) {
            return Err(invalid(
                format!("tasks[{index}].id"),
                format!("`{id}` is the id of another task too"),
            ));
        }
        let (description, requirements, context) =
            (task.description, task.requirements, task.context);
        checked.push(event::Task {
            id,
            description,
            requirements,
            context,
        });
    }
    Ok(checked)
}

fn name(name: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let first = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    if first && name.len() <= NAME_LENGTH_MAX && name.bytes().all(allowed) {
        return Ok(());
    }
    let message = format!(
        "must be 1 to {NAME_LENGTH_MAX} characters of letters, digits, `.`, `_`, `-`; the first is a letter or digit"
    );
    Err(invalid("name", message))
}

fn groups(agents: &[AgentGroup], added: &[String]) -> Result<(), Error> {
    if !(1..=GROUPS_MAX).contains(&agents.len()) {
        return Err(invalid(
            "agents",
            format!("has {} groups, must have 1 to {GROUPS_MAX}", agents.len()),
        ));
    }
    for (index, group) in agents.iter().enumerate() {
        if group.kind != SHIPPED && !added.contains(&group.kind) {
            let all: Vec<_> = std::iter::once(SHIPPED)
                .chain(added.iter().map(String::as_str))
                .collect();
            let message = format!(
                "`{}` is not an agent; there is `{}`",
                group.kind,
                all.join("`, `")
            );
            return Err(invalid(format!("agents[{index}].kind"), message));
        }
        if !(1..=AGENTS_MAX).contains(&group.count) {
            let message = format!("is {}, must be 1 to {AGENTS_MAX}", group.count);
            return Err(invalid(format!("agents[{index}].count"), message));
        }
    }
    let size: u32 = agents.iter().map(|group| group.count).sum();
    if size > AGENTS_MAX {
        return Err(invalid(
            "agents",
            format!("are {size} agents together, may be {AGENTS_MAX}"),
        ));
    }
    Ok(())
}

fn workspaces(workspaces: &[String]) -> Result<(), Error> {
    if !(1..=WORKSPACES_MAX).contains(&workspaces.len()) {
        let message = format!(
            "has {} items, must have 1 to {WORKSPACES_MAX}",
            workspaces.len()
        );
        return Err(invalid("workspaces", message));
    }
    let mut seen = HashSet::new();
    for (index, workspace) in workspaces.iter().enumerate() {
        let field = format!("workspaces[{index}]");
        parse_id(Kind::Workspace, &field, workspace)?;
        if !seen.insert(workspace) {
            return Err(invalid(field, format!("`{workspace}` is given twice")));
        }
    }
    Ok(())
}

/// Agents run on the runners that joined; nothing here starts any elsewhere, so nothing pretends to.
fn platform(platform: &PlatformType) -> Result<Platform, Error> {
    let name = match platform {
        PlatformType::Local => return Ok(Platform::Local),
        PlatformType::Devpod => "devpod",
        PlatformType::Kubernetes(_) => "kubernetes",
        PlatformType::Edge(_) => "edge",
    };
    let message = format!(
        "`{name}` cannot be used: agents run on the runners that have joined; give `local`"
    );
    Err(invalid("platform", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::swarm::{self, EdgeConfig};

    fn config() -> SwarmConfig {
        SwarmConfig {
            name: "demo".to_owned(),
            agents: vec![swarm::AgentGroup {
                kind: "script".to_owned(),
                count: 2,
            }],
            coordination_strategy: CoordinationStrategy::Parallel,
            platform: PlatformType::Local,
            workspaces: vec![format!("ws_{}", "0".repeat(32))],
            idempotency_key: None,
        }
    }

    fn task(id: &str) -> Task {
        Task {
            id: id.to_owned(),
            description: String::new(),
            requirements: Vec::new(),
            context: None,
        }
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
        match result.unwrap_err() {
            Error::Invalid(input) => format!("{} {}", input.field, input.message),
            Error::TooLarge(limit) => format!("{} {}", limit.name, limit.allowed),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_can_never_work_is_refused_and_named() {
        let group = |kind: &str, count| swarm::AgentGroup {
            kind: kind.to_owned(),
            count,
        };
        let edge = PlatformType::Edge(EdgeConfig {
            node_selector: Vec::new(),
            storage_path: String::new(),
        });
        let workspace = config().workspaces;
        for (config, expected) in [
            (
                SwarmConfig {
                    name: "a/b".to_owned(),
                    ..config()
                },
                "name must be 1 to 63",
            ),
            (
                SwarmConfig {
                    name: "-a".to_owned(),
                    ..config()
                },
                "name must be 1 to 63",
            ),
            (
                SwarmConfig {
                    name: "a".repeat(64),
                    ..config()
                },
                "name must be 1 to 63",
            ),
            (
                SwarmConfig {
                    agents: vec![],
                    ..config()
                },
                "agents has 0 groups",
            ),
            (
                SwarmConfig {
                    agents: vec![group("script", 1); 65],
                    ..config()
                },
                "agents has 65 groups",
            ),
            (
                SwarmConfig {
                    agents: vec![group("coder", 1)],
                    ..config()
                },
                "agents[0].kind `coder` is not an agent",
            ),
            (
                SwarmConfig {
                    agents: vec![group("script", 0)],
                    ..config()
                },
                "agents[0].count is 0",
            ),
            (
                SwarmConfig {
                    agents: vec![group("script", 1001)],
                    ..config()
                },
                "agents[0].count is 1001",
            ),
            (
                SwarmConfig {
                    agents: vec![group("script", 501); 2],
                    ..config()
                },
                "agents are 1002 agents",
            ),
            (
                SwarmConfig {
                    workspaces: vec![],
                    ..config()
                },
                "workspaces has 0 items",
            ),
            (
                SwarmConfig {
                    workspaces: vec!["demo".to_owned()],
                    ..config()
                },
                "workspaces[0] is not an id",
            ),
            (
                SwarmConfig {
                    workspaces: vec![workspace[0].clone(), workspace[0].clone()],
                    ..config()
                },
                "workspaces[1] `ws_0",
            ),
            (
                SwarmConfig {
                    platform: PlatformType::Devpod,
                    ..config()
                },
                "platform `devpod` cannot be used",
            ),
            (
                SwarmConfig {
                    platform: edge,
                    ..config()
                },
                "platform `edge` cannot be used",
            ),
        ] {
            let refusal = refusal(swarm(config, &[]));
            assert!(refusal.starts_with(expected), "{refusal}");
        }
        assert!(swarm(config(), &[]).is_ok());
        let mine = SwarmConfig {
            agents: vec![group("coder", 1)],
            ..config()
        };
        assert!(swarm(mine, &["coder".to_owned()]).is_ok());
    }

    #[test]
    fn tasks_have_an_id_each_and_a_size() {
        let big = Task {
            context: Some("x".repeat(TASK_BYTES_MAX + 1)),
            ..task("a")
        };
        for (given, expected) in [
            (vec![], "tasks has 0 items"),
            (vec![task(""); 257], "tasks has 257 items"),
            (
                vec![task("a"), task("a")],
                "tasks[1].id `a` is the id of another task too",
            ),
            (vec![task("a\nb")], "tasks[0].id must be at most 128"),
            (vec![big], "task_bytes 1048576"),
        ] {
            let refusal = refusal(tasks(given));
            assert!(refusal.starts_with(expected), "{refusal}");
        }
        let named = tasks(vec![task(""), task("b")]).unwrap();
        assert_eq!(
            named
                .iter()
                .map(|task| task.id.as_str())
                .collect::<Vec<_>>(),
            ["task-0", "b"]
        );
    }
}
