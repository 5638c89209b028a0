//! Agents, their tasks, and what came of them.

use crate::bindings::agent as wit;
use crate::json::Any;
use crate::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A task as a caller writes it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// Unique in its run; made from its place when it is not given.
    pub id: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    requirements: Vec<String>,
    context: Option<Any>,
}

impl NewTask {
    pub fn into_wit(self, index: usize) -> wit::Task {
        // An agent reads text; JSON that is given as such becomes the text that means it.
        let context = self.context.and_then(|Any(value)| match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        });
        wit::Task {
            id: self.id.unwrap_or_else(|| format!("task-{}", index + 1)),
            description: self.description,
            requirements: self.requirements,
            context,
        }
    }
}

/// `POST /agents/{name}/tasks`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execute {
    pub workspace: String,
    pub task: NewTask,
}

#[derive(Serialize)]
pub struct Agent {
    name: String,
    version: String,
    capabilities: Vec<String>,
    /// A JSON Schema, or null when the context is free text.
    context_schema: Value,
    health: Health,
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
    message: Option<String>,
}

impl Agent {
    pub fn new(capabilities: wit::AgentCapabilities, health: wit::Health) -> Self {
        let (status, message) = match health {
            wit::Health::Healthy => ("healthy", None),
            wit::Health::Degraded(message) => ("degraded", Some(message)),
            wit::Health::Unhealthy(message) => ("unhealthy", Some(message)),
        };
        let schema = capabilities
            .context_schema
            .and_then(|text| serde_json::from_str(&text).ok());
        Self {
            name: capabilities.name,
            version: capabilities.version,
            capabilities: capabilities.capabilities,
            context_schema: schema.unwrap_or(Value::Null),
            health: Health { status, message },
        }
    }
}

pub fn problem(error: wit::AgentError) -> Problem {
    match error {
        wit::AgentError::InvalidTask(message) => Problem::invalid("task", &message),
        wit::AgentError::LacksCapabilities(lacking) => {
            let message = format!("the agent lacks {}", lacking.join(", "));
            Problem::invalid("task.requirements", &message).with("lacking", lacking)
        }
        wit::AgentError::ToolUnavailable(message) => Problem::new("runner-unavailable", message),
        wit::AgentError::Denied(message) => Problem::new("policy-denied", message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_context_may_be_text_or_json() {
        for (body, context) in [
            (&br#"{}"#[..], None),
            (br#"{"context":null}"#, None),
            (br#"{"context":"plain"}"#, Some("plain")),
            (
                br#"{"context":{"command":["a"]}}"#,
                Some(r#"{"command":["a"]}"#),
            ),
        ] {
            let task = json::parse::<NewTask>(body).unwrap().into_wit(4);
            assert_eq!(task.context.as_deref(), context);
            assert_eq!(task.id, "task-5");
        }
    }
}
