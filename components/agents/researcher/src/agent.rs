//! What the agent does with a task.

use crate::sources::Researching;
use serde::Deserialize;
use swarm_flow_agent::{Agent, AgentError, Task, TaskResult};
use swarm_flow_agent_loop::{
    Common, Files, Model, Platform, Prompt, Report, Settings, Work, Workspace, asked, before,
    changed, read, run,
};

/// The component's only type: it has no state, each task stands alone.
pub struct Researcher;

pub const SCHEMA: &str = include_str!("context.schema.json");
const PROMPT: &str = include_str!("../prompts/researcher.md");

impl Agent for Researcher {
    const NAME: &'static str = "researcher";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const CONTEXT_SCHEMA: Option<&'static str> = Some(SCHEMA);

    fn capabilities() -> &'static [&'static str] {
        &["research", "fetch"]
    }

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        execute(&Platform, &Platform, &task)
    }
}

swarm_flow_agent::export!(Researcher);

#[derive(Deserialize)]
struct Context {
    task: Option<String>,
    #[serde(default)]
    sources: Vec<String>,
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
    let prompt = Prompt::shipped("researcher", PROMPT).or_of_task(&mut work, &context.common)?;
    let mut told = asked(task, context.task.as_deref())?;
    if !context.sources.is_empty() {
        told.push_str(&format!(
            "\n\nBegin with these:\n{}",
            context.sources.join("\n")
        ));
    }
    told.push_str(&before(&workspace.inputs()));
    let system = prompt.with_agents(&mut work);
    let files = Files::of(&mut work);
    let mut researching = Researching::default();
    let settings = Settings::of(&context.common, "research", &system, &told);
    let ended = run(model, &mut work, &mut researching, &settings);
    let files = changed(&mut work, files.as_ref());
    Report {
        ended: &ended,
        denials: &work.denials,
        files,
        prompt: &prompt.name,
        lines: researching.lines(),
    }
    .result()
}

#[cfg(test)]
mod tests;
