//! Between those who record and the thread that writes.
//!
//! Waking a thread costs more than all else that recording does. So the writer is woken once, gathers for a moment, and takes
//! everything at once: under load one record in a hundred wakes somebody.

use crate::record::Record;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What may wait before no sandbox starts any more and decisions are only counted.
const RECORDS_MAX: usize = 1 << 16;
const BYTES_MAX: usize = 16 << 20;
/// How long the writer gathers.
const GATHER: Duration = Duration::from_millis(1);

#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    records: Vec<Record>,
    bytes: usize,
    /// All that ever came.
    count: u64,
    /// The writer sleeps until it is woken.
    is_writer_asleep: bool,
    is_closed: bool,
}

impl Queue {
    /// Takes it even where there is no room: whoever has room to ask for asks before.
    pub(crate) fn push(&self, record: Record) {
        self.put(self.waiting(), record);
    }

    /// False where there is no room.
    pub(crate) fn push_if_room(&self, record: Record) -> bool {
        let waiting = self.waiting();
        let room = waiting.has_room();
        if room {
            self.put(waiting, record);
        }
        room
    }

    fn put(&self, mut waiting: MutexGuard<'_, Waiting>, record: Record) {
        waiting.bytes += record.size_bytes();
        waiting.count += 1;
        waiting.records.push(record);
        if std::mem::take(&mut waiting.is_writer_asleep) {
            drop(waiting);
            self.wake.notify_all();
        }
    }

    pub(crate) fn has_room(&self) -> bool {
        self.waiting().has_room()
    }

    /// How many records ever came.
    pub(crate) fn count(&self) -> u64 {
        self.waiting().count
    }

    pub(crate) fn close(&self) {
        self.waiting().is_closed = true;
        self.wake.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.waiting().is_closed
    }

    /// Waits for records, `most` at the longest if that is said, and gives them for a vector that is empty. None when
    /// there are none.
    pub(crate) fn take(&self, most: Option<Duration>, records: &mut Vec<Record>) {
        let waiting = self.waiting();
        if waiting.records.is_empty() && !waiting.is_closed {
            drop(self.sleep(waiting, most));
        } else {
            drop(waiting);
        }
        if self.waiting().records.is_empty() {
            return;
        }
        if !self.is_closed() {
            std::thread::sleep(GATHER);
        }
        let mut waiting = self.waiting();
        waiting.bytes = 0;
        std::mem::swap(&mut waiting.records, records);
    }

    /// Waits, for nothing but the end.
    pub(crate) fn pause(&self, pause: Duration) {
        let waiting = self.waiting();
        let until_closed = |waiting: &mut Waiting| !waiting.is_closed;
        let waited = self.wake.wait_timeout_while(waiting, pause, until_closed);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    fn sleep<'a>(
        &self,
        mut waiting: MutexGuard<'a, Waiting>,
        most: Option<Duration>,
    ) -> MutexGuard<'a, Waiting> {
        waiting.is_writer_asleep = true;
        let idle = |waiting: &mut Waiting| waiting.records.is_empty() && !waiting.is_closed;
        let mut waiting = match most {
            None => self
                .wake
                .wait_while(waiting, idle)
                .unwrap_or_else(PoisonError::into_inner),
            Some(most) => {
                let waited = self.wake.wait_timeout_while(waiting, most, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        waiting.is_writer_asleep = false;
        waiting
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn has_room(&self) -> bool {
        self.records.len() < RECORDS_MAX && self.bytes < BYTES_MAX
    }
}
