//! `sandbox run`: the program's streams are ours, and so is its exit code.

use super::Given;
use super::file;
use super::grant::Granted;
use crate::output::say;
use anyhow::Result;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::thread;
use swarm_flow_sandbox::{
    End, Ended, Engine, Grants, Input, Output, OutputChunk, OutputCloser, Program, Stream,
};
use tokio::sync::{mpsc, oneshot};

/// The exit codes of a program that did not end by itself, as shells give them and as `exec` does.
const EXIT_OUT_OF_TIME: u8 = 124;
const EXIT_TRAPPED: u8 = 134;
const EXIT_KILLED: u8 = 137;
/// Chunks of output that wait to be printed; with as many the program waits too.
const CHUNKS_WAITING_MAX: usize = 16;

pub async fn run(given: Given, arguments: Vec<String>) -> Result<ExitCode> {
    let path = given.file.clone();
    let granted = Granted::new(given, arguments)?;
    let engine = Engine::with_preview3()?;
    let program = file::program(&engine, &path)?;
    let ran = execute(&program, &granted, Stream::Stdout, |_| {}).await?;
    Ok(ExitCode::from(exit_code(&ran.ended)))
}

/// How a program ended.
pub struct Ran {
    pub ended: Ended<u8>,
    /// Of the longer of its two outputs.
    pub output_bytes: u64,
}

/// Runs a program with our streams, and prints its standard output to `stdout`. `change` has the last word about the
/// grants.
pub async fn execute(
    program: &Program,
    granted: &Granted,
    stdout: Stream,
    change: impl FnOnce(&mut Grants),
) -> Result<Ran> {
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING_MAX);
    let out = output(Stream::Stdout, sender.clone(), granted);
    let err = output(Stream::Stderr, sender, granted);
    let truncated = [("stdout", out.truncated()), ("stderr", err.truncated())];
    let printed = print(receiver, stdout, out.closer(), err.closer());
    let mut grants = granted.grants(Input::inherited(), out, err);
    change(&mut grants);
    let ended = program.run(grants).await?;
    // The last sender went with the sandbox. What it wrote is printed before we say anything ourselves.
    let output_bytes = printed.await.unwrap_or(0);
    for (name, truncated) in truncated {
        if truncated() {
            say(&format!(
                "swarm-flow: {name} was cut off at the policy's limit"
            ));
        }
    }
    Ok(Ran {
        ended,
        output_bytes,
    })
}

fn output(stream: Stream, sender: mpsc::Sender<OutputChunk>, granted: &Granted) -> Output {
    let output = Output::streamed(stream, sender, granted.policy.limits.output_bytes);
    let terminal = match stream {
        Stream::Stdout => stdout().is_terminal(),
        Stream::Stderr => stderr().is_terminal(),
    };
    if terminal {
        output.on_terminal()
    } else {
        output
    }
}

/// Prints on a thread of its own, so that a reader who is slow does not keep the clocks from running. Gives the bytes of
/// the longer output.
fn print(
    mut chunks: mpsc::Receiver<OutputChunk>,
    stdout_to: Stream,
    out: OutputCloser,
    err: OutputCloser,
) -> oneshot::Receiver<u64> {
    let (done, printed) = oneshot::channel();
    thread::spawn(move || {
        let (mut out_bytes, mut err_bytes) = (0, 0);
        while let Some(chunk) = chunks.blocking_recv() {
            let (count, to, closer) = match chunk.stream {
                Stream::Stdout => (&mut out_bytes, stdout_to, &out),
                Stream::Stderr => (&mut err_bytes, Stream::Stderr, &err),
            };
            *count += chunk.bytes.len() as u64;
            let written = match to {
                Stream::Stdout => write(stdout().lock(), &chunk.bytes),
                Stream::Stderr => write(stderr().lock(), &chunk.bytes),
            };
            if written.is_err() {
                closer.close();
            }
        }
        _ = done.send(out_bytes.max(err_bytes));
    });
    printed
}

fn write(mut stream: impl Write, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

/// The code, and on standard error why it is not the program's own.
pub fn exit_code(ended: &Ended<u8>) -> u8 {
    if let Some(reason) = reason(&ended.end) {
        say(&format!("swarm-flow: {reason}"));
    }
    match &ended.end {
        End::Returned(code) | End::Exited(code) => *code,
        End::Trapped(_) => EXIT_TRAPPED,
        End::Limit {
            name: "cpu_time" | "wall_time",
            ..
        } => EXIT_OUT_OF_TIME,
        End::Limit { .. } | End::Revoked(_) => EXIT_KILLED,
    }
}

/// Why a sandbox ended that did not end by itself.
pub fn reason<R>(end: &End<R>) -> Option<String> {
    match end {
        End::Returned(_) | End::Exited(_) => None,
        End::Trapped(message) => Some(format!(
            "the program trapped: {}",
            crate::output::harmless(message)
        )),
        End::Limit {
            name,
            used,
            allowed,
        } => Some(format!(
            "the program reached the limit `{name}`: {used} of {allowed}"
        )),
        End::Revoked(message) => Some(format!("the program was ended: {message}")),
    }
}
