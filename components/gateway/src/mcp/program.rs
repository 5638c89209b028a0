//! Programs as tools of their own: under the policy of their workspace, as any command is.

use super::arguments::{self, Inner};
use super::call::structured;
use super::exec;
use super::platform::Platform;
use crate::problem::Problem;
use serde_json::{Value, json};
use swarm_flow_mcp::{Call, Client, Outcome};

/// A program of a workspace.
pub struct Program {
    workspace: String,
    /// What `exec` finds it by: a name, or a path to a component in the workspace.
    command: String,
    description: String,
}

impl Program {
    /// What a model calls it: letters, digits, `_`, `-` and `.`.
    pub fn name(&self) -> String {
        let last = self.command.rsplit('/').next().unwrap_or_default();
        let stem = last.strip_suffix(".wasm").unwrap_or(last);
        let plain = |character: char| {
            character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.')
        };
        stem.chars()
            .map(|character| if plain(character) { character } else { '_' })
            .collect()
    }

    pub fn definition(&self) -> Value {
        json!({
            "name": self.name(),
            "title": self.command,
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": {
                    "arguments": {"type": "array", "items": {"type": "string"}, "default": [], "description": "What stands behind the program's name."},
                    "stdin": {"type": "string", "default": "", "description": "What the program reads."},
                    "timeout_ms": {"type": "integer", "minimum": 1},
                },
                "additionalProperties": false,
            },
            "outputSchema": {
                "type": "object",
                "properties": {
                    "exit_code": {"type": "integer"},
                    "stdout": {"type": "string"},
                    "stderr": {"type": "string"},
                    "outcome": {"type": "object"},
                    "denials": {"type": "array", "items": {"type": "object"}},
                },
                "required": ["exit_code", "stdout", "stderr", "outcome", "denials"],
            },
            "annotations": {
                "readOnlyHint": false,
                "destructiveHint": true,
                "idempotentHint": false,
                "openWorldHint": true,
            },
        })
    }

    pub fn call(
        &self,
        platform: &Platform,
        client: &Client,
        call: &Call,
    ) -> Result<Outcome, Problem> {
        arguments::only(&call.arguments, &["arguments", "stdin", "timeout_ms"])?;
        let mut command = vec![Value::from(self.command.as_str())];
        match call.arguments.get("arguments") {
            None => {}
            Some(Value::Array(items)) if items.iter().all(Value::is_string) => {
                command.extend(items.iter().cloned());
            }
            Some(_) => return Err(Problem::invalid("arguments", "must be an array of strings")),
        }
        let mut body = json!({"command": command});
        for name in ["stdin", "timeout_ms"] {
            if let Some(value) = call.arguments.get(name) {
                body[name] = value.clone();
            }
        }
        let id = &platform.request_id;
        let inner =
            Inner::new(id, "POST", "/workspaces/{id}/exec", &[&self.workspace]).with_json(&body);
        exec::exec(platform, client, inner, call)
    }
}

/// The programs that the address names.
pub fn chosen(platform: &Platform) -> Result<Vec<Program>, Problem> {
    let Some(wanted) = &platform.selection.programs else {
        return Ok(Vec::new());
    };
    let id = &platform.request_id;
    // That there is such a workspace is found out now and not at the first call.
    let workspace = Inner::new(id, "GET", "/workspaces/{id}", &[&wanted.workspace]);
    let workspace = structured(workspace, None)?;
    let environment = &workspace["environment"]["name"];
    let found = structured(Inner::new(id, "GET", "/programs", &[]), None)?;
    let own = |program: &&Value| strings(&program["environments"]).any(|name| environment == name);
    let own: Vec<&Value> = found["items"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(own)
        .collect();
    let names = || own.iter().filter_map(|program| program["name"].as_str());
    let label = &workspace["name"];
    let program = |command: &str| Program {
        workspace: wanted.workspace.clone(),
        command: command.to_owned(),
        description: format!("Runs `{command}` in the workspace {label}, under its policy."),
    };
    let Some(wanted) = &wanted.names else {
        return Ok(names().map(program).collect());
    };
    let mut chosen = Vec::new();
    for name in wanted {
        let is_known = names().any(|known| known == name)
            || own
                .iter()
                .any(|program| strings(&program["aliases"]).any(|alias| alias == name));
        // A path is of a component in the workspace; whether it is there, the command finds out.
        if !is_known && !name.contains('/') {
            let known = names().map(str::to_owned).collect();
            return Err(Problem::not_found("program", name, known));
        }
        chosen.push(program(name));
    }
    Ok(chosen)
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// The program behind a tool's name.
pub fn find(platform: &Platform, name: &str) -> Result<Option<Program>, Problem> {
    let mut chosen = chosen(platform)?.into_iter();
    Ok(chosen.find(|program| program.name() == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_called_as_clients_take_it() {
        for (command, name) in [
            ("jq", "jq"),
            ("./bin/count words.wasm", "count_words"),
            ("/workspace/a.wasm", "a"),
        ] {
            let program = Program {
                workspace: String::new(),
                command: command.to_owned(),
                description: String::new(),
            };
            assert_eq!(program.name(), name);
        }
    }
}
