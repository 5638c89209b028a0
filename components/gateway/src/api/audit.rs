//! `/audit`: what was done and decided, page by page, as a stream that goes on, or all of it as lines.

use crate::api::events::{BATCH, follow, resume};
use crate::bindings::audit as wit;
use crate::bindings::types::PageRequest;
use crate::problem::Problem;
use crate::query::Query;
use crate::request::Request;
use crate::respond::{Page, Reply, ok};
use crate::shape::event::Event;
use crate::stream::Sink;
use swarm_flow_protocol::time;

/// What selects records.
const FILTER: [&str; 8] = [
    "workspace",
    "sandbox",
    "capability",
    "decision",
    "kind",
    "actor",
    "since",
    "until",
];

pub fn query(request: &Request) -> Result<Reply, Problem> {
    let mut known = FILTER.to_vec();
    known.extend(["cursor", "limit"]);
    let query = request.query(&known)?;
    let filter = filter(&query)?;
    let stream = request.accepts("text/event-stream");
    if !stream && !request.accepts("application/x-ndjson") {
        let page = PageRequest {
            cursor: query.text("cursor").map(str::to_owned),
            limit: query.limit()?,
        };
        let page = wit::query(&filter, &page)?;
        return ok(&Page::<Event> {
            items: page.items.into_iter().map(Into::into).collect(),
            next_cursor: page.next,
        });
    }
    for list_only in ["limit", "cursor"] {
        if query.text(list_only).is_some() {
            let message = "is for pages; ask for one by `Accept: application/json`";
            return Err(Problem::invalid(list_only, message));
        }
    }
    if stream {
        let after = resume(request)?.unwrap_or(0);
        return follow(request, after, move |id| wit::after(id, &filter, BATCH));
    }
    // The first look is before the answer begins, so that a failure is an ordinary problem.
    let first = wit::after(0, &filter, BATCH)?;
    let request_id = request.id.clone();
    Ok(Reply::Lines(Box::new(move |sink| {
        export(first, &filter, &request_id, sink)
    })))
}

fn filter(query: &Query) -> Result<wit::Filter, Problem> {
    let text = |name| query.text(name).map(str::to_owned);
    let time = |name| {
        let parse = |text| {
            let message =
                "must be a time such as `2026-01-31T23:59:59Z`, or milliseconds since 1970";
            time::parse(text).ok_or_else(|| Problem::invalid(name, message))
        };
        query.text(name).map(parse).transpose()
    };
    Ok(wit::Filter {
        workspace: text("workspace"),
        sandbox: text("sandbox"),
        capability: text("capability"),
        decision: text("decision"),
        kind: text("kind"),
        actor: text("actor"),
        since_ms: time("since")?,
        until_ms: time("until")?,
    })
}

/// One record a line, up to the last there is. False when it broke off: an export that lacks records must not look whole.
fn export(
    first: Vec<wit::Event>,
    filter: &wit::Filter,
    request_id: &str,
    sink: &mut dyn Sink,
) -> bool {
    let mut found = first;
    while let Some(last) = found.last().map(|last| last.id) {
        let mut lines = Vec::new();
        for record in found.into_iter().map(Event::from) {
            if let Err(error) = serde_json::to_writer(&mut lines, &record) {
                eprintln!("request {request_id}: cannot write JSON: {error}");
                return false;
            }
            lines.push(b'\n');
        }
        if !sink.send(&lines) {
            return false;
        }
        found = match wit::after(last, filter, BATCH) {
            Ok(found) => found,
            Err(error) => {
                eprintln!("request {request_id}: {error:?}");
                return false;
            }
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_none_is_refused_by_name() {
        let parse = |raw| filter(&Query::parse(raw, &FILTER).unwrap());
        let right = parse("since=1970-01-01T00:00:01Z&until=2000&kind=decision.*").unwrap();
        assert_eq!((right.since_ms, right.until_ms), (Some(1000), Some(2000)));
        assert_eq!(right.kind.as_deref(), Some("decision.*"));
        for (raw, field) in [("since=1h", "since"), ("until=", "until")] {
            let problem = parse(raw).unwrap_err();
            assert_eq!(problem.member("field"), Some(&field.into()), "{raw}");
        }
    }
}
