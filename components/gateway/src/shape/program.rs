//! Programs.

use crate::bindings::{programs as wit, runners};
use serde::Serialize;
use swarm_flow_protocol as protocol;

/// A program, and the runners that are alive and have it.
#[derive(Serialize)]
pub struct Program {
    #[serde(flatten)]
    program: protocol::Program,
    runners: Vec<String>,
}

impl Program {
    pub fn new(program: protocol::Program, runners: Vec<String>) -> Self {
        Self { program, runners }
    }

    pub fn into_parts(self) -> (protocol::Program, Vec<String>) {
        (self.program, self.runners)
    }

    pub fn is_agent(&self) -> bool {
        self.program.agent.is_some()
    }
}

/// The same, and what its file says of it.
#[derive(Serialize)]
pub struct Details {
    #[serde(flatten)]
    offer: Program,
    kind: protocol::ProgramKind,
    imports: Vec<protocol::ImportGroup>,
    license: Option<String>,
    compiled: bool,
    /// Only where a program was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<Vec<LeftOut>>,
}

/// A runner that is alive and did not take it.
#[derive(Serialize)]
pub struct LeftOut {
    runner: String,
    reason: String,
}

impl From<wit::Offered> for Details {
    fn from(offered: wit::Offered) -> Self {
        let protocol::ProgramDetails {
            program,
            kind,
            imports,
            license,
            compiled,
        } = offered.details.into();
        Self {
            offer: Program {
                program,
                runners: offered.runners,
            },
            kind,
            imports,
            license,
            compiled,
            left_out: None,
        }
    }
}

impl From<wit::Added> for Details {
    fn from(added: wit::Added) -> Self {
        Self {
            left_out: Some(left_out(added.left_out)),
            ..Self::from(added.offered)
        }
    }
}

pub fn left_out(left_out: Vec<wit::LeftOut>) -> Vec<LeftOut> {
    left_out
        .into_iter()
        .map(|left| LeftOut {
            runner: left.runner,
            reason: left.reason,
        })
        .collect()
}

/// What can be run just now: runners that have the same component under the same name share an entry.
pub fn offers(runners: Vec<runners::Runner>) -> Vec<Program> {
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

    fn runner(id: &str, alive: bool, programs: &[(&str, &str)]) -> runners::Runner {
        let program = |(name, digest): &(&str, &str)| runners::Program {
            name: (*name).to_owned(),
            aliases: Vec::new(),
            version: "1".to_owned(),
            origin: runners::Origin::Shipped,
            environments: Vec::new(),
            digest: (*digest).to_owned(),
            size_bytes: 1,
            agent: None,
        };
        runners::Runner {
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
        let found: Vec<_> = offers(runners)
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
