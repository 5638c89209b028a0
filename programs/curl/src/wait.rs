//! Waiting no longer than until a deadline.

use crate::bindings::clocks::monotonic_clock;
use crate::bindings::io::poll::{Pollable, poll};
use crate::problem::{self, Problem};
use std::time::Duration;

/// When all must be over, if ever.
#[derive(Clone, Copy)]
pub struct Deadline {
    at: Option<u64>,
    limit: Duration,
}

impl Deadline {
    pub fn new(limit: Option<Duration>) -> Self {
        let nanoseconds = limit.map(|limit| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX));
        Self {
            at: nanoseconds.map(|limit| monotonic_clock::now().saturating_add(limit)),
            limit: limit.unwrap_or_default(),
        }
    }

    /// Returns when that is ready.
    pub fn wait(&self, ready: &Pollable) -> Result<(), Problem> {
        let Some(at) = self.at else {
            ready.block();
            return Ok(());
        };
        let over = monotonic_clock::subscribe_instant(at);
        if poll(&[ready, &over]).contains(&0) {
            return Ok(());
        }
        let after = self.limit.as_millis();
        Err(Problem::new(
            problem::TIME,
            format!("Operation timed out after {after} milliseconds"),
        ))
    }
}
