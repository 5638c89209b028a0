//! The tools that models know, on a task's workspace.
//!
//! Arguments are held against the tool's schema before anything is done; a result is cut in the middle.

use crate::cut::{OUTPUT_CHARS_MAX, cut};
use crate::schema;
use crate::work::{Trouble, Work};
use serde_json::{Value, json};
use std::borrow::Cow;

mod bash;
mod edit;
mod glob;
mod grep;
pub(crate) mod path;
mod read;
mod write;

/// What a model may want to be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub name: &'static str,
    pub description: Cow<'static, str>,
    /// A JSON Schema of its arguments, by the keywords that [`schema`] knows.
    pub schema: Value,
}

/// All that there are.
pub const ALL: [&str; 6] = ["bash", "read", "write", "edit", "grep", "glob"];
/// Those that change files.
pub const EDIT: [&str; 3] = ["bash", "write", "edit"];
/// Those that change nothing.
pub const READ: [&str; 3] = ["read", "grep", "glob"];

/// These of the tools. An unknown name was refused by the schema of the context.
#[must_use]
pub fn select(names: &[&str]) -> Vec<Tool> {
    let all = [
        bash::tool(),
        read::tool(),
        write::tool(),
        edit::tool(),
        grep::tool(),
        glob::tool(),
    ];
    all.into_iter()
        .filter(|tool| names.contains(&tool.name))
        .collect()
}

impl Tool {
    pub fn new(
        name: &'static str,
        description: impl Into<Cow<'static, str>>,
        schema: Value,
    ) -> Self {
        Self {
            name,
            description: description.into(),
            schema,
        }
    }

    /// Arguments as the schema has them, or what is wrong with which field.
    pub fn arguments(&self, text: &str) -> Result<Value, String> {
        // Of a tool without required arguments some models say none.
        let text = if text.trim().is_empty() { "{}" } else { text };
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("the arguments of `{}` are not JSON: {error}", self.name))?;
        schema::check(&self.schema, &value)
            .map_err(|error| format!("the arguments of `{}` are wrong: {error}", self.name))?;
        Ok(value)
    }
}

/// Uses a tool of [`ALL`]; none when it is another.
pub(crate) fn call(
    work: &mut Work<'_>,
    name: &str,
    arguments: &Value,
) -> Option<Result<String, Trouble>> {
    let done = match name {
        "bash" => bash::call(work, arguments),
        "read" => read::call(work, arguments),
        "write" => write::call(work, arguments),
        "edit" => edit::call(work, arguments),
        "grep" => grep::call(work, arguments),
        "glob" => glob::call(work, arguments),
        _ => return None,
    };
    Some(match done {
        Ok(said) => Ok(cut(&said, OUTPUT_CHARS_MAX)),
        Err(Trouble::Said(said)) => Err(Trouble::Said(cut(&said, OUTPUT_CHARS_MAX))),
        Err(broken) => Err(broken),
    })
}

/// What a call is about, in a few words.
pub(crate) fn subject(arguments: &Value) -> String {
    ["command", "path", "pattern", "url"]
        .iter()
        .find_map(|name| arguments[name].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn text<'a>(arguments: &'a Value, name: &str) -> &'a str {
    arguments[name].as_str().unwrap_or_default()
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
}

fn said(text: impl Into<String>) -> Trouble {
    Trouble::Said(text.into())
}

#[cfg(test)]
mod tests;
