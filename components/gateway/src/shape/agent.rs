//! Agents, their tasks, and what came of them.

use crate::bindings::{agent as wit, programs};
use crate::json::Any;
use crate::problem::Problem;
use crate::shape::program::{LeftOut, Program, left_out};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use swarm_flow_protocol::Origin;

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
        wit::Task {
            id: self.id.unwrap_or_else(|| format!("task-{}", index + 1)),
            description: self.description,
            requirements: self.requirements,
            context: self.context.and_then(context),
        }
    }
}

/// An agent reads text; JSON that is given as such becomes the text that means it.
pub fn context(Any(value): Any) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
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
    origin: Origin,
    /// Null for the one that is a part of the app.
    digest: Option<String>,
    /// The runners that are alive and have it; of what comes along, all do.
    #[serde(skip_serializing_if = "Option::is_none")]
    runners: Option<Vec<String>>,
    /// Null where it was not asked: what users added is asked when it is given a task.
    health: Option<Health>,
}

/// An agent that was added.
#[derive(Serialize)]
pub struct Added {
    #[serde(flatten)]
    agent: Agent,
    left_out: Vec<LeftOut>,
}

impl From<programs::Added> for Added {
    fn from(added: programs::Added) -> Self {
        let offered = added.offered;
        let program = Program::new(offered.details.program.into(), offered.runners);
        Self {
            agent: Agent::added(program),
            left_out: left_out(added.left_out),
        }
    }
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
            origin: Origin::Shipped,
            digest: None,
            runners: None,
            health: Some(Health { status, message }),
        }
    }

    /// None for what is no agent.
    pub fn of_program(program: Program) -> Option<Self> {
        program.is_agent().then(|| Self::added(program))
    }

    fn added(program: Program) -> Self {
        let (program, runners) = program.into_parts();
        let (capabilities, schema) = match program.agent {
            Some(profile) => (profile.capabilities, profile.context_schema),
            None => (Vec::new(), None),
        };
        let schema = schema.and_then(|text| serde_json::from_str(&text).ok());
        Self {
            name: program.name,
            version: program.version,
            capabilities,
            context_schema: schema.unwrap_or(Value::Null),
            origin: program.origin,
            digest: Some(program.digest),
            runners: Some(runners),
            health: None,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_named(&self, name: &str) -> bool {
        self.name == name
    }

    pub fn is_shipped(&self) -> bool {
        self.origin == Origin::Shipped
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
