//! A task, and its context as a type.

use crate::{AgentError, Task};
use serde::Deserialize;

impl Task {
    /// The context, which is JSON, as a type of the agent's. Where a task's context is a string, [`Task::context`] is
    /// that string as it is, and no JSON.
    ///
    /// # Errors
    ///
    /// [`AgentError::InvalidTask`] when there is none or it does not fit; it names the field.
    pub fn context_as<'a, T: Deserialize<'a>>(&'a self) -> Result<T, AgentError> {
        let Some(text) = &self.context else {
            return Err(invalid("`context` is missing; give JSON".to_owned()));
        };
        let mut json = serde_json::Deserializer::from_str(text);
        let context = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            unfit(&path, error.inner())
        })?;
        json.end().map_err(|error| unfit(ROOT, &error))?;
        Ok(context)
    }

    /// The requirements that are not among these capabilities.
    #[must_use]
    pub fn lacking(&self, capabilities: &[&str]) -> Vec<String> {
        let required = self.requirements.iter();
        required
            .filter(|name| !capabilities.contains(&name.as_str()))
            .cloned()
            .collect()
    }
}

/// How the path of the whole is written.
const ROOT: &str = ".";

fn unfit(path: &str, error: &serde_json::Error) -> AgentError {
    invalid(if !error.is_data() {
        format!("`context` is not JSON: {error}")
    } else if path == ROOT {
        format!("`context`: {error}")
    } else {
        format!("`context.{path}`: {error}")
    })
}

fn invalid(message: String) -> AgentError {
    AgentError::InvalidTask(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Context {
        command: Vec<String>,
        #[serde(default)]
        attempts: u8,
    }

    fn read(context: Option<&str>) -> Result<Context, String> {
        let task = Task {
            id: String::new(),
            description: String::new(),
            requirements: Vec::new(),
            context: context.map(str::to_owned),
        };
        task.context_as().map_err(|error| match error {
            AgentError::InvalidTask(message) => message,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn a_context_that_fits_is_the_type() {
        let command = vec!["a".to_owned()];
        let expected = Context {
            command,
            attempts: 2,
        };
        assert_eq!(
            read(Some(r#"{"command":["a"],"attempts":2} "#)),
            Ok(expected)
        );
    }

    #[test]
    fn one_that_does_not_fit_is_refused_by_the_name_of_its_field() {
        for (context, message) in [
            (None, "`context` is missing; give JSON"),
            (Some("run it"), "`context` is not JSON: expected value"),
            (
                Some(r#"{"command":["a"]"#),
                "`context` is not JSON: EOF while",
            ),
            (
                Some(r#"{"command":["a"]} {}"#),
                "`context` is not JSON: trailing characters",
            ),
            (Some("{}"), "`context`: missing field `command`"),
            (
                Some(r#"{"command":["a",1]}"#),
                "`context.command[1]`: invalid type: integer `1`, expected a string",
            ),
            (
                Some(r#"{"command":[],"attempts":256}"#),
                "`context.attempts`: invalid value: integer `256`, expected u8",
            ),
            (
                Some(r#"{"command":[],"tries":1}"#),
                "`context.tries`: unknown field `tries`, expected `command` or `attempts`",
            ),
        ] {
            let refused = read(context).unwrap_err();
            assert!(refused.starts_with(message), "{refused}");
        }
    }
}
