//! What is said of a command that ended.

use crate::context::Context;
use swarm_flow_agent::tools::{ExecResult, Outcome};
use swarm_flow_agent::{AgentError, TaskResult};

/// Says whether the task was done. A command that someone cancelled was not tried to its end.
pub fn task_result(
    context: Context,
    result: &ExecResult,
    missing: &[String],
) -> Result<TaskResult, AgentError> {
    if matches!(result.outcome, Outcome::Cancelled) {
        return Err(cancelled());
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
        metrics: Some(result.metrics()),
    })
}

pub fn cancelled() -> AgentError {
    AgentError::ToolUnavailable("the command was cancelled".to_owned())
}

/// Why it did not do what it should; none when its exit code is the expected one.
pub fn failures(expected: u8, result: &ExecResult) -> Vec<String> {
    let mut failures = Vec::new();
    if result.exit_code == expected {
        return failures;
    }
    match &result.outcome {
        Outcome::Trapped(message) => failures.push(format!("the command trapped: {message}")),
        Outcome::Limit(hit) => failures.push(format!(
            "the command was ended: it used {} of {}, {} are allowed",
            hit.used, hit.name, hit.allowed
        )),
        Outcome::Exited | Outcome::Cancelled => {}
    }
    failures.push(format!(
        "the command ended with exit code {}, expected {expected}",
        result.exit_code
    ));
    failures
}

/// The same of its artifacts.
pub fn missing(artifacts: &[String]) -> Option<String> {
    (!artifacts.is_empty()).then(|| format!("missing artifacts: {}", quoted(artifacts)))
}

fn failure_text(expected: u8, result: &ExecResult, artifacts: &[String]) -> String {
    let mut shown = String::new();
    for failure in failures(expected, result)
        .into_iter()
        .chain(missing(artifacts))
    {
        shown.push_str(&format!("{failure}\n"));
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
