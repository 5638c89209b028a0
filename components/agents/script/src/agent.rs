//! What the agent does with a task, over any tools.

use crate::context::{self, Context, StdinFrom, Wanted};
use crate::{children, outcome};
use std::collections::BTreeMap;
use swarm_flow_agent::delegation::{self, Child};
use swarm_flow_agent::inputs::{self, Input};
use swarm_flow_agent::tools::{self, Command, Error, ExecResult, FileInfo};
use swarm_flow_agent::{Agent, AgentError, Health, Task, TaskResult};

/// The component's only type: it has no state, each task stands alone.
pub struct Script;

impl Agent for Script {
    const NAME: &'static str = "script";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const CONTEXT_SCHEMA: Option<&'static str> = Some(context::SCHEMA);

    fn capabilities() -> &'static [&'static str] {
        &["exec"]
    }

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        execute(&Workspace, &task)
    }

    fn health_check() -> Health {
        health(&Workspace)
    }
}

swarm_flow_agent::export!(Script);

/// What the agent needs of its tools; a test gives its own.
pub trait Tools {
    fn exec(&self, command: &Command) -> Result<ExecResult, Error>;
    fn list_files(&self, path: &str) -> Result<Vec<FileInfo>, Error>;
    fn read_file(&self, path: &str) -> Result<Vec<u8>, Error>;
    fn inputs(&self) -> Vec<Input> {
        Vec::new()
    }
    /// Gives their ids.
    fn delegate(&self, children: Vec<Child>) -> Result<Vec<String>, Error>;
}

/// The tools of the task's workspace.
struct Workspace;

impl Tools for Workspace {
    fn exec(&self, command: &Command) -> Result<ExecResult, Error> {
        tools::run(command)
    }

    fn list_files(&self, path: &str) -> Result<Vec<FileInfo>, Error> {
        tools::list(path)
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, Error> {
        tools::read(path)
    }

    fn inputs(&self) -> Vec<Input> {
        inputs::get()
    }

    fn delegate(&self, children: Vec<Child>) -> Result<Vec<String>, Error> {
        delegation::delegate(children)
    }
}

/// Healthy when its tools answer, whatever they answer: without a workspace there is nothing to list, but
/// someone said so.
fn health(tools: &impl Tools) -> Health {
    match tools.list_files("") {
        Err(Error::Unavailable(message)) => Health::Unhealthy(message),
        Err(Error::Internal(_)) => Health::Unhealthy("its tools failed".to_owned()),
        Err(Error::Busy(retry_ms)) => Health::Degraded(format!(
            "its tools are busy, and expect to be free in {retry_ms} ms"
        )),
        Ok(_)
        | Err(
            Error::Invalid(_)
            | Error::NotFound(_)
            | Error::Conflict(_)
            | Error::Denied(_)
            | Error::TooLarge(_),
        ) => Health::Healthy,
    }
}

fn execute(tools: &impl Tools, task: &Task) -> Result<TaskResult, AgentError> {
    match Wanted::parse(task.context.as_deref()).map_err(AgentError::InvalidTask)? {
        Wanted::Command(context) => command(tools, context),
        Wanted::Tasks(list) => list.execute(tools),
    }
}

fn command(tools: &impl Tools, mut context: Context) -> Result<TaskResult, AgentError> {
    if let Some(from) = context.stdin_from {
        context.command.stdin = stdin(&tools.inputs(), from);
    }
    let makes_tasks = context.makes_tasks;
    let result = tools.exec(&context.command)?;
    let missing = missing_artifacts(tools, &context.artifacts)?;
    let mut result = outcome::task_result(context, &result, &missing)?;
    if makes_tasks && result.success {
        match children::parse(&result.output) {
            Ok(children) if children.is_empty() => {}
            Ok(children) => result.output = tools.delegate(children)?.join("\n"),
            Err(message) => {
                result.success = false;
                result.output = message;
            }
        }
    }
    Ok(result)
}

fn stdin(inputs: &[Input], from: StdinFrom) -> Vec<u8> {
    let text = |input: &Input| match from {
        StdinFrom::Outputs => input.output.clone(),
        StdinFrom::Inputs => {
            let line = serde_json::json!({
                "task": input.task, "success": input.success, "output": input.output,
                "artifacts": input.artifacts, "workspace": input.workspace,
            });
            format!("{line}\n")
        }
    };
    inputs.iter().map(text).collect::<String>().into_bytes()
}

/// The artifacts that the command did not make. One listing for each directory in which there should be some.
pub fn missing_artifacts(tools: &impl Tools, artifacts: &[String]) -> Result<Vec<String>, Error> {
    let mut by_directory: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for artifact in artifacts {
        let directory = artifact
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory);
        by_directory.entry(directory).or_default().push(artifact);
    }
    let mut missing = Vec::new();
    for (directory, expected) in by_directory {
        let found = match tools.list_files(directory) {
            Ok(found) => found,
            Err(Error::NotFound(_) | Error::Invalid(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let is_there = |path: &String| found.iter().any(|file| &file.path == path);
        missing.extend(expected.into_iter().filter(|path| !is_there(path)).cloned());
    }
    Ok(missing)
}

#[cfg(test)]
mod tests;
