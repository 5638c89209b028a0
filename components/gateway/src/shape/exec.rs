//! Commands and how they end.

use crate::bindings::types;
use crate::json::Strings;
use crate::problem::Problem;
use crate::stream::lossy;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// `POST /workspaces/{id}/exec`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exec {
    command: Vec<String>,
    #[serde(default)]
    stdin: String,
    #[serde(default)]
    stdin_encoding: Encoding,
    /// After `stdin`, the program reads what `POST …/exec/{exec}/stdin` brings.
    #[serde(default)]
    pub stdin_stream: bool,
    #[serde(default)]
    env: Strings,
    cwd: Option<String>,
    timeout_ms: Option<u64>,
    limits: Option<Limits>,
    #[serde(default)]
    pub output_encoding: Encoding,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    memory_bytes: Option<u64>,
    cpu_time_ms: Option<u64>,
    output_bytes: Option<u64>,
}

/// How bytes stand in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    /// What is no UTF-8 is replaced by U+FFFD.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "base64")]
    Base64,
}

impl Exec {
    pub fn into_wit(self) -> Result<types::Command, Problem> {
        let stdin = match self.stdin_encoding {
            Encoding::Utf8 => self.stdin.into_bytes(),
            Encoding::Base64 => STANDARD
                .decode(&self.stdin)
                .map_err(|error| Problem::invalid("stdin", &format!("is not base64: {error}")))?,
        };
        Ok(types::Command {
            argv: self.command,
            stdin,
            env: self.env.0,
            cwd: self.cwd,
            timeout_ms: self.timeout_ms,
            limits: self.limits.map(|limits| types::CommandLimits {
                memory_bytes: limits.memory_bytes,
                cpu_time_ms: limits.cpu_time_ms,
                output_bytes: limits.output_bytes,
            }),
        })
    }
}

impl Encoding {
    fn encode(self, bytes: Vec<u8>) -> String {
        match self {
            Self::Utf8 => lossy(bytes),
            Self::Base64 => STANDARD.encode(bytes),
        }
    }
}

/// A result with its outputs.
#[derive(Serialize)]
pub struct Finished {
    #[serde(flatten)]
    result: Outcome,
    stdout: String,
    stderr: String,
}

impl Finished {
    pub fn new(mut result: types::ExecResult, encoding: Encoding) -> Self {
        let stdout = encoding.encode(std::mem::take(&mut result.stdout));
        let stderr = encoding.encode(std::mem::take(&mut result.stderr));
        Self {
            result: result.into(),
            stdout,
            stderr,
        }
    }
}

/// A result without its outputs.
#[derive(Serialize)]
pub struct Outcome {
    exit_code: u8,
    outcome: swarm_flow_protocol::Outcome,
    stdout_truncated: bool,
    stderr_truncated: bool,
    wall_ms: f64,
    cpu_ms: f64,
    peak_memory_bytes: u64,
    read_bytes: u64,
    written_bytes: u64,
    sandbox: String,
    denials: Vec<swarm_flow_protocol::Denial>,
}

impl From<types::ExecResult> for Outcome {
    fn from(result: types::ExecResult) -> Self {
        Self {
            exit_code: result.exit_code,
            outcome: result.outcome.into(),
            stdout_truncated: result.stdout_truncated,
            stderr_truncated: result.stderr_truncated,
            wall_ms: result.wall_ms,
            cpu_ms: result.cpu_ms,
            peak_memory_bytes: result.peak_memory_bytes,
            read_bytes: result.read_bytes,
            written_bytes: result.written_bytes,
            sandbox: result.sandbox,
            denials: result.denials.into_iter().map(Into::into).collect(),
        }
    }
}

/// The data of the event `started`.
#[derive(Serialize)]
pub struct Started {
    pub exec_id: String,
}

/// A piece of output, as an event's data.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    Text(String),
    Base64(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn result() -> types::ExecResult {
        types::ExecResult {
            outcome: types::Outcome::Limit(types::LimitHit {
                name: "memory".to_owned(),
                used: 2,
                allowed: 1,
            }),
            exit_code: 137,
            stdout: b"a\xff".to_vec(),
            stderr: Vec::new(),
            stdout_truncated: false,
            stderr_truncated: true,
            wall_ms: 1.5,
            cpu_ms: 1.0,
            peak_memory_bytes: 2,
            read_bytes: 3,
            written_bytes: 4,
            sandbox: "sb_1".to_owned(),
            denials: Vec::new(),
        }
    }

    #[test]
    fn a_result_is_written_as_asked() {
        let json = serde_json::to_value(Finished::new(result(), Encoding::Utf8)).unwrap();
        assert_eq!(json["stdout"], "a\u{fffd}");
        assert_eq!(
            json["outcome"],
            serde_json::json!({"kind": "limit", "name": "memory", "used": 2, "allowed": 1})
        );
        let json = serde_json::to_value(Finished::new(result(), Encoding::Base64)).unwrap();
        assert_eq!(json["stdout"], "Yf8=");
    }

    #[test]
    fn a_command_is_read_with_its_defaults() {
        let exec: Exec =
            json::parse(br#"{"command":["python"],"stdin":"Yf8=","stdin_encoding":"base64"}"#)
                .unwrap();
        assert_eq!(exec.output_encoding, Encoding::Utf8);
        let command = exec.into_wit().unwrap();
        assert_eq!(command.stdin, b"a\xff");
        assert!(command.cwd.is_none() && command.timeout_ms.is_none() && command.limits.is_none());
    }

    #[test]
    fn a_command_with_a_fault_is_refused_by_field() {
        for (body, field) in [
            (
                &br#"{"command":["a"],"stdin":"?","stdin_encoding":"base64"}"#[..],
                "stdin",
            ),
            (
                br#"{"command":["a"],"stdin_encoding":"latin1"}"#,
                "stdin_encoding",
            ),
            (br#"{"command":"a"}"#, "command"),
            (br#"{"command":["a"],"timeout_ms":1.5}"#, "timeout_ms"),
            (
                br#"{"command":["a"],"limits":{"disk_bytes":1}}"#,
                "limits.disk_bytes",
            ),
        ] {
            let problem = json::parse::<Exec>(body)
                .and_then(Exec::into_wit)
                .err()
                .unwrap();
            assert_eq!(
                problem.member("field"),
                Some(&field.into()),
                "{}",
                problem.detail
            );
        }
    }
}
