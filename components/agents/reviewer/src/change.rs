//! What is reviewed: a diff, or files that the tasks before made.

use std::collections::BTreeSet;
use swarm_flow_agent::AgentError;
use swarm_flow_agent_loop::{Check, Line, Trouble, Work, cut};

/// A change, and the files that it is about.
pub struct Change {
    pub text: String,
    pub files: BTreeSet<String>,
}

const CHARS_MAX: usize = 200_000;
const TIMEOUT_MS: u64 = 60_000;

/// The one that is given, or what the command prints, or the files of the tasks before, or what git knows. The inner error is for who
/// reads the result.
pub fn of(
    work: &mut Work<'_>,
    diff: Option<String>,
    command: Option<Line>,
) -> Result<Result<Change, String>, AgentError> {
    if let Some(diff) = diff {
        if command.is_some() {
            let message = "`context`: `diff` and `command` are both given; give one";
            return Err(AgentError::InvalidTask(message.to_owned()));
        }
        return Ok(Ok(of_diff(&diff)));
    }
    let made: BTreeSet<String> = work
        .workspace
        .inputs()
        .into_iter()
        .flat_map(|input| input.artifacts)
        .collect();
    if command.is_none() && !made.is_empty() {
        return of_files(work, made).map(Ok);
    }
    let line = command.unwrap_or_else(|| Line::Plain(vec!["git".to_owned(), "diff".to_owned()]));
    let check = Check {
        line,
        timeout_ms: TIMEOUT_MS,
    };
    let printed = match work.exec(&check.line.command(check.timeout_ms)) {
        Ok(done) if done.success() => done.stdout_text(),
        Ok(done) => {
            return Ok(Err(format!(
                "`{}` ended with exit code {}:\n{}",
                check.line,
                done.exit_code,
                cut(&done.stderr_text(), 2000)
            )));
        }
        Err(Trouble::Said(why)) => {
            return Ok(Err(format!("`{}` could not be started: {why}", check.line)));
        }
        Err(Trouble::Broken(error)) => return Err(error.into()),
    };
    Ok(Ok(of_diff(&printed)))
}

fn of_diff(diff: &str) -> Change {
    Change {
        text: format!("```diff\n{}\n```", cut(diff.trim_end(), CHARS_MAX)),
        files: files(diff),
    }
}

/// The files that a unified diff names, old and new.
fn files(diff: &str) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    let mut before = "";
    for line in diff.lines() {
        // A removed line that begins with `-- ` looks like a header; only what follows it tells.
        if let (Some(old), Some(new)) = (before.strip_prefix("--- "), line.strip_prefix("+++ ")) {
            files.extend([name(old, "a/"), name(new, "b/")].into_iter().flatten());
        }
        for start in ["rename from ", "rename to "] {
            files.extend(line.strip_prefix(start).map(str::to_owned));
        }
        before = line;
    }
    files
}

fn name(header: &str, prefix: &str) -> Option<String> {
    let path = header.split('\t').next().unwrap_or(header).trim();
    let path = path.trim_matches('"');
    (path != "/dev/null").then(|| path.strip_prefix(prefix).unwrap_or(path).to_owned())
}

/// The files whole, with the numbers of their lines.
fn of_files(work: &mut Work<'_>, files: BTreeSet<String>) -> Result<Change, AgentError> {
    let share = CHARS_MAX / files.len();
    let mut text = String::new();
    for path in &files {
        let content = match work.read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(Trouble::Said(why)) => format!("[{why}]"),
            Err(Trouble::Broken(error)) => return Err(error.into()),
        };
        let numbered: Vec<String> = (1..)
            .zip(content.lines())
            .map(|(number, line)| format!("{number:>6}\t{line}"))
            .collect();
        text.push_str(&format!(
            "## {path}\n{}\n\n",
            cut(&numbered.join("\n"), share)
        ));
    }
    Ok(Change { text, files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_says_which_files_it_is_about() {
        let diff = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n--- x\n++++ y\n--- /dev/null\n+++ b/new file.rs\t2026\n\
                    --- a/gone\n+++ /dev/null\nrename from old\nrename to new\n";
        let found: Vec<String> = files(diff).into_iter().collect();
        assert_eq!(found, ["a.py", "gone", "new", "new file.rs", "old"]);
        assert!(files("").is_empty());
    }
}
