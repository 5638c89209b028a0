//! What a swarm may be. Everything is refused here that could never work.
//!
//! | what | how much |
//! |---|---|
//! | groups of a swarm | 1 to 64, each of 1 to 1000 agents, 1000 together |
//! | workspaces of a swarm | 1 to 64, each once |
//! | attempts of a task | 1 to 100 |

use crate::bindings::swarm::{PlatformType, RetryPolicy, SwarmConfig};
use crate::bindings::types::Error;
use crate::budget;
use crate::convert;
use crate::error::{invalid, parse_id};
use crate::event::{AgentGroup, Platform, Retry, SwarmCreated};
use std::collections::HashSet;
use swarm_flow_state::Kind;

pub const AGENTS_MAX: u32 = 1000;
const GROUPS_MAX: usize = 64;
const WORKSPACES_MAX: usize = 64;
const NAME_LENGTH_MAX: usize = 63;
const ATTEMPTS_MAX: u32 = 100;
const INITIAL_INTERVAL_MS_MAX: u64 = 60 * 60 * 1000;
const INTERVAL_MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// The kind of agent that is a part of the app.
pub const SHIPPED: &str = "script";

/// The swarm that a configuration describes. `added` are the agents of users. Whether its workspaces exist is not asked here.
pub fn swarm(config: SwarmConfig, added: &[String]) -> Result<SwarmCreated, Error> {
    name(&config.name)?;
    let mut agents = Vec::with_capacity(config.agents.len());
    for (index, group) in config.agents.into_iter().enumerate() {
        let field = format!("agents[{index}].retry");
        let retry = group.retry.map(|policy| retry(&field, policy));
        agents.push(AgentGroup {
            kind: group.kind,
            count: group.count,
            retry: retry.transpose()?,
        });
    }
    groups(&agents, added)?;
    workspaces(&config.workspaces)?;
    Ok(SwarmCreated {
        name: config.name,
        agents,
        coordination_strategy: convert::stored_strategy(config.coordination_strategy),
        platform: platform(&config.platform)?,
        workspaces: config.workspaces,
        budget: budget::check(config.budget)?,
    })
}

pub fn retry(field: &str, policy: RetryPolicy) -> Result<Retry, Error> {
    let RetryPolicy {
        max_attempts,
        initial_interval_ms,
        max_interval_ms,
    } = policy;
    let refused = |name: &str, is: u64, least: u64, most: u64| {
        let message = format!("is {is}, must be {least} to {most}");
        Err(invalid(format!("{field}.{name}"), message))
    };
    if !(1..=ATTEMPTS_MAX).contains(&max_attempts) {
        return refused("max_attempts", max_attempts.into(), 1, ATTEMPTS_MAX.into());
    }
    if initial_interval_ms > INITIAL_INTERVAL_MS_MAX {
        return refused(
            "initial_interval_ms",
            initial_interval_ms,
            0,
            INITIAL_INTERVAL_MS_MAX,
        );
    }
    if !(initial_interval_ms..=INTERVAL_MS_MAX).contains(&max_interval_ms) {
        return refused(
            "max_interval_ms",
            max_interval_ms,
            initial_interval_ms,
            INTERVAL_MS_MAX,
        );
    }
    Ok(Retry {
        max_attempts,
        initial_interval_ms,
        max_interval_ms,
    })
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
    use crate::bindings::swarm::{self, CoordinationStrategy, EdgeConfig};

    fn config() -> SwarmConfig {
        SwarmConfig {
            name: "demo".to_owned(),
            agents: vec![swarm::AgentGroup {
                kind: "script".to_owned(),
                count: 2,
                retry: None,
            }],
            coordination_strategy: CoordinationStrategy::Parallel,
            platform: PlatformType::Local,
            workspaces: vec![format!("ws_{}", "0".repeat(32))],
            budget: crate::bindings::NO_BUDGET,
            idempotency_key: None,
        }
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
        match result.unwrap_err() {
            Error::Invalid(input) => format!("{} {}", input.field, input.message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_can_never_work_is_refused_and_named() {
        let group = |kind: &str, count| swarm::AgentGroup {
            kind: kind.to_owned(),
            count,
            retry: None,
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
}
