//! What the members of a swarm know together ([`Scope::Shared`]), and what the agents of one kind keep for themselves
//! ([`Scope::Agent`]): values under keys, each with a revision. A write is done once, also when the agent is started again
//! after a crash. A task that belongs to no run has no memory.

use crate::bindings::swarm_flow::core::memory;
use crate::tools::Error;

pub use memory::{Entry, Scope};

/// # Errors
///
/// When the key is none, or the memory cannot be reached.
pub fn get(scope: Scope, key: &str) -> Result<Option<Entry>, Error> {
    memory::get(scope, key)
}

/// Writes whatever is there, and gives the new revision.
///
/// # Errors
///
/// When the key or the value is too large, or the memory cannot be reached.
pub fn put(scope: Scope, key: &str, value: &str) -> Result<u64, Error> {
    memory::put(scope, key, value, None)
}

/// Writes when the key is at this revision, 0 for a key that is not there; none when it is at another one.
///
/// # Errors
///
/// When the key or the value is too large, or the memory cannot be reached.
pub fn put_if(scope: Scope, key: &str, value: &str, revision: u64) -> Result<Option<u64>, Error> {
    match memory::put(scope, key, value, Some(revision)) {
        Ok(revision) => Ok(Some(revision)),
        Err(Error::Conflict(message)) if message.starts_with("revision-conflict") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads, changes and writes until nobody came between.
///
/// # Errors
///
/// When the key or the value is too large, or the memory cannot be reached.
pub fn update(
    scope: Scope,
    key: &str,
    change: impl Fn(Option<&str>) -> String,
) -> Result<String, Error> {
    loop {
        let is = get(scope, key)?;
        let value = change(is.as_ref().map(|entry| entry.value.as_str()));
        let revision = is.map_or(0, |entry| entry.revision);
        if put_if(scope, key, &value, revision)?.is_some() {
            return Ok(value);
        }
    }
}

/// Removing what is not there is fine.
///
/// # Errors
///
/// When the key is none, or the memory cannot be reached.
pub fn delete(scope: Scope, key: &str) -> Result<(), Error> {
    memory::delete(scope, key, None)
}

/// Up to 1000 entries whose keys begin so, in order of key, after this one.
///
/// # Errors
///
/// When the memory cannot be reached.
pub fn list(scope: Scope, prefix: &str, after: Option<&str>) -> Result<Vec<Entry>, Error> {
    memory::list(scope, prefix, after)
}
