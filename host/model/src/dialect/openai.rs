//! Chat Completions.

use super::{Reader, StreamError, json, parse};
use crate::answer::Answer;
use crate::chat::{
    FinishReason, Image, Message, Part, Request, ResponseFormat, Role, ToolCall, ToolChoice, Usage,
};
use crate::error::{BadAnswer, ModelError};
use crate::settings::{Model, Provider};
use crate::sse::Event;
use crate::tokens;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// More calls of tools than anybody makes at once.
const CALLS_MAX: usize = 128;

pub(super) fn body(request: &Request, model: &Model, provider: &Provider) -> Value {
    let mut body = Map::new();
    let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
    set("model", model.id.as_str().into());
    set(
        "messages",
        request.messages.iter().flat_map(messages).collect(),
    );
    set(
        &provider.output_limit,
        tokens::output_most(request, model).into(),
    );
    if let Some(temperature) = request.temperature {
        set("temperature", short(temperature));
    }
    if !request.stop.is_empty() {
        set("stop", request.stop.clone().into());
    }
    if !request.tools.is_empty() {
        let tools = request.tools.iter().map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": json(&tool.parameters),
            }})
        });
        set("tools", tools.collect());
        set(
            "tool_choice",
            match &request.tool_choice {
                ToolChoice::Auto => "auto".into(),
                ToolChoice::Never => "none".into(),
                ToolChoice::Required => "required".into(),
                ToolChoice::Named(name) => json!({"type": "function", "function": {"name": name}}),
            },
        );
    }
    if let ResponseFormat::JsonSchema(format) = &request.response_format {
        let schema = json!({"name": format.name, "schema": json(&format.schema)});
        set(
            "response_format",
            json!({"type": "json_schema", "json_schema": schema}),
        );
    }
    if provider.stream {
        set("stream", true.into());
        set("stream_options", json!({"include_usage": true}));
    }
    Value::Object(body)
}

/// As it was written: an `f32` widened has digits that nobody gave.
pub(super) fn short(value: f32) -> Value {
    value
        .to_string()
        .parse::<f64>()
        .map_or(Value::Null, Value::from)
}

/// One of ours may be several of theirs: a result of a tool is a message of its own.
fn messages(message: &Message) -> Vec<Value> {
    match message.role {
        Role::System => vec![json!({"role": "system", "content": text(&message.parts)})],
        Role::User => vec![json!({"role": "user", "content": content(&message.parts)})],
        Role::Assistant => vec![assistant(&message.parts)],
        Role::Tool => message.parts.iter().filter_map(tool_result).collect(),
    }
}

fn text(parts: &[Part]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Many servers know text alone, as it is.
fn content(parts: &[Part]) -> Value {
    if parts.iter().all(|part| matches!(part, Part::Text(_))) {
        return text(parts).into();
    }
    let parts = parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(json!({"type": "text", "text": text})),
        Part::Image(Image { media_type, data }) => {
            let url = format!("data:{media_type};base64,{data}");
            Some(json!({"type": "image_url", "image_url": {"url": url}}))
        }
        _ => None,
    });
    parts.collect()
}

fn assistant(parts: &[Part]) -> Value {
    let calls = parts.iter().filter_map(|part| match part {
        Part::ToolCall(call) => Some(json!({"id": call.id, "type": "function",
            "function": {"name": call.name, "arguments": call.arguments}})),
        _ => None,
    });
    let (calls, said): (Vec<Value>, String) = (calls.collect(), text(parts));
    let mut message = json!({"role": "assistant"});
    if !said.is_empty() || calls.is_empty() {
        message["content"] = said.into();
    }
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    message
}

fn tool_result(part: &Part) -> Option<Value> {
    match part {
        Part::ToolResult(result) => {
            let content = if result.is_error {
                format!("error: {}", result.content)
            } else {
                result.content.clone()
            };
            Some(json!({"role": "tool", "tool_call_id": result.id, "content": content}))
        }
        Part::Text(text) => Some(json!({"role": "user", "content": text})),
        _ => None,
    }
}

/// A whole answer, or a piece of one: the message is in `message` or in `delta`.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    model: Option<String>,
    usage: Option<Claimed>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "delta")]
    message: Said,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Said {
    content: Option<String>,
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<Call>>,
}

#[derive(Deserialize)]
struct Call {
    index: Option<usize>,
    id: Option<String>,
    #[serde(default)]
    function: Function,
}

#[derive(Default, Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<Value>,
}

#[derive(Deserialize)]
struct Claimed {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
    prompt_tokens_details: Option<Details>,
    completion_tokens_details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    cached_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

impl From<Claimed> for Usage {
    fn from(claimed: Claimed) -> Self {
        let input = claimed.prompt_tokens_details;
        let output = claimed.completion_tokens_details;
        Self {
            input: claimed.prompt_tokens,
            cached_input: input.and_then(|details| details.cached_tokens).unwrap_or(0),
            output: claimed.completion_tokens,
            reasoning: output
                .and_then(|details| details.reasoning_tokens)
                .unwrap_or(0),
            is_estimated: false,
        }
    }
}

pub(super) fn read(value: Value) -> Result<Answer, StreamError> {
    let mut stream = Stream::default();
    let chunk: Chunk = serde_json::from_value(value).map_err(|error| {
        ModelError::bad(
            BadAnswer::NotUnderstood,
            format!("it is no chat completion: {error}"),
        )
    })?;
    let is_empty = chunk.choices.is_empty();
    stream.add(chunk)?;
    if is_empty {
        return Err(ModelError::bad(BadAnswer::Empty, "it has no `choices`").into());
    }
    Ok(Box::new(stream).finish())
}

/// What has come of an answer.
#[derive(Default)]
pub(super) struct Stream {
    text: String,
    refusal: String,
    calls: Vec<ToolCall>,
    finish: Option<FinishReason>,
    usage: Option<Usage>,
    model: Option<String>,
}

impl Stream {
    fn add(&mut self, chunk: Chunk) -> Result<Option<String>, StreamError> {
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(StreamError::Provider(json!({"error": error})));
        }
        if let Some(model) = chunk.model.filter(|model| !model.is_empty()) {
            self.model = Some(model);
        }
        if let Some(usage) = chunk.usage {
            self.usage = Some(usage.into());
        }
        // One answer is asked for: of others nothing is taken.
        let Some(choice) = chunk.choices.into_iter().next() else {
            return Ok(None);
        };
        if let Some(reason) = choice.finish_reason {
            self.finish = Some(match reason.as_str() {
                "length" | "max_tokens" => FinishReason::Length,
                "tool_calls" | "function_call" => FinishReason::ToolCalls,
                "content_filter" => FinishReason::ContentFilter,
                _ => FinishReason::Stop,
            });
        }
        let said = choice.message;
        self.refusal.push_str(&said.refusal.unwrap_or_default());
        for call in said.tool_calls.unwrap_or_default() {
            self.call(call)?;
        }
        let text = said.content.filter(|text| !text.is_empty());
        if let Some(text) = &text {
            self.text.push_str(text);
        }
        Ok(text)
    }

    /// A piece without an index begins a call when it has an id, and else goes on with the last one.
    fn call(&mut self, piece: Call) -> Result<(), ModelError> {
        let begins = piece.id.as_ref().is_some_and(|id| !id.is_empty());
        let last = self.calls.len().saturating_sub(usize::from(!begins));
        let index = piece.index.unwrap_or(last);
        if index >= CALLS_MAX {
            let why = format!("it calls more than {CALLS_MAX} tools at once");
            return Err(ModelError::bad(BadAnswer::TooLarge, why));
        }
        while self.calls.len() <= index {
            self.calls.push(ToolCall {
                id: String::new(),
                name: String::new(),
                arguments: String::new(),
            });
        }
        let Some(call) = self.calls.get_mut(index) else {
            return Ok(());
        };
        if let Some(id) = piece.id.filter(|id| !id.is_empty()) {
            call.id = id;
        }
        call.name.push_str(&piece.function.name.unwrap_or_default());
        match piece.function.arguments {
            Some(Value::String(text)) => call.arguments.push_str(&text),
            // Some servers give the object itself.
            Some(value) if !value.is_null() => call.arguments.push_str(&value.to_string()),
            _ => {}
        }
        Ok(())
    }
}

impl Reader for Stream {
    fn take(&mut self, event: &Event) -> Result<Option<String>, StreamError> {
        if event.data.trim() == "[DONE]" {
            return Ok(None);
        }
        let chunk = parse(event.data.as_bytes())?;
        self.add(chunk)
    }

    /// Some servers say the end of the answer and not that of the stream.
    fn is_done(&self) -> bool {
        self.finish.is_some()
    }

    fn finish(self: Box<Self>) -> Answer {
        let mut parts = Vec::new();
        if !self.text.is_empty() {
            parts.push(Part::Text(self.text));
        }
        let calls = self.calls.into_iter();
        parts.extend(
            calls
                .filter(|call| !call.name.is_empty())
                .map(Part::ToolCall),
        );
        Answer {
            parts,
            refusal: Some(self.refusal).filter(|text| !text.is_empty()),
            finish_reason: self.finish.unwrap_or(FinishReason::Stop),
            usage: self.usage,
            model: self.model,
        }
    }
}
