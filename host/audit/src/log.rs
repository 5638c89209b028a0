//! The log itself: opens its folder, lets sandboxes start, and ends its thread when nobody has it any more.

use crate::book::{Book, Closed, Position, Segment};
use crate::queue::Queue;
use crate::record::{Record, Started, Subject};
use crate::segment::{self, Error};
use crate::trail::Trail;
use crate::writer::Writer;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use swarm_flow_protocol::{AuditHead, audit_stream};

/// What may wait for the app when nobody says, in bytes.
pub const SPOOL_BYTES_MAX: u64 = 1 << 30;
const SEGMENT_BYTES_MAX: u64 = 8 << 20;

/// How a log is set up.
pub struct Settings {
    /// Its own; it is made.
    pub folder: PathBuf,
    /// The runner whose log it is.
    pub runner: String,
    /// What may be written and not sent before no sandbox starts any more.
    pub spool_bytes_max: u64,
    /// When the next file is begun.
    pub segment_bytes_max: u64,
}

impl Settings {
    pub fn new(folder: impl Into<PathBuf>, runner: impl Into<String>) -> Self {
        Self {
            folder: folder.into(),
            runner: runner.into(),
            spool_bytes_max: SPOOL_BYTES_MAX,
            segment_bytes_max: SEGMENT_BYTES_MAX,
        }
    }
}

/// A runner's audit log. Cheap to clone; when the last clone and the last [`Trail`] are gone, what was recorded is written.
#[derive(Clone)]
pub struct Log(Arc<Owner>);

struct Owner {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) stream: String,
    pub(crate) queue: Queue,
    pub(crate) on_written: Box<dyn Fn() + Send + Sync>,
    book: Mutex<Book>,
    is_closed: AtomicBool,
    /// How many records were written since the log was opened.
    pub(crate) written: AtomicU64,
}

impl Log {
    /// Opens the log of a folder that no other log has open. `on_written` is called from the log's thread whenever there
    /// is more to send.
    ///
    /// No sandbox starts before [`Log::begin`].
    pub fn open(
        settings: Settings,
        on_written: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let stream = audit_stream(&settings.runner);
        let book = open(&settings, &stream)?;
        let shared = Arc::new(Shared {
            settings,
            stream,
            queue: Queue::default(),
            on_written: Box::new(on_written),
            book: Mutex::new(book),
            is_closed: AtomicBool::new(true),
            written: AtomicU64::new(0),
        });
        let writer = Writer::new(shared.clone());
        let writer = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run())
            .map_err(segment::io("start the thread for", &shared.settings.folder))?;
        Ok(Self(Arc::new(Owner {
            shared,
            writer: Some(writer),
        })))
    }

    /// Records that a sandbox starts, or says why none may.
    pub fn start(&self, subject: Subject<'_>, started: &Started<'_>) -> Result<Trail, Closed> {
        match self.shut() {
            None => Trail::start(self.clone(), subject, started).ok_or(Closed::Behind),
            Some(closed) => Err(closed),
        }
    }

    /// Why no sandbox may start just now.
    pub fn closed(&self) -> Option<Closed> {
        let behind = || (!self.has_room()).then_some(Closed::Behind);
        self.shut().or_else(behind)
    }

    fn shut(&self) -> Option<Closed> {
        let shared = self.shared();
        let is_closed = shared.is_closed.load(Ordering::Acquire);
        is_closed.then(|| shared.book().closed()).flatten()
    }

    /// Waits until everything that was recorded before is written; false if that takes longer than `most`.
    pub fn flush(&self, most: Duration) -> bool {
        let (shared, deadline) = (self.shared(), Instant::now() + most);
        let count = shared.queue.count();
        while shared.written.load(Ordering::Acquire) < count {
            if Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }

    pub(crate) fn push(&self, record: Record) {
        self.shared().queue.push(record);
    }

    pub(crate) fn push_if_room(&self, record: Record) -> bool {
        self.shared().queue.push_if_room(record)
    }

    /// Whether a record that may wait should be recorded now.
    pub(crate) fn has_room(&self) -> bool {
        self.shared().queue.has_room()
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.0.shared
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the thread of the audit log panicked");
        }
    }
}

impl Shared {
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known, and with it perhaps whether sandboxes may start.
    pub(crate) fn note<R>(&self, change: impl FnOnce(&mut Book) -> R) -> R {
        let mut book = self.book();
        let result = change(&mut book);
        self.is_closed
            .store(book.closed().is_some(), Ordering::Release);
        result
    }
}

/// Reads the folder as the last process left it.
fn open(settings: &Settings, stream: &str) -> Result<Book, Error> {
    let folder = &settings.folder;
    segment::make_folder(folder)?;
    let sent = segment::sent(folder)?;
    let mut book = Book {
        folder: folder.clone(),
        segments: Default::default(),
        head: sent.clone(),
        sent: sent.clone(),
        next: Position::default(),
        has_begun: false,
        failed: None,
        diverged: None,
        spool_bytes_max: settings.spool_bytes_max,
    };
    let mut segments = segment::list(folder)?;
    while let Some((first, _)) = segments.pop() {
        let Some((head, bytes)) = segment::mend(folder, first, stream)? else {
            segment::remove(folder, first)?;
            continue;
        };
        book.head = head;
        segments.push((first, bytes));
        break;
    }
    if book.head.sequence <= sent.sequence {
        // The app has everything. What it has beyond the files was lost with the machine's power.
        for (first, _) in segments {
            segment::remove(folder, first)?;
        }
        book.head = sent;
        return Ok(book);
    }
    let segments = segments
        .into_iter()
        .map(|(first, bytes)| Segment { first, bytes });
    book.segments = segments.collect();
    let (sent, next) = match (book.position_after(sent.sequence)?, book.segments.front()) {
        (None, Some(first)) => (before(first), first.start()),
        (next, _) => (sent, next.unwrap_or_default()),
    };
    for gone in book.take(sent, next) {
        segment::remove(folder, gone)?;
    }
    Ok(book)
}

/// The app took what came before and that was not written down. If it did not, it will say so.
fn before(first: &Segment) -> AuditHead {
    AuditHead {
        sequence: first.first.saturating_sub(1),
        hash: String::new(),
    }
}

#[cfg(test)]
mod tests;
