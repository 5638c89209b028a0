//! Other programs: each runs in a sandbox of its own.

use crate::executor;
use crate::files;
use crate::shell::{Flow, Outcome, Shell};
use crate::stream::{Lent, LentWriter};
use std::cell::Cell;
use swarm_flow_process::bindings::process::{self, Child, Command, SpawnError};
use swarm_flow_process::bindings::types;
use swarm_flow_process::bindings::wasi::clocks::monotonic_clock;

/// How long a program waits for room if nothing ends: a few seconds, longer with programs of the shell's own, which
/// may wait for this one.
const PATIENCE: u64 = 5_000_000_000;
const PATIENCE_WITH_OTHERS: u64 = 30_000_000_000;
const PAUSE: u64 = 20_000_000;

thread_local! {
    /// Programs that the shell has running.
    static CHILDREN: Cell<usize> = const { Cell::new(0) };
    static ENDED: Cell<u64> = const { Cell::new(0) };
}

/// A program that ends with who waits for it.
struct Running(Child);

impl Running {
    fn new(child: Child) -> Self {
        CHILDREN.set(CHILDREN.get() + 1);
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        CHILDREN.set(CHILDREN.get().saturating_sub(1));
        ENDED.set(ENDED.get() + 1);
        if self.0.end().is_none() {
            self.0.kill();
        }
    }
}

impl Shell {
    pub async fn external(&mut self, arguments: Vec<String>) -> Outcome {
        let Some(name) = arguments.first().cloned() else {
            return Ok(0);
        };
        if name.is_empty() {
            self.complain(": command not found").await;
            return Ok(127);
        }
        let path = name.contains('/');
        if path && files::is_directory(&self.path(&name)) {
            self.complain(&format!("{name}: Is a directory")).await;
            return Ok(126);
        }
        match self.start_program(&arguments).await {
            Ok(child) => {
                if let Some(number) = self.number.take() {
                    number.set(child.id());
                }
                self.wait_for_program(child).await
            }
            Err(SpawnError::NotFound(_)) if path => {
                if files::exists(&self.path(&name)) {
                    return self.script_file(arguments, "not a program").await;
                }
                self.complain(&format!("{name}: No such file or directory"))
                    .await;
                Ok(127)
            }
            Err(SpawnError::NotFound(_)) => {
                if let Some(path) = self.in_path(&name) {
                    let mut arguments = arguments;
                    if let Some(first) = arguments.first_mut() {
                        *first = path;
                    }
                    return Box::pin(self.external(arguments)).await;
                }
                self.complain(&format!("{name}: command not found")).await;
                Ok(127)
            }
            Err(SpawnError::NotExecutable(reason)) => self.script_file(arguments, &reason).await,
            Err(SpawnError::NoRoom(reason)) => {
                let message = format!(
                    "{name}: no room for another program (`limits.sandboxes` of the policy): {reason}"
                );
                self.complain(&message).await;
                Ok(126)
            }
            Err(SpawnError::Invalid(reason) | SpawnError::Failed(reason)) => {
                self.complain(&format!("{name}: {reason}")).await;
                Ok(126)
            }
        }
    }

    /// A file of the directories in `PATH` that hold files of the user's own.
    pub fn in_path(&self, name: &str) -> Option<String> {
        if name.contains('/') {
            return None;
        }
        let path = self.get("PATH")?;
        let candidates = path.split(':').filter(|folder| !folder.is_empty());
        candidates
            .map(|folder| format!("{}/{name}", folder.trim_end_matches('/')))
            .find(|file| {
                let path = self.path(file);
                files::exists(&path) && !files::is_directory(&path)
            })
    }

    /// Starts it; while there is no room, waits until one of the shell's own has ended.
    async fn start_program(&mut self, arguments: &[String]) -> Result<Child, SpawnError> {
        let input = self.input(0);
        let output = self.output(1);
        let error = self.output(2);
        let input = input.as_ref().and_then(|input| input.lend());
        let output = output.as_ref().and_then(|output| output.lend());
        let error = error.as_ref().and_then(|error| error.lend());
        let command = Command {
            argv: arguments.to_vec(),
            env: self.exported(),
            cwd: self.directory.clone(),
            stdin: input.as_ref().map(Lent::reader),
            stdout: output.as_ref().map(LentWriter::writer),
            stderr: error.as_ref().map(LentWriter::writer),
        };
        let mut since = monotonic_clock::now();
        let mut ended = ENDED.get();
        loop {
            match process::spawn(&command) {
                Err(SpawnError::NoRoom(reason)) => {
                    if ended != ENDED.get() {
                        (since, ended) = (monotonic_clock::now(), ENDED.get());
                    }
                    let patience = match CHILDREN.get() {
                        0 => PATIENCE,
                        _ => PATIENCE_WITH_OTHERS,
                    };
                    if monotonic_clock::now() > since + patience {
                        return Err(SpawnError::NoRoom(reason));
                    }
                    executor::sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }

    async fn wait_for_program(&mut self, child: Child) -> Outcome {
        let running = Running::new(child);
        loop {
            if let Some(end) = running.0.end() {
                let status = i32::from(end.exit_code);
                match end.outcome {
                    types::Outcome::Exited => return Ok(status),
                    types::Outcome::Trapped(reason) => {
                        let status = if status == 0 { 134 } else { status };
                        self.complain(&format!("the program ended by a trap: {reason}"))
                            .await;
                        return Ok(status);
                    }
                    types::Outcome::Limit(hit) => {
                        let status = if status == 0 { 137 } else { status };
                        let message = format!(
                            "Killed: `limits.{}` of the policy: {} of {}",
                            hit.name, hit.used, hit.allowed
                        );
                        self.complain(&message).await;
                        return Ok(status);
                    }
                    types::Outcome::Cancelled => {
                        return Ok(if status == 0 { 137 } else { status });
                    }
                }
            }
            executor::ready(running.0.subscribe()).await;
        }
    }

    /// A file that is no program: text is a script for this shell, as in bash.
    async fn script_file(&mut self, arguments: Vec<String>, reason: &str) -> Outcome {
        let Some(name) = arguments.first().cloned() else {
            return Ok(0);
        };
        let path = self.path(&name);
        let bytes = match files::open(&path).and_then(|file| file.read_all()) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.complain(&format!("{name}: {error}")).await;
                return Ok(126);
            }
        };
        let begin = bytes.get(..bytes.len().min(256)).unwrap_or_default();
        if begin.contains(&0) || begin.starts_with(b"\0asm") {
            self.complain(&format!("{name}: cannot execute: {reason}"))
                .await;
            return Ok(126);
        }
        // An interpreter that there is none of.
        if let Some(line) = begin.strip_prefix(b"#!") {
            let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(line);
            let mut words = line.split_whitespace();
            let first = words
                .next()
                .and_then(|word| word.rsplit('/').next())
                .unwrap_or_default();
            let interpreter = if first == "env" {
                words.next().unwrap_or_default()
            } else {
                first
            };
            if !matches!(interpreter, "sh" | "bash" | "dash" | "ash") {
                let message = format!("{name}: {interpreter}: bad interpreter: no such program");
                self.complain(&message).await;
                return Ok(126);
            }
        }
        let script = crate::source_text(&bytes);
        let mut shell = self.fork().await?;
        // A new shell knows only what is exported.
        shell.forget();
        shell.name = name.as_str().into();
        shell.source = name.as_str().into();
        shell.is_command = false;
        shell.is_file = true;
        shell.positional = std::rc::Rc::new(arguments.into_iter().skip(1).collect());
        let join = executor::spawn(async move {
            let outcome = shell.program(&script).await;
            shell.finish(outcome).await
        });
        Ok(crate::subshell::wait_for(join).await)
    }

    /// `exec command`
    pub async fn replace(&mut self, arguments: Vec<String>) -> Outcome {
        let status = self.external(arguments).await?;
        self.traps.commands.remove("EXIT");
        Err(Flow::Exit(status))
    }
}
