//! WIT's words and ours, which differ in nothing but their types.

use super::generated::exports::swarm_flow::core::{
    events, policy as wit_policy, runners as wit_runners, types, workspace as wit,
};
use crate::command::Command;
use crate::execution::Step;
use crate::model::{Config, Page, Runner, State, Workspace};
use swarm_flow_policy::{Filesystem, Limits, LimitsOverride, Network, Policy};
use swarm_flow_protocol::{
    Environment, Error, ExecResult, FileInfo, FileKind, Outcome, Program, Registration,
};

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid { field, message } => {
                Self::Invalid(types::InvalidInput { field, message })
            }
            Error::NotFound { kind, id, known } => {
                Self::NotFound(types::Missing { kind, id, known })
            }
            Error::Conflict { message } => Self::Conflict(message),
            Error::Denied {
                capability,
                resource,
                rule,
            } => Self::Denied(types::Denial {
                capability,
                resource,
                rule,
            }),
            Error::TooLarge { name, allowed } => Self::TooLarge(types::Limit { name, allowed }),
            Error::Busy { retry_after_ms } => Self::Busy(retry_after_ms),
            Error::Unavailable { message } => Self::Unavailable(message),
            Error::Internal { message } => Self::Internal(message),
        }
    }
}

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
            policy: policy_in(config.policy),
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
            policy: policy_out(workspace.made.policy),
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
        let limits = command.limits;
        Self {
            argv: command.argv,
            stdin: command.stdin,
            env: command.env,
            cwd: command.cwd,
            limits: LimitsOverride {
                memory_bytes: limits.as_ref().and_then(|limits| limits.memory_bytes),
                cpu_time_ms: limits.as_ref().and_then(|limits| limits.cpu_time_ms),
                wall_time_ms: command.timeout_ms,
                output_bytes: limits.as_ref().and_then(|limits| limits.output_bytes),
            },
        }
    }
}

impl From<ExecResult> for types::ExecResult {
    fn from(result: ExecResult) -> Self {
        Self {
            outcome: match result.outcome {
                Outcome::Exited => types::Outcome::Exited,
                Outcome::Trapped { message } => types::Outcome::Trapped(message),
                Outcome::Limit {
                    name,
                    used,
                    allowed,
                } => types::Outcome::Limit(types::LimitHit {
                    name,
                    used,
                    allowed,
                }),
                Outcome::Cancelled => types::Outcome::Cancelled,
            },
            exit_code: result.exit_code,
            stdout: result.stdout,
            stderr: result.stderr,
            stdout_truncated: result.stdout_truncated,
            stderr_truncated: result.stderr_truncated,
            wall_ms: result.wall_ms,
            cpu_ms: result.cpu_ms,
            peak_memory_bytes: result.peak_memory_bytes,
            read_bytes: result.read_bytes,
            written_bytes: result.written_bytes,
        }
    }
}

impl From<Step> for wit::ExecEvent {
    fn from(step: Step) -> Self {
        match step {
            Step::Stdout(bytes) => Self::Stdout(bytes),
            Step::Stderr(bytes) => Self::Stderr(bytes),
            Step::Exit(result) => Self::Exit(result.into()),
        }
    }
}

impl From<FileInfo> for types::FileInfo {
    fn from(info: FileInfo) -> Self {
        Self {
            path: info.path,
            kind: match info.kind {
                FileKind::File => types::FileKind::File,
                FileKind::Directory => types::FileKind::Directory,
                FileKind::Symlink => types::FileKind::Symlink,
                FileKind::Other => types::FileKind::Other,
            },
            size_bytes: info.size_bytes,
            modified_at_ms: info.modified_at_ms,
        }
    }
}

impl From<Environment> for types::Environment {
    fn from(environment: Environment) -> Self {
        let Environment {
            name,
            language,
            version,
            packages,
        } = environment;
        Self {
            name,
            language,
            version,
            packages,
        }
    }
}

impl From<types::Environment> for Environment {
    fn from(environment: types::Environment) -> Self {
        let types::Environment {
            name,
            language,
            version,
            packages,
        } = environment;
        Self {
            name,
            language,
            version,
            packages,
        }
    }
}

impl From<wit_runners::Registration> for Registration {
    fn from(registration: wit_runners::Registration) -> Self {
        let program = |program: wit_runners::Program| {
            let wit_runners::Program {
                name,
                version,
                environments,
                digest,
                size_bytes,
            } = program;
            Program {
                name,
                version,
                environments,
                digest,
                size_bytes,
            }
        };
        Self {
            id: registration.id,
            url: registration.url,
            programs: registration.programs.into_iter().map(program).collect(),
            environments: registration
                .environments
                .into_iter()
                .map(Into::into)
                .collect(),
        }
    }
}

pub fn runner(runner: Runner, now_ms: u64) -> wit_runners::Runner {
    let program = |program: Program| {
        let Program {
            name,
            version,
            environments,
            digest,
            size_bytes,
        } = program;
        wit_runners::Program {
            name,
            version,
            environments,
            digest,
            size_bytes,
        }
    };
    wit_runners::Runner {
        alive: runner.alive(now_ms),
        id: runner.id,
        url: runner.url,
        programs: runner.programs.into_iter().map(program).collect(),
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

fn policy_in(policy: wit_policy::Policy) -> Policy {
    let limits = policy.limits;
    Policy {
        filesystem: match policy.filesystem {
            wit_policy::Filesystem::None => Filesystem::None,
            wit_policy::Filesystem::ReadOnly(paths) => Filesystem::ReadOnly(paths),
            wit_policy::Filesystem::ReadWrite(paths) => Filesystem::ReadWrite(paths),
            wit_policy::Filesystem::Full => Filesystem::Full,
        },
        network: match policy.network {
            wit_policy::Network::None => Network::None,
            wit_policy::Network::Localhost => Network::Localhost,
            wit_policy::Network::Private => Network::Private,
            wit_policy::Network::Public(patterns) => Network::Public(patterns),
            wit_policy::Network::Any => Network::Any,
        },
        limits: Limits {
            memory_bytes: limits.memory_bytes,
            cpu_time_ms: limits.cpu_time_ms,
            wall_time_ms: limits.wall_time_ms,
            handles: limits.handles,
            output_bytes: limits.output_bytes,
            disk_bytes: limits.disk_bytes,
            sandboxes: limits.sandboxes,
        },
    }
}

fn policy_out(policy: Policy) -> wit_policy::Policy {
    let limits = policy.limits;
    wit_policy::Policy {
        filesystem: match policy.filesystem {
            Filesystem::None => wit_policy::Filesystem::None,
            Filesystem::ReadOnly(paths) => wit_policy::Filesystem::ReadOnly(paths),
            Filesystem::ReadWrite(paths) => wit_policy::Filesystem::ReadWrite(paths),
            Filesystem::Full => wit_policy::Filesystem::Full,
        },
        network: match policy.network {
            Network::None => wit_policy::Network::None,
            Network::Localhost => wit_policy::Network::Localhost,
            Network::Private => wit_policy::Network::Private,
            Network::Public(patterns) => wit_policy::Network::Public(patterns),
            Network::Any => wit_policy::Network::Any,
        },
        limits: wit_policy::Limits {
            memory_bytes: limits.memory_bytes,
            cpu_time_ms: limits.cpu_time_ms,
            wall_time_ms: limits.wall_time_ms,
            handles: limits.handles,
            output_bytes: limits.output_bytes,
            disk_bytes: limits.disk_bytes,
            sandboxes: limits.sandboxes,
        },
    }
}
