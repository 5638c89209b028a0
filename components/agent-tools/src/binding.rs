//! Which workspace the tools work in. An instance lives for one request, and so does a binding.

use crate::bindings::types::{Error, InvalidInput, Missing};
use std::cell::RefCell;
use swarm_flow_policy::Policy;
use swarm_flow_state::{DatabaseError, Id, Kind, Row, Spin, Value, now_ms, query};

/// A workspace and where its runner answers.
#[derive(Clone)]
pub struct Bound {
    pub id: String,
    pub environment: String,
    pub policy: Policy,
    pub runner_url: String,
}

thread_local! {
    static BOUND: RefCell<Option<Bound>> = const { RefCell::new(None) };
}

/// A runner that was not heard of for so long is taken for dead.
const ALIVE_MS: u64 = 30_000;

/// Finds the workspace; the tools work in it from now on. After a refusal they work in none.
pub fn bind(workspace_id: &str) -> Result<(), Error> {
    BOUND.with_borrow_mut(|bound| *bound = None);
    let found = find(workspace_id)?;
    BOUND.with_borrow_mut(|bound| *bound = Some(found));
    Ok(())
}

/// The bound workspace. Without one it says so, or that there is no runner that could hold one.
pub fn bound() -> Result<Bound, Error> {
    if let Some(bound) = BOUND.with_borrow(Clone::clone) {
        return Ok(bound);
    }
    let since = i64::try_from(now_ms().saturating_sub(ALIVE_MS)).unwrap_or(i64::MAX);
    let statement = "SELECT 1 FROM runner WHERE seen_at_ms >= ? LIMIT 1";
    let alive = query(&Spin, statement, &[Value::Integer(since)]).map_err(internal)?;
    Err(if alive.is_empty() {
        Error::Unavailable("no-runner: no runner is alive".to_owned())
    } else {
        Error::Conflict("no workspace is bound".to_owned())
    })
}

fn find(workspace_id: &str) -> Result<Bound, Error> {
    let id = Id::parse(Kind::Workspace, workspace_id).map_err(|error| {
        Error::Invalid(InvalidInput {
            field: "workspace".to_owned(),
            message: error.to_string(),
        })
    })?;
    let statement = "SELECT workspace.state, json_extract(workspace.environment, '$.name'), workspace.policy, \
            workspace.runner, runner.url, coalesce(runner.seen_at_ms, 0) \
        FROM workspace LEFT JOIN runner ON runner.id = workspace.runner WHERE workspace.id = ?";
    let rows = query(&Spin, statement, &[Value::Text(id.to_string())]).map_err(internal)?;
    let Some(row) = rows.first() else {
        return Err(Error::NotFound(Missing {
            kind: Kind::Workspace.name().to_owned(),
            id: id.into_string(),
            known: Vec::new(),
        }));
    };
    read(id, row, now_ms()).map_err(internal)?
}

/// The outer error is a row of another shape; the inner one says why the workspace cannot be bound.
fn read(id: Id, row: &Row, now_ms: u64) -> Result<Result<Bound, Error>, DatabaseError> {
    if row.text(0)? != "started" {
        return Ok(Err(Error::Conflict(format!(
            "workspace-stopped: the workspace `{id}` is stopped; start it first"
        ))));
    }
    let runner = row.text(3)?;
    match row.text_or_null(4)? {
        Some(url) if row.integer(5)?.saturating_add(ALIVE_MS) >= now_ms => Ok(Ok(Bound {
            id: id.into_string(),
            environment: row.text(1)?.to_owned(),
            policy: row.json(2)?,
            runner_url: url.to_owned(),
        })),
        _ => Ok(Err(Error::Unavailable(format!(
            "the runner `{runner}`, which holds the workspace, is away"
        )))),
    }
}

fn internal(error: DatabaseError) -> Error {
    Error::Internal(error.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: &str, url: Option<&str>, seen_at_ms: i64) -> Row {
        let policy = serde_json::to_string(&swarm_flow_policy::Preset::Standard.policy()).unwrap();
        Row::new(vec![
            Value::Text(state.to_owned()),
            Value::Text("python".to_owned()),
            Value::Text(policy),
            Value::Text("home".to_owned()),
            url.map_or(Value::Null, |url| Value::Text(url.to_owned())),
            Value::Integer(seen_at_ms),
        ])
    }

    #[test]
    fn only_a_started_workspace_of_a_runner_that_is_there_can_be_bound() {
        let id = || Id::new(Kind::Workspace, None);
        let now = 100_000;
        let bound = read(id(), &row("started", Some("http://a"), 70_000), now)
            .unwrap()
            .unwrap();
        assert_eq!(
            (bound.runner_url.as_str(), bound.environment.as_str()),
            ("http://a", "python")
        );
        for (row, expected) in [
            (row("stopped", Some("http://a"), 100_000), "conflict"),
            (row("started", Some("http://a"), 69_999), "unavailable"),
            (row("started", None, 0), "unavailable"),
        ] {
            let found = match read(id(), &row, now).unwrap().err().unwrap() {
                Error::Conflict(_) => "conflict",
                Error::Unavailable(_) => "unavailable",
                _ => "another",
            };
            assert_eq!(found, expected);
        }
    }
}
