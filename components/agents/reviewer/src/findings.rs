//! What a review found.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use swarm_flow_agent_loop::Tool;

/// How bad it is. The worst is the greatest.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Note,
    Warning,
    Error,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Finding {
    severity: Severity,
    file: String,
    line: u64,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
}

#[derive(Default, Deserialize)]
struct Given {
    findings: Vec<Finding>,
    summary: String,
}

/// Those about files of the change, the worst first.
pub struct Findings {
    given: Given,
    /// How many were about other files.
    dropped: usize,
}

/// By which the model gives them.
pub fn tool() -> Tool {
    Tool::new(
        "findings",
        "Gives what you found, and ends the review.",
        json!({
            "type": "object",
            "properties": {
                "summary": {"type": "string", "description": "What the change does and whether it is right, in a few sentences."},
                "findings": {
                    "type": "array",
                    "description": "Empty when there is nothing to say.",
                    "maxItems": 200,
                    "items": {
                        "type": "object",
                        "properties": {
                            "severity": {"enum": ["error", "warning", "note"], "description": "How bad it is."},
                            "file": {"type": "string", "description": "A file of the change, as the change names it."},
                            "line": {"type": "integer", "minimum": 1, "description": "In the new version of the file."},
                            "message": {"type": "string", "minLength": 1, "description": "What is wrong, and when it shows."},
                            "suggestion": {"type": "string", "description": "What to write instead."}
                        },
                        "required": ["severity", "file", "line", "message"],
                        "additionalProperties": false
                    }
                }
            },
            "required": ["summary", "findings"],
            "additionalProperties": false
        }),
    )
}

impl Findings {
    pub fn of(given: Option<&Value>, files: &BTreeSet<String>) -> Self {
        let given = given.and_then(|given| Given::deserialize(given).ok());
        let mut given = given.unwrap_or_default();
        let before = given.findings.len();
        given.findings.retain_mut(|finding| {
            let path = finding.file.trim_start_matches("./");
            finding.file = path.strip_prefix("/workspace/").unwrap_or(path).to_owned();
            files.contains(&finding.file)
        });
        given
            .findings
            .sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        Self {
            dropped: before - given.findings.len(),
            given,
        }
    }

    pub fn json(&self) -> Value {
        json!({"findings": self.given.findings, "dropped": self.dropped, "summary": self.given.summary})
    }

    /// Whether one is so bad.
    pub fn has(&self, severity: Option<Severity>) -> bool {
        severity.is_some_and(|least| {
            self.given
                .findings
                .iter()
                .any(|finding| finding.severity >= least)
        })
    }
}
