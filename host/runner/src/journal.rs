//! What a task's agent got from its imports, in order: written down before the agent sees it. An agent that is started again
//! after a crash is fed from it, so it comes to where it was without doing anything twice; and a task that has ended can be
//! replayed, to see whether the agent still does the same.
//!
//! A journal is a file of JSON lines: the [`Header`], a [`Step`] for each call, and the [`Ending`]. A last line that is torn
//! was never seen by the agent and is cut off. What is written survives the end of the process, not that of the machine.
//! Results of more than [`INLINE_BYTES_MAX`] lie beside it, named by their digest.
//!
//! Time comes from here too, in whole milliseconds ([`Clock`]): how often the agent asked for it between two calls, and what
//! it was told, is part of the next step. What it was told after its last call had no effect yet, and need not be known.

mod store;

pub(crate) use store::Journals;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use swarm_flow_protocol::{AgentError, Divergence, Task, TaskResult};
use swarm_flow_sandbox::Clock;

const INLINE_BYTES_MAX: usize = 16 << 10;
/// Of a journal without what lies beside it.
const BYTES_MAX: u64 = 64 << 20;
/// So much of a call's request is kept as it is; of a larger one only the digest.
const REQUEST_BYTES_MAX: usize = 4 << 10;

/// Whose journal it is, and what the agent began with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) run: String,
    pub(crate) index: u32,
    /// From 1. An attempt that was lost goes on as the same one.
    pub(crate) attempt: u32,
    pub(crate) agent: String,
    /// BLAKE3 of its component, hexadecimal.
    pub(crate) digest: String,
    pub(crate) task: Task,
    pub(crate) started_at_ms: u64,
    /// Hexadecimal.
    seed: String,
}

/// A call and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Step {
    call: String,
    request: Value,
    /// What the agent was told of time since the step before: milliseconds since 1970, and how often.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    times: VecDeque<(u64, u64)>,
    result: Kept,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Inline(Value),
    /// Of the file beside the journals.
    Digest(String),
}

/// What came of the attempt, as it was reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ending {
    ended: Result<TaskResult, AgentError>,
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    times: VecDeque<(u64, u64)>,
}

/// What the agent calls now: was it called before?
pub(crate) enum Call {
    /// Then this came of it.
    Recorded(Value),
    /// It is to be made, and [recorded](Journal::record).
    New(Pending),
}

/// A call that is being made.
pub(crate) struct Pending {
    call: &'static str,
    request: Value,
    /// How many came before it.
    step: usize,
}

pub(crate) struct Journal {
    pub(crate) header: Header,
    seed: [u8; 32],
    inner: Mutex<Inner>,
}

struct Inner {
    /// None while a journal is replayed: then nothing is written, and nothing is done that is not in it.
    file: Option<File>,
    /// Where what is large lies.
    beside: PathBuf,
    bytes: u64,
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
    pub(crate) fn open(
        path: &Path,
        begin: impl FnOnce() -> io::Result<Header>,
    ) -> io::Result<Self> {
        let journal = match Self::read(path) {
            Ok((header, mut inner, whole)) => {
                let file = File::options().append(true).open(path)?;
                file.set_len(whole)?;
                inner.file = Some(file);
                inner.bytes = whole;
                // It was not reported, or it would not be asked for: the agent says it again.
                inner.ending = None;
                Self::new(header, inner)?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let header = begin()?;
                let mut inner = Inner::empty(path);
                inner.file = Some(File::options().create(true).append(true).open(path)?);
                inner.write(&header)?;
                Self::new(header, inner)?
            }
            Err(error) => return Err(error),
        };
        Ok(journal)
    }

    /// A journal to be replayed: nothing is added to it.
    pub(crate) fn replay(path: &Path) -> io::Result<Self> {
        let (header, inner, _) = Self::read(path)?;
        Self::new(header, inner)
    }

    fn new(header: Header, mut inner: Inner) -> io::Result<Self> {
        let mut seed = [0; 32];
        hex_into(&header.seed, &mut seed)?;
        inner.last_ms = header.started_at_ms;
        inner.told_before = inner.times_before_next();
        Ok(Self {
            header,
            seed,
            inner: Mutex::new(inner),
        })
    }

    /// The header, the rest, and how many bytes of whole lines there are. A file without a whole header is not there.
    fn read(path: &Path) -> io::Result<(Header, Inner, u64)> {
        let text = std::fs::read(path)?;
        let whole = text
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let mut lines = text
            .get(..whole)
            .unwrap_or_default()
            .split(|byte| *byte == b'\n');
        let Some(header) = lines.next().filter(|line| !line.is_empty()) else {
            std::fs::remove_file(path)?;
            return Err(io::ErrorKind::NotFound.into());
        };
        let header: Header = serde_json::from_slice(header)?;
        let mut inner = Inner::empty(path);
        for line in lines.filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<Line>(line)? {
                Line::Step(step) => inner.recorded.push_back(step),
                Line::Ending(ending) => inner.ending = Some(ending),
            }
        }
        Ok((header, inner, whole as u64))
    }

    /// How many calls are recorded that were not fed yet.
    fn steps(&self) -> usize {
        self.inner().recorded.len()
    }

    pub(crate) fn seed(&self) -> [u8; 32] {
        self.seed
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
                inner.result(known.result).map(Call::Recorded)
            }
            Some(known) => {
                let expected = shown(&known.call, &known.request);
                Err(inner.diverge(step, expected, shown(call, &request)))
            }
            None if inner.file.is_none() => {
                Err(inner.diverge(step, "the end".to_owned(), shown(call, &request)))
            }
            None => Ok(Call::New(Pending {
                call,
                request,
                step,
            })),
        }
    }

    /// Names a call, the same when it is made again after a crash. [`Journals::is_recorded`] understands it.
    pub(crate) fn key(&self, pending: &Pending) -> String {
        let Header {
            run,
            index,
            attempt,
            ..
        } = &self.header;
        format!("{run}/{index}/{attempt}/{}", pending.step)
    }

    /// Writes down what came of a call; only then may the agent see it.
    pub(crate) fn record(&self, pending: Pending, result: &impl Serialize) -> io::Result<()> {
        let mut inner = self.inner();
        let result = serde_json::to_value(result)?;
        let step = Step {
            call: pending.call.to_owned(),
            request: pending.request,
            times: std::mem::take(&mut inner.times),
            result: inner.keep(result)?,
        };
        inner.write(&step)?;
        inner.step += 1;
        Ok(())
    }

    /// The attempt is over. While it is replayed, this says whether it came to the same.
    pub(crate) fn end(&self, ended: &Result<TaskResult, AgentError>) -> io::Result<()> {
        let mut inner = self.inner();
        if inner.divergence.is_some() {
            return Ok(());
        }
        if inner.file.is_none() {
            let step = inner.step;
            let actual = serde_json::to_string(ended)?;
            if let Some(missed) = inner.recorded.pop_front() {
                let expected = shown(&missed.call, &missed.request);
                inner.diverge(step, expected, format!("the end: {actual}"));
            } else if let Some(ending) = inner.ending.take() {
                let expected = serde_json::to_string(&ending.ended)?;
                if expected != actual {
                    inner.diverge(
                        step,
                        format!("the end: {expected}"),
                        format!("the end: {actual}"),
                    );
                }
            }
            return Ok(());
        }
        let ending = Ending {
            ended: ended.clone(),
            times: std::mem::take(&mut inner.times),
        };
        inner.write(&ending)
    }

    /// Where the agent first did something else than it did before, and how many calls it had made.
    pub(crate) fn replayed(&self) -> (usize, Option<Divergence>) {
        let inner = self.inner();
        (inner.step, inner.divergence.clone())
    }
}

/// Why an agent is not served any more. It is to be ended.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Stopped(String);

impl Inner {
    fn empty(path: &Path) -> Self {
        Self {
            file: None,
            beside: path
                .parent()
                .map(|folder| folder.join("large"))
                .unwrap_or_default(),
            bytes: 0,
            step: 0,
            recorded: VecDeque::new(),
            ending: None,
            told_before: VecDeque::new(),
            times: VecDeque::new(),
            last_ms: 0,
            divergence: None,
        }
    }

    fn times_before_next(&mut self) -> VecDeque<(u64, u64)> {
        match (self.recorded.front_mut(), &mut self.ending) {
            (Some(step), _) => std::mem::take(&mut step.times),
            (None, Some(ending)) => std::mem::take(&mut ending.times),
            (None, None) => VecDeque::new(),
        }
    }

    /// One line in one write: a reader finds all of it or a torn last line.
    fn write(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.bytes += text.len() as u64;
        if self.bytes > BYTES_MAX {
            return Err(io::Error::other(format!(
                "the task's journal has more than {BYTES_MAX} bytes: the agent calls too much, or asks for the time too often"
            )));
        }
        match &mut self.file {
            Some(file) => file.write_all(&text),
            None => Ok(()),
        }
    }

    fn keep(&self, result: Value) -> io::Result<Kept> {
        let text = serde_json::to_vec(&result)?;
        if text.len() <= INLINE_BYTES_MAX {
            return Ok(Kept::Inline(result));
        }
        let digest = blake3::hash(&text).to_hex().to_string();
        let path = self.beside.join(&digest);
        if !path.exists() {
            std::fs::create_dir_all(&self.beside)?;
            let aside = self.beside.join(crate::workspace::fresh_name());
            std::fs::write(&aside, &text)?;
            std::fs::rename(aside, path)?;
        }
        Ok(Kept::Digest(digest))
    }

    fn result(&self, kept: Kept) -> Result<Value, Stopped> {
        match kept {
            Kept::Inline(result) => Ok(result),
            Kept::Digest(digest) => std::fs::read(self.beside.join(&digest))
                .and_then(|text| Ok(serde_json::from_slice(&text)?))
                .map_err(|error| {
                    Stopped(format!(
                        "the journal's large result {digest} cannot be read: {error}"
                    ))
                }),
        }
    }

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
}

impl Clock for Journal {
    fn wall(&self) -> Duration {
        let mut inner = self.inner();
        if let Some((ms, times)) = inner.told_before.front_mut() {
            let ms = *ms;
            *times -= 1;
            if *times == 0 {
                inner.told_before.pop_front();
            }
            inner.last_ms = ms;
            return Duration::from_millis(ms);
        }
        // In a replay there is no other time than what was told.
        let ms = if inner.file.is_some() {
            now_ms().max(inner.last_ms)
        } else {
            inner.last_ms
        };
        inner.last_ms = ms;
        match inner.times.back_mut() {
            Some((last, times)) if *last == ms => *times += 1,
            _ => inner.times.push_back((ms, 1)),
        }
        Duration::from_millis(ms)
    }

    fn monotonic(&self) -> Duration {
        let started = Duration::from_millis(self.header.started_at_ms);
        self.wall().saturating_sub(started)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Step(Step),
    Ending(Ending),
}

impl Header {
    /// Of an attempt that begins now.
    pub(crate) fn new(
        run: &str,
        index: u32,
        attempt: u32,
        agent: (&str, &str),
        task: &Task,
    ) -> io::Result<Self> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other)?;
        Ok(Self {
            run: run.to_owned(),
            index,
            attempt,
            agent: agent.0.to_owned(),
            digest: agent.1.to_owned(),
            task: task.clone(),
            started_at_ms: now_ms(),
            seed: blake3::Hash::from_bytes(seed).to_hex().to_string(),
        })
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

fn hex_into(text: &str, seed: &mut [u8; 32]) -> io::Result<()> {
    let hash = blake3::Hash::from_hex(text)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    *seed = *hash.as_bytes();
    Ok(())
}

/// What is large is named by its digest: it only has to be compared.
fn bounded(request: Value) -> Value {
    let text = request.to_string();
    if text.len() <= REQUEST_BYTES_MAX {
        request
    } else {
        Value::String(format!(
            "{} bytes with digest {}",
            text.len(),
            blake3::hash(text.as_bytes()).to_hex()
        ))
    }
}

fn shown(call: &str, request: &Value) -> String {
    format!("{call} {request}")
}

#[cfg(test)]
mod tests;
