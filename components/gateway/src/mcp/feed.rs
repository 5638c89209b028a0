//! What a client is told of, from the events.

use super::platform::Platform;
use super::resource::Address;
use super::task::detailed;
use super::wait::look;
use crate::bindings::events as wit;
use serde_json::{Map, Value, json};
use swarm_flow_mcp::{Fault, Feed, Notice};

/// Events of one statement.
const BATCH: u32 = 100;

/// How many resources and tasks one subscription may name.
const SUBJECTS_MAX: usize = 100;

/// What a client wants to be told of.
#[derive(Default)]
pub struct Wanted {
    tools: bool,
    resources: bool,
    uris: Vec<(String, String)>,
    runs: Vec<String>,
}

impl Wanted {
    /// All that a session can be told of.
    pub fn of_session(tools: bool) -> Self {
        Self {
            tools,
            resources: true,
            ..Self::default()
        }
    }

    /// What of a filter can be granted. `tools`: whether the list of tools may change at all.
    pub fn of_filter(filter: &Map<String, Value>, tools: bool) -> Result<Self, Fault> {
        let flag = |name: &str| filter.get(name) == Some(&Value::Bool(true));
        let uris = strings(filter, "resourceSubscriptions")?;
        let uris = uris.into_iter().filter_map(|uri| {
            let stream = Address::parse(&uri)?.stream()?.to_owned();
            Some((uri, stream))
        });
        Ok(Self {
            tools: tools && flag("toolsListChanged"),
            resources: flag("resourcesListChanged"),
            uris: uris.collect(),
            runs: strings(filter, "taskIds")?,
        })
    }

    /// As it is acknowledged.
    pub fn json(&self) -> Value {
        let mut granted = json!({});
        if self.tools {
            granted["toolsListChanged"] = true.into();
        }
        if self.resources {
            granted["resourcesListChanged"] = true.into();
        }
        if !self.uris.is_empty() {
            let uris: Vec<_> = self.uris.iter().map(|(uri, _)| uri).collect();
            granted["resourceSubscriptions"] = json!(uris);
        }
        if !self.runs.is_empty() {
            granted["taskIds"] = json!(self.runs);
        }
        granted
    }

    fn notices(&self, platform: &Platform, events: &[wit::Event]) -> Vec<Notice> {
        let mut notices: Vec<Notice> = Vec::new();
        let mut add = |method, params: Value, id| {
            let params = params.as_object().cloned().unwrap_or_default();
            // Of several that say the same, the last is enough.
            notices.retain(|other| other.method != method || !same(&other.params, &params));
            notices.push(Notice { method, params, id });
        };
        for event in events {
            let kind = event.kind.as_str();
            if self.tools && matches!(kind, "program.added" | "program.removed") {
                add("notifications/tools/list_changed", json!({}), event.id);
            }
            let lists = ["workspace.created", "workspace.deleted", "run.submitted"];
            if self.resources && lists.contains(&kind) {
                add("notifications/resources/list_changed", json!({}), event.id);
            }
            for (uri, _) in self.uris.iter().filter(|(_, of)| *of == event.stream) {
                let params = json!({"uri": uri});
                add("notifications/resources/updated", params, event.id);
            }
            if self.runs.contains(&event.stream)
                && let Ok(seen) = look(&platform.request_id, &event.stream)
            {
                add("notifications/tasks", detailed(&seen), event.id);
            }
        }
        notices
    }
}

/// Whether two notices are about the same thing.
fn same(one: &Map<String, Value>, other: &Map<String, Value>) -> bool {
    ["uri", "taskId"]
        .iter()
        .all(|name| one.get(*name) == other.get(*name))
}

fn strings(filter: &Map<String, Value>, name: &str) -> Result<Vec<String>, Fault> {
    let wrong = || {
        let message =
            format!("`notifications.{name}` must be an array of {SUBJECTS_MAX} strings at most");
        Fault::invalid_params(message)
    };
    let Some(value) = filter.get(name) else {
        return Ok(Vec::new());
    };
    let items = value.as_array().filter(|items| items.len() <= SUBJECTS_MAX);
    let strings = items.ok_or_else(wrong)?.iter().map(|item| {
        let text = item.as_str().map(str::to_owned);
        text.ok_or_else(wrong)
    });
    strings.collect()
}

/// Reads events on from one of them.
pub struct Events {
    platform: Platform,
    wanted: Wanted,
    after: u64,
}

impl Events {
    /// From `after` on, or from now on.
    pub fn new(platform: Platform, wanted: Wanted, after: Option<u64>) -> Result<Self, Fault> {
        let after = match after {
            Some(after) => after,
            None => last(&platform)?,
        };
        Ok(Self {
            platform,
            wanted,
            after,
        })
    }
}

impl Feed for Events {
    fn next(&mut self) -> Result<Vec<Notice>, Fault> {
        loop {
            let events = after(&self.platform, self.after, BATCH)?;
            let Some(last) = events.last() else {
                return Ok(Vec::new());
            };
            self.after = last.id;
            let notices = self.wanted.notices(&self.platform, &events);
            if !notices.is_empty() {
                return Ok(notices);
            }
        }
    }
}

/// The id of the last event, found by halving: there is no other question to ask, and this one takes few steps.
fn last(platform: &Platform) -> Result<u64, Fault> {
    let next = |id: u64| -> Result<Option<u64>, Fault> {
        Ok(after(platform, id, 1)?.first().map(|event| event.id))
    };
    let Some(mut low) = next(0)? else {
        return Ok(0);
    };
    let mut step = 1;
    let mut high = loop {
        match next(low.saturating_add(step))? {
            Some(found) => low = found,
            None => break low.saturating_add(step),
        }
        step *= 2;
    };
    // After `high` there is nothing; `low` is an event.
    while low < high {
        let middle = low + (high - low) / 2;
        match next(middle)? {
            Some(found) => low = found,
            None => high = middle,
        }
    }
    Ok(low)
}

fn after(platform: &Platform, id: u64, limit: u32) -> Result<Vec<wit::Event>, Fault> {
    wit::after(id, None, limit).map_err(|error| {
        eprintln!("request {}: {error:?}", platform.request_id);
        Fault::internal("events cannot be read just now")
    })
}
