//! The log's thread: formats, chains and writes what waits, all of it in one call.
//!
//! What cannot be written is kept and tried again, and until then the log is closed.

use crate::log::Shared;
use crate::record::Record;
use crate::segment;
use serde::Serialize;
use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use swarm_flow_protocol::{AuditHead, Link};

/// Between two tries to write.
const RETRY: Duration = Duration::from_secs(1);
/// How long what was written may be missing on the disk itself.
const SYNC: Duration = Duration::from_secs(1);

pub(crate) struct Writer {
    shared: Arc<Shared>,
    segment: Option<Open>,
    /// Since when something is not on the disk itself.
    unsynced: Option<Instant>,
    /// Empty but for its room, which those that come next need again.
    records: Vec<Record>,
    payload: Vec<u8>,
}

/// The segment that is being written.
struct Open {
    file: File,
    first: u64,
    bytes: u64,
    /// There may be more in it than these, of an attempt that failed.
    is_torn: bool,
}

/// A [`crate::segment::Line`] of what is there anyway.
#[derive(Serialize)]
struct Written<'a> {
    sequence: u64,
    entry: WrittenEntry<'a>,
}

#[derive(Serialize)]
struct WrittenEntry<'a> {
    kind: &'a str,
    payload: &'a str,
    actor: &'a str,
    at_ms: u64,
    hash: &'a str,
}

/// Records as they stand in a file.
struct Chunk {
    bytes: Vec<u8>,
    first: u64,
    head: AuditHead,
    count: u64,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            segment: None,
            unsynced: None,
            records: Vec::new(),
            payload: Vec::new(),
        }
    }

    pub(crate) fn run(mut self) {
        let mut unwritten: Option<Chunk> = None;
        loop {
            let Some(chunk) = unwritten.take().or_else(|| self.wait()) else {
                if self.shared.queue.is_closed() {
                    break;
                }
                self.sync_if_due();
                continue;
            };
            let closing = self.shared.queue.is_closed();
            match self.write(&chunk) {
                Ok(first) => self.written(first, chunk),
                Err(error) if closing => {
                    tracing::error!(
                        "{} audit records are lost: cannot write them: {error}",
                        chunk.count
                    );
                    break;
                }
                Err(error) => {
                    self.failed(&error);
                    unwritten = Some(chunk);
                    self.shared.queue.pause(RETRY);
                }
            }
            self.sync_if_due();
        }
        self.sync();
    }

    fn wait(&mut self) -> Option<Chunk> {
        let due = self
            .unsynced
            .map(|since| SYNC.saturating_sub(since.elapsed()));
        let mut records = std::mem::take(&mut self.records);
        self.shared.queue.take(due, &mut records);
        let chunk = (!records.is_empty()).then(|| self.chain(&records));
        records.clear();
        self.records = records;
        chunk
    }

    fn chain(&mut self, records: &[Record]) -> Chunk {
        let mut head = self.shared.book().head.clone();
        let first = head.sequence + 1;
        let mut bytes = Vec::with_capacity(records.len() * 768);
        for record in records {
            head = self.append(record, &head, &mut bytes);
            bytes.push(b'\n');
        }
        Chunk {
            bytes,
            first,
            head,
            count: records.len() as u64,
        }
    }

    fn append(&mut self, record: &Record, previous: &AuditHead, bytes: &mut Vec<u8>) -> AuditHead {
        let sequence = previous.sequence + 1;
        let (kind, actor) = (record.kind(), record.actor());
        self.payload.clear();
        // Strings and numbers always have a JSON form, and that is text.
        let _ = record.write_payload(&mut self.payload);
        let payload = str::from_utf8(&self.payload).unwrap_or_default();
        let hash = Link {
            previous_hash: &previous.hash,
            stream: &self.shared.stream,
            sequence,
            kind,
            payload,
            actor: &actor,
            at_ms: record.at_ms,
        }
        .hash();
        let line = Written {
            sequence,
            entry: WrittenEntry {
                kind,
                payload,
                actor: &actor,
                at_ms: record.at_ms,
                hash: &hash,
            },
        };
        let _ = serde_json::to_writer(bytes, &line);
        AuditHead { sequence, hash }
    }

    /// Gives back the first record of the segment that it wrote to.
    fn write(&mut self, chunk: &Chunk) -> io::Result<u64> {
        let settings = &self.shared.settings;
        if let Some(open) = &self.segment
            && open.bytes >= settings.segment_bytes_max
        {
            open.file.sync_data()?;
            self.segment = None;
        }
        let open = match &mut self.segment {
            Some(open) => open,
            none => none.insert(Open {
                file: segment::create(&settings.folder, chunk.first)?,
                first: chunk.first,
                bytes: 0,
                is_torn: false,
            }),
        };
        if std::mem::replace(&mut open.is_torn, true) {
            open.file.set_len(open.bytes)?;
        }
        open.file.write_all(&chunk.bytes)?;
        open.is_torn = false;
        open.bytes += chunk.bytes.len() as u64;
        Ok(open.first)
    }

    fn written(&mut self, first: u64, chunk: Chunk) {
        self.unsynced.get_or_insert_with(Instant::now);
        let shared = &self.shared;
        shared.note(|book| book.append(first, chunk.bytes.len() as u64, chunk.head));
        shared.written.fetch_add(chunk.count, Ordering::Release);
        (shared.on_written)();
    }

    fn failed(&self, error: &io::Error) {
        let folder = self.shared.settings.folder.display();
        let why = format!("cannot write the audit log in {folder}: {error}");
        tracing::error!("{why}");
        self.shared.note(|book| book.failed = Some(why));
    }

    fn sync_if_due(&mut self) {
        if self.unsynced.is_some_and(|since| since.elapsed() >= SYNC) {
            self.sync();
        }
    }

    fn sync(&mut self) {
        self.unsynced = None;
        if let Some(open) = &self.segment
            && let Err(error) = open.file.sync_data()
        {
            self.failed(&error);
        }
    }
}
