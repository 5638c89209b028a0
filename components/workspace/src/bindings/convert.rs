//! WIT's words and ours, which differ in nothing but their types.

use super::generated::exports::swarm_flow::core::{
    audit, events, policies, policy, programs as wit_programs, runners, secrets, types,
    workspace as wit,
};
use crate::command::Command;
use crate::execution::Step;
use crate::model::{
    AuditFilter, Config, Page, PolicyChange, Runner, Secret, State, StoredPolicy, Workspace,
};
use crate::policies::PolicyPage;
use crate::programs;

swarm_flow_protocol::convert_types!(types);
swarm_flow_protocol::convert_policy!(policy);
swarm_flow_protocol::convert_runners!(runners);
swarm_flow_protocol::convert_programs!(wit_programs);
swarm_flow_protocol::convert_secrets!(secrets);
swarm_flow_protocol::convert_audit!(audit);

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
            policy_version: config.policy_version,
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
            policy_version: workspace.made.policy_version,
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
        walls: runner.walls.into_iter().map(Into::into).collect(),
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
            previous_hash: event.previous_hash,
            hash: event.hash,
        }
    }
}

impl From<wit::PolicyChange> for PolicyChange {
    fn from(change: wit::PolicyChange) -> Self {
        Self {
            policy_name: change.policy_name,
            policy_version: change.policy_version,
            policy: change.policy.into(),
            expected_revision: change.expected_revision,
        }
    }
}

impl From<StoredPolicy> for policies::StoredPolicy {
    fn from(stored: StoredPolicy) -> Self {
        Self {
            name: stored.name,
            version: stored.version,
            policy: stored.policy.into(),
            created_at_ms: stored.created_at_ms,
        }
    }
}

impl From<PolicyPage> for policies::PolicyPage {
    fn from(page: PolicyPage) -> Self {
        Self {
            items: page.items.into_iter().map(Into::into).collect(),
            next: page.next,
        }
    }
}

impl From<programs::Offered> for wit_programs::Offered {
    fn from(offered: programs::Offered) -> Self {
        Self {
            details: offered.details.into(),
            runners: offered.runners,
        }
    }
}

impl From<programs::Added> for wit_programs::Added {
    fn from(added: programs::Added) -> Self {
        let left_out = added.left_out.into_iter();
        Self {
            offered: added.offered.into(),
            created: added.created,
            left_out: left_out
                .map(|left| wit_programs::LeftOut {
                    runner: left.runner,
                    reason: left.reason,
                })
                .collect(),
        }
    }
}

impl From<Secret> for secrets::Secret {
    fn from(secret: Secret) -> Self {
        Self {
            name: secret.name,
            binding: secret.binding.into(),
            created_at_ms: secret.created_at_ms,
            updated_at_ms: secret.updated_at_ms,
        }
    }
}

impl From<audit::Filter> for AuditFilter {
    fn from(filter: audit::Filter) -> Self {
        Self {
            workspace: filter.workspace,
            sandbox: filter.sandbox,
            capability: filter.capability,
            decision: filter.decision,
            kind: filter.kind,
            actor: filter.actor,
            since_ms: filter.since_ms,
            until_ms: filter.until_ms,
        }
    }
}
