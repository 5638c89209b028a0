//! A call of a tool, and what its route says to that.

use super::arguments::{self, Inner};
use super::platform::Platform;
use super::tool::Tool;
use super::{exec, file, program, wait};
use crate::problem::Problem;
use crate::respond::Reply;
use serde_json::{Value, json};
use swarm_flow_mcp::{Call, Client, Fault, Outcome};

/// Calls a tool by its name.
pub fn call(platform: &Platform, client: &Client, call: &Call) -> Result<Outcome, Fault> {
    let found = platform
        .selection
        .tools()
        .find(|tool| tool.name == call.name);
    let result = match found {
        Some(tool) => of_tool(platform, client, tool, call)
            .map_err(|problem| problem.renamed("id", tool.path.first().unwrap_or(&"id"))),
        None => match program::find(platform, &call.name) {
            Ok(Some(program)) => program.call(platform, client, call),
            Ok(None) => return Err(unknown(&call.name)),
            Err(problem) => Err(problem),
        },
    };
    Ok(result.unwrap_or_else(|problem| failed(platform, &problem)))
}

fn of_tool(
    platform: &Platform,
    client: &Client,
    tool: &'static Tool,
    call: &Call,
) -> Result<Outcome, Problem> {
    let id = &platform.request_id;
    match tool.name {
        "file_read" => file::read(id, &call.arguments).map(complete),
        "file_write" => file::write(id, &call.arguments).map(complete),
        "run_wait" => wait::wait(platform, client, call),
        "exec" => {
            let inner = arguments::request(id, tool, &call.arguments)?;
            exec::exec(platform, client, inner, call)
        }
        "run_start" => {
            let inner = arguments::request(id, tool, &call.arguments)?;
            let run = structured(inner, None)?;
            Ok(if client.has_tasks() {
                Outcome::Task(super::task::begun(&run))
            } else {
                complete(run)
            })
        }
        _ => {
            let inner = arguments::request(id, tool, &call.arguments)?;
            structured(inner, tool.done).map(complete)
        }
    }
}

/// What a route answers, as JSON.
pub fn structured(inner: Inner<'_>, done: Option<&str>) -> Result<Value, Problem> {
    let odd = |what: &str| Problem::internal(format!("a tool's route answers with {what}"));
    match inner.answer()? {
        Reply::Whole(response) if response.status == 204 => Ok(match done {
            Some(done) => json!({done: true}),
            None => json!({}),
        }),
        Reply::Whole(response) => {
            serde_json::from_slice(&response.body).map_err(|_| odd("what is no JSON"))
        }
        Reply::Events(_) | Reply::EventsWith(..) => Err(odd("a stream")),
        Reply::Lines(_) => Err(odd("lines")),
    }
}

/// A result that is good.
pub fn complete(structured: Value) -> Outcome {
    Outcome::Complete(result(structured))
}

/// `CallToolResult`, with the same as text, for clients that know text alone.
pub fn result(structured: Value) -> Value {
    json!({
        "content": [{"type": "text", "text": structured.to_string()}],
        "structuredContent": structured,
        "isError": false,
    })
}

/// A result that says what went wrong and what to change.
pub fn failed(platform: &Platform, problem: &Problem) -> Outcome {
    if let Some(private) = &problem.private {
        eprintln!("request {}: {private}", platform.request_id);
    }
    let mut json = problem.json(&platform.request_id);
    let title = json["title"].as_str().unwrap_or_default().to_owned();
    if let Some(json) = json.as_object_mut() {
        // What the sentence says already, and what only HTTP has.
        json.retain(|name, _| !["type", "title", "detail", "status"].contains(&name.as_str()));
    }
    let text = format!("{title}: {}\n{json}", problem.detail);
    Outcome::Complete(json!({
        "content": [{"type": "text", "text": text}],
        "isError": true,
    }))
}

fn unknown(name: &str) -> Fault {
    let group = super::tool::TOOLS
        .iter()
        .find(|tool| tool.name == name)
        .map(|tool| tool.group);
    Fault::invalid_params(match group {
        Some(group) => format!(
            "the tool `{name}` is of the group `{group}`, which this address does not have; \
             `?groups={group}` has it"
        ),
        None => format!("there is no tool `{name}`; `tools/list` says which there are"),
    })
}
