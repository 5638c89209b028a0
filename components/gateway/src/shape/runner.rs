//! Runners, and the programs that they have.

use crate::bindings::runners as wit;
use serde::Serialize;
use swarm_flow_protocol as protocol;
use swarm_flow_protocol::time::rfc3339;

#[derive(Serialize)]
pub struct Runner {
    id: String,
    url: String,
    programs: Vec<protocol::Program>,
    environments: Vec<protocol::Environment>,
    joined_at: String,
    seen_at: String,
    alive: bool,
    walls: Vec<protocol::Wall>,
}

impl From<wit::Runner> for Runner {
    fn from(runner: wit::Runner) -> Self {
        Self {
            id: runner.id,
            url: runner.url,
            programs: runner.programs.into_iter().map(Into::into).collect(),
            environments: runner.environments.into_iter().map(Into::into).collect(),
            joined_at: rfc3339(runner.joined_at_ms),
            seen_at: rfc3339(runner.seen_at_ms),
            alive: runner.alive,
            walls: runner.walls.into_iter().map(Into::into).collect(),
        }
    }
}

/// A program, and the runners that are alive and have it.
#[derive(Serialize)]
pub struct Program {
    #[serde(flatten)]
    program: protocol::Program,
    runners: Vec<String>,
}

/// What can be run just now: runners that have the same component under the same name share an entry.
pub fn programs(runners: Vec<wit::Runner>) -> Vec<Program> {
    let mut found: Vec<Program> = Vec::new();
    for runner in runners.into_iter().filter(|runner| runner.alive) {
        for program in runner.programs {
            let same = |other: &&mut Program| {
                other.program.name == program.name && other.program.digest == program.digest
            };
            match found.iter_mut().find(same) {
                Some(entry) => entry.runners.push(runner.id.clone()),
                None => found.push(Program {
                    program: program.into(),
                    runners: vec![runner.id.clone()],
                }),
            }
        }
    }
    found.sort_by(|a, b| a.program.name.cmp(&b.program.name));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runner(id: &str, alive: bool, programs: &[(&str, &str)]) -> wit::Runner {
        let program = |(name, digest): &(&str, &str)| wit::Program {
            name: (*name).to_owned(),
            version: "1".to_owned(),
            environments: Vec::new(),
            digest: (*digest).to_owned(),
            size_bytes: 1,
        };
        wit::Runner {
            id: id.to_owned(),
            url: String::new(),
            programs: programs.iter().map(program).collect(),
            environments: Vec::new(),
            joined_at_ms: 0,
            seen_at_ms: 0,
            alive,
            walls: Vec::new(),
        }
    }

    #[test]
    fn one_program_of_two_runners_is_listed_once() {
        let runners = vec![
            runner("a", true, &[("python", "1"), ("nu", "2")]),
            runner("b", true, &[("python", "1"), ("python", "3")]),
            runner("c", false, &[("node", "4")]),
        ];
        let found: Vec<_> = programs(runners)
            .into_iter()
            .map(|entry| {
                (
                    entry.program.name,
                    entry.program.digest,
                    entry.runners.join(" "),
                )
            })
            .collect();
        let expected = [
            ("nu", "2", "a"),
            ("python", "1", "a b"),
            ("python", "3", "b"),
        ]
        .map(|(name, digest, runners)| (name.to_owned(), digest.to_owned(), runners.to_owned()));
        assert_eq!(found, expected);
    }
}
