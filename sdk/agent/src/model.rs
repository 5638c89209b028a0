//! Language models of the operator's. The agent sees neither key nor address; a call that has an answer is never made again.

use crate::bindings::swarm_flow::core::model;
use std::fmt::{self, Display, Formatter};

pub use model::{
    BadAnswer, BadAnswerReason, FinishReason, Image, JsonSchema, Message, ModelError, ModelInfo,
    Part, Price, RateLimit, Response, ResponseFormat, Role, ToolCall, ToolChoice, ToolResult,
    UnknownModel, Usage,
};

/// What a model is asked. It is put together once, and goes on with the answers and with what came of tools.
///
/// ```no_run
/// use swarm_flow_agent::model::Chat;
/// use swarm_flow_agent::tools;
///
/// let schema = r#"{"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}"#;
/// let mut chat = Chat::new()
///     .system("You look things up in files.")
///     .tool("read", "Reads a file of the workspace.", schema)
///     .user("What does README.md say?");
/// let mut answer = chat.send()?;
/// while !answer.tool_calls().is_empty() {
///     chat.answered(&answer);
///     for call in answer.tool_calls() {
///         match tools::read_to_string("README.md") {
///             Ok(text) => chat.tool_result(call, text),
///             Err(error) => chat.tool_error(call, format!("{error:?}")),
///         }
///     }
///     answer = chat.send()?;
/// }
/// println!("{}", answer.text());
/// # Ok::<(), swarm_flow_agent::AgentError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing is asked before `send`"]
pub struct Chat(model::Request);

impl Default for Chat {
    fn default() -> Self {
        Self::new()
    }
}

impl Chat {
    pub fn new() -> Self {
        Self(model::Request {
            messages: Vec::new(),
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            response_format: ResponseFormat::Text,
            max_output_tokens: None,
            temperature: None,
            stop: Vec::new(),
            model: None,
            kind: None,
        })
    }

    /// What holds for the whole conversation.
    pub fn system(self, text: impl Into<String>) -> Self {
        self.message(Role::System, vec![Part::Text(text.into())])
    }

    pub fn user(self, text: impl Into<String>) -> Self {
        self.message(Role::User, vec![Part::Text(text.into())])
    }

    /// With pictures, for one.
    pub fn message(mut self, role: Role, parts: Vec<Part>) -> Self {
        self.0.messages.push(Message { role, parts });
        self
    }

    /// What the model may want to be used. `parameters` is a JSON Schema of an object.
    pub fn tool(
        mut self,
        name: impl Into<String>,
        description: impl Into<String>,
        parameters: impl Into<String>,
    ) -> Self {
        self.0.tools.push(model::Tool {
            name: name.into(),
            description: description.into(),
            parameters: parameters.into(),
        });
        self
    }

    pub fn tool_choice(mut self, choice: ToolChoice) -> Self {
        self.0.tool_choice = choice;
        self
    }

    /// The answer is JSON of this form: a JSON Schema of an object.
    pub fn json(mut self, name: impl Into<String>, schema: impl Into<String>) -> Self {
        self.0.response_format = ResponseFormat::JsonSchema(JsonSchema {
            name: name.into(),
            schema: schema.into(),
        });
        self
    }

    /// How much the model may say.
    pub fn max_output_tokens(mut self, most: u32) -> Self {
        self.0.max_output_tokens = Some(most);
        self
    }

    /// 0.0 to 2.0; some models take none.
    pub fn temperature(mut self, temperature: f32) -> Self {
        self.0.temperature = Some(temperature);
        self
    }

    /// A text at which the model stops; 4 at most.
    pub fn stop(mut self, text: impl Into<String>) -> Self {
        self.0.stop.push(text.into());
        self
    }

    /// This one of the operator's. Without it the operator's routing table says which.
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.0.model = Some(name.into());
        self
    }

    /// What the call is for, in the operator's routing table: `plan`, `edit`, `judge`, `summary`.
    pub fn kind(mut self, kind: impl Into<String>) -> Self {
        self.0.kind = Some(kind.into());
        self
    }

    /// Asks, and waits for the whole answer. What passes by itself was tried again.
    ///
    /// # Errors
    ///
    /// Each kind is one on which an agent can act; by `?` it becomes the agent's.
    pub fn send(&self) -> Result<Response, ModelError> {
        model::chat(&self.0)
    }

    /// The conversation goes on after this answer.
    pub fn answered(&mut self, answer: &Response) {
        self.0.messages.push(Message {
            role: Role::Assistant,
            parts: answer.parts.clone(),
        });
    }

    /// What came of a tool that the model called.
    pub fn tool_result(&mut self, call: &ToolCall, content: impl Into<String>) {
        self.tool_ended(call, content.into(), false);
    }

    /// The tool did not do what the model wanted; the model may find another way.
    pub fn tool_error(&mut self, call: &ToolCall, content: impl Into<String>) {
        self.tool_ended(call, content.into(), true);
    }

    fn tool_ended(&mut self, call: &ToolCall, content: String, is_error: bool) {
        let result = Part::ToolResult(ToolResult {
            id: call.id.clone(),
            content,
            is_error,
        });
        match self.0.messages.last_mut() {
            Some(last) if last.role == Role::Tool => last.parts.push(result),
            _ => self.0.messages.push(Message {
                role: Role::Tool,
                parts: vec![result],
            }),
        }
    }

    /// One more message of the user's, after answers.
    pub fn say(&mut self, text: impl Into<String>) {
        self.0.messages.push(Message {
            role: Role::User,
            parts: vec![Part::Text(text.into())],
        });
    }

    /// All of it so far.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.0.messages
    }
}

impl Response {
    /// What the model said, without the tools that it called.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    #[must_use]
    pub fn tool_calls(&self) -> Vec<&ToolCall> {
        let calls = self.parts.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        });
        calls.collect()
    }
}

/// Those that the workspace's policy grants.
#[must_use]
pub fn models() -> Vec<ModelInfo> {
    model::models()
}

/// For who reads a task's failure.
pub(crate) struct Said<'a>(pub(crate) &'a ModelError);

impl Display for Said<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            ModelError::NotConfigured(message) => formatter.write_str(message),
            ModelError::UnknownModel(unknown) => {
                write!(
                    formatter,
                    "no model `{}`: {}",
                    unknown.name, unknown.message
                )
            }
            ModelError::Invalid(input) => write!(formatter, "`{}`: {}", input.field, input.message),
            ModelError::Denied(denial) => write!(
                formatter,
                "{} on `{}`; `{}` would allow it",
                denial.capability, denial.resource, denial.rule
            ),
            ModelError::Unauthorized(message) => {
                write!(
                    formatter,
                    "the provider does not take the operator's key: {message}"
                )
            }
            ModelError::Forbidden(message) => {
                write!(formatter, "the provider forbids it: {message}")
            }
            ModelError::RateLimited(limit) => write!(
                formatter,
                "the provider has no room for {} ms: {}",
                limit.retry_ms, limit.message
            ),
            ModelError::BudgetExceeded(message) => formatter.write_str(message),
            ModelError::ContextTooLong(message) => {
                write!(
                    formatter,
                    "the messages are too long for the model: {message}"
                )
            }
            ModelError::Refused(message) => write!(formatter, "refused: {message}"),
            ModelError::TimedOut(message) => {
                write!(formatter, "the provider took too long: {message}")
            }
            ModelError::Unavailable(message) => {
                write!(formatter, "the provider is not available: {message}")
            }
            ModelError::BadAnswer(bad) => {
                write!(formatter, "the model's answer is none: {}", bad.message)
            }
        }
    }
}
