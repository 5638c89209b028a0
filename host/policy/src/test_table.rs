//! A table of actions and what one expects of them, to hold a policy to.
//!
//! ```toml
//! [[test]]
//! name = "reads its own API"
//! action.http = { url = "https://api.example.com/v1/users" }
//! expect = "allow"
//!
//! [[test]]
//! name = "does not write to it"
//! action.http = { method = "POST", url = "https://api.example.com/v1/users" }
//! expect = "deny"
//! reason = "method_not_granted"
//! ```

use crate::document::{self, Format, Problems};
use crate::{Action, CompiledPolicy, Decision, Reason};
use serde::{Deserialize, Serialize};

/// A user's tests of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestTable {
    #[serde(rename = "test")]
    pub tests: Vec<PolicyTest>,
}

/// One action and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTest {
    /// For people; a test is known by its place too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub action: Action,
    pub expect: Expectation,
    /// Why it is denied, if that matters; only beside `deny`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// What a decision should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expectation {
    Allow,
    Deny,
}

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestOutcome {
    /// From 0.
    pub index: usize,
    pub name: Option<String>,
    pub passed: bool,
    /// What the policy made of the action.
    #[serde(flatten)]
    pub decision: Decision,
}

impl TestTable {
    /// Reads a table. Refuses one without a test: it would pass whatever the policy says.
    pub fn read(text: &str, format: Format) -> Result<Self, Problems> {
        let table = match format {
            Format::Toml => from_toml(text)?,
            Format::Json => from_json(text)?,
        };
        if table.tests.is_empty() {
            let message = "there is no test; add one".to_owned();
            return Err(document::problem_at(text, 0, "test".to_owned(), message));
        }
        let contradiction =
            |test: &PolicyTest| test.expect == Expectation::Allow && test.reason.is_some();
        if let Some(index) = table.tests.iter().position(contradiction) {
            let message =
                "what is allowed has no reason; expect `deny`, or leave it out".to_owned();
            return Err(document::problem_at(
                text,
                0,
                format!("test[{index}].reason"),
                message,
            ));
        }
        Ok(table)
    }

    /// Puts each action to the policy.
    pub fn run(&self, policy: &CompiledPolicy) -> Vec<TestOutcome> {
        self.tests
            .iter()
            .enumerate()
            .map(|(index, test)| {
                let decision = policy.decide(&test.action);
                TestOutcome {
                    index,
                    name: test.name.clone(),
                    passed: test.is_met_by(&decision),
                    decision,
                }
            })
            .collect()
    }
}

impl PolicyTest {
    fn is_met_by(&self, decision: &Decision) -> bool {
        match decision {
            Decision::Allow { .. } => self.expect == Expectation::Allow,
            Decision::Deny { reason, .. } => {
                self.expect == Expectation::Deny
                    && self.reason.is_none_or(|expected| expected == *reason)
            }
        }
    }
}

fn from_toml(text: &str) -> Result<TestTable, Problems> {
    let problem = |field: String, error: &toml::de::Error| {
        let at = error.span().unwrap_or_default().start;
        document::problem_at(text, at, field, error.message().to_owned())
    };
    let parsed = toml::Deserializer::parse(text).map_err(|error| problem(String::new(), &error))?;
    serde_path_to_error::deserialize(parsed)
        .map_err(|error| problem(path(error.path()), error.inner()))
}

fn from_json(text: &str) -> Result<TestTable, Problems> {
    let mut parsed = serde_json::Deserializer::from_str(text);
    let table = serde_path_to_error::deserialize(&mut parsed)
        .map_err(|error| document::json_problem(text, path(error.path()), error.inner()))?;
    parsed
        .end()
        .map_err(|error| document::json_problem(text, String::new(), &error))?;
    Ok(table)
}

/// `.` is the path of the whole.
fn path(path: &serde_path_to_error::Path) -> String {
    let path = path.to_string();
    if path == "." { String::new() } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Network, Preset, Surroundings};

    const TABLE: &str = r#"
[[test]]
name = "reads its own API"
action.http = { url = "https://api.example.com/v1/users" }
expect = "allow"

[[test]]
action.http = { method = "POST", url = "https://api.example.com/v1/users" }
expect = "deny"
reason = "method_not_granted"

[[test]]
name = "is wrong"
action = { read = { path = "/workspace" } }
expect = "deny"
"#;

    #[test]
    fn a_table_says_which_tests_pass() {
        let mut policy = Preset::Standard.policy();
        policy.network = Network::Public(vec!["GET https://api.example.com".to_owned()]);
        let policy = CompiledPolicy::new(&policy, &Surroundings::default()).unwrap();
        let table = TestTable::read(TABLE, Format::Toml).unwrap();
        let outcomes = table.run(&policy);
        let passed: Vec<_> = outcomes.iter().map(|outcome| outcome.passed).collect();
        assert_eq!(passed, [true, true, false]);
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(TestTable::read(&json, Format::Json), Ok(table));
        let shown = serde_json::to_value(&outcomes[2]).unwrap();
        assert_eq!(
            shown,
            serde_json::json!({
                "index": 2, "name": "is wrong", "passed": false,
                "decision": "allow", "rule": "filesystem.read_write[0] = \"/workspace\"",
            })
        );
    }

    #[test]
    fn a_table_that_is_wrong_says_where() {
        for (text, format, message) in [
            ("", Format::Toml, "line 1, column 1: missing field `test`"),
            ("test = []", Format::Toml, "test: there is no test; add one"),
            (
                "[[test]]\nexpect = \"allow\"\naction.fly = {}",
                Format::Toml,
                "line 3, column 8: test[0].action: unknown variant `fly`",
            ),
            (
                "[[test]]\nexpects = 1",
                Format::Toml,
                "unknown field `expects`",
            ),
            (
                "[[test]]\nexpect = \"allow\"\nreason = \"invalid\"\naction.read.path = \"/\"",
                Format::Toml,
                "test[0].reason: what is allowed has no reason",
            ),
            (
                "{\"test\": [{\n\"expect\": 5}]}",
                Format::Json,
                "line 2, column 11: test[0].expect: ",
            ),
            ("{\"test\": []} x", Format::Json, "trailing characters"),
        ] {
            let said = TestTable::read(text, format).unwrap_err().to_string();
            assert!(said.contains(message), "{text}\n{said}");
        }
    }
}
