//! What the agent does with a task.

use crate::coding::Coding;
use serde::Deserialize;
use swarm_flow_agent::{Agent, AgentError, Task, TaskResult};
use swarm_flow_agent_loop::{
    ALL, Check, Common, Files, Line, Model, Platform, Prompt, Report, Settings, Work, Workspace,
    asked, before, changed, read, run, select,
};

/// The component's only type: it has no state, each task stands alone.
pub struct Coder;

pub const SCHEMA: &str = include_str!("context.schema.json");
const PROMPT: &str = include_str!("../prompts/coder.md");
const CHECKS: u32 = 10;
const CHECK_TIMEOUT_MS: u64 = 600_000;

impl Agent for Coder {
    const NAME: &'static str = "coder";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const CONTEXT_SCHEMA: Option<&'static str> = Some(SCHEMA);

    fn capabilities() -> &'static [&'static str] {
        &["code", "edit", "test"]
    }

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        execute(&Platform, &Platform, &task)
    }
}

swarm_flow_agent::export!(Coder);

#[derive(Deserialize)]
struct Context {
    task: Option<String>,
    check: Option<Line>,
    check_timeout_ms: Option<u64>,
    checks_max: Option<u32>,
    tools: Option<Vec<String>>,
    #[serde(flatten)]
    common: Common,
}

pub(crate) fn execute(
    model: &dyn Model,
    workspace: &dyn Workspace,
    task: &Task,
) -> Result<TaskResult, AgentError> {
    let context: Context = read(task, SCHEMA)?;
    let mut work = Work::new(workspace);
    let prompt = Prompt::shipped("coder", PROMPT).or_of_task(&mut work, &context.common)?;
    let check = context.check.map(|line| Check {
        line,
        timeout_ms: context.check_timeout_ms.unwrap_or(CHECK_TIMEOUT_MS),
    });
    let told = told(task, context.task.as_deref(), check.as_ref(), workspace)?;
    let files = Files::of(&mut work);
    let names = context
        .tools
        .as_ref()
        .map(|tools| tools.iter().map(String::as_str).collect());
    let names: Vec<&str> = names.unwrap_or_else(|| ALL.to_vec());
    let mut coding = Coding::new(select(&names), check, context.checks_max.unwrap_or(CHECKS));
    let system = prompt.with_agents(&mut work);
    let ended = run(
        model,
        &mut work,
        &mut coding,
        &Settings::of(&context.common, "edit", &system, &told),
    );
    let files = changed(&mut work, files.as_ref());
    Report {
        ended: &ended,
        denials: &work.denials,
        files,
        prompt: &prompt.name,
        lines: coding.lines(),
    }
    .result()
}

/// What the model is told to do.
fn told(
    task: &Task,
    text: Option<&str>,
    check: Option<&Check>,
    workspace: &dyn Workspace,
) -> Result<String, AgentError> {
    let mut told = asked(task, text)?;
    if let Some(check) = check {
        told.push_str(&format!(
            "\n\nIt is done when this command ends with exit code 0: `{}`. It is run when you stop.",
            check.line
        ));
    }
    told.push_str(&before(&workspace.inputs()));
    Ok(told)
}

#[cfg(test)]
mod tests;
