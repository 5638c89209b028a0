//! What the operator grants sandboxes of this machine.

use std::path::PathBuf;
use swarm_flow_policy::Access;

/// A directory that is opened for every sandbox whose policy says `filesystem = "full"`. What is written there takes nothing
/// of a workspace's `disk_bytes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Canonical. It holds no other root, and nothing that the runner itself needs.
    pub host: PathBuf,
    /// Its path in a sandbox: absolute, and beside all others.
    pub guest: String,
    pub access: Access,
}
