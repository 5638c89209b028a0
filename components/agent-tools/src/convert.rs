//! Between the words of `types.wit` and those of the runner's protocol. Nothing is decided here.

use crate::bindings::types::{
    Command, Denial, Error, ExecResult, FileInfo, FileKind, InvalidInput, Limit, LimitHit, Missing,
    Outcome,
};
use swarm_flow_policy::{LimitsOverride, Policy};
use swarm_flow_protocol as protocol;

pub fn exec_request(
    command: Command,
    environment: String,
    policy: Policy,
) -> protocol::ExecRequest {
    let limits = command.limits;
    protocol::ExecRequest {
        command: command.argv,
        stdin: command.stdin,
        env: command.env,
        cwd: command.cwd,
        environment,
        policy,
        limits: LimitsOverride {
            memory_bytes: limits.and_then(|limits| limits.memory_bytes),
            cpu_time_ms: limits.and_then(|limits| limits.cpu_time_ms),
            wall_time_ms: command.timeout_ms,
            output_bytes: limits.and_then(|limits| limits.output_bytes),
        },
        stream: false,
    }
}

pub fn exec_result(result: protocol::ExecResult) -> ExecResult {
    ExecResult {
        outcome: match result.outcome {
            protocol::Outcome::Exited => Outcome::Exited,
            protocol::Outcome::Trapped { message } => Outcome::Trapped(message),
            protocol::Outcome::Limit {
                name,
                used,
                allowed,
            } => Outcome::Limit(LimitHit {
                name,
                used,
                allowed,
            }),
            protocol::Outcome::Cancelled => Outcome::Cancelled,
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

pub fn file_info(file: protocol::FileInfo) -> FileInfo {
    FileInfo {
        path: file.path,
        kind: match file.kind {
            protocol::FileKind::File => FileKind::File,
            protocol::FileKind::Directory => FileKind::Directory,
            protocol::FileKind::Symlink => FileKind::Symlink,
            protocol::FileKind::Other => FileKind::Other,
        },
        size_bytes: file.size_bytes,
        modified_at_ms: file.modified_at_ms,
    }
}

pub fn error(error: protocol::Error) -> Error {
    match error {
        protocol::Error::Invalid { field, message } => {
            Error::Invalid(InvalidInput { field, message })
        }
        protocol::Error::NotFound { kind, id, known } => {
            Error::NotFound(Missing { kind, id, known })
        }
        protocol::Error::Conflict { message } => Error::Conflict(message),
        protocol::Error::Denied {
            capability,
            resource,
            rule,
        } => Error::Denied(Denial {
            capability,
            resource,
            rule,
        }),
        protocol::Error::TooLarge { name, allowed } => Error::TooLarge(Limit { name, allowed }),
        protocol::Error::Busy { retry_after_ms } => Error::Busy(retry_after_ms),
        protocol::Error::Unavailable { message } => Error::Unavailable(message),
        protocol::Error::Internal { message } => Error::Internal(message),
    }
}
