//! The heart of the state: events are appended, read, and nothing else.
//!
//! A writer reads a stream's [`Head`], decides, and appends after that head. When someone else was first
//! the unique key refuses the whole statement ([`AppendError::Conflict`]) and the writer reads and
//! decides again. The table refuses updates, deletions, and an event that does not follow its
//! predecessor's hash.

use crate::{Database, DatabaseError, Row, query};
use spin_sdk::sqlite::Value;
use swarm_flow_protocol::Link;

/// An event that is about to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// `workspace.created`.
    pub kind: &'static str,
    /// JSON. A projection's trigger reads it by `json_extract`.
    pub payload: String,
}

impl NewEvent {
    pub fn new(kind: &'static str, payload: &impl serde::Serialize) -> Result<Self, DatabaseError> {
        let payload = serde_json::to_string(payload).map_err(|error| {
            DatabaseError(format!("cannot write the payload of `{kind}`: {error}"))
        })?;
        Ok(Self { kind, payload })
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Grows over all streams, with gaps.
    pub id: u64,
    pub stream: String,
    /// The place in the stream, from 1, without gaps.
    pub sequence: u64,
    pub kind: String,
    pub payload: String,
    pub actor: String,
    pub at_ms: u64,
    /// Of the event before it in its stream; empty for the first.
    pub previous_hash: String,
    /// SHA-256, hexadecimal.
    pub hash: String,
}

impl Event {
    /// The hash that it has if nobody changed it.
    pub fn right_hash(&self) -> String {
        Link {
            previous_hash: &self.previous_hash,
            stream: &self.stream,
            sequence: self.sequence,
            kind: &self.kind,
            payload: &self.payload,
            actor: &self.actor,
            at_ms: self.at_ms,
        }
        .hash()
    }

    /// Reads a row of [`EVENT_COLUMNS`].
    pub fn from_row(row: &Row) -> Result<Self, DatabaseError> {
        Ok(Self {
            id: row.integer(0)?,
            stream: row.text(1)?.to_owned(),
            sequence: row.integer(2)?,
            kind: row.text(3)?.to_owned(),
            payload: row.text(4)?.to_owned(),
            actor: row.text(5)?.to_owned(),
            at_ms: row.integer(6)?,
            previous_hash: row.text(7)?.to_owned(),
            hash: row.text(8)?.to_owned(),
        })
    }
}

/// The last event of a stream. The default is the head of a stream that has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub sequence: u64,
    pub hash: String,
}

/// Why nothing was appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another writer was first: read the stream again and decide again.
    #[error("another writer was first")]
    Conflict,
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Appends events after `head` in one statement: all of them, or none. Gives the new head.
pub fn append(
    database: &impl Database,
    stream: &str,
    head: &Head,
    events: &[NewEvent],
    actor: &str,
    at_ms: u64,
) -> Result<Head, AppendError> {
    if events.is_empty() {
        return Ok(head.clone());
    }
    let mut last = head.clone();
    let mut linked = Vec::with_capacity(events.len());
    for event in events {
        let event = link(stream, &last, event, actor, at_ms);
        last = Head {
            sequence: event.sequence,
            hash: event.hash.clone(),
        };
        linked.push(event);
    }
    match query(database, &insert(linked.len()), &values(&linked)) {
        Ok(_) => Ok(last),
        Err(error) if error.is_conflict() => Err(AppendError::Conflict),
        Err(error) => Err(AppendError::Database(error)),
    }
}

/// Appends events that someone else has linked, as they are, in one statement: all of them, or none. Also a conflict when
/// what they follow is not there. Their ids are not looked at, and their hashes are the caller's to check.
pub fn append_linked(database: &impl Database, events: &[Event]) -> Result<(), AppendError> {
    if events.is_empty() {
        return Ok(());
    }
    match query(database, &insert(events.len()), &values(events)) {
        Ok(_) => Ok(()),
        Err(error) if error.is_conflict() || error.misses_previous() => Err(AppendError::Conflict),
        Err(error) => Err(AppendError::Database(error)),
    }
}

/// The last event of a stream, or the default head.
pub fn head(database: &impl Database, stream: &str) -> Result<Head, DatabaseError> {
    let statement =
        "SELECT sequence, hash FROM event WHERE stream = ? ORDER BY sequence DESC LIMIT 1";
    let rows = query(database, statement, &[Value::Text(stream.to_owned())])?;
    match rows.first() {
        Some(row) => Ok(Head {
            sequence: row.integer(0)?,
            hash: row.text(1)?.to_owned(),
        }),
        None => Ok(Head::default()),
    }
}

/// Events with a higher id, oldest first, of one stream, or of all but those of the runners' audit logs.
pub fn events_after(
    database: &impl Database,
    id: u64,
    stream: Option<&str>,
    limit: u32,
) -> Result<Vec<Event>, DatabaseError> {
    let mut parameters = vec![integer(id)];
    let condition = match stream {
        // The words of the index `event_of_app`, so that records which are left out are not even passed over.
        None => "id > ? AND stream NOT GLOB 'audit:*'",
        Some(stream) => {
            parameters.push(Value::Text(stream.to_owned()));
            "id > ? AND stream = ?"
        }
    };
    parameters.push(Value::Integer(limit.into()));
    let statement =
        format!("SELECT {EVENT_COLUMNS} FROM event WHERE {condition} ORDER BY id LIMIT ?");
    let rows = query(database, &statement, &parameters)?;
    rows.iter().map(Event::from_row).collect()
}

/// What [`Event::from_row`] reads, in its order.
pub const EVENT_COLUMNS: &str =
    "id, stream, sequence, kind, payload, actor, at_ms, previous_hash, hash";

const COLUMNS: usize = 8;

/// The rows come by way of a `SELECT` that looks at the schema's marker, so that an event can never be
/// written before every trigger is in place.
fn insert(rows: usize) -> String {
    let rows = vec!["(?,?,?,?,?,?,?,?)"; rows].join(",");
    format!(
        "INSERT INTO event (stream, sequence, kind, payload, actor, at_ms, previous_hash, hash) \
         SELECT * FROM (VALUES {rows}) WHERE NOT EXISTS (SELECT 1 FROM {})",
        crate::schema::MARKER
    )
}

fn link(stream: &str, head: &Head, event: &NewEvent, actor: &str, at_ms: u64) -> Event {
    let mut linked = Event {
        id: 0,
        stream: stream.to_owned(),
        sequence: head.sequence + 1,
        kind: event.kind.to_owned(),
        payload: event.payload.clone(),
        actor: actor.to_owned(),
        at_ms,
        previous_hash: head.hash.clone(),
        hash: String::new(),
    };
    linked.hash = linked.right_hash();
    linked
}

fn values(events: &[Event]) -> Vec<Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    let row = |event: &Event| -> [Value; COLUMNS] {
        [
            text(&event.stream),
            integer(event.sequence),
            text(&event.kind),
            text(&event.payload),
            text(&event.actor),
            integer(event.at_ms),
            text(&event.previous_hash),
            text(&event.hash),
        ]
    };
    events.iter().flat_map(row).collect()
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
