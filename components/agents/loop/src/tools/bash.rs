//! `bash`: a line for the workspace's shell.

use super::{Tool, object, path, text};
use crate::command::{self, Line};
use crate::work::{Trouble, Work};
use serde_json::{Value, json};

const TIMEOUT_MS: u64 = 120_000;
const TIMEOUT_MS_MAX: u64 = 600_000;

pub(super) fn tool() -> Tool {
    Tool::new(
        "bash",
        "Runs a command line by `sh -c` in the workspace and gives its exit code and its outputs. Nothing is left of it for the next \
         one: neither the folder nor variables nor processes. There is no terminal, so use no program that asks or pages. It can use \
         what the workspace's policy grants; what is denied is said. Use `read`, `edit`, `write`, `grep` and `glob` for files where they do.",
        object(
            json!({
                "command": {"type": "string", "description": "The command line.", "minLength": 1, "maxLength": 100_000},
                "timeout_ms": {"type": "integer", "description": "After so many milliseconds it is ended; 120000 when not given.", "minimum": 1, "maximum": TIMEOUT_MS_MAX},
                "cwd": {"type": "string", "description": "The folder in which it runs; /workspace when not given."}
            }),
            &["command"],
        ),
    )
}

pub(super) fn call(work: &mut Work<'_>, arguments: &Value) -> Result<String, Trouble> {
    let timeout_ms = arguments["timeout_ms"].as_u64().unwrap_or(TIMEOUT_MS);
    let mut command = Line::Shell(text(arguments, "command").to_owned()).command(timeout_ms);
    command.cwd = Some(path::absolute(text(arguments, "cwd"))?);
    let done = work.exec(&command)?;
    Ok(command::words(&done, timeout_ms))
}
