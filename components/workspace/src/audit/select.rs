//! The statement that finds records, by way of the index that leaves the fewest to look at.
//!
//! | filter | where the search starts |
//! |---|---|
//! | `sandbox`, `capability`, `decision` | the table `audit`, which knows the runners' records only |
//! | `workspace` alone | both: its stream, and the records about it in `audit` |
//! | neither | the events, by kind where one is named |
//!
//! All give records in order of id; no page is sorted as a whole.

use crate::fault::{self, invalid};
use crate::model::AuditFilter;
use swarm_flow_protocol::Error;
use swarm_flow_state::{EVENT_COLUMNS, Value};

const CAPABILITIES: [&str; 8] = [
    "http",
    "tcp",
    "udp",
    "listen",
    "lookup",
    "filesystem",
    "secret",
    "approval",
];
const DECISIONS: [&str; 2] = ["allow", "deny"];

/// The statement and its parameters for at most `limit` records after an id.
pub fn records(id: u64, filter: &AuditFilter, limit: u32) -> Result<(String, Vec<Value>), Error> {
    check(filter)?;
    let about = [&filter.sandbox, &filter.capability, &filter.decision];
    let mut found = match (about.iter().any(|about| about.is_some()), &filter.workspace) {
        (true, _) => recorded(id, filter),
        (false, None) => events(id, filter),
        (false, Some(workspace)) => {
            let mut both = recorded(id, filter);
            both.text.push_str(" UNION ALL ");
            both.append(of_stream(id, workspace, filter));
            both
        }
    };
    found.and(" ORDER BY 1 LIMIT ?", [Value::Integer(limit.into())]);
    Ok((found.text, found.parameters))
}

/// SQL with the values of its question marks.
#[derive(Default)]
struct Sql {
    text: String,
    parameters: Vec<Value>,
}

impl Sql {
    fn and(&mut self, words: &str, parameters: impl IntoIterator<Item = Value>) {
        self.text.push_str(words);
        self.parameters.extend(parameters);
    }

    fn append(&mut self, other: Self) {
        self.and(&other.text, other.parameters);
    }
}

/// Of the runners' audit logs.
fn recorded(id: u64, filter: &AuditFilter) -> Sql {
    let mut sql = Sql::default();
    // `CROSS JOIN` is SQLite's word for "in this order". The first column is the one that the index is sorted by.
    let columns = EVENT_COLUMNS.replacen("id", "audit.position", 1);
    sql.and(
        &format!(
            "SELECT {columns} FROM audit CROSS JOIN event ON event.id = audit.position \
             WHERE audit.position > ?"
        ),
        [integer(id)],
    );
    for (column, wanted) in [
        ("workspace", &filter.workspace),
        ("sandbox", &filter.sandbox),
        ("capability", &filter.capability),
        ("decision", &filter.decision),
    ] {
        if let Some(wanted) = wanted {
            sql.and(&format!(" AND audit.{column} = ?"), [text(wanted)]);
        }
    }
    sql.append(kind_of(filter, "+kind"));
    sql.append(rest(filter));
    sql
}

/// Of one stream, which has few.
fn of_stream(id: u64, stream: &str, filter: &AuditFilter) -> Sql {
    let mut sql = Sql::default();
    sql.and(
        &format!("SELECT {EVENT_COLUMNS} FROM event WHERE stream = ? AND +id > ?"),
        [text(stream), integer(id)],
    );
    sql.append(kind_of(filter, "+kind"));
    sql.append(rest(filter));
    sql
}

/// Of all.
fn events(id: u64, filter: &AuditFilter) -> Sql {
    let mut sql = Sql::default();
    sql.and(
        &format!("SELECT {EVENT_COLUMNS} FROM event WHERE id > ?"),
        [integer(id)],
    );
    // What is older is not even passed over. Only the first page has older ones before it.
    if let (0, Some(since_ms), None) = (id, filter.since_ms, &filter.kind) {
        sql.and(
            " AND id >= (SELECT min(+id) FROM event WHERE at_ms >= ?)",
            [integer(since_ms)],
        );
    }
    // One kind is in order of id in its index; several would have to be sorted.
    let one = filter
        .kind
        .as_ref()
        .is_some_and(|kind| !kind.ends_with('*'));
    sql.append(kind_of(filter, if one { "kind" } else { "+kind" }));
    sql.append(rest(filter));
    sql
}

/// The plus of `+kind` tells SQLite to leave the index of kinds alone.
fn kind_of(filter: &AuditFilter, column: &str) -> Sql {
    let mut sql = Sql::default();
    if let Some(kind) = &filter.kind {
        match kind.strip_suffix('*') {
            None => sql.and(&format!(" AND {column} = ?"), [text(kind)]),
            Some(_) => sql.and(&format!(" AND {column} GLOB ?"), [text(kind)]),
        }
    }
    sql
}

fn rest(filter: &AuditFilter) -> Sql {
    let mut sql = Sql::default();
    if let Some(actor) = &filter.actor {
        sql.and(" AND actor = ?", [text(actor)]);
    }
    if let Some(since_ms) = filter.since_ms {
        sql.and(" AND +at_ms >= ?", [integer(since_ms)]);
    }
    if let Some(until_ms) = filter.until_ms {
        sql.and(" AND +at_ms < ?", [integer(until_ms)]);
    }
    sql
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Refuses what can find nothing, whatever was recorded.
fn check(filter: &AuditFilter) -> Result<(), Error> {
    if let Some(workspace) = &filter.workspace {
        fault::check_workspace_id(workspace).map_err(|error| match error {
            Error::Invalid { message, .. } => invalid("workspace", message),
            other => other,
        })?;
    }
    if let Some(sandbox) = &filter.sandbox {
        let digits = sandbox.strip_prefix("sb_").unwrap_or_default();
        let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 32 || !digits.bytes().all(digit) {
            let message = "the id of a sandbox is `sb_` and 32 hexadecimal digits".to_owned();
            return Err(invalid("sandbox", message));
        }
    }
    one_of("capability", filter.capability.as_deref(), &CAPABILITIES)?;
    one_of("decision", filter.decision.as_deref(), &DECISIONS)?;
    if let Some(kind) = &filter.kind {
        let name = kind.strip_suffix('*').unwrap_or(kind);
        let plain = |byte: u8| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_');
        if kind.is_empty() || !name.bytes().all(plain) {
            let message =
                "is a name such as `decision.denied`, or the beginning of some: `decision.*`";
            return Err(invalid("kind", message.to_owned()));
        }
    }
    match (filter.since_ms, filter.until_ms) {
        (Some(since_ms), Some(until_ms)) if since_ms >= until_ms => Err(invalid(
            "until",
            "must be after `since`: nothing lies between them".to_owned(),
        )),
        _ => Ok(()),
    }
}

fn one_of(field: &str, given: Option<&str>, known: &[&str]) -> Result<(), Error> {
    match given {
        Some(given) if !known.contains(&given) => Err(invalid(
            field,
            format!("must be one of {}", known.join(", ")),
        )),
        _ => Ok(()),
    }
}
