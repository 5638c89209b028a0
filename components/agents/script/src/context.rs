//! A task's `context`: a JSON object that names the command, or a list of them. Its form is `context.schema.json`.
//!
//! Read by hand and not by derive, so that each refusal names the field and what would be right.

use crate::list::{self, List};
use serde_json::{Map, Value};
use swarm_flow_agent::tools::Command;

/// The form of the context, for `get-capabilities`.
pub const SCHEMA: &str = include_str!("context.schema.json");

const FIELDS: [&str; 9] = [
    "command",
    "stdin",
    "stdin_from",
    "stdout_to",
    "env",
    "cwd",
    "timeout_ms",
    "expect_exit_code",
    "artifacts",
];

/// What a task asks for.
#[derive(Debug)]
pub enum Wanted {
    Command(Context),
    Tasks(List),
}

/// A command, and what is expected of it.
#[derive(Debug)]
pub struct Context {
    pub command: Command,
    /// What the command reads, instead of `command.stdin`.
    pub stdin_from: Option<StdinFrom>,
    /// What the command puts out is tasks to be made.
    pub makes_tasks: bool,
    pub expect_exit_code: u8,
    /// Relative to `/workspace`.
    pub artifacts: Vec<String>,
}

/// What a command reads of the tasks that its task needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StdinFrom {
    /// Their outputs, one after the other.
    Outputs,
    /// A line of JSON for each: `task`, `success`, `output`, `artifacts`, `workspace`.
    Inputs,
}

impl Wanted {
    /// Reads a context, or says which field is wrong.
    pub fn parse(text: Option<&str>) -> Result<Self, String> {
        let text =
            text.ok_or(r#"`context` is missing; give {"command": ["program", "argument"]}"#)?;
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("`context` is not JSON: {error}"))?;
        let Value::Object(fields) = value else {
            return Err("`context` is not a JSON object".to_owned());
        };
        let all = [&FIELDS[..], &list::FIELDS].concat();
        if let Some(unknown) = fields.keys().find(|name| !all.contains(&name.as_str())) {
            return Err(format!(
                "`{unknown}` is not a field of `context`; there are {}",
                listed(&all)
            ));
        }
        match fields
            .keys()
            .find(|name| list::FIELDS.contains(&name.as_str()))
        {
            Some(_) => List::parse(&fields).map(Self::Tasks),
            None => Context::of(&fields).map(Self::Command),
        }
    }
}

impl Context {
    fn of(fields: &Map<String, Value>) -> Result<Self, String> {
        Ok(Self {
            command: Command {
                argv: command(fields)?,
                stdin: string(fields, "stdin")?.unwrap_or_default().into_bytes(),
                env: environment(fields)?,
                cwd: string(fields, "cwd")?,
                timeout_ms: integer(fields, "timeout_ms", 1, u64::MAX)?,
                limits: None,
            },
            stdin_from: stdin_from(fields)?,
            makes_tasks: makes_tasks(fields)?,
            expect_exit_code: integer(fields, "expect_exit_code", 0, u8::MAX.into())?
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(0),
            artifacts: artifacts(fields)?,
        })
    }
}

fn command(fields: &Map<String, Value>) -> Result<Vec<String>, String> {
    let command = strings(fields, "command")?.ok_or("`command` is missing")?;
    if command.first().is_none_or(String::is_empty) {
        return Err("`command` names no program".to_owned());
    }
    Ok(command)
}

fn stdin_from(fields: &Map<String, Value>) -> Result<Option<StdinFrom>, String> {
    let from = match string(fields, "stdin_from")?.as_deref() {
        None => return Ok(None),
        Some("outputs") => StdinFrom::Outputs,
        Some("inputs") => StdinFrom::Inputs,
        Some(other) => {
            return Err(format!(
                "`stdin_from` is `{other}`; give `outputs` or `inputs`"
            ));
        }
    };
    if fields.contains_key("stdin") {
        return Err("`stdin` and `stdin_from` are both given; give one".to_owned());
    }
    Ok(Some(from))
}

fn makes_tasks(fields: &Map<String, Value>) -> Result<bool, String> {
    match string(fields, "stdout_to")?.as_deref() {
        None | Some("output") => Ok(false),
        Some("tasks") => Ok(true),
        Some(other) => Err(format!(
            "`stdout_to` is `{other}`; give `output` or `tasks`"
        )),
    }
}

pub fn boolean(fields: &Map<String, Value>, name: &str) -> Result<bool, String> {
    match fields.get(name) {
        None => Ok(false),
        Some(Value::Bool(is)) => Ok(*is),
        Some(_) => Err(format!("`{name}` is not true or false")),
    }
}

fn environment(fields: &Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    match fields.get("env") {
        None => Ok(Vec::new()),
        Some(Value::Object(variables)) => variables
            .iter()
            .map(|(name, value)| match value {
                Value::String(value) => Ok((name.clone(), value.clone())),
                _ => Err(format!("`env.{name}` is not a string")),
            })
            .collect(),
        Some(_) => Err("`env` is not an object of strings".to_owned()),
    }
}

fn artifacts(fields: &Map<String, Value>) -> Result<Vec<String>, String> {
    let paths = strings(fields, "artifacts")?.unwrap_or_default();
    for (index, path) in paths.iter().enumerate() {
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(format!(
                "`artifacts[{index}]` is `{path}`; give a path relative to `/workspace`, without `.` and `..`"
            ));
        }
    }
    Ok(paths)
}

pub fn string(fields: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match fields.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{name}` is not a string")),
    }
}

pub fn strings(fields: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, String> {
    let items = match fields.get(name) {
        None => return Ok(None),
        Some(Value::Array(items)) => items,
        Some(_) => return Err(format!("`{name}` is not an array of strings")),
    };
    let text = |(index, item): (usize, &Value)| {
        item.as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("`{name}[{index}]` is not a string"))
    };
    items
        .iter()
        .enumerate()
        .map(text)
        .collect::<Result<_, _>>()
        .map(Some)
}

fn integer(
    fields: &Map<String, Value>,
    name: &str,
    least: u64,
    most: u64,
) -> Result<Option<u64>, String> {
    let Some(value) = fields.get(name) else {
        return Ok(None);
    };
    match value.as_u64() {
        Some(number) if (least..=most).contains(&number) => Ok(Some(number)),
        _ if most == u64::MAX => Err(format!(
            "`{name}` is not a whole number of at least {least}"
        )),
        _ => Err(format!(
            "`{name}` is not a whole number from {least} to {most}"
        )),
    }
}

fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command_of(text: Option<&str>) -> Result<Context, String> {
        match Wanted::parse(text)? {
            Wanted::Command(context) => Ok(context),
            Wanted::Tasks(_) => Err("a list".to_owned()),
        }
    }

    #[test]
    fn a_command_alone_is_enough() {
        let context = command_of(Some(r#"{"command":["python","main.py"]}"#)).unwrap();
        assert_eq!(context.command.argv, ["python", "main.py"]);
        assert_eq!(
            (
                context.expect_exit_code,
                context.command.cwd,
                context.command.timeout_ms
            ),
            (0, None, None)
        );
        assert!(context.artifacts.is_empty() && context.command.stdin.is_empty());
    }

    #[test]
    fn every_field_is_read() {
        let text = r#"{"command":["a"],"stdin":"s","env":{"K":"v"},"cwd":"/tmp","timeout_ms":5,
            "expect_exit_code":255,"artifacts":["d/f"]}"#;
        let context = command_of(Some(text)).unwrap();
        assert_eq!(context.command.stdin, b"s");
        assert_eq!(context.command.env, [("K".to_owned(), "v".to_owned())]);
        assert_eq!(context.command.cwd.as_deref(), Some("/tmp"));
        assert_eq!(
            (context.command.timeout_ms, context.expect_exit_code),
            (Some(5), 255)
        );
        assert_eq!(context.artifacts, ["d/f"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            (
                "",
                "`context` is not JSON: EOF while parsing a value at line 1 column 0",
            ),
            ("[]", "`context` is not a JSON object"),
            ("{}", "`command` is missing"),
            (r#"{"command":[]}"#, "`command` names no program"),
            (r#"{"command":[""]}"#, "`command` names no program"),
            (
                r#"{"command":"ls"}"#,
                "`command` is not an array of strings",
            ),
            (
                r#"{"command":["a"],"tasks":[]}"#,
                "`command` does not go with a list of tasks; beside it there is `keep_going`, and each task has fields of its own",
            ),
            (r#"{"keep_going":true}"#, "`tasks` is missing"),
            (r#"{"tasks":[]}"#, "tasks: there are 0; give 1 to 1000"),
            (
                r#"{"tasks":[{"command":["a"],"timeout":1}]}"#,
                "tasks[0].timeout: unknown field `timeout`, expected one of `name`, `command`, `env`, `stdin`, `cwd`, \
                 `timeout_ms`, `expect_exit_code`, `artifacts`",
            ),
            (
                r#"{"tasks_file":"t","tasks":[]}"#,
                "`tasks` and `tasks_file` are both given; give one",
            ),
            (
                r#"{"tasks_file":"../t"}"#,
                "`tasks_file`: `../t` has a part `..`; give the path itself",
            ),
            (
                r#"{"tasks_file":"t","keep_going":1}"#,
                "`keep_going` is not true or false",
            ),
            (r#"{"command":["a",1]}"#, "`command[1]` is not a string"),
            (r#"{"command":["a"],"stdin":1}"#, "`stdin` is not a string"),
            (
                r#"{"command":["a"],"env":{"K":1}}"#,
                "`env.K` is not a string",
            ),
            (
                r#"{"command":["a"],"env":[]}"#,
                "`env` is not an object of strings",
            ),
            (
                r#"{"command":["a"],"timeout_ms":0}"#,
                "`timeout_ms` is not a whole number of at least 1",
            ),
            (
                r#"{"command":["a"],"expect_exit_code":256}"#,
                "`expect_exit_code` is not a whole number from 0 to 255",
            ),
            (
                r#"{"command":["a"],"artifacts":["a","../b"]}"#,
                "`artifacts[1]` is `../b`; give a path relative to `/workspace`, without `.` and `..`",
            ),
        ] {
            assert_eq!(Wanted::parse(Some(text)).unwrap_err(), expected, "{text}");
        }
        assert!(
            Wanted::parse(None)
                .unwrap_err()
                .starts_with("`context` is missing")
        );
        let unknown = Wanted::parse(Some(r#"{"command":["a"],"timeout":1}"#)).unwrap_err();
        assert!(
            unknown.starts_with("`timeout` is not a field of `context`; there are `command`, "),
            "{unknown}"
        );
    }

    #[test]
    fn the_schema_has_exactly_the_fields_that_are_read() {
        let schema: Value = serde_json::from_str(SCHEMA).unwrap();
        let mut documented: Vec<&String> =
            schema["properties"].as_object().unwrap().keys().collect();
        let mut read = [&FIELDS[..], &list::FIELDS].concat();
        documented.sort();
        read.sort_unstable();
        assert_eq!(documented, read);
    }
}
