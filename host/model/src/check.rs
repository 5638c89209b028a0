//! Whether a request makes sense, before anybody is asked or anything is set aside.

use crate::chat::{Part, Request, ResponseFormat, Role, ToolChoice};
use crate::error::ModelError;
use serde_json::Value;

const MESSAGES_MAX: usize = 10_000;
const TOOLS_MAX: usize = 128;
const STOPS_MAX: usize = 4;
/// Of all messages with their images, as they are sent.
const BYTES_MAX: usize = 32 << 20;
/// What both dialects take.
const IMAGES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

pub(crate) fn check(request: &Request) -> Result<(), ModelError> {
    let messages = request.messages.len();
    if !(1..=MESSAGES_MAX).contains(&messages) {
        return invalid(
            "messages",
            format!("there are {messages}; give 1 to {MESSAGES_MAX}"),
        );
    }
    let mut bytes = 0;
    for (index, message) in request.messages.iter().enumerate() {
        if message.parts.is_empty() {
            return invalid(
                format!("messages[{index}].parts"),
                "there are none; give at least one",
            );
        }
        for (at, part) in message.parts.iter().enumerate() {
            let field = || format!("messages[{index}].parts[{at}]");
            check_part(message.role, part).or_else(|why| invalid(field(), why))?;
            bytes += size(part);
        }
    }
    if bytes > BYTES_MAX {
        return invalid(
            "messages",
            format!("they have {bytes} bytes; give {BYTES_MAX} at most"),
        );
    }
    check_tools(request)?;
    if let ResponseFormat::JsonSchema(format) = &request.response_format {
        check_name(&format.name).or_else(|why| invalid("response-format.name", why))?;
        check_schema(&format.schema).or_else(|why| invalid("response-format.schema", why))?;
    }
    if request.max_output_tokens == Some(0) {
        return invalid("max-output-tokens", "it is 0; give 1 or more");
    }
    if request
        .temperature
        .is_some_and(|value| !(0.0..=2.0).contains(&value))
    {
        return invalid("temperature", "give 0.0 to 2.0");
    }
    if request.stop.len() > STOPS_MAX || request.stop.iter().any(String::is_empty) {
        return invalid(
            "stop",
            format!("give {STOPS_MAX} at most, and no empty one"),
        );
    }
    Ok(())
}

fn check_tools(request: &Request) -> Result<(), ModelError> {
    if request.tools.len() > TOOLS_MAX {
        return invalid(
            "tools",
            format!(
                "there are {}; give {TOOLS_MAX} at most",
                request.tools.len()
            ),
        );
    }
    for (index, tool) in request.tools.iter().enumerate() {
        check_name(&tool.name).or_else(|why| invalid(format!("tools[{index}].name"), why))?;
        check_schema(&tool.parameters)
            .or_else(|why| invalid(format!("tools[{index}].parameters"), why))?;
        let before = request.tools.get(..index).unwrap_or_default();
        if before.iter().any(|other| other.name == tool.name) {
            return invalid(format!("tools[{index}].name"), "another tool has this name");
        }
    }
    match &request.tool_choice {
        ToolChoice::Required if request.tools.is_empty() => {
            invalid("tool-choice", "there are no tools; give some, or `auto`")
        }
        ToolChoice::Named(name) if !request.tools.iter().any(|tool| tool.name == *name) => invalid(
            "tool-choice",
            format!("there is no tool `{name}` among `tools`"),
        ),
        _ => Ok(()),
    }
}

fn check_part(role: Role, part: &Part) -> Result<(), String> {
    match (role, part) {
        (_, Part::Text(_)) => Ok(()),
        (Role::User, Part::Image(image)) if IMAGES.contains(&image.media_type.as_str()) => Ok(()),
        (Role::User, Part::Image(image)) => Err(format!(
            "an image of type `{}` is not taken; give {}",
            image.media_type,
            IMAGES.join(", ")
        )),
        (_, Part::Image(_)) => Err("an image stands in a message of the role `user`".to_owned()),
        (Role::Assistant, Part::ToolCall(call)) => check_object(&call.arguments)
            .map_err(|why| format!("the arguments of the tool call {why}")),
        (_, Part::ToolCall(_)) => {
            Err("a tool call stands in a message of the role `assistant`".to_owned())
        }
        (Role::Tool, Part::ToolResult(_)) => Ok(()),
        (_, Part::ToolResult(_)) => {
            Err("a tool result stands in a message of the role `tool`".to_owned())
        }
    }
}

fn size(part: &Part) -> usize {
    match part {
        Part::Text(text) => text.len(),
        Part::Image(image) => image.data.len(),
        Part::ToolCall(call) => call.arguments.len(),
        Part::ToolResult(result) => result.content.len(),
    }
}

/// What both dialects take.
fn check_name(name: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    Err("give 1 to 64 letters, digits, `_` or `-`".to_owned())
}

fn check_schema(text: &str) -> Result<(), String> {
    check_object(text).map_err(|why| format!("a JSON Schema {why}"))
}

pub(crate) fn check_object(text: &str) -> Result<(), String> {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(_)) => Ok(()),
        Ok(_) => Err("is a JSON object".to_owned()),
        Err(error) => Err(format!("is a JSON object, and this is no JSON: {error}")),
    }
}

fn invalid<R>(field: impl Into<String>, message: impl Into<String>) -> Result<R, ModelError> {
    Err(ModelError::invalid(field, message))
}
