//! What is asked and answered, in words that every dialect can be put into. As JSON it is what a journal keeps.

use serde::{Deserialize, Serialize};

/// What a model is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub messages: Vec<Message>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    #[serde(default)]
    pub tool_choice: ToolChoice,
    #[serde(default)]
    pub response_format: ResponseFormat,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
    /// A name of the operator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What the call is for: `plan`, `edit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub role: Role,
    pub parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Text(String),
    Image(Image),
    ToolCall(ToolCall),
    ToolResult(ToolResult),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Image {
    pub media_type: String,
    /// Base64.
    pub data: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    pub id: String,
    pub name: String,
    /// A JSON object.
    pub arguments: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    /// Of the call.
    pub id: String,
    pub content: String,
    pub is_error: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    pub description: String,
    /// A JSON Schema.
    pub parameters: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    #[default]
    Auto,
    Never,
    Required,
    Named(String),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFormat {
    #[default]
    Text,
    JsonSchema(JsonSchema),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JsonSchema {
    pub name: String,
    pub schema: String,
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Response {
    pub parts: Vec<Part>,
    pub finish_reason: FinishReason,
    pub usage: Usage,
    /// As the operator names it.
    pub model: String,
    /// As the provider calls what answered.
    pub provider_model: String,
    pub provider: String,
    /// None when it has no price.
    pub cost_microusd: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    Stop,
    Length,
    ToolCalls,
    ContentFilter,
}

impl FinishReason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
        }
    }
}

/// In tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// With those that were cached.
    pub input: u64,
    pub cached_input: u64,
    /// With those of reasoning.
    pub output: u64,
    pub reasoning: u64,
    /// The provider said less than there must have been, or nothing: what was estimated counts.
    pub is_estimated: bool,
}

impl Request {
    /// The bytes of text that the model reads, and how many images.
    pub(crate) fn size(&self) -> (u64, u64) {
        let (mut bytes, mut images) = (0, 0);
        for part in self.messages.iter().flat_map(|message| &message.parts) {
            match part {
                Part::Text(text) => bytes += text.len(),
                Part::Image(_) => images += 1,
                Part::ToolCall(call) => bytes += call.name.len() + call.arguments.len(),
                Part::ToolResult(result) => bytes += result.content.len(),
            }
        }
        for tool in &self.tools {
            bytes += tool.name.len() + tool.description.len() + tool.parameters.len();
        }
        if let ResponseFormat::JsonSchema(schema) = &self.response_format {
            bytes += schema.schema.len();
        }
        (bytes as u64, images)
    }

    pub(crate) fn has_images(&self) -> bool {
        self.size().1 > 0
    }
}
