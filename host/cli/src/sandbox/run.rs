//! `sandbox run`: the program's streams are ours, and so is its exit code.

use super::Given;
use super::file;
use super::grant::Granted;
use crate::output::say;
use anyhow::Result;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::process::ExitCode;
use std::thread;
use swarm_flow_sandbox::{End, Ended, Engine, Input, Output, OutputChunk, OutputCloser, Stream};
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
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING_MAX);
    let out = output(Stream::Stdout, sender.clone(), &granted);
    let err = output(Stream::Stderr, sender, &granted);
    let truncated = [("stdout", out.truncated()), ("stderr", err.truncated())];
    let printed = print(receiver, out.closer(), err.closer());
    let ended = program
        .run(granted.grants(Input::inherited(), out, err))
        .await?;
    // The last sender went with the sandbox. What it wrote is printed before we say anything ourselves.
    _ = printed.await;
    for (name, truncated) in truncated {
        if truncated() {
            say(&format!(
                "swarm-flow: {name} was cut off at the policy's limit"
            ));
        }
    }
    Ok(ExitCode::from(exit_code(&ended)))
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

/// Prints on a thread of its own, so that a reader who is slow does not keep the clocks from running.
fn print(
    mut chunks: mpsc::Receiver<OutputChunk>,
    out: OutputCloser,
    err: OutputCloser,
) -> oneshot::Receiver<()> {
    let (done, printed) = oneshot::channel();
    thread::spawn(move || {
        while let Some(chunk) = chunks.blocking_recv() {
            let (written, closer) = match chunk.stream {
                Stream::Stdout => (write(stdout().lock(), &chunk.bytes), &out),
                Stream::Stderr => (write(stderr().lock(), &chunk.bytes), &err),
            };
            if written.is_err() {
                closer.close();
            }
        }
        _ = done.send(());
    });
    printed
}

fn write(mut stream: impl Write, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

/// The code, and on standard error why it is not the program's own.
fn exit_code(ended: &Ended<u8>) -> u8 {
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
        End::Limit { .. } => EXIT_KILLED,
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
    }
}
