//! Locks of a run, by name: who holds one keeps others from what it stands for. All that an attempt holds is free again when
//! it ends. Who waits uses nothing: its sandbox ends, and the agent is fed up to the same call when its turn has come.
//!
//! Of tasks that wait for each other the attempt that has done least ends with `deadlock`, and the others go on.

use crate::bindings::swarm_flow::core::locks;
use crate::tools::Error;
use std::time::Duration;

pub use locks::LockMode;

/// Held until it is dropped.
#[must_use = "a lock is let go when this is dropped"]
pub struct Lock {
    name: String,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // It is held: nothing else can be refused here.
        drop(locks::release(&self.name));
    }
}

/// Waits until nobody else holds it.
///
/// # Errors
///
/// When the name is none.
pub fn exclusive(name: &str) -> Result<Lock, Error> {
    acquire(name, LockMode::Exclusive)
}

/// Waits until nobody holds it who does not share it.
///
/// # Errors
///
/// When the name is none.
pub fn shared(name: &str) -> Result<Lock, Error> {
    acquire(name, LockMode::Shared)
}

/// # Errors
///
/// When the name is none.
pub fn acquire(name: &str, mode: LockMode) -> Result<Lock, Error> {
    locks::acquire(name, mode, None)?;
    Ok(Lock {
        name: name.to_owned(),
    })
}

/// Waits at most so long; none when it was not free in time.
///
/// # Errors
///
/// When the name or the time is none.
pub fn acquire_within(
    name: &str,
    mode: LockMode,
    timeout: Duration,
) -> Result<Option<Lock>, Error> {
    match locks::acquire(name, mode, Some(crate::tools::milliseconds(timeout))) {
        Ok(()) => Ok(Some(Lock {
            name: name.to_owned(),
        })),
        Err(Error::Conflict(message)) if message.starts_with("timeout: ") => Ok(None),
        Err(error) => Err(error),
    }
}
