//! External commands that run, connected by pipes: the last one's output is read, and what they need meanwhile is done.
//!
//! There are no threads, so who reads the output also feeds the input and takes the errors, whichever is ready first.

use nu_protocol::shell_error::bridge::ShellErrorBridge;
use nu_protocol::{ShellError, Span};
use std::fs::File;
use std::io::{self, Read, Write};
use std::num::NonZeroI32;
use std::sync::Arc;
use swarm_flow_process::bindings::process::Child;
use swarm_flow_process::bindings::types::Outcome;
use swarm_flow_process::bindings::wasi::io::poll::{Pollable, poll};
use swarm_flow_process::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};
use swarm_flow_process::{End, Reader, Writer};

/// What is read from a pipe at once.
const READ_BYTES_MAX: u64 = 64 * 1024;

pub struct Running {
    /// In the order of the pipeline.
    pub programs: Vec<Program>,
    pub output: Output,
}

/// What the last program writes.
pub enum Output {
    /// Nothing has been read, so it can be given on to another program as it is.
    Whole(Reader),
    Begun(InputStream),
    Ended,
}

pub struct Program {
    pub child: Child,
    pub span: Span,
    /// What it is given to read.
    pub input: Option<Input>,
    pub errors: Option<Errors>,
    /// Where errors went that somebody will ask for.
    pub kept: Vec<u8>,
}

pub struct Input {
    source: Box<dyn Read + Send>,
    stream: OutputStream,
    /// Read from the source and not yet written.
    pending: Vec<u8>,
    /// Open as long as there is more to write.
    _writer: Writer,
}

impl Input {
    pub fn new(source: Box<dyn Read + Send>, writer: Writer) -> Self {
        Self {
            source,
            stream: writer.stream(),
            pending: Vec::new(),
            _writer: writer,
        }
    }
}

pub struct Errors {
    pub stream: InputStream,
    pub to: ErrorsTo,
}

pub enum ErrorsTo {
    Kept,
    /// Ours.
    Stderr,
    File(Arc<File>),
}

/// What doing something led to.
enum Step {
    Moved,
    Waits,
    Over,
}

impl Running {
    /// The next bytes of the output; none at its end, when all has ended.
    pub fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Output::Whole(reader) = &self.output {
                self.output = Output::Begun(reader.stream());
            }
            if let Output::Begun(stream) = &self.output {
                match stream.read(READ_BYTES_MAX) {
                    Ok(bytes) if bytes.is_empty() => {}
                    Ok(bytes) => return Ok(Some(bytes)),
                    Err(_) => self.output = Output::Ended,
                }
            }
            let mut moved = false;
            for program in &mut self.programs {
                moved |= program.serve()?;
            }
            if moved {
                continue;
            }
            if !self.wait() {
                return Ok(None);
            }
        }
    }

    /// Until something can be done. False if all is done.
    fn wait(&self) -> bool {
        let mut waited = Vec::new();
        if let Output::Begun(stream) = &self.output {
            waited.push(stream.subscribe());
        }
        for program in &self.programs {
            program.subscribe(&mut waited);
        }
        if waited.is_empty() {
            return false;
        }
        poll(&waited.iter().collect::<Vec<_>>());
        true
    }

    /// Reads to the end.
    pub fn finish(&mut self) -> io::Result<Vec<u8>> {
        let mut output = Vec::new();
        while let Some(mut bytes) = self.next()? {
            output.append(&mut bytes);
        }
        Ok(output)
    }

    /// What the first program that failed, from the end, says of the pipeline.
    pub fn check(&self) -> Result<(), ShellError> {
        let ends = self.programs.iter().rev();
        ends.map(Program::check)
            .find(Result::is_err)
            .unwrap_or(Ok(()))
    }

    /// The exit code of the last program.
    pub fn code(&self) -> i32 {
        let end = self.programs.last().and_then(|program| program.child.end());
        end.map_or(0, |end| end.exit_code.into())
    }

    /// Sends the last program's errors somewhere else.
    pub fn send_errors(&mut self, to: ErrorsTo) {
        let last = self.programs.last_mut();
        if let Some(errors) = last.and_then(|program| program.errors.as_mut()) {
            errors.to = to;
        }
    }
}

impl Program {
    /// Does what can be done without waiting. True if something was.
    fn serve(&mut self) -> io::Result<bool> {
        let ended = self.child.end().is_some();
        let mut moved = false;
        if let Some(input) = &mut self.input {
            match if ended { Step::Over } else { input.write()? } {
                Step::Waits => {}
                Step::Moved => moved = true,
                Step::Over => {
                    self.input = None;
                    moved = true;
                }
            }
        }
        if let Some(errors) = &mut self.errors {
            match errors.read(&mut self.kept)? {
                Step::Waits => {}
                Step::Moved => moved = true,
                Step::Over => {
                    self.errors = None;
                    moved = true;
                }
            }
        }
        Ok(moved)
    }

    fn subscribe(&self, waited: &mut Vec<Pollable>) {
        let ended = self.child.end().is_some();
        if !ended {
            waited.push(self.child.subscribe());
        }
        if let Some(input) = &self.input {
            waited.push(input.stream.subscribe());
        }
        if let Some(errors) = &self.errors {
            waited.push(errors.stream.subscribe());
        }
    }

    fn check(&self) -> Result<(), ShellError> {
        let Some(End { exit_code, outcome }) = self.child.end() else {
            return Ok(());
        };
        let stopped = match outcome {
            Outcome::Exited => None,
            Outcome::Trapped(why) => Some(format!("it trapped: {why}")),
            Outcome::Limit(limit) => Some(format!(
                "it reached the limit `{}` of {}",
                limit.name, limit.allowed
            )),
            Outcome::Cancelled => Some("it was ended".to_owned()),
        };
        if let Some(why) = stopped {
            return Err(ShellError::ExternalCommand {
                label: "The external command did not end by itself".to_owned(),
                help: why,
                span: self.span,
            });
        }
        match NonZeroI32::new(exit_code.into()) {
            None => Ok(()),
            Some(exit_code) => Err(ShellError::NonZeroExitCode {
                exit_code,
                span: self.span,
            }),
        }
    }
}

impl Input {
    fn write(&mut self) -> io::Result<Step> {
        let room = match self.stream.check_write() {
            Ok(0) => return Ok(Step::Waits),
            Ok(room) => usize::try_from(room).unwrap_or(usize::MAX),
            // Its reader has what it wanted.
            Err(_) => return Ok(Step::Over),
        };
        if self.pending.is_empty() {
            let mut piece = vec![0; READ_BYTES_MAX as usize];
            let length = match self.source.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Step::Moved),
                result => result?,
            };
            if length == 0 {
                return Ok(match self.stream.flush() {
                    Ok(()) | Err(StreamError::Closed | StreamError::LastOperationFailed(_)) => {
                        Step::Over
                    }
                });
            }
            piece.truncate(length);
            self.pending = piece;
        }
        let rest = self.pending.split_off(room.min(self.pending.len()));
        let piece = std::mem::replace(&mut self.pending, rest);
        Ok(match self.stream.write(&piece) {
            Ok(()) => Step::Moved,
            Err(_) => Step::Over,
        })
    }
}

impl Errors {
    fn read(&mut self, kept: &mut Vec<u8>) -> io::Result<Step> {
        let bytes = match self.stream.read(READ_BYTES_MAX) {
            Ok(bytes) if bytes.is_empty() => return Ok(Step::Waits),
            Ok(bytes) => bytes,
            Err(_) => return Ok(Step::Over),
        };
        match &self.to {
            ErrorsTo::Kept => kept.extend(bytes),
            ErrorsTo::Stderr => io::stderr().write_all(&bytes)?,
            ErrorsTo::File(file) => file.as_ref().write_all(&bytes)?,
        }
        Ok(Step::Moved)
    }
}

/// Carries an error of the engine through `std::io`.
pub fn as_io(error: ShellError) -> io::Error {
    ShellErrorBridge(error).into()
}
