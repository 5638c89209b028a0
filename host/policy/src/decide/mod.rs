//! The decisions: one function for each kind of request, each a checklist.
//!
//! A policy is compiled once; what is decided per request parses no pattern, and allows without allocating.

mod filesystem;
mod limit;
mod network;
mod socket;

pub(crate) use filesystem::is_beneath as path_is_beneath;
pub use network::{CompiledNetwork, HttpRequest};
pub use socket::{CompiledSockets, SocketTarget, SocketUse};

use crate::{Invalid, Limits, Policy};
use filesystem::Directories;

/// Patterns of `network.public`, and of `sockets`.
pub(crate) const PATTERNS_MAX: usize = 1_000;

/// What a policy refers to and does not hold.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The patterns that `@package-registries` stands for. What is not a pattern among them grants nothing.
    pub registries: Vec<String>,
    /// The directories, by their path in the sandbox, that the operator granted the runner and `full` opens.
    pub directories: Vec<String>,
}

/// A policy, ready to decide.
#[derive(Clone, Debug)]
pub struct CompiledPolicy {
    pub network: CompiledNetwork,
    pub sockets: CompiledSockets,
    directories: Directories,
    limits: Limits,
}

impl CompiledPolicy {
    /// Refuses what [`Policy::validate`] refuses.
    pub fn new(policy: &Policy, surroundings: &Surroundings) -> Result<Self, Invalid> {
        policy.validate()?;
        Ok(Self {
            network: CompiledNetwork::new(&policy.network, &surroundings.registries)?,
            sockets: CompiledSockets::new(&policy.sockets)?,
            directories: Directories::new(&policy.filesystem, &surroundings.directories),
            limits: policy.limits.clone(),
        })
    }
}
