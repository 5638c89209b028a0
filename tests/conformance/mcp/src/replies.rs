//! What has to reach another instance: a client's replies, and what has changed. In the gateway's database, in tables of
//! their own.

use serde_json::Value;
use spin_sdk::sqlite::{Connection, Value as Sql};
use swarm_flow_mcp::Fault;

const SCHEMA: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS fixture_reply (id TEXT PRIMARY KEY, reply TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS fixture_change (id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL)",
];

pub fn put(id: &str, reply: &Value) -> Result<(), Fault> {
    let values = [text(id), text(&reply.to_string())];
    let statement = "INSERT OR IGNORE INTO fixture_reply (id, reply) VALUES (?, ?)";
    query(statement, &values).map(drop)
}

pub fn get(id: &str) -> Result<Option<Value>, Fault> {
    let rows = query("SELECT reply FROM fixture_reply WHERE id = ?", &[text(id)])?;
    Ok(rows.first().and_then(|row| match row.first() {
        Some(Sql::Text(reply)) => serde_json::from_str(reply).ok(),
        _ => None,
    }))
}

pub fn change(what: &str) -> Result<(), Fault> {
    query(
        "INSERT INTO fixture_change (what) VALUES (?)",
        &[text(what)],
    )
    .map(drop)
}

pub fn last_change() -> Result<u64, Fault> {
    Ok(changes(0)?.last().map_or(0, |(id, _)| *id))
}

pub fn changes(after: u64) -> Result<Vec<(u64, String)>, Fault> {
    let after = Sql::Integer(i64::try_from(after).unwrap_or(i64::MAX));
    let statement = "SELECT id, what FROM fixture_change WHERE id > ? ORDER BY id";
    let rows = query(statement, &[after])?;
    Ok(rows
        .into_iter()
        .filter_map(|row| match row.as_slice() {
            [Sql::Integer(id), Sql::Text(what)] => Some((u64::try_from(*id).ok()?, what.clone())),
            _ => None,
        })
        .collect())
}

fn text(text: &str) -> Sql {
    Sql::Text(text.to_owned())
}

fn query(statement: &str, values: &[Sql]) -> Result<Vec<Vec<Sql>>, Fault> {
    let fault = |error: spin_sdk::sqlite::Error| Fault::internal(error.to_string());
    let database = Connection::open_default().map_err(fault)?;
    for table in SCHEMA {
        database.execute(table, &[]).map_err(fault)?;
    }
    let found = database.execute(statement, values).map_err(fault)?;
    Ok(found.rows.into_iter().map(|row| row.values).collect())
}
