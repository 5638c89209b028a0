//! What a sandbox may do: the model, its presets, how one policy narrows another, and every decision.
//!
//! This crate decides and does nothing else: no I/O, no async, no wasmtime. It compiles to
//! wasm32-wasip2, so that a component and the runner decide with the same code. Everything is closed
//! by default: an empty list grants nothing.
//!
//! | to | use |
//! |---|---|
//! | read a policy file | [`Draft::read`], then [`Draft::policy`]; both at once: [`Policy::read`] |
//! | let a sandbox have less than its workspace | [`Draft::over`], [`narrow`] |
//! | decide what a guest asks for | [`CompiledPolicy`], made once per policy |
//! | say what a policy makes of an action | [`Action`], [`explain`] |
//! | hold a policy to a table of expectations | [`TestTable`] |
//! | make a policy of what a program did | [`learn`] |
//! | bind a secret to hosts | [`Hosts`] |
//! | say whether a person is asked first | [`CompiledApprovals`] |

pub mod action;
mod address;
mod approval;
mod authority;
pub mod decide;
mod decision;
pub mod document;
mod draft;
mod filesystem;
mod glob;
mod grant;
mod host;
mod host_pattern;
mod hosts;
pub mod learn;
mod limits;
mod narrow;
mod network;
pub mod path;
pub mod pattern;
mod preset;
mod printable;
pub mod socket;
mod suggest;
mod test_table;

pub use action::{Action, explain};
pub use address::Class;
pub use approval::{CompiledApprovals, ToolCall};
pub use authority::{Authority, BadUrl, Scheme, Url};
pub use decide::{
    CompiledNetwork, CompiledPolicy, CompiledSockets, HttpRequest, SocketTarget, SocketUse,
    Surroundings,
};
pub use decision::{Decision, Reason, Rule};
pub use document::{Format, Problem, Problems};
pub use draft::{Draft, LimitsDraft};
pub use filesystem::{Access, Filesystem, SANDBOX_DIRECTORIES};
pub use grant::Grant;
pub use host::{BadHost, Host};
pub use hosts::Hosts;
pub use limits::{Limit, Limits, LimitsOverride};
pub use narrow::{Widening, narrow};
pub use network::Network;
pub use preset::{Preset, UnknownPreset};
pub use printable::printable;
pub use test_table::{Expectation, PolicyTest, TestOutcome, TestTable};

use decide::CompiledSockets as Sockets;
use decide::path_is_beneath;
use serde::{Deserialize, Serialize};

/// What a sandbox may do. The same shape as `swarm-flow:core/policy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub filesystem: Filesystem,
    pub network: Network,
    /// Raw sockets ([`socket`]); none unless given. Policies were stored before there were any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sockets: Vec<String>,
    /// Names of models that agents may use, `*` for all; none unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<String>,
    /// Calls of agents' tools for which a person is asked first: `exec git push *`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<String>,
    pub limits: Limits,
}

/// Why a policy cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Invalid {
    /// The field, from the policy down: `limits.memory_bytes`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Invalid {
    pub(crate) fn new(field: impl Into<String>, message: impl AsRef<str>) -> Self {
        Self {
            field: field.into(),
            message: printable::printable(message.as_ref()).into_owned(),
        }
    }
}

impl Policy {
    /// Refuses what no sandbox could run under or what says more than it seems to. The first of [`Self::problems`].
    pub fn validate(&self) -> Result<(), Invalid> {
        match self.problems().into_iter().next() {
            Some(invalid) => Err(invalid),
            None => Ok(()),
        }
    }

    /// All that [`Self::validate`] would refuse.
    pub fn problems(&self) -> Vec<Invalid> {
        let mut problems = self.filesystem.problems();
        problems.extend(self.network.problems());
        problems.extend(Sockets::problems(&self.sockets));
        problems.extend(decide::model_problems(&self.models));
        problems.extend(CompiledApprovals::problems(&self.approvals));
        problems.extend(self.limits.problems());
        problems
    }

    /// Reads a policy file. It is a whole policy, or a preset and what differs from it.
    pub fn read(text: &str, format: Format) -> Result<Self, Problems> {
        document::policy(text, format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_was_stored_before_it_had_these_lists_still_parses() {
        let mut stored = serde_json::to_value(Preset::Isolated.policy()).unwrap();
        for list in ["sockets", "models", "approvals"] {
            assert!(stored.get(list).is_none());
        }
        let policy: Policy = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(policy, Preset::Isolated.policy());
        stored["sockets"] = serde_json::json!(["tcp://10.0.0.1:80"]);
        stored["models"] = serde_json::json!(["*"]);
        stored["approvals"] = serde_json::json!(["exec git push"]);
        let policy: Policy = serde_json::from_value(stored.clone()).unwrap();
        assert_eq!(policy.sockets, ["tcp://10.0.0.1:80"]);
        assert_eq!(policy.models, ["*"]);
        assert_eq!(policy.approvals, ["exec git push"]);
        assert_eq!(serde_json::to_value(policy).unwrap(), stored);
    }

    #[test]
    fn all_problems_are_found_and_the_first_is_refused() {
        let mut policy = Preset::Standard.policy();
        policy.filesystem = Filesystem::ReadOnly(vec!["/etc".to_owned()]);
        policy.sockets = vec!["tcp://a:0".to_owned()];
        policy.models = vec![String::new()];
        policy.approvals = vec!["run".to_owned()];
        policy.limits.handles = 0;
        let fields: Vec<_> = policy
            .problems()
            .into_iter()
            .map(|invalid| invalid.field)
            .collect();
        assert_eq!(
            fields,
            [
                "filesystem.read_only[0]",
                "sockets[0]",
                "models[0]",
                "approvals[0]",
                "limits.handles"
            ]
        );
        assert_eq!(
            policy.validate().unwrap_err().field,
            "filesystem.read_only[0]"
        );
    }
}
