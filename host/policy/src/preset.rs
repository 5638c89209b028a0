//! The three policies that come with the platform.

use crate::decide::ALL_MODELS;
use crate::pattern::PACKAGE_REGISTRIES;
use crate::printable::printable;
use crate::suggest;
use crate::{Filesystem, Limits, Network, Policy, SANDBOX_DIRECTORIES};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// A policy by name.
///
/// | preset | filesystem | network | models | memory | CPU time | handles |
/// |---|---|---|---|---|---|---|
/// | isolated | read-only `/workspace` | none | none | 256 MiB | 30 s | 100 |
/// | standard | read-write `/workspace`, `/tmp` | `@package-registries` | all | 1 GiB | 300 s | 1 000 |
/// | privileged | full | any | all | 4 GiB | 3 600 s | 10 000 |
///
/// None asks for approvals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    Isolated,
    Standard,
    Privileged,
}

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

impl Preset {
    pub const ALL: [Self; 3] = [Self::Isolated, Self::Standard, Self::Privileged];

    pub fn name(self) -> &'static str {
        match self {
            Self::Isolated => "isolated",
            Self::Standard => "standard",
            Self::Privileged => "privileged",
        }
    }

    pub fn policy(self) -> Policy {
        match self {
            Self::Isolated => Policy {
                filesystem: Filesystem::ReadOnly(vec!["/workspace".to_owned()]),
                network: Network::None,
                sockets: Vec::new(),
                models: Vec::new(),
                approvals: Vec::new(),
                limits: Limits {
                    memory_bytes: 256 * MIB,
                    cpu_time_ms: 30_000,
                    wall_time_ms: 60_000,
                    handles: 100,
                    output_bytes: MIB,
                    disk_bytes: GIB,
                    sandboxes: 8,
                },
            },
            Self::Standard => Policy {
                filesystem: Filesystem::ReadWrite(SANDBOX_DIRECTORIES.map(str::to_owned).to_vec()),
                network: Network::Public(vec![PACKAGE_REGISTRIES.to_owned()]),
                sockets: Vec::new(),
                models: vec![ALL_MODELS.to_owned()],
                approvals: Vec::new(),
                limits: Limits {
                    memory_bytes: GIB,
                    cpu_time_ms: 300_000,
                    wall_time_ms: 600_000,
                    handles: 1_000,
                    output_bytes: 8 * MIB,
                    disk_bytes: 10 * GIB,
                    sandboxes: 32,
                },
            },
            Self::Privileged => Policy {
                filesystem: Filesystem::Full,
                network: Network::Any,
                sockets: Vec::new(),
                models: vec![ALL_MODELS.to_owned()],
                approvals: Vec::new(),
                limits: Limits {
                    memory_bytes: 4 * GIB,
                    cpu_time_ms: 3_600_000,
                    wall_time_ms: 7_200_000,
                    handles: 10_000,
                    output_bytes: 32 * MIB,
                    disk_bytes: 50 * GIB,
                    sandboxes: 128,
                },
            },
        }
    }
}

/// There is no preset of that name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a preset{}; there are `isolated`, `standard` and `privileged`",
    printable(name),
    did_you_mean(name)
)]
pub struct UnknownPreset {
    name: String,
}

fn did_you_mean(name: &str) -> String {
    suggest::nearest(name, Preset::ALL.map(Preset::name))
        .map_or_else(String::new, |known| format!("; did you mean `{known}`?"))
}

impl FromStr for Preset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == name)
            .ok_or_else(|| UnknownPreset {
                name: name.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid_and_found_by_its_name() {
        for preset in Preset::ALL {
            assert_eq!(preset.policy().validate(), Ok(()));
            assert_eq!(preset.name().parse(), Ok(preset));
        }
        let unknown = "Standard".parse::<Preset>().unwrap_err().to_string();
        assert!(unknown.contains("did you mean `standard`?"), "{unknown}");
    }
}
