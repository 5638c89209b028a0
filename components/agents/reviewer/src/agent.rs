//! What the agent does with a task.

use crate::change::{self, Change};
use crate::findings::{Findings, Severity, tool};
use serde::Deserialize;
use serde_json::json;
use swarm_flow_agent::{Agent, AgentError, Task, TaskResult};
use swarm_flow_agent_loop::{
    Answer, Common, Line, Model, Platform, Prompt, READ, Report, Settings, Work, Workspace, read,
    run, select,
};

/// The component's only type: it has no state, each task stands alone.
pub struct Reviewer;

pub const SCHEMA: &str = include_str!("context.schema.json");
const PROMPT: &str = include_str!("../prompts/reviewer.md");
/// Answers that are refused before it is the end.
const REFUSED_MAX: u32 = 3;

impl Agent for Reviewer {
    const NAME: &'static str = "reviewer";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const CONTEXT_SCHEMA: Option<&'static str> = Some(SCHEMA);

    fn capabilities() -> &'static [&'static str] {
        &["review"]
    }

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        execute(&Platform, &Platform, &task)
    }
}

swarm_flow_agent::export!(Reviewer);

#[derive(Deserialize)]
struct Context {
    task: Option<String>,
    diff: Option<String>,
    command: Option<Line>,
    fail_on: Option<Severity>,
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
    let prompt = Prompt::shipped("reviewer", PROMPT).or_of_task(&mut work, &context.common)?;
    let change = change::of(&mut work, context.diff, context.command)?;
    let change = match change {
        Ok(change) => change,
        Err(why) => return Ok(TaskResult::failure(why)),
    };
    if change.files.is_empty() {
        let nothing =
            json!({"findings": [], "dropped": 0, "summary": "there is nothing to review"});
        return Ok(TaskResult::success(nothing.to_string()));
    }
    let told = told(task, context.task.as_deref(), &change);
    let system = prompt.with_agents(&mut work);
    let mut answer = Answer::new(select(&READ), tool(), REFUSED_MAX, |_| Ok(()));
    let settings = Settings::of(&context.common, "review", &system, &told);
    let ended = run(model, &mut work, &mut answer, &settings);
    let found = Findings::of(answer.given.as_ref(), &change.files);
    let report = Report {
        ended: &ended,
        denials: &work.denials,
        files: Vec::new(),
        prompt: &prompt.name,
        lines: Vec::new(),
    };
    let mut result = report.json(found.json())?;
    result.success &= !found.has(context.fail_on);
    Ok(result)
}

fn told(task: &Task, text: Option<&str>, change: &Change) -> String {
    let asked = text.unwrap_or(&task.description).trim();
    let asked = if asked.is_empty() {
        "Review this change."
    } else {
        asked
    };
    format!("{asked}\n\n{}", change.text)
}

#[cfg(test)]
mod tests;
