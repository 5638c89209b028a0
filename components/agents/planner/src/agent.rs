//! What the agent does with a task.

use crate::plan::{self, Kinds, Step};
use serde::Deserialize;
use serde_json::{Map, Value};
use swarm_flow_agent::delegation::{self, Child};
use swarm_flow_agent::tools::Error;
use swarm_flow_agent::{Agent, AgentError, Task, TaskResult};
use swarm_flow_agent_loop::{
    Answer, Common, Model, Platform, Prompt, READ, Report, Settings, Work, Workspace, asked,
    before, read, run, select,
};

/// The component's only type: it has no state, each task stands alone.
pub struct Planner;

pub const SCHEMA: &str = include_str!("context.schema.json");
const PROMPT: &str = include_str!("../prompts/planner.md");
const TASKS: usize = 20;
/// Plans that are refused before it is the end.
const REFUSED_MAX: u32 = 2;

impl Agent for Planner {
    const NAME: &'static str = "planner";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const CONTEXT_SCHEMA: Option<&'static str> = Some(SCHEMA);

    fn capabilities() -> &'static [&'static str] {
        &["plan"]
    }

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        execute(&Platform, &Platform, &Run, &task)
    }
}

swarm_flow_agent::export!(Planner);

/// Makes tasks of the run.
pub(crate) trait Delegate {
    /// Gives their ids.
    fn delegate(&self, steps: Vec<Child>) -> Result<Vec<String>, Error>;
}

/// The run of the task.
struct Run;

impl Delegate for Run {
    fn delegate(&self, steps: Vec<Child>) -> Result<Vec<String>, Error> {
        delegation::delegate(steps)
    }
}

#[derive(Deserialize)]
struct Context {
    task: Option<String>,
    agents: Option<Kinds>,
    tasks_max: Option<usize>,
    #[serde(flatten)]
    common: Common,
}

pub(crate) fn execute(
    model: &dyn Model,
    workspace: &dyn Workspace,
    run_of_task: &dyn Delegate,
    task: &Task,
) -> Result<TaskResult, AgentError> {
    let context: Context = read(task, SCHEMA)?;
    let mut work = Work::new(workspace);
    let prompt = Prompt::shipped("planner", PROMPT).or_of_task(&mut work, &context.common)?;
    let kinds = context
        .agents
        .unwrap_or_else(|| Kinds::from([("coder".to_owned(), Map::new())]));
    if kinds.is_empty() {
        let message = "`context.agents` is empty; name a kind of agent that tasks can be for";
        return Err(AgentError::InvalidTask(message.to_owned()));
    }
    let told = asked(task, context.task.as_deref())? + &before(&workspace.inputs());
    let system = prompt.with_agents(&mut work);
    let mut made: Option<(Vec<Step>, Vec<String>)> = None;
    let mut broken = None;
    let accept = |given: &Value| {
        let steps = plan::steps(given, &kinds)?;
        match run_of_task.delegate(steps.iter().map(|step| step.child(&kinds)).collect()) {
            Ok(ids) => {
                made = Some((steps, ids));
                Ok(())
            }
            Err(Error::Invalid(input)) => Err(format!("`{}` {}", input.field, input.message)),
            Err(Error::TooLarge(limit)) => {
                Err(format!("`{}` may be {} at most", limit.name, limit.allowed))
            }
            // The model cannot do better; the plan is taken, and the task fails.
            Err(error) => {
                broken = Some(error);
                Ok(())
            }
        }
    };
    let tool = plan::tool(&kinds, context.tasks_max.unwrap_or(TASKS));
    let mut answer = Answer::new(select(&READ), tool, REFUSED_MAX, accept);
    let settings = Settings::of(&context.common, "plan", &system, &told);
    let mut ended = run(model, &mut work, &mut answer, &settings);
    drop(answer);
    if let Some(error) = broken {
        return Err(error.into());
    }
    if let Some((steps, ids)) = &made {
        ended.said = plan::text(steps, ids);
    }
    Report {
        ended: &ended,
        denials: &work.denials,
        files: Vec::new(),
        prompt: &prompt.name,
        lines: Vec::new(),
    }
    .result()
}

#[cfg(test)]
mod tests;
