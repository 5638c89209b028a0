//! Commands, and what came of them in words.

use crate::cut::{OUTPUT_CHARS_MAX, cut};
use crate::denial::denied_words;
use crate::work::{Trouble, Work};
use serde::Deserialize;
use std::fmt::{self, Display, Formatter};
use swarm_flow_agent::tools::{Command, ExecResult, Outcome};

/// A command as a task's context has it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Line {
    /// For `sh -c`.
    Shell(String),
    /// A program and its arguments.
    Plain(Vec<String>),
}

impl Line {
    #[must_use]
    pub fn command(&self, timeout_ms: u64) -> Command {
        let argv = match self {
            Self::Shell(line) => vec!["sh".to_owned(), "-c".to_owned(), line.clone()],
            Self::Plain(argv) => argv.clone(),
        };
        plain(argv, timeout_ms)
    }
}

impl Display for Line {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(line) => formatter.write_str(line),
            Self::Plain(argv) => formatter.write_str(&argv.join(" ")),
        }
    }
}

pub(crate) fn plain(argv: Vec<String>, timeout_ms: u64) -> Command {
    Command {
        argv,
        stdin: Vec::new(),
        env: Vec::new(),
        cwd: None,
        timeout_ms: Some(timeout_ms),
        limits: None,
    }
}

/// A command that says whether a task is done.
#[derive(Clone, Debug)]
pub struct Check {
    pub line: Line,
    pub timeout_ms: u64,
}

/// What a check said.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    pub green: bool,
    /// None when it could not be started.
    pub exit_code: Option<u8>,
    pub words: String,
}

impl Check {
    pub fn run(&self, work: &mut Work<'_>) -> Result<Checked, Trouble> {
        match work.exec(&self.line.command(self.timeout_ms)) {
            Ok(done) => Ok(Checked {
                green: done.success(),
                exit_code: Some(done.exit_code),
                words: words(&done, self.timeout_ms),
            }),
            Err(Trouble::Said(words)) => Ok(Checked {
                green: false,
                exit_code: None,
                words,
            }),
            Err(broken) => Err(broken),
        }
    }
}

/// How a command ended and what it put out, for a model.
pub(crate) fn words(done: &ExecResult, timeout_ms: u64) -> String {
    let mut said = match &done.outcome {
        Outcome::Exited => format!("exit code {}\n", done.exit_code),
        Outcome::Limit(limit) if limit.name == "wall_time" => {
            format!(
                "it was ended because it took longer than {} ms\n",
                limit.allowed.min(timeout_ms)
            )
        }
        Outcome::Limit(limit) => format!(
            "it was ended at a limit of the workspace's policy: {}, of which it may use {}\n",
            limit.name, limit.allowed
        ),
        Outcome::Trapped(message) => format!("it crashed: {message}\n"),
        Outcome::Cancelled => "it was cancelled\n".to_owned(),
    };
    let half = OUTPUT_CHARS_MAX / 2;
    for (name, text, is_cut) in [
        ("stdout", done.stdout_text(), done.stdout_truncated),
        ("stderr", done.stderr_text(), done.stderr_truncated),
    ] {
        if !text.is_empty() {
            let text = cut(text.trim_end(), half);
            said.push_str(&format!("--- {name} ---\n{text}\n"));
        }
        if is_cut {
            said.push_str(&format!(
                "[{name} was longer than the policy allows, and ends here]\n"
            ));
        }
    }
    for denial in &done.denials {
        said.push_str(&format!("[{}]\n", denied_words(denial)));
    }
    said
}
