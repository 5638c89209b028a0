//! A step of the build: says what it does, how long it took, and what to do about a missing tool.

use anyhow::{Result, bail};
use std::io::ErrorKind;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Does something, and says so before and after.
pub fn step<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {title}");
    let start = Instant::now();
    let done = work();
    let word = if done.is_ok() {
        "done in"
    } else {
        "failed after"
    };
    eprintln!("    {word} {}: {title}", seconds(start.elapsed()));
    done
}

/// Runs a command to its end; another exit code than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .map_err(|error| not_started(command, error))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a command to its end and gives back what it printed.
pub fn output(command: &mut Command) -> Result<Vec<u8>> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| not_started(command, error))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", line(command), output.status);
    }
    Ok(output.stdout)
}

/// Whether a tool can be started at all.
pub fn exists(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// How each tool that we start is come by.
const TOOLS: [(&str, &str); 4] = [
    ("cargo", "install Rust with rustup, https://rustup.rs"),
    ("rustup", "install it from https://rustup.rs"),
    ("npm", "install Node.js with npm"),
    (
        "python3",
        "install Python 3.10 or newer with its `venv` module",
    ),
];

fn not_started(command: &Command, error: std::io::Error) -> anyhow::Error {
    let program = command.get_program().to_string_lossy().into_owned();
    let hint = TOOLS.iter().find(|(tool, _)| *tool == program);
    match hint {
        Some((_, hint)) if error.kind() == ErrorKind::NotFound => {
            anyhow::anyhow!("`{program}` is missing; {hint}")
        }
        _ => anyhow::Error::new(error).context(format!("start `{}`", line(command))),
    }
}

/// The command as one would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
