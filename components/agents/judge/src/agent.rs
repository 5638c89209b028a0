//! What the agent does with a task.

use crate::judgement::{Kind, json, tool};
use serde::Deserialize;
use serde_json::Value;
use swarm_flow_agent::{Agent, AgentError, Task, TaskResult};
use swarm_flow_agent_loop::{
    Answer, Common, Model, Platform, Prompt, Report, Settings, Work, Workspace, asked, before,
    read, run, select,
};

/// The component's only type: it has no state, each task stands alone.
pub struct Judge;

pub const SCHEMA: &str = include_str!("context.schema.json");
const PROMPT: &str = include_str!("../prompts/judge.md");
/// Judgements that are refused before it is the end.
const REFUSED_MAX: u32 = 2;

impl Agent for Judge {
    const NAME: &'static str = "judge";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const CONTEXT_SCHEMA: Option<&'static str> = Some(SCHEMA);

    fn capabilities() -> &'static [&'static str] {
        &["judge"]
    }

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        execute(&Platform, &Platform, &task)
    }
}

swarm_flow_agent::export!(Judge);

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Vote,
    Debate,
    Accept,
}

#[derive(Deserialize)]
struct Context {
    mode: Mode,
    task: Option<String>,
    options: Option<Vec<String>>,
    criteria: Option<String>,
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
    let prompt = Prompt::shipped("judge", PROMPT).or_of_task(&mut work, &context.common)?;
    let inputs = workspace.inputs();
    let sides = inputs.iter().map(|input| input.task.clone()).collect();
    let kind = kind(context.mode, context.options, context.criteria, sides);
    let kind = kind.map_err(|message| AgentError::InvalidTask(message.to_owned()))?;
    let told = format!(
        "{}{}{}",
        asked(task, context.task.as_deref())?,
        kind.told(),
        before(&inputs)
    );
    let system = prompt.with_agents(&mut work);
    let tools = context.tools.unwrap_or_default();
    let tools: Vec<&str> = tools.iter().map(String::as_str).collect();
    // The schema has said what can be given.
    let mut answer = Answer::new(select(&tools), tool(&kind), REFUSED_MAX, |_: &Value| Ok(()));
    let settings = Settings::of(&context.common, "judge", &system, &told);
    let ended = run(model, &mut work, &mut answer, &settings);
    let report = Report {
        ended: &ended,
        denials: &work.denials,
        files: Vec::new(),
        prompt: &prompt.name,
        lines: Vec::new(),
    };
    let (fields, is_accepted) = json(&kind, answer.given.as_ref());
    let mut result = report.json(fields)?;
    result.success &= is_accepted;
    Ok(result)
}

fn kind(
    mode: Mode,
    options: Option<Vec<String>>,
    criteria: Option<String>,
    sides: Vec<String>,
) -> Result<Kind, &'static str> {
    match (mode, options, criteria) {
        (Mode::Vote, Some(options), None) => Ok(Kind::Vote(options)),
        (Mode::Vote, ..) => Err("`context`: `vote` needs `options` and no `criteria`"),
        (Mode::Accept, None, Some(criteria)) => Ok(Kind::Accept(criteria)),
        (Mode::Accept, ..) => Err("`context`: `accept` needs `criteria` and no `options`"),
        (Mode::Debate, None, None) if sides.len() > 1 => Ok(Kind::Debate(sides)),
        (Mode::Debate, None, None) => Err(
            "`context.mode` is `debate`, but the task needs less than two others: there is nothing to choose from",
        ),
        (Mode::Debate, ..) => Err("`context`: `debate` has neither `options` nor `criteria`"),
    }
}

#[cfg(test)]
mod tests;
