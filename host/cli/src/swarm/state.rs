//! A run as the terminal shows it: read from the API, then kept up to date by the run's events. Pure: it knows no
//! server, terminal or clock.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use swarm_flow_protocol::time;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: String,
    pub state: String,
    pub tasks: Vec<Task>,
    pub created_at_ms: u64,
    pub ended_at_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    pub id: String,
    pub index: u32,
    pub agent: String,
    pub workspace: Option<String>,
    pub state: String,
    pub optional: bool,
    /// Indices of other tasks.
    pub needs: Vec<u32>,
    /// The index of the task that made it.
    pub parent: Option<u32>,
    /// How often it was leased.
    pub attempt: u32,
    pub started_at_ms: Option<u64>,
    pub ended_at_ms: Option<u64>,
    /// Why it is in this state, where that is not plain.
    pub why: Option<String>,
}

/// One event of a run's stream.
#[derive(Clone, Debug, Deserialize)]
pub struct Event {
    pub id: u64,
    pub kind: String,
    pub payload: Value,
    pub at_ms: u64,
}

/// What an event was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing that is shown.
    None,
    /// Of the task at this place.
    Task(usize),
    /// Of the run itself.
    Run,
    /// Of a task that we do not know: there are more by now.
    Missing,
    /// We do not know what it means: the server may be newer.
    Unknown,
}

/// States in which nothing comes after.
const OVER: [&str; 3] = ["done", "failed", "cancelled"];

impl Run {
    /// From the answer of `GET /runs/{id}`. What one needs stands there by name.
    pub fn read(answer: &Value) -> Result<Self> {
        let read = Answer::deserialize(answer).context("understand the run")?;
        let indices: HashMap<&str, u32> = read
            .tasks
            .iter()
            .map(|task| (task.id.as_str(), task.index))
            .collect();
        let at = |text: &Option<String>| text.as_deref().and_then(time::parse);
        let tasks = read.tasks.iter().map(|task| Task {
            id: task.id.clone(),
            index: task.index,
            agent: task.agent.clone(),
            workspace: task.workspace.clone(),
            state: task.state.clone(),
            optional: task.optional,
            needs: task
                .needs
                .iter()
                .filter_map(|need| indices.get(need.as_str()).copied())
                .collect(),
            parent: task
                .parent
                .as_ref()
                .and_then(|parent| indices.get(parent.as_str()).copied()),
            attempt: task.attempt,
            started_at_ms: at(&task.started_at),
            ended_at_ms: at(&task.ended_at),
            why: why(&task.failure, &task.result),
        });
        Ok(Self {
            tasks: tasks.collect(),
            created_at_ms: time::parse(&read.created_at).context("read when the run began")?,
            ended_at_ms: at(&read.ended_at),
            id: read.id,
            state: read.state,
        })
    }

    pub fn is_over(&self) -> bool {
        OVER.contains(&self.state.as_str())
    }

    /// As it was when it was submitted: from there its events lead to what it is.
    pub fn rewind(&mut self) {
        "running".clone_into(&mut self.state);
        self.ended_at_ms = None;
        for task in &mut self.tasks {
            let state = if task.needs.is_empty() {
                "ready"
            } else {
                "pending"
            };
            state.clone_into(&mut task.state);
            task.attempt = 0;
            (task.started_at_ms, task.ended_at_ms, task.why) = (None, None, None);
        }
    }

    pub fn apply(&mut self, event: &Event) -> Change {
        let Some((of, state)) = event.kind.split_once('.') else {
            return Change::None;
        };
        match (of, state) {
            ("run", "submitted") => Change::None,
            ("run", "paused") => self.set("paused", None),
            ("run", "resumed") => self.set("running", None),
            ("run", over) if OVER.contains(&over) => self.set(over, Some(event.at_ms)),
            (
                "task",
                "leased" | "waiting" | "retried" | "done" | "failed" | "dead" | "skipped"
                | "cancelled",
            ) => self.apply_to_task(state, event),
            ("task", "progressed") => Change::None,
            ("run" | "task", _) => Change::Unknown,
            _ => Change::None,
        }
    }

    fn set(&mut self, state: &str, ended_at_ms: Option<u64>) -> Change {
        state.clone_into(&mut self.state);
        self.ended_at_ms = ended_at_ms;
        Change::Run
    }

    fn apply_to_task(&mut self, state: &str, event: &Event) -> Change {
        let index = event.payload["index"].as_u64();
        let place = self
            .tasks
            .iter()
            .position(|task| index == Some(task.index.into()));
        let Some((place, task)) = place.and_then(|place| Some((place, self.tasks.get_mut(place)?)))
        else {
            return Change::Missing;
        };
        task.why = why(&event.payload["failure"], &event.payload["result"]);
        let shown = if state == "retried" { "ready" } else { state };
        shown.clone_into(&mut task.state);
        match state {
            "leased" => {
                let fence = event.payload["fence"].as_u64().unwrap_or_default();
                task.attempt = u32::try_from(fence).unwrap_or(u32::MAX);
                task.workspace = event.payload["workspace"].as_str().map(str::to_owned);
                task.started_at_ms = Some(event.at_ms);
                task.ended_at_ms = None;
            }
            "waiting" => task.why = Some(waits_for(&event.payload["wait"])),
            // A task that never began took no time.
            _ if task.started_at_ms.is_some() => task.ended_at_ms = Some(event.at_ms),
            _ => {}
        }
        let ended = task.index;
        self.ready(ended);
        Change::Task(place)
    }

    /// That a task is ready is no event: it follows from the ends of those that it needs.
    fn ready(&mut self, ended: u32) {
        let states: HashMap<u32, bool> = self
            .tasks
            .iter()
            .map(|task| (task.index, task.is_satisfied()))
            .collect();
        let all = |needs: &[u32]| {
            needs
                .iter()
                .all(|need| states.get(need).copied().unwrap_or(false))
        };
        for task in &mut self.tasks {
            if task.state == "pending" && task.needs.contains(&ended) && all(&task.needs) {
                "ready".clone_into(&mut task.state);
            }
        }
    }
}

/// `lock db`, `reply`, `human q_…`.
fn waits_for(wait: &Value) -> String {
    let kind = wait["kind"].as_str().unwrap_or_default();
    match wait["name"].as_str() {
        Some(name) => format!("{kind} {name}"),
        None => kind.to_owned(),
    }
}

impl Task {
    pub fn has_ended(&self) -> bool {
        matches!(
            self.state.as_str(),
            "done" | "failed" | "dead" | "skipped" | "cancelled"
        )
    }

    /// What needs it may begin.
    fn is_satisfied(&self) -> bool {
        self.state == "done" || (self.optional && self.has_ended())
    }

    /// How long it took, or has taken so far; none before its first attempt. Of a task that was tried more than once, events
    /// tell the last attempt, and the API all of them with the time between.
    pub fn took_ms(&self, now_ms: u64) -> Option<u64> {
        let started = self.started_at_ms?;
        let until = self.ended_at_ms.unwrap_or(now_ms);
        Some(until.saturating_sub(started))
    }
}

/// What the API says of a run, as far as it is shown.
#[derive(Deserialize)]
struct Answer {
    id: String,
    state: String,
    tasks: Vec<AnswerTask>,
    created_at: String,
    #[serde(default)]
    ended_at: Option<String>,
}

#[derive(Deserialize)]
struct AnswerTask {
    id: String,
    index: u32,
    agent: String,
    workspace: Option<String>,
    state: String,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    parent: Option<String>,
    attempt: u32,
    #[serde(default)]
    failure: Value,
    #[serde(default)]
    result: Value,
    #[serde(default)]
    started_at: Option<String>,
    #[serde(default)]
    ended_at: Option<String>,
}

/// Why a try came to nothing, in one line.
fn why(failure: &Value, result: &Value) -> Option<String> {
    if let Some(code) = failure["code"].as_str() {
        let message = failure["message"].as_str().unwrap_or_default();
        return Some(format!("{code}: {message}"));
    }
    if result["success"] == false {
        let output = result["output"].as_str().unwrap_or_default();
        return output.lines().next().map(str::to_owned);
    }
    None
}

#[cfg(test)]
mod tests;
