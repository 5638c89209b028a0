//! The workspace that the task is about: its commands and files, under its policy.
//!
//! Paths are relative to `/workspace`, with `/` between parts. Every function fails with an [`Error`] that becomes an
//! [`AgentError`](crate::AgentError) by `?`; one that an agent expects, say a file that is not there yet, it can match.

use crate::bindings::swarm_flow::core::tools;
use std::time::Duration;

pub use crate::bindings::swarm_flow::core::types::{
    Command, CommandLimits, Denial, Error, ExecResult, FileInfo, FileKind, InvalidInput, Limit,
    LimitHit, Missing, Outcome,
};

/// A command to run: the program's name, then its arguments. Nothing happens before [`Exec::run`].
///
/// ```no_run
/// # use std::time::Duration;
/// # use swarm_flow_agent::tools;
/// let done = tools::exec(["python", "-m", "unittest"])
///     .cwd("/workspace/app")
///     .env("PYTHONPATH", "src")
///     .stdin("yes\n")
///     .timeout(Duration::from_secs(60))
///     .memory_bytes(256 << 20)
///     .run()?;
/// # Ok::<(), tools::Error>(())
/// ```
pub fn exec<I: IntoIterator<Item: Into<String>>>(argv: I) -> Exec {
    Exec(Command {
        argv: argv.into_iter().map(Into::into).collect(),
        stdin: Vec::new(),
        env: Vec::new(),
        cwd: None,
        timeout_ms: None,
        limits: None,
    })
}

/// A command that is being put together.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "nothing happens before `run`"]
pub struct Exec(Command);

impl Exec {
    /// One more environment variable; the command inherits none.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.env.push((name.into(), value.into()));
        self
    }

    /// An absolute path in the sandbox; without it `/workspace`.
    pub fn cwd(mut self, path: impl Into<String>) -> Self {
        self.0.cwd = Some(path.into());
        self
    }

    /// What the program reads, 16 MiB at most.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.stdin = bytes.into();
        self
    }

    /// Bounds wall time, below what the policy allows.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.0.timeout_ms = Some(milliseconds(time));
        self
    }

    /// Bounds CPU time, below what the policy allows.
    pub fn cpu_time(mut self, time: Duration) -> Self {
        self.limits().cpu_time_ms = Some(milliseconds(time));
        self
    }

    /// Bounds memory, below what the policy allows.
    pub fn memory_bytes(mut self, bytes: u64) -> Self {
        self.limits().memory_bytes = Some(bytes);
        self
    }

    /// Bounds each of the outputs, below what the policy allows.
    pub fn output_bytes(mut self, bytes: u64) -> Self {
        self.limits().output_bytes = Some(bytes);
        self
    }

    /// Runs the command to its end, whatever its exit code is.
    ///
    /// # Errors
    ///
    /// When it could not be started, or what runs it was lost.
    pub fn run(&self) -> Result<ExecResult, Error> {
        run(&self.0)
    }

    fn limits(&mut self) -> &mut CommandLimits {
        self.0.limits.get_or_insert(CommandLimits {
            memory_bytes: None,
            cpu_time_ms: None,
            output_bytes: None,
        })
    }
}

/// Runs a command that was put together otherwise than by [`exec`].
///
/// # Errors
///
/// As [`Exec::run`].
pub fn run(command: &Command) -> Result<ExecResult, Error> {
    tools::exec(command)
}

impl ExecResult {
    /// Whether the program ended by itself, with exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.outcome == Outcome::Exited && self.exit_code == 0
    }

    /// What is no UTF-8 in it is replaced.
    #[must_use]
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// What is no UTF-8 in it is replaced.
    #[must_use]
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// A file's bytes.
///
/// # Errors
///
/// [`Error::NotFound`], or what the policy denies.
pub fn read(path: &str) -> Result<Vec<u8>, Error> {
    tools::read_file(path)
}

/// A file's text.
///
/// # Errors
///
/// As [`read`], and [`Error::Invalid`] when it is no UTF-8.
pub fn read_to_string(path: &str) -> Result<String, Error> {
    text(path, read(path)?)
}

/// Writes a file whole, or not at all; folders on the way to it are made.
///
/// # Errors
///
/// What the policy denies, and [`Error::TooLarge`] when the workspace is full.
pub fn write(path: &str, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
    tools::write_file(path, bytes.as_ref())
}

/// What is in a folder; `""` is the workspace's own.
///
/// # Errors
///
/// [`Error::NotFound`], or what the policy denies.
pub fn list(path: &str) -> Result<Vec<FileInfo>, Error> {
    tools::list_files(path, false)
}

/// What is in a folder and in all folders below it.
///
/// # Errors
///
/// As [`list`].
pub fn list_all(path: &str) -> Result<Vec<FileInfo>, Error> {
    tools::list_files(path, true)
}

pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn text(path: &str, bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        Error::Invalid(InvalidInput {
            field: path.to_owned(),
            message: format!("is no UTF-8 from byte {valid} on"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_has_what_it_was_given_and_nothing_else() {
        let plain = exec(["ls"]).0;
        assert_eq!(
            (plain.cwd, plain.timeout_ms, plain.limits),
            (None, None, None)
        );
        let owned = vec!["sh".to_owned(), "-c".to_owned()];
        let command = exec(&owned)
            .env("A", "1")
            .env("A", "2")
            .cwd("/workspace/x")
            .stdin("in")
            .timeout(Duration::from_secs(1))
            .cpu_time(Duration::MAX)
            .memory_bytes(5)
            .output_bytes(6);
        let expected = Command {
            argv: owned,
            stdin: b"in".to_vec(),
            env: ["1", "2"]
                .map(|value| ("A".to_owned(), value.to_owned()))
                .into(),
            cwd: Some("/workspace/x".to_owned()),
            timeout_ms: Some(1000),
            limits: Some(CommandLimits {
                memory_bytes: Some(5),
                cpu_time_ms: Some(u64::MAX),
                output_bytes: Some(6),
            }),
        };
        assert_eq!(command.0, expected);
    }

    #[test]
    fn what_is_no_text_says_where() {
        assert_eq!(text("a", b"hi".to_vec()), Ok("hi".to_owned()));
        let Err(Error::Invalid(input)) = text("a.bin", b"hi\xff".to_vec()) else {
            panic!("it is no UTF-8");
        };
        assert_eq!(input.field, "a.bin");
        assert_eq!(input.message, "is no UTF-8 from byte 2 on");
    }
}
