//! A task's context, as the agent's schema has it.

use crate::schema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use swarm_flow_agent::{AgentError, Task};

/// What the context of every agent can say.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Common {
    pub model: Option<String>,
    pub max_turns: Option<u32>,
    pub max_output_tokens: Option<u32>,
    /// Instead of the agent's own.
    pub prompt: Option<String>,
    /// The same, as a file of the workspace.
    pub prompt_file: Option<String>,
}

/// Reads it, or says which field is wrong. A task without one has an empty one.
pub fn read<T: DeserializeOwned>(task: &Task, schema: &str) -> Result<T, AgentError> {
    let text = task.context.as_deref().unwrap_or("{}");
    parse(text, schema).map_err(AgentError::InvalidTask)
}

fn parse<T: DeserializeOwned>(text: &str, schema: &str) -> Result<T, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("`context` is not JSON: {error}"))?;
    let schema: Value = serde_json::from_str(schema)
        .map_err(|error| format!("the agent's own schema is not JSON: {error}"))?;
    schema::check(&schema, &value).map_err(|error| format!("`context`: {error}"))?;
    serde_json::from_value(value).map_err(|error| format!("`context`: {error}"))
}

/// What is to be done: the context's own text, or the task's description.
pub fn asked(task: &Task, text: Option<&str>) -> Result<String, AgentError> {
    let text = text.unwrap_or(&task.description).trim();
    if text.is_empty() {
        let message = "there is nothing to do: give the task a description, or `context.task`";
        return Err(AgentError::InvalidTask(message.to_owned()));
    }
    Ok(text.to_owned())
}

impl Common {
    pub(crate) fn check(&self) -> Result<(), AgentError> {
        if self.prompt.is_some() && self.prompt_file.is_some() {
            let message = "`context`: `prompt` and `prompt_file` are both given; give one";
            return Err(AgentError::InvalidTask(message.to_owned()));
        }
        Ok(())
    }
}
