//! A program that another one starts, and waits for.

use crate::bindings::process;
use crate::{End, Reader, SpawnError, Writer};

/// A program to start. It gets this program's variables and streams unless told otherwise, and starts in this
/// program's current directory.
pub struct Command<'a> {
    argv: Vec<String>,
    env: Vec<(String, String)>,
    cwd: String,
    stdin: Option<&'a Reader>,
    stdout: Option<&'a Writer>,
    stderr: Option<&'a Writer>,
    /// Of the three, which are this program's own.
    inherited: [bool; 3],
}

impl<'a> Command<'a> {
    /// The program, then its arguments.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        // The C library says `/` until somebody changes it.
        let started_in = || std::env::var("PWD").ok();
        let changed = std::env::current_dir().ok();
        let changed = changed.map(|cwd| cwd.to_string_lossy().into_owned());
        let changed = changed.filter(|cwd| cwd != "/");
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            env: std::env::vars().collect(),
            cwd: changed
                .or_else(started_in)
                .unwrap_or_else(|| "/".to_owned()),
            stdin: None,
            stdout: None,
            stderr: None,
            inherited: [true; 3],
        }
    }

    /// These variables and no others.
    #[must_use]
    pub fn env(mut self, env: Vec<(String, String)>) -> Self {
        self.env = env;
        self
    }

    /// Where it starts, an absolute path.
    #[must_use]
    pub fn cwd(mut self, cwd: impl Into<String>) -> Self {
        self.cwd = cwd.into();
        self
    }

    /// What it reads; nothing if there is no reader.
    #[must_use]
    pub fn stdin(mut self, stdin: Option<&'a Reader>) -> Self {
        self.stdin = stdin;
        self.inherited[0] = false;
        self
    }

    /// Where its output goes; nowhere if there is no writer.
    #[must_use]
    pub fn stdout(mut self, stdout: Option<&'a Writer>) -> Self {
        self.stdout = stdout;
        self.inherited[1] = false;
        self
    }

    #[must_use]
    pub fn stderr(mut self, stderr: Option<&'a Writer>) -> Self {
        self.stderr = stderr;
        self.inherited[2] = false;
        self
    }

    /// Starts it. It runs at the same time as this program.
    pub fn spawn(self) -> Result<Child, SpawnError> {
        let [stdin, stdout, stderr] = self.inherited;
        let stdin = stdin.then(process::stdin);
        let stdout = stdout.then(process::stdout);
        let stderr = stderr.then(process::stderr);
        let command = process::Command {
            argv: self.argv,
            env: self.env,
            cwd: self.cwd,
            stdin: stdin.as_ref().or(self.stdin),
            stdout: stdout.as_ref().or(self.stdout),
            stderr: stderr.as_ref().or(self.stderr),
        };
        process::spawn(&command).map(Child)
    }

    /// Starts it and waits for its end.
    pub fn run(self) -> Result<End, SpawnError> {
        Ok(self.spawn()?.wait())
    }
}

/// A program that was started. Dropping it does not end the program.
pub struct Child(process::Child);

impl Child {
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// None while it runs.
    pub fn end(&self) -> Option<End> {
        self.0.end()
    }

    pub fn wait(&self) -> End {
        loop {
            if let Some(end) = self.0.end() {
                return end;
            }
            self.0.subscribe().block();
        }
    }

    pub fn kill(&self) {
        self.0.kill();
    }
}
