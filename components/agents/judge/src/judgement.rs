//! The three kinds of judgement: what the model is told, the form of its answer, and what becomes of it.

use serde_json::{Value, json as value};
use swarm_flow_agent_loop::Tool;

pub enum Kind {
    /// For one of these, or for none.
    Vote(Vec<String>),
    /// Which of these tasks is right.
    Debate(Vec<String>),
    /// Whether this is met.
    Accept(String),
}

/// Who votes so is counted, and has no answer.
const ABSTAIN: &str = "abstain";

impl Kind {
    pub fn told(&self) -> String {
        match self {
            Self::Vote(options) => {
                let options: Vec<String> =
                    options.iter().map(|option| format!("- {option}")).collect();
                format!(
                    "\n\nYou can vote for one of these, or `{ABSTAIN}` when none is right:\n{}",
                    options.join("\n")
                )
            }
            Self::Debate(sides) => {
                format!("\n\nDecide which of these is right: {}.", sides.join(", "))
            }
            Self::Accept(criteria) => {
                format!("\n\nDecide whether what was done meets this, all of it:\n{criteria}")
            }
        }
    }

    /// The field that decides, and its form.
    fn field(&self) -> (&'static str, Value) {
        match self {
            Self::Vote(options) => {
                let all: Vec<&str> = options
                    .iter()
                    .map(String::as_str)
                    .chain([ABSTAIN])
                    .collect();
                (
                    "vote",
                    value!({"enum": all, "description": "Exactly as it is given."}),
                )
            }
            Self::Debate(sides) => (
                "winner",
                value!({"enum": sides, "description": "The id of the task."}),
            ),
            Self::Accept(_) => (
                "accepted",
                value!({"type": "boolean", "description": "True only when all of it is met."}),
            ),
        }
    }
}

/// By which the model gives it.
pub fn tool(kind: &Kind) -> Tool {
    let (name, form) = kind.field();
    Tool::new(
        "judgement",
        "Gives your judgement.",
        value!({
            "type": "object",
            "properties": {
                "reason": {"type": "string", "minLength": 1, "description": "What decided it."},
                name: form
            },
            "required": ["reason", name],
            "additionalProperties": false
        }),
    )
}

/// For the result, and whether the task has succeeded by it. `consensus` counts the field `vote`.
pub fn json(kind: &Kind, given: Option<&Value>) -> (Value, bool) {
    let given = given.cloned().unwrap_or_default();
    let (name, _) = kind.field();
    let is_accepted = !matches!(kind, Kind::Accept(_)) || given["accepted"] == true;
    (
        value!({name: given[name], "reason": given["reason"]}),
        is_accepted,
    )
}
