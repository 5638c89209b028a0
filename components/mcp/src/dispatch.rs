//! From a request's method to what the server has, and from that to a result.

use crate::client::{Client, TASKS};
use crate::fault::Fault;
use crate::server::{Call, Inputs, List, Listed, Outcome, Server, TaskCall};
use crate::version::{Era, supported};
use serde_json::{Map, Value, json};

/// How long a client may keep what a server says of itself.
const DESCRIPTION_TTL_MS: u64 = 300_000;

/// Answers a request of either era, but for those that begin a session or a subscription.
pub fn dispatch(
    server: &dyn Server,
    client: &Client,
    method: &str,
    params: &Map<String, Value>,
) -> Result<Outcome, Fault> {
    let listed = |list, name| {
        let cursor = optional(params, "cursor")?;
        page(client.era, name, server.list(list, cursor)?)
    };
    match method {
        "server/discover" if client.era == Era::Modern => Ok(Outcome::Complete(discover(server))),
        "ping" if client.era == Era::Legacy => Ok(Outcome::Complete(json!({}))),
        "tools/list" => listed(List::Tools, "tools"),
        "resources/list" => listed(List::Resources, "resources"),
        "resources/templates/list" => listed(List::Templates, "resourceTemplates"),
        "prompts/list" => listed(List::Prompts, "prompts"),
        "tools/call" => server.call(client, &call(params)?),
        "resources/read" => {
            let uri = required(params, "uri")?;
            let outcome = server.read(client, uri, &inputs(params)?)?;
            Ok(cached(client.era, outcome, 0, false))
        }
        "prompts/get" => {
            let name = required(params, "name")?;
            let arguments = object(params, "arguments")?.unwrap_or_default();
            server.prompt(client, name, &arguments, &inputs(params)?)
        }
        "completion/complete" => {
            let values = server.complete(params)?;
            let completion = json!({"values": values, "total": values.len(), "hasMore": false});
            Ok(Outcome::Complete(json!({"completion": completion})))
        }
        "tasks/get" | "tasks/update" | "tasks/cancel" if client.era == Era::Modern => {
            task(server, client, method, params)
        }
        method if client.era == Era::Legacy => {
            server.other(client, method, params).map(Outcome::Complete)
        }
        method => Err(Fault::method_not_found(method)),
    }
}

/// The `result` of an outcome, with what its era adds.
pub fn result(server: &dyn Server, era: Era, outcome: Outcome) -> Value {
    let (mut result, kind) = match outcome {
        Outcome::Complete(result) => (result, "complete"),
        Outcome::Task(task) => (task, "task"),
        Outcome::Input { requests, state } => {
            let mut result = json!({"inputRequests": requests});
            if let Some(state) = state {
                result["requestState"] = state.into();
            }
            (result, "input_required")
        }
        // A stream in a stream has nobody who would send it.
        Outcome::Stream { .. } => (json!({}), "complete"),
    };
    if era == Era::Modern {
        result["resultType"] = kind.into();
        result["_meta"]["io.modelcontextprotocol/serverInfo"] = implementation(server);
    }
    result
}

/// `Implementation`
pub fn implementation(server: &dyn Server) -> Value {
    let description = server.describe();
    json!({
        "name": description.name,
        "title": description.title,
        "version": description.version,
    })
}

fn discover(server: &dyn Server) -> Value {
    json!({
        "supportedVersions": supported(),
        "capabilities": server.capabilities(Era::Modern),
        "instructions": server.describe().instructions,
        "ttlMs": DESCRIPTION_TTL_MS,
        "cacheScope": "public",
    })
}

fn page(era: Era, name: &str, listed: Listed) -> Result<Outcome, Fault> {
    let mut result = json!({name: listed.items});
    if let Some(cursor) = listed.next_cursor {
        result["nextCursor"] = cursor.into();
    }
    let complete = Outcome::Complete(result);
    Ok(cached(era, complete, listed.ttl_ms, listed.is_public))
}

/// Says how long a result may be kept, and by whom.
fn cached(era: Era, outcome: Outcome, ttl_ms: u64, is_public: bool) -> Outcome {
    match (era, outcome) {
        (Era::Modern, Outcome::Complete(mut result)) => {
            result["ttlMs"] = ttl_ms.into();
            result["cacheScope"] = if is_public { "public" } else { "private" }.into();
            Outcome::Complete(result)
        }
        (_, outcome) => outcome,
    }
}

fn call(params: &Map<String, Value>) -> Result<Call, Fault> {
    let meta = params.get("_meta");
    let of_meta = |name: &str| meta.and_then(|meta| meta.get(name));
    Ok(Call {
        name: required(params, "name")?.to_owned(),
        arguments: object(params, "arguments")?.unwrap_or_default(),
        inputs: inputs(params)?,
        progress_token: of_meta("progressToken").cloned(),
        log_level: of_meta("io.modelcontextprotocol/logLevel")
            .and_then(Value::as_str)
            .map(str::to_owned),
    })
}

fn inputs(params: &Map<String, Value>) -> Result<Inputs, Fault> {
    Ok(Inputs {
        responses: object(params, "inputResponses")?,
        state: optional(params, "requestState")?.map(str::to_owned),
    })
}

fn task(
    server: &dyn Server,
    client: &Client,
    method: &str,
    params: &Map<String, Value>,
) -> Result<Outcome, Fault> {
    needs_tasks(client)?;
    let id = required(params, "taskId")?;
    let call = match method {
        "tasks/get" => TaskCall::Get,
        "tasks/cancel" => TaskCall::Cancel,
        _ => {
            let responses = object(params, "inputResponses")?;
            TaskCall::Update(responses.ok_or_else(|| missing("inputResponses"))?)
        }
    };
    server.task(id, call).map(Outcome::Complete)
}

/// Refuses a client that does not know tasks.
pub fn needs_tasks(client: &Client) -> Result<(), Fault> {
    if client.has_tasks() {
        return Ok(());
    }
    Err(Fault::missing_capability(
        json!({"extensions": {TASKS: {}}}),
    ))
}

fn required<'a>(params: &'a Map<String, Value>, name: &str) -> Result<&'a str, Fault> {
    optional(params, name)?.ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Fault {
    Fault::invalid_params(format!("`params.{name}` is missing"))
}

fn optional<'a>(params: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Fault> {
    match params.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Fault::invalid_params(format!(
            "`params.{name}` must be a string"
        ))),
    }
}

fn object(params: &Map<String, Value>, name: &str) -> Result<Option<Map<String, Value>>, Fault> {
    match params.get(name) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object.clone())),
        Some(_) => Err(Fault::invalid_params(format!(
            "`params.{name}` must be an object"
        ))),
    }
}
