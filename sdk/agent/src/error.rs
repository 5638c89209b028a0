//! Errors of the platform as errors of an agent, so that `?` is enough.

use crate::AgentError;
use crate::model::{ModelError, Said};
use crate::tools::Error;

/// Sorted by who can do something about it: who gave the task, who wrote the policy, or who tries again.
impl From<Error> for AgentError {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(input) => {
                Self::InvalidTask(format!("`{}` {}", input.field, input.message))
            }
            Error::NotFound(missing) if missing.kind == "workspace" => {
                Self::ToolUnavailable(format!("there is no workspace `{}`", missing.id))
            }
            Error::NotFound(missing) => {
                let mut message = format!("there is no {} `{}`", missing.kind, missing.id);
                if !missing.known.is_empty() {
                    message.push_str(&format!("; there are {}", quoted(&missing.known)));
                }
                Self::InvalidTask(message)
            }
            Error::TooLarge(limit) => {
                Self::InvalidTask(format!("`{}` may be {} at most", limit.name, limit.allowed))
            }
            Error::Denied(denial) => Self::Denied(format!(
                "{} on `{}`; `{}` would allow it",
                denial.capability, denial.resource, denial.rule
            )),
            Error::Conflict(message) | Error::Unavailable(message) => {
                Self::ToolUnavailable(message)
            }
            Error::Busy(retry_ms) => Self::ToolUnavailable(format!(
                "the tools are busy, and expect to be free in {retry_ms} ms"
            )),
            // The text of an internal error is for the log.
            Error::Internal(_) => Self::ToolUnavailable("the tools failed".to_owned()),
        }
    }
}

/// By who can do something about it, too.
impl From<ModelError> for AgentError {
    fn from(error: ModelError) -> Self {
        let said = Said(&error).to_string();
        match error {
            ModelError::Invalid(_) | ModelError::ContextTooLong(_) | ModelError::Refused(_) => {
                Self::InvalidTask(said)
            }
            ModelError::Denied(_) | ModelError::BudgetExceeded(_) => Self::Denied(said),
            _ => Self::ToolUnavailable(said),
        }
    }
}

fn quoted(names: &[String]) -> String {
    let names = names.iter().map(|name| format!("`{name}`"));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::{Denial, InvalidInput, Limit, Missing};

    #[test]
    fn each_error_of_a_tool_goes_to_who_can_act_on_it() {
        let missing = |kind: &str, known: &[&str]| {
            Error::NotFound(Missing {
                kind: kind.to_owned(),
                id: "x".to_owned(),
                known: known.iter().map(|name| (*name).to_owned()).collect(),
            })
        };
        let invalid = Error::Invalid(InvalidInput {
            field: "command[0]".to_owned(),
            message: "is empty".to_owned(),
        });
        let denied = Error::Denied(Denial {
            capability: "filesystem".to_owned(),
            resource: "/workspace".to_owned(),
            rule: "filesystem.read_write".to_owned(),
        });
        let large = Error::TooLarge(Limit {
            name: "stdin_bytes".to_owned(),
            allowed: 16,
        });
        for (error, expected) in [
            (
                invalid,
                AgentError::InvalidTask("`command[0]` is empty".to_owned()),
            ),
            (
                missing("workspace", &[]),
                AgentError::ToolUnavailable("there is no workspace `x`".to_owned()),
            ),
            (
                missing("program", &["python", "sh"]),
                AgentError::InvalidTask(
                    "there is no program `x`; there are `python`, `sh`".to_owned(),
                ),
            ),
            (
                missing("file", &[]),
                AgentError::InvalidTask("there is no file `x`".to_owned()),
            ),
            (
                large,
                AgentError::InvalidTask("`stdin_bytes` may be 16 at most".to_owned()),
            ),
            (
                denied,
                AgentError::Denied(
                    "filesystem on `/workspace`; `filesystem.read_write` would allow it".to_owned(),
                ),
            ),
            (
                Error::Conflict("it is stopped".to_owned()),
                AgentError::ToolUnavailable("it is stopped".to_owned()),
            ),
            (
                Error::Unavailable("gone".to_owned()),
                AgentError::ToolUnavailable("gone".to_owned()),
            ),
            (
                Error::Busy(5),
                AgentError::ToolUnavailable(
                    "the tools are busy, and expect to be free in 5 ms".to_owned(),
                ),
            ),
            (
                Error::Internal("at /srv/x.db".to_owned()),
                AgentError::ToolUnavailable("the tools failed".to_owned()),
            ),
        ] {
            assert_eq!(AgentError::from(error), expected);
        }
    }
}
