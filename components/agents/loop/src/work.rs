//! What is collected while tools work.

use crate::cut::line;
use crate::denial::{Denials, denied_words};
use crate::platform::Workspace;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};
use swarm_flow_agent::tools::{Command, Error, ExecResult};

/// A workspace, and what came of touching it.
pub struct Work<'a> {
    pub workspace: &'a dyn Workspace,
    pub denials: Denials,
    /// Paths that tools wrote.
    pub written: BTreeSet<String>,
    /// When commands ran: from and to, in milliseconds since 1970.
    pub(crate) commands: Vec<(u64, u64)>,
    /// Commands and writes so far.
    pub steps: u64,
    /// There are more files than are looked at.
    pub(crate) is_too_large: bool,
}

/// A report has 1024 bytes at most.
const REPORT_CHARS_MAX: usize = 200;

/// Why a tool did not do what the model wanted.
#[derive(Debug, PartialEq)]
pub enum Trouble {
    /// The model can act on it.
    Said(String),
    /// Nobody here can.
    Broken(Error),
}

impl<'a> Work<'a> {
    #[must_use]
    pub fn new(workspace: &'a dyn Workspace) -> Self {
        Self {
            workspace,
            denials: Denials::default(),
            written: BTreeSet::new(),
            commands: Vec::new(),
            steps: 0,
            is_too_large: false,
        }
    }

    /// Tells those who look on.
    pub fn report(&self, message: &str) {
        self.workspace.report(&line(message, REPORT_CHARS_MAX));
    }

    pub fn exec(&mut self, command: &Command) -> Result<ExecResult, Trouble> {
        self.steps += 1;
        let from = now_ms();
        let done = self.workspace.exec(command);
        self.commands.push((from, now_ms()));
        let done = done.map_err(|error| self.trouble(error))?;
        for denial in &done.denials {
            self.denials.add(denial);
        }
        Ok(done)
    }

    pub fn read(&mut self, path: &str) -> Result<Vec<u8>, Trouble> {
        let read = self.workspace.read(path);
        read.map_err(|error| self.trouble(error))
    }

    pub fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), Trouble> {
        self.steps += 1;
        let written = self.workspace.write(path, bytes);
        written.map_err(|error| self.trouble(error))?;
        self.written.insert(path.to_owned());
        Ok(())
    }

    fn trouble(&mut self, error: Error) -> Trouble {
        Trouble::Said(match error {
            Error::Denied(denial) => {
                self.denials.add(&denial);
                denied_words(&denial)
            }
            Error::NotFound(missing) if missing.kind != "workspace" => {
                let mut said = format!("there is no {} `{}`", missing.kind, missing.id);
                if !missing.known.is_empty() {
                    said.push_str(&format!("; there are {}", missing.known.join(", ")));
                }
                said
            }
            Error::Invalid(input) => format!("`{}`: {}", input.field, input.message),
            Error::TooLarge(limit) => format!("`{}` may be {} at most", limit.name, limit.allowed),
            Error::Conflict(message) => message,
            Error::Busy(retry_ms) => {
                format!("the workspace is busy; it expects to be free in {retry_ms} ms")
            }
            error @ (Error::NotFound(_) | Error::Unavailable(_) | Error::Internal(_)) => {
                return Trouble::Broken(error);
            }
        })
    }
}

/// The task's clock, which is the same when it is done again.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
