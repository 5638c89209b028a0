//! A command for a model. A client that asks for progress sees what the command puts out while it runs; by leaving, it
//! ends the command.

use super::arguments::Inner;
use super::call::{complete, failed, result, structured};
use super::platform::Platform;
use crate::problem::Problem;
use crate::respond::Reply;
use crate::stream::{Events, Sink};
use serde_json::{Map, Value, json};
use swarm_flow_mcp::{Call, Channel, Client, Outcome};

pub fn exec(
    platform: &Platform,
    client: &Client,
    mut inner: Inner<'_>,
    call: &Call,
) -> Result<Outcome, Problem> {
    let Some(token) = call.progress_token.clone().filter(|_| client.streams) else {
        return structured(inner, None).map(complete);
    };
    inner
        .headers
        .insert(0, ("accept", "text/event-stream".to_owned()));
    let Reply::Events(events) = inner.answer()? else {
        return Err(Problem::internal("a command is no stream".to_owned()));
    };
    let platform = platform.clone();
    Ok(Outcome::Stream {
        resumable: false,
        run: Box::new(move |channel| Ok(follow(&platform, channel, token, events))),
    })
}

fn follow(platform: &Platform, channel: &mut Channel, token: Value, events: Events) -> Outcome {
    let mut progress = Progress {
        channel,
        token,
        pieces: 0,
        stdout: String::new(),
        stderr: String::new(),
        exit: None,
        error: None,
    };
    events(&mut progress);
    match progress {
        Progress {
            exit: Some(mut exit),
            stdout,
            stderr,
            ..
        } => {
            exit["stdout"] = stdout.into();
            exit["stderr"] = stderr.into();
            Outcome::Complete(result(exit))
        }
        Progress {
            error: Some(problem),
            ..
        } => Outcome::Complete(json!({
            "content": [{"type": "text", "text": problem.to_string()}],
            "isError": true,
        })),
        _ => failed(
            platform,
            &Problem::internal("a command ended without a word".to_owned()),
        ),
    }
}

/// Takes the events of a command and tells of them as progress.
struct Progress<'a, 'b> {
    channel: &'a mut Channel<'b>,
    token: Value,
    pieces: u64,
    stdout: String,
    stderr: String,
    exit: Option<Value>,
    error: Option<Value>,
}

impl Sink for Progress<'_, '_> {
    fn send(&mut self, bytes: &[u8]) -> bool {
        let Some((kind, data)) = event(bytes) else {
            return self.channel.passed(crate::stream::KEEP_ALIVE_MS);
        };
        let piece = data["text"].as_str().or(data["base64"].as_str());
        let piece = piece.unwrap_or_default().to_owned();
        match kind {
            "stdout" => self.stdout.push_str(&piece),
            "stderr" => self.stderr.push_str(&piece),
            "exit" => {
                self.exit = Some(data);
                return true;
            }
            "error" => {
                self.error = Some(data);
                return true;
            }
            _ => return true,
        }
        self.pieces += 1;
        let params = Map::from_iter([
            ("progressToken".to_owned(), self.token.clone()),
            ("progress".to_owned(), self.pieces.into()),
            ("message".to_owned(), piece.into()),
        ]);
        self.channel.notify("notifications/progress", params)
    }

    fn is_open(&mut self) -> bool {
        self.channel.passed(0)
    }

    fn sleep(&mut self, ms: u64) {
        self.channel.rest(ms);
    }
}

/// One event, as `stream::event` writes it; none of a comment.
fn event(bytes: &[u8]) -> Option<(&str, Value)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (kind, data) = text.strip_prefix("event: ")?.split_once("\ndata: ")?;
    Some((kind, serde_json::from_str(data.trim_end()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_as_it_is_written() {
        let written = crate::stream::event(None, "stdout", &json!({"text": "a\nb"}));
        assert_eq!(event(&written), Some(("stdout", json!({"text": "a\nb"}))));
        assert_eq!(event(b": keep-alive\n\n"), None);
    }
}
