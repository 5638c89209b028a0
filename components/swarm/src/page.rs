//! A part of a list: how much is asked for, where it begins, and where the next one does.

use crate::bindings::types::{Error, PageRequest};
use crate::error::invalid;
use swarm_flow_state::Cursor;

const LIMIT: u32 = 100;
const LIMIT_MAX: u32 = 1000;

pub struct Page {
    list: &'static str,
    limit: u32,
    cursor: Option<String>,
}

impl Page {
    pub fn of(list: &'static str, asked: PageRequest) -> Result<Self, Error> {
        let limit = asked.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            let message = format!("is {limit}, must be 1 to {LIMIT_MAX}");
            return Err(invalid("limit", message));
        }
        Ok(Self {
            list,
            limit,
            cursor: asked.cursor,
        })
    }

    /// Where it begins in a list whose positions ascend.
    pub fn after(&self) -> Result<u64, Error> {
        Cursor::position_of(self.list, self.cursor.as_deref())
            .map_err(|error| invalid("cursor", error.to_string()))
    }

    /// The same where they descend.
    pub fn before(&self) -> Result<u64, Error> {
        match self.cursor {
            None => Ok(u64::MAX),
            Some(_) => self.after(),
        }
    }

    /// How many to look for. One more than asked for tells whether there is another page.
    pub fn wanted(&self) -> u32 {
        self.limit + 1
    }

    /// What of that is given, and the cursor of the next page.
    pub fn cut<T>(
        self,
        mut found: Vec<T>,
        position: impl Fn(&T) -> u64,
    ) -> (Vec<T>, Option<String>) {
        let more = found.len() > self.limit as usize;
        found.truncate(self.limit as usize);
        let last = found.last().filter(|_| more);
        let next = last.map(|last| {
            Cursor {
                list: self.list,
                position: position(last),
            }
            .encode()
        });
        (found, next)
    }
}
