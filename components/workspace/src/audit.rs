//! The runners' audit logs, and records of all kinds for who asks.
//!
//! A runner chains its records itself, so that nobody between it and the table can change one unseen. Here each hash is
//! computed again before it is kept: what does not match, or is not a runner's to say, is refused as a whole.

use crate::fault::{self, invalid};
use crate::model::{AuditFilter, Page, check_name};
use std::collections::BTreeMap;
use swarm_flow_protocol::{
    AUDIT_ACTOR_CHARACTERS_MAX, AUDIT_BATCH_MAX, AUDIT_PAYLOAD_BYTES_MAX, AuditEntry, AuditHead,
    Error, audit_stream,
};
use swarm_flow_state::{
    AppendError, Cursor, Database, Event, Row, Value, append_linked, head, query as run,
};

mod select;

#[cfg(test)]
mod tests;

/// One page of records, and the cursor of the next.
#[derive(Debug)]
pub struct RecordPage {
    pub items: Vec<Event>,
    pub next: Option<String>,
}

pub fn runner_head(database: &impl Database, runner: &str) -> Result<AuditHead, Error> {
    check_runner(runner)?;
    let head = head(database, &audit_stream(runner)).map_err(fault::database)?;
    Ok(AuditHead {
        sequence: head.sequence,
        hash: head.hash,
    })
}

/// Appends what is not there yet. Tried first and looked up after a conflict: a batch comes twice only when the answer to
/// the first was lost.
pub fn append(
    database: &impl Database,
    runner: &str,
    previous: &AuditHead,
    entries: Vec<AuditEntry>,
) -> Result<AuditHead, Error> {
    check_runner(runner)?;
    let events = linked(&audit_stream(runner), previous, entries)?;
    let mut new = events.as_slice();
    for _ in 0..ATTEMPTS {
        match append_linked(database, new) {
            Ok(()) => {
                return new
                    .last()
                    .map_or_else(|| runner_head(database, runner), |last| Ok(head_at(last)));
            }
            Err(AppendError::Database(error)) => return Err(fault::database(error)),
            Err(AppendError::Conflict) => {}
        }
        let kept = kept(database, previous, &events)?;
        new = events.get(kept..).unwrap_or_default();
    }
    // Not a conflict: the records may well be the same.
    Err(Error::Busy {
        retry_after_ms: RETRY_MS,
    })
}

pub fn query(
    database: &impl Database,
    filter: &AuditFilter,
    page: &Page,
) -> Result<RecordPage, Error> {
    const LIST: &str = "audit";
    let limit = page.items()?;
    let position = Cursor::position_of(LIST, page.cursor.as_deref())
        .map_err(|error| invalid("cursor", error.to_string()))?;
    // One more than asked for tells whether there is a next page.
    let mut items = after(database, position, filter, limit + 1)?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| {
        let position = last.id;
        Cursor {
            list: LIST,
            position,
        }
        .encode()
    });
    Ok(RecordPage { items, next })
}

pub fn after(
    database: &impl Database,
    id: u64,
    filter: &AuditFilter,
    limit: u32,
) -> Result<Vec<Event>, Error> {
    let (statement, parameters) = select::records(id, filter, limit)?;
    let rows = run(database, &statement, &parameters).map_err(fault::database)?;
    rows.iter()
        .map(Event::from_row)
        .collect::<Result<_, _>>()
        .map_err(fault::database)
}

/// How often appending is tried when one batch comes twice at once.
const ATTEMPTS: u32 = 4;
const RETRY_MS: u64 = 100;
/// What the text of a conflict starts with when the app and the runner have different records.
const DIVERGED: &str = "audit-diverged";
/// What a runner may say. All else is the app's to say.
const KINDS: [&str; 5] = [
    "sandbox.started",
    "sandbox.ended",
    "decision.allowed",
    "decision.denied",
    "secret.used",
];

fn head_at(event: &Event) -> AuditHead {
    AuditHead {
        sequence: event.sequence,
        hash: event.hash.clone(),
    }
}

fn check_runner(runner: &str) -> Result<(), Error> {
    check_name("runner", runner)
}

/// The events that the entries stand for, each checked.
fn linked(
    stream: &str,
    previous: &AuditHead,
    entries: Vec<AuditEntry>,
) -> Result<Vec<Event>, Error> {
    if !(1..=AUDIT_BATCH_MAX).contains(&entries.len()) {
        let message = format!("must be 1 to {AUDIT_BATCH_MAX}, are {}", entries.len());
        return Err(invalid("entries", message));
    }
    if (previous.sequence == 0) != previous.hash.is_empty() {
        let message = "is empty before the first record, and only there".to_owned();
        return Err(invalid("previous.hash", message));
    }
    // The database's numbers are signed.
    if previous.sequence > i64::MAX as u64 - AUDIT_BATCH_MAX as u64 {
        return Err(invalid("previous.sequence", "is too large".to_owned()));
    }
    let mut before = previous.clone();
    let mut events = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        check(&entry)
            .map_err(|(field, message)| invalid(&format!("entries[{index}].{field}"), message))?;
        let event = Event {
            id: 0,
            stream: stream.to_owned(),
            sequence: before.sequence + 1,
            kind: entry.kind,
            payload: entry.payload,
            actor: entry.actor,
            at_ms: entry.at_ms,
            previous_hash: before.hash,
            hash: entry.hash,
        };
        if event.right_hash() != event.hash {
            let message = "is not the hash of this record and the one before it".to_owned();
            return Err(invalid(&format!("entries[{index}].hash"), message));
        }
        before = head_at(&event);
        events.push(event);
    }
    Ok(events)
}

/// Refuses a record that is not a runner's to say, or that could not be shown as it is: a record is one line.
fn check(entry: &AuditEntry) -> Result<(), (&'static str, String)> {
    if !KINDS.contains(&entry.kind.as_str()) {
        return Err(("kind", format!("must be one of {}", KINDS.join(", "))));
    }
    let payload = entry.payload.as_str();
    if payload.len() > AUDIT_PAYLOAD_BYTES_MAX {
        return Err((
            "payload",
            format!("is longer than {AUDIT_PAYLOAD_BYTES_MAX} bytes"),
        ));
    }
    let object = payload.starts_with('{')
        && payload.ends_with('}')
        && payload.bytes().all(|byte| byte >= b' ')
        && serde_json::from_str::<BTreeMap<String, serde_json::Value>>(payload).is_ok();
    if !object {
        return Err(("payload", "must be a JSON object on one line".to_owned()));
    }
    let actor = entry.actor.as_str();
    if !(1..=AUDIT_ACTOR_CHARACTERS_MAX).contains(&actor.chars().count())
        || actor.contains(char::is_control)
    {
        let message = format!("must be 1 to {AUDIT_ACTOR_CHARACTERS_MAX} printable characters");
        return Err(("actor", message));
    }
    if i64::try_from(entry.at_ms).is_err() {
        return Err(("at_ms", "is too large".to_owned()));
    }
    Ok(())
}

/// How many of these events are kept already; a conflict when others are, or what they follow is not.
fn kept(database: &impl Database, previous: &AuditHead, events: &[Event]) -> Result<usize, Error> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Ok(0);
    };
    let statement = "SELECT sequence, hash FROM event \
                     WHERE stream = ? AND sequence BETWEEN ? AND ? ORDER BY sequence";
    let integer = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let parameters = [
        Value::Text(first.stream.clone()),
        integer(previous.sequence),
        integer(last.sequence),
    ];
    let rows = run(database, statement, &parameters).map_err(fault::database)?;
    let claimed = (previous.sequence > 0).then_some((previous.sequence, previous.hash.as_str()));
    let claimed = claimed.into_iter().chain(
        events
            .iter()
            .map(|event| (event.sequence, event.hash.as_str())),
    );
    let here = |row: &Row| Ok((row.integer(0)?, row.text(1)?.to_owned()));
    let mut rows = rows.iter().map(here);
    let mut kept = 0;
    for (sequence, hash) in claimed {
        match rows.next().transpose().map_err(fault::database)? {
            Some((there, same)) if (there, same.as_str()) == (sequence, hash) => {}
            None if sequence > previous.sequence => break,
            None => return Err(diverged(sequence, "the app has no such record")),
            Some(_) => return Err(diverged(sequence, "the app has another record there")),
        }
        kept += usize::from(sequence > previous.sequence);
    }
    Ok(kept)
}

fn diverged(sequence: u64, why: &str) -> Error {
    fault::conflict(format!("{DIVERGED}: record {sequence}: {why}"))
}
