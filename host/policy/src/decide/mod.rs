//! The decisions: one function for each kind of request, each a checklist.
//!
//! A policy is compiled once; what is decided per request parses no pattern, and allows without allocating.

mod filesystem;
mod limit;
mod model;
mod network;
mod socket;

pub(crate) use filesystem::is_beneath as path_is_beneath;
pub(crate) use model::{ALL as ALL_MODELS, problems as model_problems};
pub use network::{CompiledNetwork, HttpRequest};
pub use socket::{CompiledSockets, SocketTarget, SocketUse};

use crate::{CompiledApprovals, Invalid, Limits, Policy};
use filesystem::Directories;

/// Patterns of `network.public`; lines of `sockets`, `models` and `approvals`.
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
    pub approvals: CompiledApprovals,
    directories: Directories,
    models: Vec<String>,
    limits: Limits,
}

impl CompiledPolicy {
    /// Refuses what [`Policy::validate`] refuses.
    pub fn new(policy: &Policy, surroundings: &Surroundings) -> Result<Self, Invalid> {
        policy.validate()?;
        Ok(Self {
            network: CompiledNetwork::new(&policy.network, &surroundings.registries)?,
            sockets: CompiledSockets::new(&policy.sockets)?,
            approvals: CompiledApprovals::new(&policy.approvals)?,
            models: policy.models.clone(),
            directories: Directories::new(&policy.filesystem, &surroundings.directories),
            limits: policy.limits.clone(),
        })
    }
}
