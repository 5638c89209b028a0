//! Runs as tasks of the extension `io.modelcontextprotocol/tasks`. A task's id is its run's: nothing else is kept.

use super::arguments::Inner;
use super::call::{result, structured};
use super::platform::Platform;
use super::wait::{Seen, answer, look, requests};
use crate::problem::Problem;
use serde_json::{Value, json};
use swarm_flow_mcp::{Fault, TaskCall};

/// How often a client may look.
const POLL_INTERVAL_MS: u64 = 1000;

/// The task of a run that has just begun.
pub fn begun(run: &Value) -> Value {
    detailed(&Seen {
        run: run.clone(),
        open: Vec::new(),
    })
}

pub fn task(platform: &Platform, id: &str, call: TaskCall) -> Result<Value, Fault> {
    let request = &platform.request_id;
    let done = match call {
        TaskCall::Get => look(request, id).map(|seen| detailed(&seen)),
        TaskCall::Cancel => {
            let inner = Inner::new(request, "POST", "/runs/{id}/cancel", &[id]);
            structured(inner, None).map(|_| json!({}))
        }
        // The task must be there; which of its questions these are, the questions know.
        TaskCall::Update(responses) => look(request, id)
            .and_then(|_| answer(request, &responses))
            .map(|()| json!({})),
    };
    done.map_err(|problem| fault(platform, &problem))
}

/// `DetailedTask`
pub fn detailed(seen: &Seen) -> Value {
    let run = &seen.run;
    let created = &run["created_at"];
    let updated = match &run["ended_at"] {
        Value::Null => swarm_flow_protocol::time::rfc3339(super::platform::now_ms()).into(),
        ended => ended.clone(),
    };
    let state = run["state"].as_str().unwrap_or_default();
    let mut task = json!({
        "taskId": run["id"],
        "status": status(state, !seen.open.is_empty()),
        "statusMessage": format!("the run is {state}"),
        "createdAt": created,
        "lastUpdatedAt": updated,
        "ttlMs": null,
        "pollIntervalMs": POLL_INTERVAL_MS,
    });
    match task["status"].as_str() {
        Some("input_required") => task["inputRequests"] = requests(seen.open.iter()).into(),
        Some("completed") => {
            let mut result = result(run.clone());
            // What became of the run is in it; a task itself fails only with the protocol.
            result["isError"] = (state == "failed").into();
            task["result"] = result;
        }
        _ => {}
    }
    task
}

fn status(state: &str, asks: bool) -> &'static str {
    match state {
        "cancelled" => "cancelled",
        "done" | "failed" => "completed",
        _ if asks => "input_required",
        _ => "working",
    }
}

fn fault(platform: &Platform, problem: &Problem) -> Fault {
    if let Some(private) = &problem.private {
        eprintln!("request {}: {private}", platform.request_id);
    }
    let fault = match problem.status {
        400..=499 => Fault::invalid_params(problem.detail.clone()),
        _ => Fault::internal(problem.detail.clone()),
    };
    fault.with(problem.json(&platform.request_id))
}
