//! Numbers for what JavaScript holds on to: streams, pollables, children.

use std::cell::RefCell;
use std::collections::BTreeMap;

pub struct Table<T> {
    entries: RefCell<(u32, BTreeMap<u32, T>)>,
}

impl<T> Table<T> {
    pub const fn new() -> Self {
        Self {
            entries: RefCell::new((0, BTreeMap::new())),
        }
    }

    pub fn insert(&self, entry: T) -> u32 {
        let mut entries = self.entries.borrow_mut();
        entries.0 += 1;
        let id = entries.0;
        entries.1.insert(id, entry);
        id
    }

    pub fn remove(&self, id: u32) -> Option<T> {
        self.entries.borrow_mut().1.remove(&id)
    }

    pub fn with<R>(&self, id: u32, act: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.entries.borrow_mut().1.get_mut(&id).map(act)
    }

    pub fn with_all<R>(&self, act: impl FnOnce(&BTreeMap<u32, T>) -> R) -> R {
        act(&self.entries.borrow().1)
    }
}
