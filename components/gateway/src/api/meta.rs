//! Whether the app lives, whether it can work, and what it offers. Open to all, so these tell little.

use crate::bindings::runners::{self, Wall};
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Reply, Response, ok};
use serde_json::json;
use std::collections::BTreeMap;

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
    let alive: Vec<_> = runners.iter().filter(|runner| runner.alive).collect();
    if alive.is_empty() {
        return Err(Problem::new("no-runner", "no runner is alive"));
    }
    let walls: Vec<_> = alive.iter().map(|runner| runner.walls.as_slice()).collect();
    ok(&json!({"status": "ready", "runners": alive.len(), "walls": weakest(&walls)}))
}

/// Each wall as it is where it is weakest: `stands`, `partly` or `missing`. A runner that does not name one has none.
fn weakest<'a>(runners: &[&'a [Wall]]) -> BTreeMap<&'a str, &'a str> {
    let names = runners
        .iter()
        .flat_map(|walls| walls.iter())
        .map(|wall| wall.name.as_str());
    names
        .map(|name| {
            let states = runners.iter().map(|walls| {
                walls
                    .iter()
                    .find(|wall| wall.name == name)
                    .map_or("missing", |wall| wall.state.as_str())
            });
            let rank = |state: &&str| {
                ["stands", "partly"]
                    .iter()
                    .position(|known| known == state)
                    .unwrap_or(2)
            };
            (name, states.max_by_key(rank).unwrap_or("missing"))
        })
        .collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn walls(states: &[(&str, &str)]) -> Vec<Wall> {
        let wall = |(name, state): &(&str, &str)| Wall {
            name: (*name).to_owned(),
            state: (*state).to_owned(),
        };
        states.iter().map(wall).collect()
    }

    #[test]
    fn a_wall_is_as_strong_as_where_it_is_weakest() {
        let strong = walls(&[("landlock", "stands"), ("seccomp", "stands")]);
        let weak = walls(&[("landlock", "partly")]);
        assert_eq!(
            weakest(&[&strong, &weak]),
            BTreeMap::from([("landlock", "partly"), ("seccomp", "missing")])
        );
        assert_eq!(weakest(&[&strong])["seccomp"], "stands");
    }
}
