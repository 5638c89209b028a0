//! Named locks: who holds them, who waits, and who is next. No I/O, no clock, nothing blocks here.
//!
//! | a task asks for | and | gets it |
//! |---|---|---|
//! | any mode | holds it in that mode or a stronger one | at once; it has to let go as often as it took it |
//! | exclusive | is its only sharer | at once: whoever waits would wait for it anyway |
//! | exclusive | shares it with others | before all who do not hold it: each of them waits for this one's share |
//! | any mode | does not hold it | in its turn: nobody is passed over whom it keeps from the lock |
//!
//! Two sharers that both want it exclusively wait for each other for ever; [`Table::edges`] shows that. Who is
//! refused is taken out of the queue with [`Table::withdraw`], and it is as if it had never asked.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Shared,
    Exclusive,
}

impl Mode {
    fn conflicts(self, other: Self) -> bool {
        self == Self::Exclusive || other == Self::Exclusive
    }
}

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Held,
    Waits,
}

/// It does not hold the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotHeld;

/// All locks that are held. `Task` names a task, of whatever run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Table<Task> {
    locks: BTreeMap<String, Lock<Task>>,
}

/// A lock that somebody holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lock<Task> {
    pub holders: Vec<Holder<Task>>,
    /// The next one first. Holders that want more stand before all others.
    pub queue: Vec<Waiter<Task>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Holder<Task> {
    pub task: Task,
    pub mode: Mode,
    /// How often it took it, and has to let go.
    pub times: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Waiter<Task> {
    pub task: Task,
    pub mode: Mode,
}

impl<Task> Default for Table<Task> {
    fn default() -> Self {
        Self {
            locks: BTreeMap::new(),
        }
    }
}

impl<Task> FromIterator<(String, Lock<Task>)> for Table<Task> {
    fn from_iter<I: IntoIterator<Item = (String, Lock<Task>)>>(locks: I) -> Self {
        Self {
            locks: locks.into_iter().collect(),
        }
    }
}

impl<Task: Clone + PartialEq> Table<Task> {
    /// The locks that are held, by name.
    pub fn locks(&self) -> impl Iterator<Item = (&str, &Lock<Task>)> {
        self.locks.iter().map(|(name, lock)| (name.as_str(), lock))
    }

    pub fn get(&self, lock: &str) -> Option<&Lock<Task>> {
        self.locks.get(lock)
    }

    /// Puts these in place; none for one that nobody holds.
    pub fn set(&mut self, locks: &BTreeMap<String, Option<Lock<Task>>>) {
        for (name, lock) in locks {
            match lock {
                Some(lock) => self.locks.insert(name.clone(), lock.clone()),
                None => self.locks.remove(name),
            };
        }
    }

    /// Gives a lock to a task or makes it wait. Who asks again while it waits keeps its place.
    pub fn take(&mut self, lock: &str, task: &Task, mode: Mode) -> Taken {
        self.locks
            .entry(lock.to_owned())
            .or_default()
            .take(task, mode)
    }

    /// Lets go of a lock once. Gives back who holds it now and did not before. An exclusive lock stays exclusive
    /// until it is let go as often as it was taken.
    pub fn release(&mut self, lock: &str, task: &Task) -> Result<Vec<Task>, NotHeld> {
        let held = self.locks.get_mut(lock).ok_or(NotHeld)?;
        let holder = held.holder(task).ok_or(NotHeld)?;
        holder.times = holder.times.saturating_sub(1);
        held.holders.retain(|holder| holder.times > 0);
        Ok(self.next(lock))
    }

    /// Takes a task out of a queue. Gives back who holds the lock now, because only this one was in the way.
    pub fn withdraw(&mut self, lock: &str, task: &Task) -> Vec<Task> {
        if let Some(held) = self.locks.get_mut(lock) {
            held.queue.retain(|waiter| waiter.task != *task);
        }
        self.next(lock)
    }

    /// Lets go of all that a task holds and waits for. Gives back who holds which lock now.
    pub fn release_all(&mut self, task: &Task) -> Vec<(String, Task)> {
        let names: Vec<String> = self
            .locks
            .iter()
            .filter(|(_, lock)| lock.has(task))
            .map(|(name, _)| name.clone())
            .collect();
        let mut now = Vec::new();
        for name in names {
            if let Some(lock) = self.locks.get_mut(&name) {
                lock.holders.retain(|holder| holder.task != *task);
                lock.queue.retain(|waiter| waiter.task != *task);
            }
            let next = self.next(&name).into_iter();
            now.extend(next.map(|task| (name.clone(), task)));
        }
        now
    }

    /// Whom a task waits for: who holds what it wants, and who is before it and keeps it from that. Each once;
    /// all of them have to let go.
    pub fn edges(&self, waiter: &Task) -> Vec<Task> {
        let mut all: Vec<Task> = Vec::new();
        for other in self.locks.values().flat_map(|lock| lock.before(waiter)) {
            if !all.contains(other) {
                all.push(other.clone());
            }
        }
        all
    }

    /// Gives the lock to who can have it, and forgets a lock that nobody has.
    fn next(&mut self, lock: &str) -> Vec<Task> {
        let Some(held) = self.locks.get_mut(lock) else {
            return Vec::new();
        };
        let now = held.grant();
        if held.holders.is_empty() {
            self.locks.remove(lock);
        }
        now
    }
}

impl<Task> Default for Lock<Task> {
    fn default() -> Self {
        Self {
            holders: Vec::new(),
            queue: Vec::new(),
        }
    }
}

impl<Task: Clone + PartialEq> Lock<Task> {
    fn take(&mut self, task: &Task, mode: Mode) -> Taken {
        if let Some(waiter) = self.queue.iter_mut().find(|waiter| waiter.task == *task) {
            waiter.mode = waiter.mode.max(mode);
            return Taken::Waits;
        }
        let alone = self.holders.len() == 1;
        let waiter = Waiter {
            task: task.clone(),
            mode,
        };
        if let Some(holder) = self.holder(task) {
            if holder.mode >= mode || alone {
                holder.mode = holder.mode.max(mode);
                holder.times = holder.times.saturating_add(1);
                return Taken::Held;
            }
            let wanting = self
                .queue
                .iter()
                .take_while(|waiter| self.holds(&waiter.task));
            let place = wanting.count();
            self.queue.insert(place, waiter);
            return Taken::Waits;
        }
        self.queue.push(waiter);
        // If anyone waits, it is for something that keeps this one waiting too.
        match self.grant().is_empty() {
            true => Taken::Waits,
            false => Taken::Held,
        }
    }

    /// Gives the lock to those at the front of the queue that can have it. Who is kept from it keeps all behind it.
    fn grant(&mut self) -> Vec<Task> {
        let mut now = Vec::new();
        while let Some(waiter) = self.queue.first() {
            let others = self
                .holders
                .iter()
                .filter(|holder| holder.task != waiter.task);
            if others
                .into_iter()
                .any(|holder| holder.mode.conflicts(waiter.mode))
            {
                break;
            }
            let waiter = self.queue.remove(0);
            now.push(waiter.task.clone());
            match self.holder(&waiter.task) {
                Some(holder) => {
                    holder.mode = waiter.mode;
                    holder.times = holder.times.saturating_add(1);
                }
                None => self.holders.push(Holder {
                    task: waiter.task,
                    mode: waiter.mode,
                    times: 1,
                }),
            }
        }
        now
    }

    /// Who keeps a waiter from the lock.
    fn before(&self, task: &Task) -> Vec<&Task> {
        let Some(place) = self.queue.iter().position(|waiter| waiter.task == *task) else {
            return Vec::new();
        };
        let Some(wanted) = self.queue.get(place).map(|waiter| waiter.mode) else {
            return Vec::new();
        };
        let holders = self
            .holders
            .iter()
            .map(|holder| (&holder.task, holder.mode));
        let earlier = self
            .queue
            .iter()
            .take(place)
            .map(|waiter| (&waiter.task, waiter.mode));
        holders
            .chain(earlier)
            .filter(|(other, mode)| *other != task && mode.conflicts(wanted))
            .map(|(other, _)| other)
            .collect()
    }

    fn holder(&mut self, task: &Task) -> Option<&mut Holder<Task>> {
        self.holders.iter_mut().find(|holder| holder.task == *task)
    }

    pub fn holds(&self, task: &Task) -> bool {
        self.holders.iter().any(|holder| holder.task == *task)
    }

    /// Holds it or waits for it.
    pub fn has(&self, task: &Task) -> bool {
        self.holds(task) || self.queue.iter().any(|waiter| waiter.task == *task)
    }
}

#[cfg(test)]
mod tests;
