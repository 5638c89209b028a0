//! The records on their way to the app.
//!
//! The app's copy is the one that counts. Where the two differ nothing is overwritten on either side: the log closes, and
//! says what to do.

use crate::book::{Book, Diverged, Position};
use crate::log::Log;
use crate::segment::{self, Error, Line};
use std::cmp::Ordering;
use std::io;
use swarm_flow_protocol::{AUDIT_BATCH_MAX, AuditBatch, AuditHead};

/// What is read at once, in bytes.
const BATCH_BYTES_MAX: u64 = 512 << 10;

/// Records to send.
pub struct Batch {
    pub records: AuditBatch,
    head: AuditHead,
    next: Position,
}

impl Log {
    /// The last record that was written.
    pub fn head(&self) -> AuditHead {
        self.shared().book().head.clone()
    }

    /// Goes on from where the app says that its copy ends, which it does whenever it is asked; after this, sandboxes may
    /// start. The app may be behind, as far as the records are still here. It may be ahead of a log that was
    /// just opened and whose records it has all: of an empty one, say.
    pub fn begin(&self, app: &AuditHead) -> Result<(), Error> {
        let shared = self.shared();
        let gone = shared.note(|book| begin(book, app, &shared.stream))?;
        self.settle(gone);
        Ok(())
    }

    /// The records after those that the app has; none where it has all.
    pub fn batch(&self) -> Result<Option<Batch>, Error> {
        let shared = self.shared();
        let (gone, previous, next, end) = shared.note(|book| {
            let gone = book.take(book.sent.clone(), book.next);
            let segment = book.segments.front();
            let end = segment.map_or(0, |segment| segment.bytes);
            (gone, book.sent.clone(), book.next, end)
        });
        if !gone.is_empty() {
            self.settle(gone);
        }
        if next.offset >= end {
            return Ok(None);
        }
        let path = segment::path(&shared.settings.folder, next.segment);
        let most = (end - next.offset).min(BATCH_BYTES_MAX);
        let mut lines = segment::read(&path, next.offset, most)?;
        lines.truncate(AUDIT_BATCH_MAX);
        let expected = previous.sequence + 1..;
        if lines.is_empty()
            || lines
                .iter()
                .map(|(line, _)| line.sequence)
                .ne(expected.take(lines.len()))
        {
            let why = format!("record {} is missing", previous.sequence + 1);
            return Err(segment::damaged(&path, why));
        }
        let (head, offset) = lines
            .last()
            .map(|(line, end)| (line.head(), *end))
            .unwrap_or_default();
        Ok(Some(Batch {
            records: AuditBatch {
                previous,
                entries: lines.into_iter().map(|(line, _)| line.entry).collect(),
            },
            head,
            next: Position { offset, ..next },
        }))
    }

    /// Notes that the app has these records.
    pub fn taken(&self, batch: Batch) {
        let gone = self.shared().note(|book| book.take(batch.head, batch.next));
        self.settle(gone);
    }

    /// No sandbox starts until [`Log::begin`] finds that the two copies agree after all.
    pub fn diverge(&self, why: Diverged) {
        self.shared().note(|book| book.diverged = Some(why));
    }

    /// Writes down what the app has, and removes what is of no use any more. Where the first fails, for want of room say, the
    /// second helps: what the app has can be learned from the app.
    fn settle(&self, gone: Vec<u64>) {
        let folder = &self.shared().settings.folder;
        let sent = self.shared().book().sent.clone();
        let noted = segment::note_sent(folder, &sent);
        let removed = gone.into_iter().map(|first| segment::remove(folder, first));
        for error in std::iter::once(noted)
            .chain(removed)
            .filter_map(Result::err)
        {
            tracing::warn!("{}", chain(&error));
        }
    }
}

/// The segments that are of no use any more.
fn begin(book: &mut Book, app: &AuditHead, stream: &str) -> Result<Vec<u64>, Error> {
    let found = match app.sequence.cmp(&book.head.sequence) {
        Ordering::Greater if !book.has_begun && book.sent == book.head => {
            let gone = book.segments.drain(..).map(|segment| segment.first);
            let gone = gone.collect();
            book.head = app.clone();
            Ok((gone, Position::default()))
        }
        Ordering::Greater => Err(book.apart(app)),
        Ordering::Equal if app.hash == book.head.hash => Ok((Vec::new(), book.end())),
        Ordering::Equal => Err(differs(app)),
        Ordering::Less => match book.position_after(app.sequence)? {
            None => Err(book.apart(app)),
            // The record that follows says by its hash which one it follows.
            Some(next) if book.line_at(next)?.follows(stream, &app.hash) => Ok((Vec::new(), next)),
            Some(_) => Err(differs(app)),
        },
    };
    match found {
        Ok((mut gone, next)) => {
            book.has_begun = true;
            book.diverged = None;
            gone.extend(book.take(app.clone(), next));
            Ok(gone)
        }
        Err(diverged) => {
            book.diverged = Some(diverged);
            Ok(Vec::new())
        }
    }
}

fn differs(app: &AuditHead) -> Diverged {
    Diverged::Differs {
        sequence: app.sequence,
    }
}

/// An error and what is behind it.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

impl Book {
    /// Where the record after this one is, if it is here.
    pub(crate) fn position_after(&self, sequence: u64) -> Result<Option<Position>, Error> {
        let wanted = sequence.saturating_add(1);
        let mut older = self.segments.iter().rev();
        let Some(segment) = older.find(|segment| segment.first <= wanted) else {
            return Ok(None);
        };
        let path = segment::path(&self.folder, segment.first);
        let mut offset = 0;
        for (line, end) in segment::read(&path, 0, segment.bytes)? {
            if line.sequence == wanted {
                let segment = segment.first;
                return Ok(Some(Position { segment, offset }));
            }
            offset = end;
        }
        Ok(None)
    }

    fn end(&self) -> Position {
        let last = self.segments.back();
        last.map_or(Position::default(), |last| Position {
            segment: last.first,
            offset: last.bytes,
        })
    }

    fn line_at(&self, position: Position) -> Result<Line, Error> {
        let path = segment::path(&self.folder, position.segment);
        let mut lines = segment::read(&path, position.offset, BATCH_BYTES_MAX)?.into_iter();
        lines.next().map(|(line, _)| line).ok_or_else(|| {
            let gone = io::Error::from(io::ErrorKind::UnexpectedEof);
            segment::io("read a record of", &path)(gone)
        })
    }

    fn apart(&self, app: &AuditHead) -> Diverged {
        let first = self.segments.front();
        Diverged::Apart {
            app: app.sequence,
            first: first.map_or(self.head.sequence, |first| first.first),
            last: self.head.sequence,
        }
    }
}
