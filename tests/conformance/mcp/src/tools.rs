//! Tools of fixed names.

use crate::content::{AUDIO, IMAGE};
use crate::{Fixtures, input, replies};
use serde_json::{Map, Value, json};
use swarm_flow_mcp::{Call, Channel, Client, Era, Fault, Outcome, Server, Streamed};

const NAMES: [&str; 18] = [
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_tool_with_logging",
    "test_tool_with_progress",
    "test_error_handling",
    "test_sampling",
    "test_elicitation",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "json_schema_2020_12_tool",
    "test_missing_capability",
    "test_streaming_elicitation",
    "test_logging_tool",
    "test_trigger_tool_change",
    "test_trigger_prompt_change",
];

pub fn list() -> Vec<Value> {
    let tool = |name: &str| {
        let schema = match name {
            "test_sampling" => with("prompt"),
            "test_elicitation" => with("message"),
            "json_schema_2020_12_tool" => vocabulary(),
            _ => json!({"type": "object"}),
        };
        json!({"name": name, "description": "For a test", "inputSchema": schema})
    };
    let asking = input::NAMES.map(|name| format!("{}{name}", input::PREFIX));
    NAMES
        .into_iter()
        .map(tool)
        .chain(asking.iter().map(|name| tool(name)))
        .collect()
}

pub fn call(fixtures: &Fixtures, client: &Client, call: &Call) -> Result<Outcome, Fault> {
    let argument = |name: &str| call.arguments.get(name).cloned().unwrap_or_default();
    let image = json!({"type": "image", "data": IMAGE, "mimeType": "image/png"});
    let resource = |uri: &str, kind: &str, text: &str| json!({"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}});
    let contents = match call.name.as_str() {
        "test_simple_text" => json!([text("This is a simple text response for testing.")]),
        "test_image_content" => json!([image]),
        "test_audio_content" => {
            json!([{"type": "audio", "data": AUDIO, "mimeType": "audio/wav"}])
        }
        "test_embedded_resource" => json!([resource(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content."
        )]),
        "test_multiple_content_types" => json!([
            text("Multiple content types test:"),
            image,
            resource(
                "test://mixed-content-resource",
                "application/json",
                r#"{"test":"data","value":123}"#
            ),
        ]),
        "test_error_handling" => {
            let said = text("This tool intentionally returns an error for testing");
            return Ok(Outcome::Complete(
                json!({"content": [said], "isError": true}),
            ));
        }
        "json_schema_2020_12_tool" => {
            json!([text(&Value::Object(call.arguments.clone()).to_string())])
        }
        "test_missing_capability" if client.capabilities.get("sampling").is_none() => {
            return Err(Fault::missing_capability(json!({"sampling": {}})));
        }
        "test_missing_capability" => json!([text("Success")]),
        "test_trigger_tool_change" => {
            replies::change("tools")?;
            json!([text("Mutation triggered")])
        }
        "test_trigger_prompt_change" => {
            replies::change("prompts")?;
            json!([text("Mutation triggered")])
        }
        "test_tool_with_logging" => return Ok(logging(true)),
        "test_logging_tool" => return Ok(logging(call.log_level.is_some())),
        "test_tool_with_progress" | "test_streaming_elicitation" => {
            return Ok(progress(call.progress_token.clone()));
        }
        "test_sampling" => {
            let messages =
                json!([{"role": "user", "content": {"type": "text", "text": argument("prompt")}}]);
            let params = json!({"messages": messages, "maxTokens": 100});
            return asked(fixtures, client, "sampling/createMessage", params);
        }
        "test_elicitation" => {
            let schema = json!({"type": "object", "properties": {"response": {"type": "string", "description": "User's response"}}, "required": ["response"]});
            let params = json!({"message": argument("message"), "requestedSchema": schema});
            return asked(fixtures, client, "elicitation/create", params);
        }
        "test_elicitation_sep1034_defaults" => {
            return asked(fixtures, client, "elicitation/create", defaults());
        }
        "test_elicitation_sep1330_enums" => {
            return asked(fixtures, client, "elicitation/create", enums());
        }
        name if name.starts_with(input::PREFIX) => return input::call(fixtures, client, call),
        name => return Err(Fault::invalid_params(format!("there is no tool `{name}`"))),
    };
    Ok(Outcome::Complete(json!({"content": contents})))
}

fn stream(run: impl FnOnce(&mut Channel) -> Result<Value, Fault> + 'static) -> Outcome {
    let run: Streamed = Box::new(move |channel| run(channel).map(Outcome::Complete));
    Outcome::Stream {
        resumable: false,
        run,
    }
}

fn logging(logs: bool) -> Outcome {
    stream(move |channel| {
        for said in ["started", "processing data", "completed"] {
            if logs {
                let data = format!("Tool execution {said}");
                let params = json!({"level": "info", "data": data});
                channel.notify("notifications/message", object(params));
                channel.rest(50);
            }
        }
        Ok(json!({"content": [text("Tool with logging executed successfully")]}))
    })
}

fn progress(token: Option<Value>) -> Outcome {
    stream(move |channel| {
        if let Some(token) = &token {
            for done in [0, 50, 100] {
                let params = json!({"progressToken": token, "progress": done, "total": 100});
                channel.notify("notifications/progress", object(params));
                channel.rest(50);
            }
        }
        Ok(json!({"content": [text("done")]}))
    })
}

/// Asks a client of the legacy era and says what it said: that comes in a request of its own, to another instance.
fn asked(
    fixtures: &Fixtures,
    client: &Client,
    method: &'static str,
    params: Value,
) -> Result<Outcome, Fault> {
    if client.era == Era::Modern {
        return Err(Fault::invalid_params("this tool is of the legacy era"));
    }
    let id = format!("{:032x}", u128::from_be_bytes(fixtures.random()));
    Ok(stream(move |channel| {
        channel.ask(&id, method, params);
        while channel.rest(50) {
            if let Some(reply) = replies::get(&id)? {
                let said = format!("The client said: {reply}");
                return Ok(json!({"content": [text(&said)]}));
            }
        }
        Err(Fault::internal("the client is gone"))
    }))
}

fn with(name: &str) -> Value {
    json!({"type": "object", "properties": {name: {"type": "string"}}, "required": [name]})
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn defaults() -> Value {
    let properties = json!({
        "name": {"type": "string", "description": "User name", "default": "John Doe"},
        "age": {"type": "integer", "description": "User age", "default": 30},
        "score": {"type": "number", "description": "User score", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true},
    });
    let schema = json!({"type": "object", "properties": properties, "required": []});
    json!({"message": "Please review the defaults", "requestedSchema": schema})
}

fn enums() -> Value {
    let titled = |names: [&str; 3]| {
        let titled = names
            .iter()
            .zip(1..)
            .map(|(title, n)| json!({"const": format!("value{n}"), "title": title}));
        titled.collect::<Vec<_>>()
    };
    let options = ["option1", "option2", "option3"];
    let properties = json!({
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": titled(["First Option", "Second Option", "Third Option"])},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]},
        "untitledMulti": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string", "enum": options}},
        "titledMulti": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"anyOf": titled(["First Choice", "Second Choice", "Third Choice"])}},
    });
    let schema = json!({"type": "object", "properties": properties, "required": []});
    json!({"message": "Please select", "requestedSchema": schema})
}

/// Keywords that must reach a client as they are.
fn vocabulary() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {"address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }},
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}
