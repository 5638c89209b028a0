//! What agents know. A write is an event in the stream of its key, and a key's revision is its place there: who expects a
//! revision that is not the last one is refused by the database itself.
//!
//! An agent that was started again makes its last call once more. Whether that was done is seen by the step in the event, which is
//! looked for only where a lease was lost before.

use crate::bindings::memory::{Entry, Scope};
use crate::bindings::swarm::{MemoryEntry, MemoryPage};
use crate::bindings::types::{Error, PageRequest};
use crate::bindings::work::{LeaseId, MemoryAnswer, MemoryCall, MemoryWrite};
use crate::error::{contended, internal, invalid, missing, parse_id, too_large};
use crate::event::MemoryWritten;
use crate::page::Page;
use crate::store::{self, ATTEMPTS_MAX, Holder};
use swarm_flow_state::{Database, Head, Kind, NewEvent};

const LIST: &str = "memory";
const LIST_MAX: u32 = 1000;
const KEY_BYTES_MAX: usize = 256;
const VALUE_BYTES_MAX: usize = 64 << 10;
const STEP_BYTES_MAX: usize = 256;
const KEYS_MAX: u64 = 10_000;

/// Does what an agent asks, as long as its lease is held.
pub fn call(
    database: &impl Database,
    runner: &str,
    lease: &LeaseId,
    step: &str,
    call: MemoryCall,
    now_ms: u64,
) -> Result<MemoryAnswer, Error> {
    let run = parse_id(Kind::Run, "lease.run_id", &lease.run_id)?;
    if !(1..=STEP_BYTES_MAX).contains(&step.len()) {
        let message = format!("has {} bytes, must have 1 to {STEP_BYTES_MAX}", step.len());
        return Err(invalid("step", message));
    }
    let holder = store::holder(database, runner, run.as_str(), lease.index, lease.fence);
    let Some(holder) = holder.map_err(internal)? else {
        return Err(Error::Conflict("lease-lost: the lease was lost".to_owned()));
    };
    let owner = |scope| match scope {
        Scope::Shared => "",
        Scope::Agent => holder.agent.as_str(),
    };
    let writer = |owner| Writer {
        run: run.as_str(),
        lease,
        holder: &holder,
        owner,
        step,
    };
    match call {
        MemoryCall::Get(asked) => {
            check_key(&asked.key)?;
            let row = store::memory(database, &holder.swarm, owner(asked.scope), &asked.key);
            let entry = row.map_err(internal)?.and_then(|row| row.entry);
            Ok(MemoryAnswer::Entries(entry.into_iter().collect()))
        }
        MemoryCall::List(asked) => {
            let after = asked.after.unwrap_or_default();
            let owner = owner(asked.scope);
            let swarm = &holder.swarm;
            let entries = store::memories(database, swarm, owner, &asked.prefix, &after, LIST_MAX);
            entries.map(MemoryAnswer::Entries).map_err(internal)
        }
        MemoryCall::Put(write) => {
            if write.value.len() > VALUE_BYTES_MAX {
                return Err(too_large("value_bytes", VALUE_BYTES_MAX as u64));
            }
            writer(owner(write.scope)).append(database, &write, Some(&write.value), now_ms)
        }
        MemoryCall::Delete(write) => {
            writer(owner(write.scope)).append(database, &write, None, now_ms)
        }
    }
}

/// The call of a task that writes.
struct Writer<'a> {
    run: &'a str,
    lease: &'a LeaseId,
    holder: &'a Holder,
    owner: &'a str,
    step: &'a str,
}

impl Writer<'_> {
    fn append(
        &self,
        database: &impl Database,
        write: &MemoryWrite,
        value: Option<&String>,
        now_ms: u64,
    ) -> Result<MemoryAnswer, Error> {
        check_key(&write.key)?;
        let swarm = &self.holder.swarm;
        let stream = format!("memory:{swarm}:{}:{}", self.owner, write.key);
        if self.lease.fence > 1
            && let Some(revision) =
                store::written_by(database, &stream, self.step).map_err(internal)?
        {
            return Ok(MemoryAnswer::Revision(revision));
        }
        let written = MemoryWritten {
            swarm: swarm.clone(),
            owner: self.owner.to_owned(),
            key: write.key.clone(),
            value: value.cloned(),
            run: self.run.to_owned(),
            index: self.lease.index,
            step: self.step.to_owned(),
        };
        let kind = if value.is_some() {
            "memory.written"
        } else {
            "memory.deleted"
        };
        let event = NewEvent::new(kind, &written).map_err(internal)?;
        let actor = format!("task:{}/{}", self.run, self.lease.index);
        for _ in 0..ATTEMPTS_MAX {
            let row = store::memory(database, swarm, self.owner, &write.key).map_err(internal)?;
            let (head, is) = match row {
                None => (Head::default(), 0),
                Some(row) => (row.head, row.entry.map_or(0, |entry| entry.revision)),
            };
            if let Some(expected) = write.expected.filter(|expected| *expected != is) {
                return Err(Error::Conflict(format!(
                    "revision-conflict: `{}` is at revision {is}, not {expected}",
                    write.key
                )));
            }
            if is == 0 && value.is_none() {
                return Ok(MemoryAnswer::Revision(head.sequence));
            }
            if is == 0 && store::memory_keys(database, swarm).map_err(internal)? >= KEYS_MAX {
                return Err(too_large("memory_keys", KEYS_MAX));
            }
            let events = std::slice::from_ref(&event);
            if let Some(head) = store::append(database, &stream, &head, events, &actor, now_ms)? {
                return Ok(MemoryAnswer::Revision(head.sequence));
            }
        }
        Err(contended())
    }
}

/// For people: all of a swarm's.
pub fn list(
    database: &impl Database,
    swarm_id: &str,
    page: PageRequest,
) -> Result<MemoryPage, Error> {
    let id = parse_id(Kind::Swarm, "id", swarm_id)?;
    let page = Page::of(LIST, page)?;
    let after = page.after()?;
    if store::swarm(database, id.as_str())
        .map_err(internal)?
        .is_none()
    {
        return Err(missing(Kind::Swarm.name(), id.into_string()));
    }
    let found = store::memories_after(database, id.as_str(), after, page.wanted());
    let (found, next) = page.cut(found.map_err(internal)?, |(position, _)| *position);
    let items: Vec<MemoryEntry> = found.into_iter().map(|(_, entry)| entry).collect();
    Ok(MemoryPage { items, next })
}

fn check_key(key: &str) -> Result<(), Error> {
    if (1..=KEY_BYTES_MAX).contains(&key.len()) && !key.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!("must have 1 to {KEY_BYTES_MAX} bytes, without control characters");
    Err(invalid("key", message))
}

/// As the store reads it.
pub fn entry(key: &str, value: &str, revision: u64, updated_at_ms: u64) -> Entry {
    Entry {
        key: key.to_owned(),
        value: value.to_owned(),
        revision,
        updated_at_ms,
    }
}
