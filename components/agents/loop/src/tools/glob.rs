//! `glob`: files by their names.

use super::{Tool, grep, object, text};
use crate::work::{Trouble, Work};
use serde_json::{Value, json};

pub(super) fn tool() -> Tool {
    Tool::new(
        "glob",
        "Finds files of the workspace by their paths, in order. What .gitignore names is left out.",
        object(
            json!({
                "pattern": {"type": "string", "description": "`*.py`, `src/**/*.rs`, `**/test_*`.", "minLength": 1},
                "path": {"type": "string", "description": "A folder; all of the workspace when not given."}
            }),
            &["pattern"],
        ),
    )
}

pub(super) fn call(work: &mut Work<'_>, arguments: &Value) -> Result<String, Trouble> {
    let glob = format!("--glob={}", text(arguments, "pattern"));
    let argv = ["--files", "--sort=path", "--color=never", &glob, "--"];
    grep::search(work, &argv, text(arguments, "path"), "no file matches")
}
