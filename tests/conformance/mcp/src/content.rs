//! Resources and prompts of fixed names.

use crate::input;
use serde_json::{Map, Value, json};
use swarm_flow_mcp::{Fault, Inputs, Outcome};

/// One red pixel.
pub const IMAGE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// No sound.
pub const AUDIO: &str = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=";

pub fn resources() -> Vec<Value> {
    vec![
        json!({"uri": "test://static-text", "name": "static-text", "mimeType": "text/plain"}),
        json!({"uri": "test://static-binary", "name": "static-binary", "mimeType": "image/png"}),
        json!({"uri": "test://watched-resource", "name": "watched-resource", "mimeType": "text/plain"}),
    ]
}

pub fn templates() -> Vec<Value> {
    vec![
        json!({"uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json"}),
    ]
}

pub fn read(uri: &str) -> Option<Outcome> {
    let content = match uri {
        "test://static-text" | "test://watched-resource" => {
            json!({"uri": uri, "mimeType": "text/plain", "text": "This is the content of the static text resource."})
        }
        "test://static-binary" => json!({"uri": uri, "mimeType": "image/png", "blob": IMAGE}),
        _ => {
            let id = uri
                .strip_prefix("test://template/")?
                .strip_suffix("/data")?;
            let data =
                json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            json!({"uri": uri, "mimeType": "application/json", "text": data.to_string()})
        }
    };
    Some(Outcome::Complete(json!({"contents": [content]})))
}

pub fn prompts() -> Vec<Value> {
    let argument =
        |name: &str| json!({"name": name, "description": "An argument", "required": true});
    let prompt = |name: &str, arguments: &[&str]| {
        let arguments: Vec<_> = arguments.iter().copied().map(argument).collect();
        json!({"name": name, "description": "For a test", "arguments": arguments})
    };
    vec![
        prompt("test_simple_prompt", &[]),
        prompt("test_prompt_with_arguments", &["arg1", "arg2"]),
        prompt("test_prompt_with_embedded_resource", &["resourceUri"]),
        prompt("test_prompt_with_image", &[]),
        prompt("test_input_required_result_prompt", &[]),
    ]
}

pub fn prompt(
    name: &str,
    arguments: &Map<String, Value>,
    inputs: &Inputs,
) -> Result<Outcome, Fault> {
    let argument = |name: &str| {
        let value = arguments.get(name).and_then(Value::as_str);
        value.ok_or_else(|| Fault::invalid_params(format!("`arguments.{name}` is missing")))
    };
    let text = |text: String| json!({"type": "text", "text": text});
    let contents = match name {
        "test_simple_prompt" => vec![text("This is a simple prompt for testing.".to_owned())],
        "test_prompt_with_arguments" => vec![text(format!(
            "Prompt with arguments: arg1='{}', arg2='{}'",
            argument("arg1")?,
            argument("arg2")?
        ))],
        "test_prompt_with_embedded_resource" => vec![
            json!({"type": "resource", "resource": {
                "uri": argument("resourceUri")?,
                "mimeType": "text/plain",
                "text": "Embedded resource content for testing.",
            }}),
            text("Please process the embedded resource above.".to_owned()),
        ],
        "test_prompt_with_image" => vec![
            json!({"type": "image", "data": IMAGE, "mimeType": "image/png"}),
            text("Please analyze the image above.".to_owned()),
        ],
        "test_input_required_result_prompt" => match input::said(inputs, "user_context", "context")
        {
            None => return Ok(input::form("user_context", "context", "string", None)),
            Some(context) => vec![text(format!("Prompt with context: {context}"))],
        },
        _ => {
            return Err(Fault::invalid_params(format!(
                "there is no prompt `{name}`"
            )));
        }
    };
    let messages: Vec<_> = contents
        .into_iter()
        .map(|content| json!({"role": "user", "content": content}))
        .collect();
    Ok(Outcome::Complete(json!({"messages": messages})))
}
