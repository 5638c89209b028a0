//! What is said of a command that ended, or of a tool that could not be used.

use crate::bindings::exports::swarm_flow::core::agent::{
    AgentError, PerformanceMetrics, TaskResult,
};
use crate::bindings::swarm_flow::core::types::{Error, ExecResult, Outcome};
use crate::context::Context;

/// Says whether the task was done. A command that someone cancelled was not tried to its end.
pub fn task_result(
    context: Context,
    result: &ExecResult,
    missing: &[String],
) -> Result<TaskResult, AgentError> {
    if matches!(result.outcome, Outcome::Cancelled) {
        return Err(AgentError::ToolUnavailable(
            "the command was cancelled".to_owned(),
        ));
    }
    let success = result.exit_code == context.expect_exit_code && missing.is_empty();
    let output = if success {
        let mut output = text(&result.stdout);
        note_truncation(&mut output, "stdout", result.stdout_truncated);
        output
    } else {
        failure_text(context.expect_exit_code, result, missing)
    };
    let artifacts = context
        .artifacts
        .into_iter()
        .filter(|path| !missing.contains(path))
        .collect();
    Ok(TaskResult {
        success,
        output,
        artifacts,
        metrics: Some(metrics(result)),
    })
}

/// Why a tool could not be used, sorted by who can do something about it.
pub fn tool_error(error: Error) -> AgentError {
    match error {
        Error::Invalid(input) => {
            AgentError::InvalidTask(format!("`{}` {}", input.field, input.message))
        }
        Error::NotFound(missing) if missing.kind == "workspace" => {
            AgentError::ToolUnavailable(format!("there is no workspace `{}`", missing.id))
        }
        Error::NotFound(missing) => {
            let mut message = format!("there is no {} `{}`", missing.kind, missing.id);
            if !missing.known.is_empty() {
                message.push_str(&format!("; there are {}", quoted(&missing.known)));
            }
            AgentError::InvalidTask(message)
        }
        Error::TooLarge(limit) => {
            AgentError::InvalidTask(format!("`{}` may be {} at most", limit.name, limit.allowed))
        }
        Error::Denied(denial) => AgentError::Denied(format!(
            "{} on `{}`; `{}` would allow it",
            denial.capability, denial.resource, denial.rule
        )),
        Error::Conflict(message) | Error::Unavailable(message) => {
            AgentError::ToolUnavailable(message)
        }
        Error::Busy(retry_ms) => AgentError::ToolUnavailable(format!(
            "the tools are busy, and expect to be free in {retry_ms} ms"
        )),
        // The text of an internal error is for the log.
        Error::Internal(_) => AgentError::ToolUnavailable("the tools failed".to_owned()),
    }
}

fn failure_text(expected: u8, result: &ExecResult, missing: &[String]) -> String {
    let mut shown = String::new();
    match &result.outcome {
        Outcome::Trapped(message) => shown.push_str(&format!("the command trapped: {message}\n")),
        Outcome::Limit(hit) => shown.push_str(&format!(
            "the command was ended: it used {} of {}, {} are allowed\n",
            hit.used, hit.name, hit.allowed
        )),
        Outcome::Exited | Outcome::Cancelled => {}
    }
    if result.exit_code != expected {
        shown.push_str(&format!(
            "the command ended with exit code {}, expected {expected}\n",
            result.exit_code
        ));
    }
    if !missing.is_empty() {
        shown.push_str(&format!("missing artifacts: {}\n", quoted(missing)));
    }
    for (name, bytes, truncated) in [
        ("stdout", &result.stdout, result.stdout_truncated),
        ("stderr", &result.stderr, result.stderr_truncated),
    ] {
        shown.push_str(&format!("--- {name} ---\n"));
        shown.push_str(&text(bytes));
        if !shown.ends_with('\n') {
            shown.push('\n');
        }
        note_truncation(&mut shown, name, truncated);
    }
    shown
}

fn note_truncation(shown: &mut String, name: &str, truncated: bool) {
    if truncated {
        shown.push_str(&format!("[{name} was cut off at the policy's limit]\n"));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest whole number that there is; times are not negative"
)]
fn metrics(result: &ExecResult) -> PerformanceMetrics {
    let share = if result.wall_ms > 0.0 {
        result.cpu_ms / result.wall_ms
    } else {
        0.0
    };
    PerformanceMetrics {
        execution_time: result.wall_ms.round() as u64,
        memory_usage: result.peak_memory_bytes,
        cpu_usage: share.clamp(0.0, 1.0) as f32,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn quoted(names: &[String]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
