//! Whether the app lives, whether it can work, and what it offers. Open to all, so these tell little.

use crate::bindings::runners;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Reply, Response, ok};
use serde_json::json;

pub fn health(_: &Request) -> Result<Reply, Problem> {
    ok(&json!({"status": "ok"}))
}

/// Ready is an app whose database answers and which has a runner that is alive.
pub fn ready(_: &Request) -> Result<Reply, Problem> {
    let runners = runners::list().map_err(|error| {
        let mut problem = Problem::internal(format!("not ready: {error:?}"));
        problem.status = 503;
        problem
    })?;
    match runners.iter().filter(|runner| runner.alive).count() {
        0 => Err(Problem::new("no-runner", "no runner is alive")),
        alive => ok(&json!({"status": "ready", "runners": alive})),
    }
}

pub fn document(_: &Request) -> Result<Reply, Problem> {
    Ok(Reply::Whole(Response::bytes(
        200,
        "application/json",
        DOCUMENT.as_bytes(),
    )))
}

/// The OpenAPI document.
pub const DOCUMENT: &str = include_str!("../../openapi.json");
