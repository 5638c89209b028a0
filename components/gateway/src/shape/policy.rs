//! Policies: a preset by name, or one's own in full.

use serde::Serialize;
use serde::de::{
    self, Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer,
};
use std::fmt;
use swarm_flow_policy::{Policy, Preset};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn a_policy_goes_through_wit_unchanged() {
        for preset in Preset::ALL {
            let wit = crate::bindings::policy::Policy::from(preset.policy());
            assert_eq!(Policy::from(wit), preset.policy());
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
