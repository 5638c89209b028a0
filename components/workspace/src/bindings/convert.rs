//! WIT's words and ours, which differ in nothing but their types.

use super::generated::exports::swarm_flow::core::{
    events, policy, runners, types, workspace as wit,
};
use crate::command::Command;
use crate::execution::Step;
use crate::model::{Config, Page, Runner, State, Workspace};

swarm_flow_protocol::convert_types!(types);
swarm_flow_protocol::convert_policy!(policy);
swarm_flow_protocol::convert_runners!(runners);

impl From<types::PageRequest> for Page {
    fn from(page: types::PageRequest) -> Self {
        Self {
            cursor: page.cursor,
            limit: page.limit,
        }
    }
}

impl From<wit::WorkspaceConfig> for Config {
    fn from(config: wit::WorkspaceConfig) -> Self {
        Self {
            name: config.name,
            environment: config.environment,
            policy_name: config.policy_name,
            policy: config.policy.into(),
            idempotency_key: config.idempotency_key,
        }
    }
}

impl From<Workspace> for wit::Workspace {
    fn from(workspace: Workspace) -> Self {
        Self {
            id: workspace.id,
            name: workspace.made.name,
            environment: workspace.made.environment.into(),
            policy_name: workspace.made.policy_name,
            policy: workspace.made.policy.into(),
            state: match workspace.state {
                State::Started => wit::State::Started,
                State::Stopped => wit::State::Stopped,
            },
            runner: workspace.made.runner,
            created_at_ms: workspace.created_at_ms,
            updated_at_ms: workspace.updated_at_ms,
            revision: workspace.head.sequence,
        }
    }
}

impl From<types::Command> for Command {
    fn from(command: types::Command) -> Self {
        Self {
            limits: (&command).into(),
            argv: command.argv,
            stdin: command.stdin,
            env: command.env,
            cwd: command.cwd,
        }
    }
}

impl From<Step> for wit::ExecEvent {
    fn from(step: Step) -> Self {
        match step {
            Step::Started(exec_id) => Self::Started(exec_id),
            Step::Stdout(bytes) => Self::Stdout(bytes),
            Step::Stderr(bytes) => Self::Stderr(bytes),
            Step::Exit(result) => Self::Exit(result.into()),
        }
    }
}

pub fn runner(runner: Runner, now_ms: u64) -> runners::Runner {
    runners::Runner {
        alive: runner.alive(now_ms),
        id: runner.id,
        url: runner.url,
        programs: runner.programs.into_iter().map(Into::into).collect(),
        environments: runner.environments.into_iter().map(Into::into).collect(),
        joined_at_ms: runner.joined_at_ms,
        seen_at_ms: runner.seen_at_ms,
    }
}

impl From<swarm_flow_state::Event> for events::Event {
    fn from(event: swarm_flow_state::Event) -> Self {
        Self {
            id: event.id,
            stream: event.stream,
            sequence: event.sequence,
            kind: event.kind,
            payload: event.payload,
            actor: event.actor,
            at_ms: event.at_ms,
            hash: event.hash,
        }
    }
}
