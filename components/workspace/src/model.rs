//! What this component talks about.

use serde::{Deserialize, Serialize};
use swarm_flow_policy::Policy;
pub use swarm_flow_protocol::check_name;
use swarm_flow_protocol::{ALIVE_MS, Binding, Environment, Error, Program, Wall};
use swarm_flow_state::Head;

/// Whether commands may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Started,
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    pub id: String,
    pub made: Made,
    pub state: State,
    pub created_at_ms: u64,
    pub updated_at_ms: u64,
    /// Of the workspace's stream; its sequence is the revision.
    pub head: Head,
}

/// What a workspace is made of: the payload of `workspace.created`. Nothing but its policy changes, and that by a
/// [`PolicyChange`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub name: String,
    pub environment: Environment,
    pub policy_name: String,
    /// Of the kept policy; 0 for presets and `custom`, and where workspaces were made before there were any.
    #[serde(default)]
    pub policy_version: u32,
    pub policy: Policy,
    /// The runner that holds the files.
    pub runner: String,
}

/// How a new workspace shall be.
#[derive(Clone, Debug)]
pub struct Config {
    pub name: String,
    pub environment: String,
    pub policy_name: String,
    pub policy_version: u32,
    pub policy: Policy,
    pub idempotency_key: Option<String>,
}

/// Another policy for a workspace: the payload of `workspace.policy_changed`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChange {
    pub policy_name: String,
    pub policy_version: u32,
    pub policy: Policy,
    #[serde(skip)]
    pub expected_revision: Option<u64>,
}

/// A version of a policy that is kept under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    pub name: String,
    pub version: u32,
    pub policy: Policy,
    pub created_at_ms: u64,
}

/// A secret without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    pub name: String,
    pub binding: Binding,
    pub created_at_ms: u64,
    pub updated_at_ms: u64,
}

/// Which records of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    pub workspace: Option<String>,
    pub sandbox: Option<String>,
    pub capability: Option<String>,
    pub decision: Option<String>,
    pub kind: Option<String>,
    pub actor: Option<String>,
    pub since_ms: Option<u64>,
    pub until_ms: Option<u64>,
}

/// A runner that has joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runner {
    pub id: String,
    pub url: String,
    pub programs: Vec<Program>,
    pub environments: Vec<Environment>,
    pub walls: Vec<Wall>,
    pub joined_at_ms: u64,
    pub seen_at_ms: u64,
}

impl Runner {
    pub fn alive(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.seen_at_ms) <= ALIVE_MS
    }
}

/// Which page of a listing.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

/// The most items of one page, and how many there are when nobody says.
pub const PAGE_ITEMS_MAX: u32 = 1000;
const PAGE_ITEMS: u32 = 100;

impl Page {
    pub fn items(&self) -> Result<u32, Error> {
        match self.limit.unwrap_or(PAGE_ITEMS) {
            items @ 1..=PAGE_ITEMS_MAX => Ok(items),
            other => Err(crate::fault::invalid(
                "limit",
                format!("is {other}, must be 1 to {PAGE_ITEMS_MAX}"),
            )),
        }
    }
}
