//! What the log knows of its files: where it ends, what the app has, and whether sandboxes may start.

use std::collections::VecDeque;
use std::path::PathBuf;
use swarm_flow_protocol::AuditHead;

/// Why no sandbox starts just now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Closed {
    #[error(
        "audit-unready: the runner has not learned yet where its audit log ends at the app; try again"
    )]
    Unready,
    #[error(
        "audit-full: {waiting_bytes} bytes of audit records wait for the app, of {bytes_max} that may; it goes on once the app takes them"
    )]
    Full { waiting_bytes: u64, bytes_max: u64 },
    #[error("audit-full: records come faster than they can be written; try again")]
    Behind,
    #[error("audit-failed: {0}; it goes on once the records can be written")]
    Failed(String),
    #[error(
        "audit-diverged: {why}; restore the app's database or {}, or move that folder away and start the runner again: its log then goes on after the records that the app has",
        folder.display()
    )]
    Diverged { why: Diverged, folder: PathBuf },
}

/// How the runner's log and the app's copy of it tell different stories.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Diverged {
    #[error(
        "the app has the records of this runner up to {app}, and here are those from {first} to {last}"
    )]
    Apart { app: u64, first: u64, last: u64 },
    #[error("the app has another record {sequence} of this runner")]
    Differs { sequence: u64 },
    #[error("the app refuses the records: {0}")]
    Refused(String),
    #[error("{0}")]
    Unreadable(String),
}

/// Where a record is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// The first record of its segment.
    pub(crate) segment: u64,
    pub(crate) offset: u64,
}

pub(crate) struct Segment {
    pub(crate) first: u64,
    pub(crate) bytes: u64,
}

impl Segment {
    pub(crate) fn start(&self) -> Position {
        Position {
            segment: self.first,
            offset: 0,
        }
    }
}

pub(crate) struct Book {
    pub(crate) folder: PathBuf,
    /// In order, without a gap. Those before `next` are gone.
    pub(crate) segments: VecDeque<Segment>,
    /// The last record that was written.
    pub(crate) head: AuditHead,
    /// The last record that the app has, as far as is known here.
    pub(crate) sent: AuditHead,
    /// The record after it.
    pub(crate) next: Position,
    /// The app said where its copy ends.
    pub(crate) has_begun: bool,
    pub(crate) failed: Option<String>,
    pub(crate) diverged: Option<Diverged>,
    pub(crate) spool_bytes_max: u64,
}

impl Book {
    pub(crate) fn closed(&self) -> Option<Closed> {
        if let Some(why) = &self.diverged {
            return Some(Closed::Diverged {
                why: why.clone(),
                folder: self.folder.clone(),
            });
        }
        if !self.has_begun {
            return Some(Closed::Unready);
        }
        if let Some(why) = &self.failed {
            return Some(Closed::Failed(why.clone()));
        }
        let waiting_bytes = self.waiting_bytes();
        (waiting_bytes >= self.spool_bytes_max).then_some(Closed::Full {
            waiting_bytes,
            bytes_max: self.spool_bytes_max,
        })
    }

    /// What is written and not sent.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        let all: u64 = self.segments.iter().map(|segment| segment.bytes).sum();
        all.saturating_sub(self.next.offset)
    }

    /// Notes what was written to the end of a segment, which may be a new one.
    pub(crate) fn append(&mut self, first: u64, bytes: u64, head: AuditHead) {
        match self.segments.back_mut() {
            Some(segment) if segment.first == first => segment.bytes += bytes,
            last => {
                let segment = Segment { first, bytes };
                if last.is_none() {
                    self.next = segment.start();
                }
                self.segments.push_back(segment);
            }
        }
        self.head = head;
        self.failed = None;
    }

    /// Notes that the app has all up to a record, and gives back the segments that are of no use any more. The last one stays:
    /// it may be written to.
    pub(crate) fn take(&mut self, sent: AuditHead, next: Position) -> Vec<u64> {
        (self.sent, self.next) = (sent, next);
        let mut gone = Vec::new();
        while let (Some(first), Some(second)) = (self.segments.front(), self.segments.get(1)) {
            if first.first == self.next.segment {
                if self.next.offset < first.bytes {
                    break;
                }
                self.next = second.start();
            }
            gone.push(first.first);
            self.segments.pop_front();
        }
        gone
    }
}
