//! What a runner says of itself: `POST /api/v1/runners`.

use crate::Program;
use serde::{Deserialize, Serialize};

/// How long after it was last heard of a runner counts as alive. It says that it is every ten seconds.
pub const ALIVE_MS: u64 = 30_000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Chosen by the runner, kept across its restarts. 1 to 63 of letters, digits, `.`, `_`, `-`.
    pub id: String,
    /// Where the app reaches it: `http://host:port`, without a path.
    pub url: String,
    pub programs: Vec<Program>,
    pub environments: Vec<Environment>,
    /// What shuts its process off from its machine.
    #[serde(default)]
    pub walls: Vec<Wall>,
}

/// One of a runner's second walls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wall {
    /// `landlock`, `seccomp`, `capabilities`.
    pub name: String,
    /// `stands`, `partly`, `missing`.
    pub state: String,
}

/// Which programs a workspace's `exec` finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    pub name: String,
    /// The main language; empty where there is none.
    pub language: String,
    pub version: String,
    /// `name==version`.
    pub packages: Vec<String>,
}
