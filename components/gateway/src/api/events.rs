//! `/events`: everything that the app did, as a stream that goes on or as a list.

use crate::bindings::events as wit;
use crate::bindings::types::Error;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, ok};
use crate::shape::event::Event;
use crate::stream::{Silence, Sink, event};

/// How often a stream looks for new events. A component cannot be woken by the database.
const POLL_MS: u64 = 200;
/// Events of one statement.
pub const BATCH: u32 = 100;

pub fn after(request: &Request) -> Result<Reply, Problem> {
    let query = request.query(&["after", "stream", "limit", "cursor"])?;
    let stream = query.text("stream").map(str::to_owned);
    let after = query.number("after")?;
    if request.accepts("application/json") {
        let after = query.number("cursor")?.or(after).unwrap_or(0);
        return list(after, stream.as_deref(), query.limit()?.unwrap_or(BATCH));
    }
    for list_only in ["limit", "cursor"] {
        if query.text(list_only).is_some() {
            return Err(Problem::invalid(
                list_only,
                "is for lists; ask for one by `Accept: application/json`",
            ));
        }
    }
    // A browser that reconnects says how far it came, and knows better than the address it was given.
    let after = resume(request)?.or(after).unwrap_or(0);
    follow(request, after, move |id| {
        wit::after(id, stream.as_deref(), BATCH)
    })
}

/// What `more` gives after an id, and then what it gives later, as a stream of events.
pub fn follow(
    request: &Request,
    after: u64,
    more: impl Fn(u64) -> Result<Vec<wit::Event>, Error> + 'static,
) -> Result<Reply, Problem> {
    // The first look is before the answer begins, so that a failure is an ordinary problem.
    let first = more(after)?;
    let request_id = request.id.clone();
    Ok(Reply::Events(Box::new(move |sink| {
        send(first, after, more, &request_id, sink)
    })))
}

/// `Last-Event-ID`: where a caller that connects again goes on.
pub fn resume(request: &Request) -> Result<Option<u64>, Problem> {
    match request.headers.text("last-event-id") {
        None | Some("") => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| Problem::invalid("Last-Event-ID", "must be the id of an event")),
    }
}

fn list(after: u64, stream: Option<&str>, limit: u32) -> Result<Reply, Problem> {
    let found = wit::after(after, stream, limit)?;
    let full = found.len() as u64 >= u64::from(limit);
    let next_cursor = found
        .last()
        .filter(|_| full)
        .map(|last| last.id.to_string());
    ok(&Page::<Event> {
        items: found.into_iter().map(Into::into).collect(),
        next_cursor,
    })
}

/// Sends what is there, then what comes, until the caller is gone.
fn send(
    first: Vec<wit::Event>,
    mut after: u64,
    more: impl Fn(u64) -> Result<Vec<wit::Event>, Error>,
    request_id: &str,
    sink: &mut dyn Sink,
) {
    let mut silence = Silence::default();
    let mut found = first;
    // Headers alone would leave a caller waiting for the first byte.
    if !sink.send(b": connected\n\n") {
        return;
    }
    loop {
        let waits = found.is_empty();
        for new in found.into_iter().map(Event::from) {
            after = new.id;
            silence.broken();
            if !sink.send(&event(Some(new.id), &new.kind, &new)) {
                return;
            }
        }
        if waits {
            sink.sleep(POLL_MS);
            if !silence.passed(POLL_MS, sink) {
                return;
            }
        }
        found = match more(after) {
            Ok(found) => found,
            // The caller connects again and goes on where it was.
            Err(error) => {
                eprintln!("request {request_id}: {error:?}");
                return;
            }
        };
    }
}
