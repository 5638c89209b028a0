//! Runners.

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
