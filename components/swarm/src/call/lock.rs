//! `swarm-flow:core/locks`.

use super::{Called, Decided, WAIT_MS_MAX, check_timeout, timed_out};
use crate::bindings::locks::LockMode;
use crate::bindings::types::Error;
use crate::bindings::work::{Acquire, TaskAnswer};
use crate::decide::{self, Lock};
use crate::error::{invalid, too_large};
use crate::event::Wait;
use crate::locks::Mode;
use swarm_flow_state::Database;

const NAME_BYTES_MAX: usize = 256;
const LOCKS_MAX: usize = 1000;

impl<D: Database> Called<'_, D> {
    pub(super) fn acquire(&self, asked: &Acquire) -> Result<Decided, Error> {
        let name = &asked.name;
        check_name(name)?;
        check_timeout(asked.timeout_ms, 1, WAIT_MS_MAX)?;
        let wait = Wait::Lock { name: name.clone() };
        if self.again() {
            let lock = self.run.locks.get(name);
            let queued = lock.is_some_and(|lock| {
                let mut queue = lock.queue.iter();
                queue.any(|waiter| waiter.task == self.index)
            });
            if !queued {
                let held = lock.is_some_and(|lock| lock.holds(&self.index));
                return match held {
                    true => Ok(Decided::known(TaskAnswer::Made)),
                    false => Err(not_in_time(name)),
                };
            }
            if self.late() {
                let changes = decide::give_up_lock(self.run, self.index, name);
                return Ok(Decided::refused(not_in_time(name), changes));
            }
            return Ok(self.wait(Vec::new(), wait, asked.timeout_ms));
        }
        if self.run.locks.get(name).is_none() && self.run.locks.locks().count() >= LOCKS_MAX {
            return Err(too_large("locks", LOCKS_MAX as u64));
        }
        let mode = match asked.mode {
            LockMode::Shared => Mode::Shared,
            LockMode::Exclusive => Mode::Exclusive,
        };
        Ok(
            match decide::take_lock(self.run, self.index, self.step, name, mode) {
                Lock::Held(changes) => Decided::made(TaskAnswer::Made, changes),
                Lock::Waits(changes) => self.wait(changes, wait, asked.timeout_ms),
            },
        )
    }

    pub(super) fn release(&self, name: &str) -> Result<Decided, Error> {
        check_name(name)?;
        if self.again() {
            return Ok(Decided::known(TaskAnswer::Made));
        }
        match decide::release_lock(self.run, self.index, self.step, name) {
            Ok(changes) => Ok(Decided::made(TaskAnswer::Made, changes)),
            Err(_) => Err(Error::Conflict(format!(
                "not-held: the task does not hold the lock `{name}`"
            ))),
        }
    }
}

fn not_in_time(name: &str) -> Error {
    timed_out(&format!("the lock `{name}` was not free in time"))
}

fn check_name(name: &str) -> Result<(), Error> {
    if (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!("must have 1 to {NAME_BYTES_MAX} bytes, without control characters");
    Err(invalid("name", message))
}
