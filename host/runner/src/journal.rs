//! What a task's agent got from its imports, in order: written down before the agent sees it. An agent that is started again
//! after a crash is fed from it, so it comes to where it was without doing anything twice; and a task that has ended can be
//! replayed, to see whether the agent still does the same.
//!
//! The journals of a run's tasks in one workspace are one file of JSON lines ([`file`]): for each attempt the [`Header`], a
//! [`Step`] for each call, and the [`Ending`], with those of other tasks in between. A file for each attempt would cost more
//! than a task that does little. A last line that is torn was never seen by an agent and is cut off. What is written survives
//! the end of the process, not that of the machine. Results of more than [`INLINE_BYTES_MAX`] lie beside it, named by their
//! digest. How much of this is kept, [`folder`] says.
//!
//! An attempt may be left and opened again at any time, by the same process too. Only the one that opened it last writes to it,
//! and it has seen all of it: what an earlier one still has to say is refused, and so its command is taken back.
//!
//! Time comes from here too, in whole milliseconds ([`clock`]): how often the agent asked for it between two calls, and what
//! it was told, is part of the next step. What it was told after its last call had no effect yet, and need not be known.

mod clock;
mod entry;
mod file;
mod folder;
mod store;

pub(crate) use entry::Header;
pub(crate) use store::Journals;

use crate::traced;
use entry::{Did, Ending, Kept, Position, Step, Whose, Written, bounded, shown};
use file::RunFile;
use serde::Serialize;
use serde_json::Value;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use swarm_flow_protocol::{AgentError, Divergence, TaskResult};
use swarm_flow_telemetry::ToolSpan;

const INLINE_BYTES_MAX: usize = 16 << 10;

/// What the agent calls now: was it called before?
pub(crate) enum Call {
    /// Then this came of it.
    Recorded(Value),
    /// It is to be made, and [recorded](Journal::record).
    New(Pending),
}

/// What is fed next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// The call that was asked about.
    This,
    /// Another one, or the end of what is replayed.
    Other,
    /// Nothing more: what is called now is made.
    Nothing,
}

/// A call that is being made.
pub(crate) struct Pending {
    call: &'static str,
    request: Value,
    /// How many came before it.
    step: usize,
    span: Option<ToolSpan>,
}

pub(crate) struct Journal {
    pub(crate) header: Header,
    seed: [u8; 32],
    whose: Whose,
    file: Arc<RunFile>,
    /// None while a journal is replayed: then nothing is written, and nothing is done that is not in it.
    writer: Option<u64>,
    inner: Mutex<Inner>,
}

struct Inner {
    /// The attempt's last line.
    last: Position,
    step: usize,
    /// What is still to be fed.
    recorded: VecDeque<Step>,
    ending: Option<Ending>,
    /// The times to be told before the next step of those, then of the ending.
    told_before: VecDeque<(u64, u64)>,
    /// Those told since the last step.
    times: VecDeque<(u64, u64)>,
    last_ms: u64,
    divergence: Option<Divergence>,
}

impl Journal {
    /// The journal of an attempt, to go on with or to begin.
    fn open(
        file: Arc<RunFile>,
        whose: Whose,
        begin: impl FnOnce() -> io::Result<Header>,
    ) -> io::Result<Self> {
        // First: what is read then is all that there will be.
        let writer = Some(file.take_over(whose)?);
        if let Some(written) = file.read(whose)? {
            // If it has an end, that was not reported, or it would not be asked for: the agent says it again.
            return Self::new(file, whose, written, writer);
        }
        let header = begin()?;
        let written = Attempt {
            last: file.append(whose, None, writer, Did::Began(&header))?,
            header,
            steps: VecDeque::new(),
            ending: None,
        };
        Self::new(file, whose, written, writer)
    }

    /// A journal to be replayed: nothing is added to it.
    fn replay(file: Arc<RunFile>, whose: Whose) -> io::Result<Option<Self>> {
        let written = file.read(whose)?;
        written
            .map(|written| Self::new(file, whose, written, None))
            .transpose()
    }

    fn new(
        file: Arc<RunFile>,
        whose: Whose,
        written: Attempt,
        writer: Option<u64>,
    ) -> io::Result<Self> {
        let mut inner = Inner {
            last: written.last,
            step: 0,
            recorded: written.steps,
            ending: written.ending,
            told_before: VecDeque::new(),
            times: VecDeque::new(),
            last_ms: written.header.started_at_ms,
            divergence: None,
        };
        inner.told_before = inner.times_before_next();
        Ok(Self {
            seed: written.header.seed()?,
            header: written.header,
            whose,
            file,
            writer,
            inner: Mutex::new(inner),
        })
    }

    pub(crate) fn seed(&self) -> [u8; 32] {
        self.seed
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the agent is fed next, for who decides whether this call is made at all: as it was then.
    pub(crate) fn feeds(&self, call: &str) -> Fed {
        match self.inner().recorded.front() {
            Some(known) if known.call == call => Fed::This,
            None if self.writer.is_some() => Fed::Nothing,
            _ => Fed::Other,
        }
    }

    /// The agent calls one of its imports.
    pub(crate) fn call(
        &self,
        call: &'static str,
        request: &impl Serialize,
    ) -> Result<Call, Stopped> {
        let request = bounded(serde_json::to_value(request).unwrap_or_default());
        let mut inner = self.inner();
        let step = inner.step;
        match inner.recorded.pop_front() {
            Some(known) if known.call == call && known.request == request => {
                inner.step += 1;
                inner.times.clear();
                inner.told_before = inner.times_before_next();
                self.result(known.result).map(Call::Recorded)
            }
            Some(known) => {
                let expected = shown(&known.call, &known.request);
                Err(inner.diverge(step, expected, shown(call, &request)))
            }
            // It was ended from outside: what it would have done next nobody knows.
            None if self.writer.is_none() && inner.ending.is_none() => {
                Err(Stopped("the journal ends here".to_owned()))
            }
            None if self.writer.is_none() => {
                Err(inner.diverge(step, "the end".to_owned(), shown(call, &request)))
            }
            None => Ok(Call::New(Pending {
                call,
                request,
                step,
                span: traced::call(&self.header, call, || self.key_of(step)),
            })),
        }
    }

    /// Names a call, the same when it is made again after a crash. [`Journals::is_recorded`] understands it.
    pub(crate) fn key(&self, pending: &Pending) -> String {
        self.key_of(pending.step)
    }

    fn key_of(&self, step: usize) -> String {
        let Header {
            run,
            index,
            attempt,
            ..
        } = &self.header;
        format!("{run}/{index}/{attempt}/{step}")
    }

    /// Writes down what came of a call; only then may the agent see it.
    pub(crate) fn record(&self, pending: Pending, result: &impl Serialize) -> io::Result<()> {
        let mut inner = self.inner();
        let result = serde_json::to_value(result)?;
        let told = pending.span.map(|span| (span, traced::ended(&result)));
        let step = Step {
            call: pending.call.to_owned(),
            request: pending.request,
            times: std::mem::take(&mut inner.times),
            result: self.keep(result)?,
        };
        self.write(&mut inner, Did::Step(&step))?;
        inner.step += 1;
        if let Some((span, ended)) = told {
            span.end(ended);
        }
        Ok(())
    }

    /// The attempt is over. While it is replayed, this says whether it came to the same.
    pub(crate) fn end(&self, ended: &Result<TaskResult, AgentError>) -> io::Result<()> {
        let mut inner = self.inner();
        if inner.divergence.is_some() {
            return Ok(());
        }
        if self.writer.is_none() {
            return inner.compare(ended);
        }
        let ending = Ending {
            ended: ended.clone(),
            times: std::mem::take(&mut inner.times),
        };
        self.write(&mut inner, Did::Ended(&ending))
    }

    /// Where the agent first did something else than it did before, and how many calls it had made.
    pub(crate) fn replayed(&self) -> (usize, Option<Divergence>) {
        let inner = self.inner();
        (inner.step, inner.divergence.clone())
    }

    fn write(&self, inner: &mut Inner, did: Written<'_>) -> io::Result<()> {
        if self.writer.is_some() {
            let last = Some(inner.last);
            inner.last = self.file.append(self.whose, last, self.writer, did)?;
        }
        Ok(())
    }

    fn keep(&self, result: Value) -> io::Result<Kept> {
        let text = serde_json::to_vec(&result)?;
        if text.len() <= INLINE_BYTES_MAX {
            return Ok(Kept::Inline(result));
        }
        self.file.keep(&text).map(Kept::Digest)
    }

    fn result(&self, kept: Kept) -> Result<Value, Stopped> {
        match kept {
            Kept::Inline(result) => Ok(result),
            Kept::Digest(digest) => self
                .file
                .kept(&digest)
                .and_then(|text| Ok(serde_json::from_slice(&text)?))
                .map_err(|error| {
                    Stopped(format!(
                        "the journal's large result {digest} cannot be read: {error}"
                    ))
                }),
        }
    }
}

/// All that is written of an attempt.
struct Attempt {
    header: Header,
    steps: VecDeque<Step>,
    ending: Option<Ending>,
    last: Position,
}

/// Why an agent is not served any more. It is to be ended.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Stopped(String);

impl Inner {
    fn diverge(&mut self, step: usize, expected: String, actual: String) -> Stopped {
        let message = format!(
            "at call {step} the agent did something else than before: expected {expected}, got {actual}"
        );
        self.divergence.get_or_insert(Divergence {
            step: step as u64,
            expected,
            actual,
        });
        Stopped(message)
    }

    /// Whether a replay came to the same end.
    fn compare(&mut self, ended: &Result<TaskResult, AgentError>) -> io::Result<()> {
        let step = self.step;
        let actual = serde_json::to_string(ended)?;
        if let Some(missed) = self.recorded.pop_front() {
            let expected = shown(&missed.call, &missed.request);
            self.diverge(step, expected, format!("the end: {actual}"));
        } else if let Some(ending) = self.ending.take() {
            let expected = serde_json::to_string(&ending.ended)?;
            if expected != actual {
                self.diverge(
                    step,
                    format!("the end: {expected}"),
                    format!("the end: {actual}"),
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
