//! `grep`: lines of files by a regular expression.

use super::{Tool, object, path, said, text};
use crate::command;
use crate::work::{Trouble, Work};
use serde_json::{Value, json};

const TIMEOUT_MS: u64 = 60_000;

pub(super) fn tool() -> Tool {
    Tool::new(
        "grep",
        "Finds lines in the files of the workspace by a regular expression (of ripgrep), with file and line number. What .gitignore \
         names is left out.",
        object(
            json!({
                "pattern": {"type": "string", "description": "The regular expression.", "minLength": 1},
                "path": {"type": "string", "description": "A file or a folder; all of the workspace when not given."},
                "glob": {"type": "string", "description": "Only files like this: `*.py`, `src/**/*.rs`."}
            }),
            &["pattern"],
        ),
    )
}

pub(super) fn call(work: &mut Work<'_>, arguments: &Value) -> Result<String, Trouble> {
    let mut argv = vec![
        "--line-number",
        "--with-filename",
        "--no-heading",
        "--color=never",
        "--sort=path",
        "--max-columns=500",
    ];
    let glob = arguments["glob"]
        .as_str()
        .map(|glob| format!("--glob={glob}"));
    argv.extend(glob.as_deref());
    argv.extend(["-e", text(arguments, "pattern"), "--"]);
    search(work, &argv, text(arguments, "path"), "no line matches")
}

/// By `rg`, which ends with 1 when it finds nothing.
pub(super) fn search(
    work: &mut Work<'_>,
    argv: &[&str],
    path: &str,
    nothing: &str,
) -> Result<String, Trouble> {
    let path = path::inside(path)?;
    let path = if path.is_empty() { "." } else { &path };
    let last = [path];
    let argv = ["rg"]
        .iter()
        .chain(argv)
        .chain(&last)
        .map(|part| (*part).to_owned());
    let done = work.exec(&command::plain(argv.collect(), TIMEOUT_MS))?;
    match (done.exit_code, done.stdout.is_empty()) {
        (1, true) => Ok(nothing.to_owned()),
        // Some files could not be read; the rest is there.
        (0, _) | (2, false) => Ok(shown(&done.stdout_text())),
        _ => Err(said(command::words(&done, TIMEOUT_MS))),
    }
}

/// As the other tools name files.
fn shown(stdout: &str) -> String {
    let lines = stdout
        .lines()
        .map(|line| line.strip_prefix("./").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}
