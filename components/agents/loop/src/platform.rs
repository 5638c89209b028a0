//! What an agent has of the platform.

use crate::tools::Tool;
use swarm_flow_agent::inputs::{self, Input};
use swarm_flow_agent::model::{self, Chat, Message, ModelError, ModelInfo, Response, ToolChoice};
use swarm_flow_agent::progress;
use swarm_flow_agent::tools::{self, Command, Error, ExecResult, FileInfo};

/// What a model is asked.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub messages: &'a [Message],
    pub tools: &'a [Tool],
    pub choice: ToolChoice,
    /// For the operator's routing table.
    pub kind: &'a str,
    pub model: Option<&'a str>,
    pub max_output_tokens: Option<u32>,
}

/// Asks models.
pub trait Model {
    /// Waits for the whole answer. What passes by itself was tried again.
    fn chat(&self, request: &Request<'_>) -> Result<Response, ModelError>;
    fn models(&self) -> Vec<ModelInfo>;
}

/// Touches the workspace. Paths are relative to `/workspace`.
pub trait Workspace {
    fn exec(&self, command: &Command) -> Result<ExecResult, Error>;
    fn read(&self, path: &str) -> Result<Vec<u8>, Error>;
    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Error>;
    /// All that is in it.
    fn list(&self) -> Result<Vec<FileInfo>, Error>;
    /// What came of the tasks that this one needs.
    fn inputs(&self) -> Vec<Input>;
    /// Tells those who look on.
    fn report(&self, message: &str);
}

/// Those of the task.
pub struct Platform;

impl Model for Platform {
    fn chat(&self, request: &Request<'_>) -> Result<Response, ModelError> {
        let mut chat = Chat::new()
            .kind(request.kind)
            .tool_choice(request.choice.clone());
        for message in request.messages {
            chat = chat.message(message.role, message.parts.clone());
        }
        for tool in request.tools {
            chat = chat.tool(tool.name, &*tool.description, tool.schema.to_string());
        }
        if let Some(name) = request.model {
            chat = chat.model(name);
        }
        if let Some(most) = request.max_output_tokens {
            chat = chat.max_output_tokens(most);
        }
        chat.send()
    }

    fn models(&self) -> Vec<ModelInfo> {
        model::models()
    }
}

impl Workspace for Platform {
    fn exec(&self, command: &Command) -> Result<ExecResult, Error> {
        tools::run(command)
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, Error> {
        tools::read(path)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        tools::write(path, bytes)
    }

    fn list(&self) -> Result<Vec<FileInfo>, Error> {
        tools::list_all("")
    }

    fn inputs(&self) -> Vec<Input> {
        inputs::get()
    }

    fn report(&self, message: &str) {
        progress::report(message);
    }
}
