//! The lines of a run's file: whose each is, which line of the same attempt came before it, and what it says.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};
use swarm_flow_protocol::{AgentError, Task, TaskResult};

/// So much of a call's request is kept as it is; of a larger one only the digest.
const REQUEST_BYTES_MAX: usize = 4 << 10;

/// A task of the run, and which attempt of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whose {
    pub(super) task: u32,
    pub(super) attempt: u32,
}

/// Where a line is in its file, and how long it is with its newline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position(pub(super) u64, pub(super) u64);

#[derive(Serialize, Deserialize)]
pub(super) struct Line<D> {
    task: u32,
    attempt: u32,
    /// The attempt's line before this one: an attempt is read from its end, without looking at what others wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<Position>,
    pub(super) did: D,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Did<B, S, E> {
    Began(B),
    Step(S),
    Ended(E),
}

pub(super) type Written<'a> = Did<&'a Header, &'a Step, &'a Ending>;
pub(super) type Read = Did<Box<Header>, Step, Ending>;
/// Of a line whose place is noted and nothing else.
pub(super) type Noted = Did<serde::de::IgnoredAny, serde::de::IgnoredAny, serde::de::IgnoredAny>;

impl<D> Line<D> {
    pub(super) fn whose(&self) -> Whose {
        Whose {
            task: self.task,
            attempt: self.attempt,
        }
    }
}

impl Line<Written<'_>> {
    /// One line, with its newline.
    pub(super) fn text(
        whose: Whose,
        before: Option<Position>,
        did: Written<'_>,
    ) -> io::Result<Vec<u8>> {
        let line = Line {
            task: whose.task,
            attempt: whose.attempt,
            before,
            did,
        };
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        Ok(text)
    }
}

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
pub(super) struct Step {
    pub(super) call: String,
    pub(super) request: Value,
    /// What the agent was told of time since the step before: milliseconds since 1970, and how often.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(super) times: VecDeque<(u64, u64)>,
    pub(super) result: Kept,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kept {
    Inline(Value),
    /// Of the file beside the run's.
    Digest(String),
}

/// What came of the attempt, as it was reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ending {
    pub(super) ended: Result<TaskResult, AgentError>,
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub(super) times: VecDeque<(u64, u64)>,
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

    pub(super) fn seed(&self) -> io::Result<[u8; 32]> {
        let hash = blake3::Hash::from_hex(&self.seed);
        let hash = hash.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(*hash.as_bytes())
    }
}

pub(super) fn now_ms() -> u64 {
    ms_of(SystemTime::now())
}

pub(super) fn ms_of(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// What is large is named by its digest: it only has to be compared.
pub(super) fn bounded(request: Value) -> Value {
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

pub(super) fn shown(call: &str, request: &Value) -> String {
    format!("{call} {request}")
}
