//! A policy with parts left out: a preset and what differs from it, or what a sandbox wants instead of its workspace's.
//!
//! ```toml
//! preset = "standard"
//! network = { public = ["@package-registries", "GET https://api.example.com/v1/"] }
//!
//! [limits]
//! memory_bytes = 268_435_456
//! ```
//!
//! `filesystem`, `network` and each of the lists replace the preset's as a whole; of `limits`, those that are given.

use crate::{
    Filesystem, Format, Invalid, Limit, Limits, Network, Policy, Preset, Problems, document,
};
use serde::{Deserialize, Serialize};

/// A policy with parts left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Draft {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<Filesystem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sockets: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Vec<String>>,
    #[serde(skip_serializing_if = "LimitsDraft::is_empty")]
    pub limits: LimitsDraft,
}

/// [`Limits`] with some left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsDraft {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_time_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_time_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handles: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sandboxes: Option<u64>,
}

impl LimitsDraft {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn slot(&mut self, limit: Limit) -> &mut Option<u64> {
        match limit {
            Limit::MemoryBytes => &mut self.memory_bytes,
            Limit::CpuTimeMs => &mut self.cpu_time_ms,
            Limit::WallTimeMs => &mut self.wall_time_ms,
            Limit::Handles => &mut self.handles,
            Limit::OutputBytes => &mut self.output_bytes,
            Limit::DiskBytes => &mut self.disk_bytes,
            Limit::Sandboxes => &mut self.sandboxes,
        }
    }

    fn get(&self, limit: Limit) -> Option<u64> {
        *self.clone().slot(limit)
    }
}

impl Draft {
    /// Reads a policy file in which parts may be missing. What is there is valid.
    pub fn read(text: &str, format: Format) -> Result<Self, Problems> {
        document::draft(text, format)
    }

    /// The policy: what is given, and the preset's where nothing is. Without a preset, all but the lists
    /// is needed.
    pub fn policy(&self) -> Result<Policy, Invalid> {
        match self.preset {
            Some(preset) => Ok(self.over(&preset.policy())),
            None => self.whole(),
        }
    }

    /// What is given, and the preset's or the base's where nothing is. [`crate::narrow`] says whether it is within the
    /// base.
    pub fn over(&self, base: &Policy) -> Policy {
        let base = self.preset.map_or_else(|| base.clone(), Preset::policy);
        let mut limits = base.limits;
        for limit in Limit::ALL {
            if let Some(value) = self.limits.get(limit) {
                limit.put(&mut limits, value);
            }
        }
        Policy {
            filesystem: self.filesystem.clone().unwrap_or(base.filesystem),
            network: self.network.clone().unwrap_or(base.network),
            sockets: self.sockets.clone().unwrap_or(base.sockets),
            models: self.models.clone().unwrap_or(base.models),
            approvals: self.approvals.clone().unwrap_or(base.approvals),
            limits,
        }
    }

    /// All problems of what is given.
    pub fn problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        problems.extend(self.filesystem.iter().flat_map(Filesystem::problems));
        problems.extend(self.network.iter().flat_map(Network::problems));
        if let Some(sockets) = &self.sockets {
            problems.extend(crate::decide::CompiledSockets::problems(sockets));
        }
        if let Some(models) = &self.models {
            problems.extend(crate::decide::model_problems(models));
        }
        if let Some(approvals) = &self.approvals {
            problems.extend(crate::CompiledApprovals::problems(approvals));
        }
        let limit = |limit: Limit| {
            self.limits
                .get(limit)
                .and_then(|value| limit.check(value).err())
        };
        problems.extend(Limit::ALL.into_iter().filter_map(limit));
        problems
    }

    fn whole(&self) -> Result<Policy, Invalid> {
        let limit = |limit: Limit| {
            self.limits
                .get(limit)
                .ok_or_else(|| missing(format!("limits.{}", limit.name())))
        };
        let filesystem = self
            .filesystem
            .clone()
            .ok_or_else(|| missing("filesystem".to_owned()))?;
        let network = self
            .network
            .clone()
            .ok_or_else(|| missing("network".to_owned()))?;
        let mut limits = Limits {
            memory_bytes: 0,
            cpu_time_ms: 0,
            wall_time_ms: 0,
            handles: 0,
            output_bytes: 0,
            disk_bytes: 0,
            sandboxes: 0,
        };
        for each in Limit::ALL {
            each.put(&mut limits, limit(each)?);
        }
        Ok(Policy {
            filesystem,
            network,
            sockets: self.sockets.clone().unwrap_or_default(),
            models: self.models.clone().unwrap_or_default(),
            approvals: self.approvals.clone().unwrap_or_default(),
            limits,
        })
    }
}

impl From<Policy> for Draft {
    fn from(policy: Policy) -> Self {
        let mut limits = LimitsDraft::default();
        for limit in Limit::ALL {
            *limits.slot(limit) = Some(limit.of(&policy.limits));
        }
        Self {
            preset: None,
            filesystem: Some(policy.filesystem),
            network: Some(policy.network),
            sockets: Some(policy.sockets),
            models: Some(policy.models),
            approvals: Some(policy.approvals),
            limits,
        }
    }
}

fn missing(field: String) -> Invalid {
    Invalid::new(
        field,
        "is missing; give it, or start from a preset with `preset = \"isolated\"`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_replaces_the_preset() {
        let draft = Draft {
            preset: Some(Preset::Standard),
            network: Some(Network::None),
            limits: LimitsDraft {
                handles: Some(7),
                ..Default::default()
            },
            ..Default::default()
        };
        let mut expected = Preset::Standard.policy();
        expected.network = Network::None;
        expected.limits.handles = 7;
        assert_eq!(draft.policy(), Ok(expected));
    }

    #[test]
    fn without_a_preset_all_is_needed() {
        assert_eq!(Draft::default().policy().unwrap_err().field, "filesystem");
        let mut draft = Draft::from(Preset::Privileged.policy());
        assert_eq!(draft.policy(), Ok(Preset::Privileged.policy()));
        draft.limits.disk_bytes = None;
        let invalid = draft.policy().unwrap_err();
        assert_eq!(invalid.field, "limits.disk_bytes");
        assert!(invalid.message.contains("preset = \"isolated\""));
    }

    #[test]
    fn a_count_that_is_too_large_is_refused_before_it_is_cut_to_its_field() {
        let mut draft = Draft::default();
        draft.limits.handles = Some(1 << 32);
        assert_eq!(draft.problems()[0].field, "limits.handles");
    }
}
