//! What a sandbox may do: the model, its presets and how one policy narrows another.
//!
//! This crate decides and does nothing else: no I/O, no async, no wasmtime. It compiles to
//! wasm32-wasip2, so that a component and the runner decide with the same code. Everything is closed
//! by default: an empty list grants nothing.

mod limits;
mod network;
mod preset;

pub use limits::{Limits, LimitsOverride};
pub use network::{Network, Target};
pub use preset::Preset;

use serde::{Deserialize, Serialize};

/// What a sandbox may do. The same shape as `swarm-flow:core/policy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub filesystem: Filesystem,
    pub network: Network,
    pub limits: Limits,
}

/// Directories of the sandbox that are opened for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filesystem {
    None,
    ReadOnly(Vec<String>),
    ReadWrite(Vec<String>),
    Full,
}

/// How an opened directory may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    ReadWrite,
}

/// The directories that a runner has for every sandbox. `full` opens these and what the operator granted.
pub const SANDBOX_DIRECTORIES: [&str; 2] = ["/workspace", "/tmp"];

impl Filesystem {
    /// The paths that are opened, each with how it may be used.
    pub fn grants(&self) -> Vec<(&str, Access)> {
        match self {
            Self::None => Vec::new(),
            Self::Full => SANDBOX_DIRECTORIES
                .map(|path| (path, Access::ReadWrite))
                .to_vec(),
            Self::ReadOnly(paths) => with(paths, Access::Read),
            Self::ReadWrite(paths) => with(paths, Access::ReadWrite),
        }
    }
}

fn with(paths: &[String], access: Access) -> Vec<(&str, Access)> {
    paths.iter().map(|path| (path.as_str(), access)).collect()
}

/// Why a policy cannot be one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Invalid {
    /// The field, from the policy down: `limits.memory_bytes`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Policy {
    /// Refuses what no sandbox could run under or what says more than it seems to.
    pub fn validate(&self) -> Result<(), Invalid> {
        if let Filesystem::ReadOnly(paths) | Filesystem::ReadWrite(paths) = &self.filesystem {
            for path in paths {
                if !SANDBOX_DIRECTORIES.contains(&path.as_str()) {
                    return Err(Invalid {
                        field: "filesystem".to_owned(),
                        message: format!(
                            "`{path}` is not a directory that a sandbox can be granted; there are {}",
                            SANDBOX_DIRECTORIES
                                .map(|path| format!("`{path}`"))
                                .join(" and ")
                        ),
                    });
                }
            }
        }
        self.network.validate()?;
        self.limits.validate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_grants_nothing() {
        assert!(Filesystem::ReadWrite(Vec::new()).grants().is_empty());
        assert!(Filesystem::None.grants().is_empty());
    }

    #[test]
    fn a_path_outside_the_sandbox_is_refused() {
        let mut policy = Preset::Standard.policy();
        policy.filesystem = Filesystem::ReadOnly(vec!["/etc".to_owned()]);
        let invalid = policy.validate().unwrap_err();
        assert_eq!(invalid.field, "filesystem");
        assert!(invalid.message.contains("`/workspace` and `/tmp`"));
    }
}
