//! Waiting for a run, and for the people whom its agents ask.
//!
//! A client that can show a form gets the questions as such; any other reads them in the result.

use super::arguments::{self, Inner};
use super::call::{complete, failed, result, structured};
use super::platform::Platform;
use crate::problem::Problem;
use serde_json::{Map, Value, json};
use swarm_flow_mcp::{Call, Channel, Client, Era, Outcome};

/// How often a run is looked at. A component cannot be woken by the database.
const POLL_MS: u64 = 200;
const TIMEOUT_MS: u64 = 30_000;
const TIMEOUT_MS_MAX: u64 = 600_000;

/// What stands before a question's id in the id of a request to a client.
pub const QUESTION: &str = "question:";

pub fn wait(platform: &Platform, client: &Client, call: &Call) -> Result<Outcome, Problem> {
    arguments::only(&call.arguments, &["run", "timeout_ms"])?;
    let run = arguments::text(&call.arguments, "run")?.to_owned();
    let timeout_ms =
        arguments::number(&call.arguments, "timeout_ms", TIMEOUT_MS, 0, TIMEOUT_MS_MAX)?;
    let responses = call.inputs.responses.clone().unwrap_or_default();
    answer(&platform.request_id, &responses)?;
    let ends_at_ms = platform.now().saturating_add(timeout_ms);
    let asks = client.elicits();
    if client.era == Era::Legacy && client.streams {
        // The first look is before the answer begins: what is wrong is then said at once.
        let first = look(&platform.request_id, &run)?;
        let platform = platform.clone();
        return Ok(Outcome::Stream {
            resumable: true,
            run: Box::new(move |channel| {
                let waited = by_stream(&platform, channel, &run, first, asks, ends_at_ms);
                Ok(waited.unwrap_or_else(|problem| failed(&platform, &problem)))
            }),
        });
    }
    let asks = asks && client.era == Era::Modern;
    loop {
        let seen = look(&platform.request_id, &run)?;
        if asks {
            // Who declined has said so: it is not asked twice in one call.
            let new = seen.open.iter().filter(|question| {
                let id = question["id"].as_str().unwrap_or_default();
                !responses.contains_key(id)
            });
            let requests = requests(new);
            if !requests.is_empty() {
                return Ok(Outcome::Input {
                    requests,
                    state: None,
                });
            }
        }
        if seen.is_over() || (!asks && !seen.open.is_empty()) || platform.now() >= ends_at_ms {
            return Ok(complete(seen.json()));
        }
        std::thread::sleep(std::time::Duration::from_millis(POLL_MS));
    }
}

/// The same for a client of the legacy era: what it is asked goes over the stream, and its answers come in requests of
/// their own.
fn by_stream(
    platform: &Platform,
    channel: &mut Channel,
    run: &str,
    mut seen: Seen,
    asks: bool,
    ends_at_ms: u64,
) -> Result<Outcome, Problem> {
    let mut asked = Vec::new();
    loop {
        if seen.is_over() || (!asks && !seen.open.is_empty()) || platform.now() >= ends_at_ms {
            return Ok(Outcome::Complete(result(seen.json())));
        }
        for (id, request) in requests(seen.open.iter()) {
            if !asked.contains(&id) {
                let params = request["params"].clone();
                channel.ask(&format!("{QUESTION}{id}"), "elicitation/create", params);
                asked.push(id);
            }
        }
        if !channel.rest(POLL_MS) {
            return Ok(Outcome::Complete(result(seen.json())));
        }
        seen = look(&platform.request_id, run)?;
    }
}

/// A run, and what its agents ask just now.
pub struct Seen {
    pub run: Value,
    pub open: Vec<Value>,
}

impl Seen {
    pub fn is_over(&self) -> bool {
        !matches!(self.run["state"].as_str(), Some("running" | "paused"))
    }

    fn json(self) -> Value {
        let over = self.is_over();
        json!({"run": self.run, "over": over, "questions": self.open})
    }
}

pub fn look(id: &str, run: &str) -> Result<Seen, Problem> {
    let state = structured(Inner::new(id, "GET", "/runs/{id}", &[run]), None)?;
    let questions = Inner::new(id, "GET", "/questions", &[])
        .with_query("run", run)
        .with_query("state", "open");
    let mut questions = structured(questions, None)?;
    let open = match questions["items"].take() {
        Value::Array(open) => open,
        _ => Vec::new(),
    };
    Ok(Seen { run: state, open })
}

/// Questions as forms, by their ids.
pub fn requests<'a>(questions: impl Iterator<Item = &'a Value>) -> Map<String, Value> {
    questions
        .filter_map(|question| {
            let id = question["id"].as_str()?.to_owned();
            let mut answer = json!({"type": "string", "title": "Answer"});
            if question["options"]
                .as_array()
                .is_some_and(|options| !options.is_empty())
            {
                answer["enum"] = question["options"].clone();
            }
            if let Some(default) = question["default"].as_str() {
                answer["default"] = default.into();
            }
            let params = json!({
                "mode": "form",
                "message": question["text"],
                "requestedSchema": {
                    "type": "object",
                    "properties": {"answer": answer},
                    "required": ["answer"],
                },
            });
            Some((
                id,
                json!({"method": "elicitation/create", "params": params}),
            ))
        })
        .collect()
}

/// Answers the questions that a person has answered. What was declined stays open.
pub fn answer(id: &str, responses: &Map<String, Value>) -> Result<(), Problem> {
    for (question, response) in responses {
        if response["action"] != "accept" {
            continue;
        }
        let Some(said) = response["content"]["answer"].as_str() else {
            let message = "must have `content.answer`, a string, when `action` is `accept`";
            return Err(Problem::invalid(
                &format!("inputResponses.{question}"),
                message,
            ));
        };
        let inner = Inner::new(id, "POST", "/questions/{id}/answer", &[question])
            .with_json(&json!({"answer": said}));
        match structured(inner, None) {
            Ok(_) => {}
            // Somebody else was faster, or the run is over: then it goes on without this.
            Err(problem)
                if matches!(problem.code, "question-closed" | "not-found" | "invalid-id") => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(())
}
