//! The Messages API. A forced tool would be the older way to an answer by a schema, which newer models refuse.

use super::openai::short;
use super::{Reader, StreamError, json, parse};
use crate::answer::Answer;
use crate::chat::{
    FinishReason, Message, Part, Request, ResponseFormat, Role, ToolCall, ToolChoice, Usage,
};
use crate::error::{BadAnswer, ModelError};
use crate::settings::Model;
use crate::sse::Event;
use crate::tokens;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// More parts than any answer has.
const BLOCKS_MAX: usize = 1_024;

pub(super) fn body(request: &Request, model: &Model, stream: bool) -> Value {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("model", model.id.as_str().into());
    set("max_tokens", tokens::output_most(request, model).into());
    let system = request
        .messages
        .iter()
        .filter(|message| message.role == Role::System);
    let system: Vec<Value> = system
        .flat_map(|message| &message.parts)
        .filter_map(block)
        .collect();
    if !system.is_empty() {
        set("system", system.into());
    }
    set("messages", messages(&request.messages).into());
    if let Some(temperature) = request.temperature {
        set("temperature", short(temperature));
    }
    if !request.stop.is_empty() {
        set("stop_sequences", request.stop.clone().into());
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({"name": tool.name, "description": tool.description, "input_schema": json(&tool.parameters)})
        });
        set("tools", tools.collect());
        let choice = match &request.tool_choice {
            ToolChoice::Auto => json!({"type": "auto"}),
            ToolChoice::Never => json!({"type": "none"}),
            ToolChoice::Required => json!({"type": "any"}),
            ToolChoice::Named(name) => json!({"type": "tool", "name": name}),
        };
        set("tool_choice", choice);
    }
    if let ResponseFormat::JsonSchema(format) = &request.response_format {
        let format = json!({"type": "json_schema", "schema": json(&format.schema)});
        set("output_config", json!({"format": format}));
    }
    if stream {
        set("stream", true.into());
    }
    Value::Object(body)
}

/// Those of the user and of tools take turns with the assistant's: neighbours become one.
fn messages(messages: &[Message]) -> Vec<Value> {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let role = match message.role {
            Role::System => continue,
            Role::User | Role::Tool => "user",
            Role::Assistant => "assistant",
        };
        let blocks = message.parts.iter().filter_map(block);
        match turns.last_mut() {
            Some((last, known)) if *last == role => known.extend(blocks),
            _ => turns.push((role, blocks.collect())),
        }
    }
    let turns = turns.into_iter();
    turns
        .map(|(role, content)| json!({"role": role, "content": content}))
        .collect()
}

/// An empty text is refused.
fn block(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text(text) if text.is_empty() => return None,
        Part::Text(text) => json!({"type": "text", "text": text}),
        Part::Image(image) => json!({"type": "image", "source": {
            "type": "base64", "media_type": image.media_type, "data": image.data,
        }}),
        Part::ToolCall(call) => json!({"type": "tool_use", "id": call.id, "name": call.name,
            "input": json(&call.arguments)}),
        Part::ToolResult(result) => json!({"type": "tool_result", "tool_use_id": result.id,
            "content": result.content, "is_error": result.is_error}),
    })
}

#[derive(Deserialize)]
struct Whole {
    content: Vec<Block>,
    model: Option<String>,
    stop_reason: Option<String>,
    usage: Option<Claimed>,
}

#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Value>,
}

#[derive(Default, Deserialize)]
struct Claimed {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Claimed {
    /// What is said later counts.
    fn add(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_creation_input_tokens = later
            .cache_creation_input_tokens
            .or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = later
            .cache_read_input_tokens
            .or(self.cache_read_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
    }

    fn usage(&self) -> Option<Usage> {
        let cached = self.cache_read_input_tokens.unwrap_or(0);
        let made = self.cache_creation_input_tokens.unwrap_or(0);
        Some(Usage {
            input: self
                .input_tokens?
                .saturating_add(made)
                .saturating_add(cached),
            cached_input: cached,
            output: self.output_tokens?,
            ..Usage::default()
        })
    }
}

pub(super) fn read(value: Value) -> Result<Answer, StreamError> {
    if value["type"] == "error" {
        return Err(StreamError::Provider(value));
    }
    let whole: Whole = serde_json::from_value(value).map_err(|error| {
        ModelError::bad(
            BadAnswer::NotUnderstood,
            format!("it is no message: {error}"),
        )
    })?;
    let mut stream = Stream::default();
    for block in whole.content {
        stream.begin(block)?;
    }
    stream.model = whole.model;
    stream.finish = whole.stop_reason.as_deref().map(Finish::of);
    stream.claimed = whole.usage.unwrap_or_default();
    Ok(Box::new(stream).finish())
}

/// What has come of an answer.
#[derive(Default)]
pub(super) struct Stream {
    blocks: Vec<Open>,
    finish: Option<Finish>,
    claimed: Claimed,
    model: Option<String>,
}

enum Open {
    Text(String),
    Call(ToolCall),
    /// What the model thinks is its own.
    Other,
}

enum Finish {
    Reason(FinishReason),
    Refused,
}

impl Finish {
    fn of(reason: &str) -> Self {
        Self::Reason(match reason {
            "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
            "tool_use" => FinishReason::ToolCalls,
            "refusal" => return Self::Refused,
            _ => FinishReason::Stop,
        })
    }
}

#[derive(Deserialize)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
    message: Option<Started>,
    content_block: Option<Block>,
    delta: Option<Delta>,
    usage: Option<Claimed>,
    index: Option<usize>,
}

#[derive(Deserialize)]
struct Started {
    model: Option<String>,
    usage: Option<Claimed>,
}

#[derive(Deserialize)]
struct Delta {
    text: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
}

fn too_many() -> ModelError {
    ModelError::bad(
        BadAnswer::TooLarge,
        format!("it has more than {BLOCKS_MAX} parts"),
    )
}

fn out_of_order() -> StreamError {
    let why = "the stream goes on with a part that did not begin";
    ModelError::bad(BadAnswer::NotUnderstood, why).into()
}

impl Stream {
    fn begin(&mut self, block: Block) -> Result<Option<String>, StreamError> {
        if self.blocks.len() >= BLOCKS_MAX {
            return Err(too_many().into());
        }
        let text = block.text.clone().filter(|text| !text.is_empty());
        self.blocks.push(match block.kind.as_str() {
            "text" => Open::Text(block.text.unwrap_or_default()),
            "tool_use" => Open::Call(ToolCall {
                id: block.id.unwrap_or_default(),
                name: block.name.unwrap_or_default(),
                // In a stream it begins as an empty object, and comes by pieces.
                arguments: match block.input {
                    Some(Value::Object(input)) if input.is_empty() => String::new(),
                    Some(input) => input.to_string(),
                    None => String::new(),
                },
            }),
            _ => Open::Other,
        });
        Ok(text)
    }

    fn go_on(&mut self, index: Option<usize>, delta: Delta) -> Result<Option<String>, StreamError> {
        let index = index.unwrap_or(self.blocks.len().saturating_sub(1));
        let open = self.blocks.get_mut(index).ok_or_else(out_of_order)?;
        match (open, delta.text, delta.partial_json) {
            (Open::Text(text), Some(more), _) => {
                text.push_str(&more);
                Ok(Some(more))
            }
            (Open::Call(call), _, Some(more)) => {
                call.arguments.push_str(&more);
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

impl Reader for Stream {
    fn take(&mut self, event: &Event) -> Result<Option<String>, StreamError> {
        if event.name == "error" {
            return Err(StreamError::Provider(
                serde_json::from_str(&event.data).unwrap_or_default(),
            ));
        }
        let told: Told = parse(event.data.as_bytes())?;
        self.claimed.add(told.usage.unwrap_or_default());
        match (
            told.kind.as_str(),
            told.message,
            told.content_block,
            told.delta,
        ) {
            ("message_start", Some(message), ..) => {
                self.model = message.model;
                self.claimed.add(message.usage.unwrap_or_default());
                Ok(None)
            }
            ("content_block_start", _, Some(block), _) => self.begin(block),
            ("content_block_delta", _, _, Some(delta)) => self.go_on(told.index, delta),
            ("message_delta", _, _, Some(delta)) => {
                if let Some(reason) = delta.stop_reason {
                    self.finish = Some(Finish::of(&reason));
                }
                Ok(None)
            }
            ("error", ..) => Err(StreamError::Provider(
                serde_json::from_str(&event.data).unwrap_or_default(),
            )),
            _ => Ok(None),
        }
    }

    fn is_done(&self) -> bool {
        self.finish.is_some()
    }

    fn finish(self: Box<Self>) -> Answer {
        let finish_reason = match self.finish {
            Some(Finish::Reason(reason)) => reason,
            Some(Finish::Refused) => FinishReason::ContentFilter,
            None => FinishReason::Stop,
        };
        let mut parts = Vec::new();
        for open in self.blocks {
            match open {
                Open::Text(text) if !text.is_empty() => parts.push(Part::Text(text)),
                Open::Call(call) => parts.push(Part::ToolCall(call)),
                _ => {}
            }
        }
        let refused = matches!(self.finish, Some(Finish::Refused));
        Answer {
            refusal: refused.then(|| "the model does not want to answer this".to_owned()),
            parts,
            finish_reason,
            usage: self.claimed.usage(),
            model: self.model,
        }
    }
}
