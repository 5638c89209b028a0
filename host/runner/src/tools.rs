//! `swarm-flow:core/tools` for an agent: exec and files of the workspace that its task is about, under that
//! workspace's policy.

use crate::agent::bindings::swarm_flow::core::{tools, types};
use crate::{Runner, files};
use swarm_flow_policy::{LimitsOverride, Policy};
use swarm_flow_protocol as protocol;

/// What an agent's tools work on.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) runner: Runner,
    pub(crate) workspace: String,
    pub(crate) environment: String,
    pub(crate) policy: Policy,
}

impl types::Host for Tools {}

impl tools::Host for Tools {
    async fn exec(&mut self, command: types::Command) -> Result<types::ExecResult, types::Error> {
        let limits = command.limits.as_ref();
        let request = protocol::ExecRequest {
            command: command.argv,
            stdin: command.stdin,
            env: command.env,
            cwd: command.cwd,
            environment: self.environment.clone(),
            policy: self.policy.clone(),
            limits: LimitsOverride {
                memory_bytes: limits.and_then(|limits| limits.memory_bytes),
                cpu_time_ms: limits.and_then(|limits| limits.cpu_time_ms),
                wall_time_ms: command.timeout_ms,
                output_bytes: limits.and_then(|limits| limits.output_bytes),
            },
            stream: false,
        };
        let result = self.runner.exec(&self.workspace, request, None).await;
        result.map(exec_result).map_err(error)
    }

    async fn read_file(&mut self, path: String) -> Result<Vec<u8>, types::Error> {
        let read = files::read(self.runner.workspaces(), &self.workspace, &path, 0, None);
        read.map(|(_, bytes)| bytes.into()).map_err(error)
    }

    async fn write_file(&mut self, path: String, bytes: Vec<u8>) -> Result<(), types::Error> {
        files::write(self.runner.workspaces(), &self.workspace, &path, &bytes)
            .map(|_| ())
            .map_err(error)
    }

    async fn list_files(
        &mut self,
        path: String,
        recursive: bool,
    ) -> Result<Vec<types::FileInfo>, types::Error> {
        let page = files::list(
            self.runner.workspaces(),
            &self.workspace,
            &path,
            recursive,
            None,
            usize::MAX / 2,
        );
        page.map(|page| page.items.into_iter().map(file_info).collect())
            .map_err(error)
    }
}

fn exec_result(result: protocol::ExecResult) -> types::ExecResult {
    types::ExecResult {
        outcome: match result.outcome {
            protocol::Outcome::Exited => types::Outcome::Exited,
            protocol::Outcome::Trapped { message } => types::Outcome::Trapped(message),
            protocol::Outcome::Limit {
                name,
                used,
                allowed,
            } => types::Outcome::Limit(types::LimitHit {
                name,
                used,
                allowed,
            }),
            protocol::Outcome::Cancelled => types::Outcome::Cancelled,
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

fn file_info(info: protocol::FileInfo) -> types::FileInfo {
    types::FileInfo {
        path: info.path,
        kind: match info.kind {
            protocol::FileKind::File => types::FileKind::File,
            protocol::FileKind::Directory => types::FileKind::Directory,
            protocol::FileKind::Symlink => types::FileKind::Symlink,
            protocol::FileKind::Other => types::FileKind::Other,
        },
        size_bytes: info.size_bytes,
        modified_at_ms: info.modified_at_ms,
    }
}

fn error(error: protocol::Error) -> types::Error {
    use protocol::Error as E;
    match error {
        E::Invalid { field, message } => {
            types::Error::Invalid(types::InvalidInput { field, message })
        }
        E::NotFound { kind, id, known } => {
            types::Error::NotFound(types::Missing { kind, id, known })
        }
        E::Conflict { message } => types::Error::Conflict(message),
        E::Denied {
            capability,
            resource,
            rule,
        } => types::Error::Denied(types::Denial {
            capability,
            resource,
            rule,
        }),
        E::TooLarge { name, allowed } => types::Error::TooLarge(types::Limit { name, allowed }),
        E::Busy { retry_after_ms } => types::Error::Busy(retry_after_ms),
        E::Unavailable { message } => types::Error::Unavailable(message),
        E::Internal { message } => types::Error::Internal(message),
    }
}
