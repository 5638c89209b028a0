//! Policies: a preset by name, or one's own in full.

use crate::bindings::policy as wit;
use serde::Serialize;
use serde::de::{
    self, Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer,
};
use std::fmt;
use swarm_flow_policy::{Filesystem, Limits, Network, Policy, Preset};

/// What a new workspace asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The preset's name, or `custom`.
    pub name: String,
    pub policy: Policy,
}

impl Default for Choice {
    fn default() -> Self {
        Self::preset(Preset::Standard)
    }
}

impl Choice {
    fn preset(preset: Preset) -> Self {
        Self {
            name: preset.name().to_owned(),
            policy: preset.policy(),
        }
    }
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor)
    }
}

struct ChoiceVisitor;

impl<'de> Visitor<'de> for ChoiceVisitor {
    type Value = Choice;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a preset's name or a policy")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Choice, E> {
        name.parse().map(Choice::preset).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Choice, A::Error> {
        let policy = Policy::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Choice {
            name: "custom".to_owned(),
            policy,
        })
    }
}

/// A policy with its name.
#[derive(Serialize)]
pub struct Named {
    pub name: String,
    #[serde(flatten)]
    pub policy: Policy,
}

impl From<Preset> for Named {
    fn from(preset: Preset) -> Self {
        Self {
            name: preset.name().to_owned(),
            policy: preset.policy(),
        }
    }
}

pub fn to_wit(policy: Policy) -> wit::Policy {
    let limits = policy.limits;
    wit::Policy {
        filesystem: match policy.filesystem {
            Filesystem::None => wit::Filesystem::None,
            Filesystem::ReadOnly(paths) => wit::Filesystem::ReadOnly(paths),
            Filesystem::ReadWrite(paths) => wit::Filesystem::ReadWrite(paths),
            Filesystem::Full => wit::Filesystem::Full,
        },
        network: match policy.network {
            Network::None => wit::Network::None,
            Network::Localhost => wit::Network::Localhost,
            Network::Private => wit::Network::Private,
            Network::Public(patterns) => wit::Network::Public(patterns),
            Network::Any => wit::Network::Any,
        },
        limits: wit::Limits {
            memory_bytes: limits.memory_bytes,
            cpu_time_ms: limits.cpu_time_ms,
            wall_time_ms: limits.wall_time_ms,
            handles: limits.handles,
            output_bytes: limits.output_bytes,
            disk_bytes: limits.disk_bytes,
            sandboxes: limits.sandboxes,
        },
    }
}

pub fn from_wit(policy: wit::Policy) -> Policy {
    let limits = policy.limits;
    Policy {
        filesystem: match policy.filesystem {
            wit::Filesystem::None => Filesystem::None,
            wit::Filesystem::ReadOnly(paths) => Filesystem::ReadOnly(paths),
            wit::Filesystem::ReadWrite(paths) => Filesystem::ReadWrite(paths),
            wit::Filesystem::Full => Filesystem::Full,
        },
        network: match policy.network {
            wit::Network::None => Network::None,
            wit::Network::Localhost => Network::Localhost,
            wit::Network::Private => Network::Private,
            wit::Network::Public(patterns) => Network::Public(patterns),
            wit::Network::Any => Network::Any,
        },
        limits: Limits {
            memory_bytes: limits.memory_bytes,
            cpu_time_ms: limits.cpu_time_ms,
            wall_time_ms: limits.wall_time_ms,
            handles: limits.handles,
            output_bytes: limits.output_bytes,
            disk_bytes: limits.disk_bytes,
            sandboxes: limits.sandboxes,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_policy_goes_through_wit_unchanged() {
        for preset in Preset::ALL {
            assert_eq!(from_wit(to_wit(preset.policy())), preset.policy());
        }
    }

    #[test]
    fn a_choice_is_a_name_or_a_policy() {
        assert_eq!(
            json::parse::<Choice>(br#""isolated""#).unwrap(),
            Choice::preset(Preset::Isolated)
        );
        let own = serde_json::to_vec(&Preset::Privileged.policy()).unwrap();
        let choice: Choice = json::parse(&own).unwrap();
        assert_eq!(
            (choice.name.as_str(), choice.policy),
            ("custom", Preset::Privileged.policy())
        );
        let problem = json::parse::<Choice>(br#""lax""#).unwrap_err();
        assert!(
            problem
                .detail
                .contains("there are `isolated`, `standard` and `privileged`"),
            "{}",
            problem.detail
        );
    }
}
