//! An agent that asks a model what its context says, does what the model wants of its tools, and gives the last answer.

use serde::Deserialize;
use serde_json::json;
use swarm_flow_agent::model::{self, Chat, ModelError, ToolCall};
use swarm_flow_agent::{Agent, AgentError, Task, TaskResult, tools};

#[derive(Deserialize)]
struct Context {
    /// Asked one after the other, in one conversation.
    ask: Vec<String>,
    model: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    tool: bool,
    #[serde(default)]
    json: bool,
    /// A command between two questions.
    between: Option<Vec<String>>,
}

const EXEC: &str = r#"{"type": "object", "properties": {"command": {"type": "array", "items": {"type": "string"}}}, "required": ["command"]}"#;
const ANSWER: &str =
    r#"{"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}"#;

struct Thinker;

impl Agent for Thinker {
    const NAME: &'static str = "thinker";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        let asked: Context = task.context_as()?;
        let mut chat = Chat::new().system("You are tested.");
        if asked.tool {
            chat = chat.tool("exec", "Runs a command.", EXEC);
        }
        if asked.json {
            chat = chat.json("answer", ANSWER);
        }
        if let Some(model) = asked.model {
            chat = chat.model(model);
        }
        if let Some(kind) = asked.kind {
            chat = chat.kind(kind);
        }
        let mut said = Vec::new();
        for (index, question) in asked.ask.iter().enumerate() {
            if let Some(command) = asked.between.as_ref().filter(|_| index > 0) {
                tools::exec(command).run()?;
            }
            chat.say(question);
            match converse(&mut chat) {
                Ok(told) => said.push(told),
                Err(error) => return failed(error),
            }
        }
        Ok(TaskResult::success(
            json!({"said": said, "models": names()}).to_string(),
        ))
    }
}

/// Until the model wants no tool any more. Gives what it used, too.
fn converse(chat: &mut Chat) -> Result<serde_json::Value, ModelError> {
    loop {
        let answer = chat.send()?;
        chat.answered(&answer);
        let calls = answer.tool_calls();
        if calls.is_empty() {
            return Ok(json!({
                "text": answer.text(), "model": answer.model, "provider": answer.provider,
                "input": answer.usage.input, "output": answer.usage.output,
                "estimated": answer.usage.is_estimated, "cost": answer.cost_microusd,
            }));
        }
        for call in calls {
            match exec(call) {
                Ok(output) => chat.tool_result(call, output),
                Err(error) => chat.tool_error(call, error),
            }
        }
    }
}

fn exec(call: &ToolCall) -> Result<String, String> {
    #[derive(Deserialize)]
    struct Arguments {
        command: Vec<String>,
    }
    let arguments: Arguments =
        serde_json::from_str(&call.arguments).map_err(|error| error.to_string())?;
    let done = tools::exec(arguments.command).run();
    done.map(|done| done.stdout_text())
        .map_err(|error| format!("{error:?}"))
}

fn names() -> Vec<String> {
    model::models()
        .into_iter()
        .map(|model| model.name)
        .collect()
}

/// The kind of error is what a test wants to know.
fn failed(error: ModelError) -> Result<TaskResult, AgentError> {
    let kind = format!("{error:?}");
    let said = match AgentError::from(error) {
        AgentError::InvalidTask(said)
        | AgentError::ToolUnavailable(said)
        | AgentError::Denied(said) => said,
        AgentError::LacksCapabilities(names) => names.join(", "),
    };
    Ok(TaskResult::failure(format!("{kind}\n{said}")))
}

swarm_flow_agent::export!(Thinker);
