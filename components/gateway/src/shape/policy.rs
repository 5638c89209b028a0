//! Policies: a preset or a kept one by its name, or one's own, in full or as what differs from a preset.

use crate::bindings::policies::StoredPolicy;
use crate::problem::Problem;
use serde::de::{self, Deserialize, Deserializer};
use serde::{Deserialize as Derive, Serialize};
use serde_json::{Value, json, value::RawValue};
use swarm_flow_policy::{Format, Policy, Preset, Problems};
use swarm_flow_protocol::time::rfc3339;

/// `PUT /workspaces/{id}/policy`.
#[derive(Derive)]
#[serde(deny_unknown_fields)]
pub struct SetPolicy {
    pub policy: Choice,
}

/// What a workspace asks for.
#[derive(Clone, Debug)]
pub enum Choice {
    /// `standard`, `strict`, `strict@3`.
    Named(String),
    /// As it was written.
    Own(Box<RawValue>),
}

impl Default for Choice {
    fn default() -> Self {
        Self::Named(Preset::Standard.name().to_owned())
    }
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        match raw.get().as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw.get())
                .map(Self::Named)
                .map_err(de::Error::custom),
            Some(b'{') => Ok(Self::Own(raw)),
            _ => Err(de::Error::custom("is neither a policy's name nor a policy")),
        }
    }
}

/// A policy that is meant by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub name: String,
    /// The last one unless given.
    pub version: Option<u32>,
}

impl Reference {
    /// Reads `strict` or `strict@3`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Problem> {
        let Some((name, version)) = text.split_once('@') else {
            return Ok(Self {
                name: text.to_owned(),
                version: None,
            });
        };
        let number = version.parse().ok();
        match number.filter(|number: &u32| *number > 0 && number.to_string() == version) {
            Some(number) => Ok(Self {
                name: name.to_owned(),
                version: Some(number),
            }),
            None => Err(Problem::invalid(
                field,
                "has a version that is none; write `strict@3`, with a number from 1 on",
            )),
        }
    }
}

/// A policy with its name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Named {
    pub name: String,
    /// Of a kept policy; otherwise 0.
    #[serde(skip_serializing_if = "is_none")]
    pub version: u32,
    #[serde(flatten)]
    pub policy: Policy,
    /// Of this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

impl Named {
    /// One that is not kept under a name.
    pub fn custom(policy: Policy) -> Self {
        Self::unkept("custom", policy)
    }

    fn unkept(name: &str, policy: Policy) -> Self {
        Self {
            name: name.to_owned(),
            version: 0,
            policy,
            created_at: None,
        }
    }
}

impl From<Preset> for Named {
    fn from(preset: Preset) -> Self {
        Self::unkept(preset.name(), preset.policy())
    }
}

impl From<StoredPolicy> for Named {
    fn from(stored: StoredPolicy) -> Self {
        Self {
            name: stored.name,
            version: stored.version,
            policy: stored.policy.into(),
            created_at: Some(rfc3339(stored.created_at_ms)),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(version: &u32) -> bool {
    *version == 0
}

/// Reads a policy that is the field `within` of a body.
pub fn within(within: &str, text: &str) -> Result<Policy, Problem> {
    Policy::read(text, Format::Json).map_err(|problems| wrong(&problems, Some(within)))
}

/// Reads a policy that is a body; what is wrong is said with its place.
pub fn whole(text: &str) -> Result<Policy, Problem> {
    Policy::read(text, Format::Json).map_err(|problems| wrong(&problems, None))
}

/// All that is wrong, in `problems`; the first is the problem's own.
fn wrong(problems: &Problems, within: Option<&str>) -> Problem {
    let field = |field: &str| match (within, field) {
        (None, "") => "body".to_owned(),
        (None, field) => field.to_owned(),
        (Some(within), "") => within.to_owned(),
        (Some(within), field) => format!("{within}.{field}"),
    };
    let each = |problem: &swarm_flow_policy::Problem| {
        let mut each = json!({"field": field(&problem.field), "message": problem.message});
        if let (None, Some(members)) = (within, each.as_object_mut()) {
            members.insert("line".to_owned(), problem.line.into());
            members.insert("column".to_owned(), problem.column.into());
        }
        each
    };
    let all: Vec<Value> = problems.0.iter().map(each).collect();
    let first = match problems.0.first() {
        Some(first) => Problem::invalid(&field(&first.field), &first.message),
        None => Problem::invalid(&field(""), "is no policy"),
    };
    first.with("problems", all)
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

    fn set(body: &str) -> Result<Choice, Problem> {
        json::parse::<SetPolicy>(body.as_bytes()).map(|set| set.policy)
    }

    #[test]
    fn a_choice_is_a_name_a_policy_or_what_differs_from_a_preset() {
        let name = set(r#"{"policy": "str\u0069ct@3"}"#).unwrap();
        assert!(matches!(name, Choice::Named(name) if name == "strict@3"));
        let own = serde_json::to_string(&Preset::Privileged.policy()).unwrap();
        let mut differs = Preset::Isolated.policy();
        differs.limits.handles = 7;
        for (body, expected) in [
            (own.as_str(), Preset::Privileged.policy()),
            (
                r#"{"preset": "isolated", "limits": {"handles": 7}}"#,
                differs,
            ),
        ] {
            let Choice::Own(raw) = set(&format!("{{\"policy\": {body}}}")).unwrap() else {
                panic!("{body} is no name")
            };
            assert_eq!(within("policy", raw.get()).unwrap(), expected);
        }
        for body in [
            r#"{"policy": 5}"#,
            r#"{"policy": ["strict"]}"#,
            r#"{"policy": null}"#,
            "{}",
        ] {
            let problem = set(body).unwrap_err();
            assert_eq!(problem.member("field"), Some(&"policy".into()), "{body}");
        }
        assert_eq!(
            set(r#"{"policy": {"a": }"#).unwrap_err().code,
            "invalid-json"
        );
    }

    #[test]
    fn a_version_is_a_number_as_it_was_given() {
        let parse = |text| Reference::parse("policy", text);
        let reference = |name: &str, version| Reference {
            name: name.to_owned(),
            version,
        };
        assert_eq!(parse("strict").unwrap(), reference("strict", None));
        assert_eq!(parse("strict@12").unwrap(), reference("strict", Some(12)));
        for text in [
            "strict@",
            "strict@0",
            "strict@+1",
            "strict@01",
            "strict@a",
            "a@1@2",
            "a@4294967296",
        ] {
            assert_eq!(
                parse(text).unwrap_err().member("field"),
                Some(&"policy".into()),
                "{text}"
            );
        }
    }

    #[test]
    fn all_that_is_wrong_in_a_policy_is_said_with_its_place() {
        let text = "{\"preset\": \"isolated\",\n \"limits\": {\"handles\": 0, \"memory_byte\": 1},\n \"netwrk\": \"none\"}";
        let problem = whole(text).unwrap_err();
        assert_eq!(problem.code, "invalid-request");
        let problems = problem.member("problems").unwrap().as_array().unwrap();
        assert!(problems.len() > 1, "{problems:?}");
        assert_eq!(problem.member("field"), Some(&problems[0]["field"]));
        assert_eq!(problems[0]["line"], 2);
        let inside = within("policy", text).unwrap_err();
        let first = &inside.member("problems").unwrap()[0];
        let field = first["field"].as_str().unwrap();
        assert!(
            field.starts_with("policy.limits.") && first.get("line").is_none(),
            "{first}"
        );
    }

    #[test]
    fn only_a_kept_policy_has_a_version() {
        let preset = serde_json::to_value(Named::from(Preset::Isolated)).unwrap();
        assert!(preset.get("version").is_none() && preset.get("created_at").is_none());
        let stored = StoredPolicy {
            name: "strict".to_owned(),
            version: 3,
            policy: Preset::Isolated.policy().into(),
            created_at_ms: 0,
        };
        let kept = serde_json::to_value(Named::from(stored)).unwrap();
        assert_eq!(
            (&kept["version"], &kept["filesystem"]),
            (&json!(3), &preset["filesystem"])
        );
    }
}
