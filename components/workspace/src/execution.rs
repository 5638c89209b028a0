//! A command that runs: the runner's lines become events, as they come.

use crate::fault;
use swarm_flow_protocol::{Error, Event, ExecResult};
use swarm_flow_wire::{Failure, Pieces};

/// Something a running command did.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// The first one where input follows: the id under which the runner takes it.
    Started(String),
    /// Empty when nothing happened for a second, so that a caller can see whether its own caller is still there.
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Exit(ExecResult),
}

/// Reads a runner's stream. Dropping it ends the command.
pub struct Execution<P> {
    /// None once the last event was read.
    pieces: Option<P>,
    runner: String,
    /// Bytes that have come and are not yet a whole line; lines before `read` are used up.
    buffer: Vec<u8>,
    read: usize,
}

impl<P: Pieces> Execution<P> {
    pub fn new(pieces: P, runner: String) -> Self {
        Self {
            pieces: Some(pieces),
            runner,
            buffer: Vec::new(),
            read: 0,
        }
    }

    /// The next event; none after `exit`.
    pub fn next(&mut self) -> Result<Option<Step>, Error> {
        loop {
            let Some(pieces) = &mut self.pieces else {
                return Ok(None);
            };
            if let Some(line) = take_line(&self.buffer, &mut self.read) {
                if line.is_empty() {
                    continue;
                }
                let step = step(line, &self.runner);
                if !matches!(
                    step,
                    Ok(Step::Started(_) | Step::Stdout(_) | Step::Stderr(_))
                ) {
                    self.pieces = None;
                }
                return step.map(Some);
            }
            match pieces.next() {
                Ok(Some(bytes)) if bytes.is_empty() => return Ok(Some(Step::Stdout(bytes))),
                Ok(Some(bytes)) => {
                    self.buffer.drain(..self.read);
                    self.read = 0;
                    self.buffer.extend_from_slice(&bytes);
                }
                Ok(None) => return Err(self.broke_off("its answer ended before the command did")),
                Err(Failure::BrokeOff(why) | Failure::Unreachable(why)) => {
                    return Err(self.broke_off(&why));
                }
            }
        }
    }

    fn broke_off(&mut self, why: &str) -> Error {
        self.pieces = None;
        fault::unavailable(format!(
            "runner `{}` left while the command ran, and how the command ended is unknown: {why}",
            self.runner
        ))
    }
}

fn take_line<'a>(buffer: &'a [u8], read: &mut usize) -> Option<&'a [u8]> {
    let rest = buffer.get(*read..)?;
    let length = rest.iter().position(|byte| *byte == b'\n')?;
    *read += length + 1;
    rest.get(..length)
}

fn step(line: &[u8], runner: &str) -> Result<Step, Error> {
    match serde_json::from_slice(line) {
        Ok(Event::Started { exec_id }) => Ok(Step::Started(exec_id)),
        Ok(Event::Stdout { bytes }) => Ok(Step::Stdout(bytes)),
        Ok(Event::Stderr { bytes }) => Ok(Step::Stderr(bytes)),
        Ok(Event::Exit { result }) => Ok(Step::Exit(result)),
        Ok(Event::Error { error }) => Err(error),
        Err(error) => Err(Error::Internal {
            message: format!("runner `{runner}` sent a line that is no event: {error}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    struct Script(VecDeque<Result<Option<Vec<u8>>, Failure>>);

    impl Pieces for Script {
        fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
            self.0.pop_front().unwrap_or(Ok(None))
        }
    }

    fn execution(pieces: &[&str]) -> Execution<Script> {
        let pieces = pieces
            .iter()
            .map(|piece| Ok(Some(piece.as_bytes().to_vec())))
            .collect();
        Execution::new(Script(pieces), "home".to_owned())
    }

    const EXIT: &str = r#"{"event":"exit","result":{"outcome":{"kind":"exited"},"exit_code":3,"stdout_truncated":false,"stderr_truncated":false,"wall_ms":1.0,"cpu_ms":1.0,"peak_memory_bytes":1,"read_bytes":0,"written_bytes":2}}"#;

    #[test]
    fn lines_are_put_together_from_any_pieces() {
        let exit = format!("{EXIT}\n");
        let (first, second) = exit.split_at(30);
        let mut execution = execution(&[
            "{\"event\":\"started\",\"exec_id\":\"ex_1\"}\n",
            "{\"event\":\"stdout\",\"bytes\":\"aGk=\"}\n{\"event\":\"std",
            "err\",\"bytes\":\"bm8=\"}\n\n",
            "",
            first,
            second,
        ]);
        assert_eq!(execution.next(), Ok(Some(Step::Started("ex_1".to_owned()))));
        assert_eq!(execution.next(), Ok(Some(Step::Stdout(b"hi".to_vec()))));
        assert_eq!(execution.next(), Ok(Some(Step::Stderr(b"no".to_vec()))));
        assert_eq!(execution.next(), Ok(Some(Step::Stdout(Vec::new()))));
        assert!(matches!(execution.next(), Ok(Some(Step::Exit(result))) if result.exit_code == 3));
        assert_eq!(execution.next(), Ok(None));
    }

    #[test]
    fn an_answer_that_ends_early_leaves_the_fate_unknown() {
        let mut execution = execution(&["{\"event\":\"stdout\",\"bytes\":\"aGk=\"}\n"]);
        execution.next().unwrap();
        let Err(Error::Unavailable { message }) = execution.next() else {
            panic!("should be unavailable")
        };
        assert!(message.contains("is unknown"), "{message}");
        assert_eq!(execution.next(), Ok(None));
    }

    #[test]
    fn a_runner_s_error_is_the_caller_s() {
        let mut execution = execution(&[
            "{\"event\":\"error\",\"error\":{\"error\":\"busy\",\"retry_after_ms\":5}}\n",
        ]);
        assert_eq!(execution.next(), Err(Error::Busy { retry_after_ms: 5 }));
    }
}
