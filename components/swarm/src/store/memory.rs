//! What agents know.

use super::{index, number, text};
use crate::bindings::memory::Entry;
use crate::bindings::swarm::MemoryEntry;
use crate::memory::entry;
use swarm_flow_state::{Database, DatabaseError, Head, Row, query};

/// Who has a lease.
pub struct Holder {
    pub swarm: String,
    pub agent: String,
}

/// None when the lease is not the runner's any more.
pub fn holder(
    database: &impl Database,
    runner: &str,
    run: &str,
    task: u32,
    fence: u64,
) -> Result<Option<Holder>, DatabaseError> {
    let statement = "SELECT swarm, agent FROM task \
        WHERE run = ? AND number = ? AND state = 'leased' AND runner = ? AND fence = ?";
    let parameters = [text(run), number(task.into()), text(runner), number(fence)];
    let rows = query(database, statement, &parameters)?;
    let read = |row: &Row| {
        Ok(Holder {
            swarm: row.text(0)?.to_owned(),
            agent: row.text(1)?.to_owned(),
        })
    };
    rows.first().map(read).transpose()
}

/// A key that was written at some time.
pub struct Memory {
    pub head: Head,
    /// None when it was deleted.
    pub entry: Option<Entry>,
}

pub fn memory(
    database: &impl Database,
    swarm: &str,
    owner: &str,
    key: &str,
) -> Result<Option<Memory>, DatabaseError> {
    let statement = "SELECT revision, hash, value, updated_at_ms FROM memory \
        WHERE swarm = ? AND owner = ? AND key = ?";
    let rows = query(database, statement, &[text(swarm), text(owner), text(key)])?;
    let read = |row: &Row| {
        let (revision, updated_at_ms) = (row.integer(0)?, row.integer(3)?);
        Ok(Memory {
            head: Head {
                sequence: revision,
                hash: row.text(1)?.to_owned(),
            },
            entry: row
                .text_or_null(2)?
                .map(|value| entry(key, value, revision, updated_at_ms)),
        })
    };
    rows.first().map(read).transpose()
}

/// Those whose keys begin so, in order of key.
pub fn memories(
    database: &impl Database,
    swarm: &str,
    owner: &str,
    prefix: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<Entry>, DatabaseError> {
    let statement = "SELECT key, value, revision, updated_at_ms FROM memory \
        WHERE swarm = ?1 AND owner = ?2 AND key > ?4 AND substr(key, 1, length(?3)) = ?3 AND value IS NOT NULL \
        ORDER BY key LIMIT ?5";
    let parameters = [
        text(swarm),
        text(owner),
        text(prefix),
        text(after),
        number(limit.into()),
    ];
    let rows = query(database, statement, &parameters)?;
    let read = |row: &Row| {
        Ok(entry(
            row.text(0)?,
            row.text(1)?,
            row.integer(2)?,
            row.integer(3)?,
        ))
    };
    rows.iter().map(read).collect()
}

/// The revision that a step of a task made of a key.
pub fn written_by(
    database: &impl Database,
    stream: &str,
    step: &str,
) -> Result<Option<u64>, DatabaseError> {
    let statement =
        "SELECT sequence FROM event WHERE stream = ? AND json_extract(payload, '$.step') = ?";
    let rows = query(database, statement, &[text(stream), text(step)])?;
    rows.first().map(|row| row.integer(0)).transpose()
}

/// How many keys a swarm has.
pub fn memory_keys(database: &impl Database, swarm: &str) -> Result<u64, DatabaseError> {
    let statement = "SELECT count(*) FROM memory WHERE swarm = ? AND value IS NOT NULL";
    let rows = query(database, statement, &[text(swarm)])?;
    rows.first().map_or(Ok(0), |row| row.integer(0))
}

/// All of a swarm's, in the order in which the keys were made, with their places.
pub fn memories_after(
    database: &impl Database,
    swarm: &str,
    position: u64,
    limit: u32,
) -> Result<Vec<(u64, MemoryEntry)>, DatabaseError> {
    let statement = "SELECT position, nullif(owner, ''), key, value, revision, updated_at_ms, run, number FROM memory \
        WHERE swarm = ? AND position > ? AND value IS NOT NULL ORDER BY position LIMIT ?";
    let parameters = [text(swarm), number(position), number(limit.into())];
    let rows = query(database, statement, &parameters)?;
    let read = |row: &Row| {
        let entry = MemoryEntry {
            agent: row.text_or_null(1)?.map(str::to_owned),
            key: row.text(2)?.to_owned(),
            value: row.text(3)?.to_owned(),
            revision: row.integer(4)?,
            updated_at_ms: row.integer(5)?,
            run_id: row.text(6)?.to_owned(),
            index: index(row, 7)?,
        };
        Ok((row.integer(0)?, entry))
    };
    rows.iter().map(read).collect()
}
