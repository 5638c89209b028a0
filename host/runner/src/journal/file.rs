//! The file of one run in one workspace, open, and what is in it.
//!
//! Which attempts it has and where the last line of each is, is read once, when this process first opens it. From then on
//! opening an attempt, new or not, looks only at that attempt's lines.
//!
//! A line is one `write` at the end of the file, and its newline is its last byte: whatever is behind the last newline was torn,
//! by a process that died or a disk that was full, and is cut off before another line is written. A line in the middle that
//! cannot be read is nobody's; an attempt whose lines do not follow one on the other is damaged, and no other is.

use super::Attempt;
use super::entry::{Did, Line, Noted, Position, Read, Whose, Written};
use super::folder::{Folder, Full, Hold};
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct RunFile {
    folder: Arc<Folder>,
    run: String,
    prepared: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// None before the first use, and as long as there is no file.
    open: Option<Arc<Open>>,
    attempts: BTreeMap<Whose, Known>,
    /// Of whole lines.
    length: u64,
    /// There may be a part of a line behind them.
    torn: bool,
    /// How many writers there were.
    writers: u64,
}

struct Open {
    file: File,
    hold: Hold,
}

/// What is known of an attempt without reading it.
#[derive(Clone, Copy)]
struct Known {
    last: Position,
    steps: usize,
    bytes: u64,
    ended: bool,
    damaged: bool,
    /// Who opened it last, to write to it.
    writer: Option<u64>,
}

impl RunFile {
    pub(super) fn new(folder: Arc<Folder>, run: &str) -> Self {
        Self {
            folder,
            run: run.to_owned(),
            prepared: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    pub(super) fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// From now on nobody else writes to this attempt: what an earlier writer still has to say is not recorded, and so not done.
    pub(super) fn take_over(&self, whose: Whose) -> io::Result<u64> {
        let (mut state, _) = self.opened(true)?;
        state.writers += 1;
        let writer = state.writers;
        if let Some(known) = state.attempts.get_mut(&whose) {
            known.writer = Some(writer);
        }
        Ok(writer)
    }

    /// Adds a line to an attempt, after the line that its writer takes for the last. None begins the attempt.
    pub(super) fn append(
        &self,
        whose: Whose,
        before: Option<Position>,
        writer: Option<u64>,
        did: Written<'_>,
    ) -> io::Result<Position> {
        let (is_step, ended) = (matches!(did, Did::Step(_)), matches!(did, Did::Ended(_)));
        let line = Line::text(whose, before, did)?;
        let (mut state, open) = self.opened(true)?;
        let known = state.attempts.get(&whose).copied();
        if known.map(|known| (known.last, known.writer)) != before.map(|last| (last, writer)) {
            return Err(io::Error::other(
                "someone else went on with this attempt of the task meanwhile",
            ));
        }
        let bytes = line.len() as u64;
        let of_attempt = known.map_or(0, |known| known.bytes) + bytes;
        let most = self.folder.limits().attempt_bytes;
        if of_attempt > most {
            return Err(Full::Attempt { most }.into());
        }
        open.hold.take(bytes)?;
        if let Err(error) = state.write(&open.file, &line) {
            open.hold.give_back(bytes);
            return Err(error);
        }
        let last = Position(state.length - bytes, bytes);
        let known = Known {
            last,
            steps: known.map_or(0, |known| known.steps) + usize::from(is_step),
            bytes: of_attempt,
            ended,
            damaged: false,
            writer,
        };
        state.attempts.insert(whose, known);
        Ok(last)
    }

    /// What is written of an attempt, if it was begun.
    pub(super) fn read(&self, whose: Whose) -> io::Result<Option<Attempt>> {
        let Some((state, open)) = found(self.opened(false))? else {
            return Ok(None);
        };
        let Some(known) = state.attempts.get(&whose).copied() else {
            return Ok(None);
        };
        drop(state);
        if known.damaged {
            return Err(damaged(whose));
        }
        read_back(&open.file, whose, known.last).map(Some)
    }

    /// The last attempt of a task.
    pub(super) fn last(&self, task: u32) -> io::Result<Option<Whose>> {
        let whose = |attempt| Whose { task, attempt };
        let found = found(self.opened(false))?;
        Ok(found.and_then(|(state, _)| {
            let mut attempts = state.attempts.range(whose(0)..=whose(u32::MAX));
            attempts.next_back().map(|(last, _)| *last)
        }))
    }

    /// How many calls of an attempt are recorded. None can be relied on when it is damaged.
    pub(super) fn steps(&self, whose: Whose) -> io::Result<usize> {
        let found = found(self.opened(false))?;
        let known = found.and_then(|(state, _)| state.attempts.get(&whose).copied());
        Ok(known
            .filter(|known| !known.damaged)
            .map_or(0, |known| known.steps))
    }

    /// Keeps what is too large for a line, and says by which name.
    pub(super) fn keep(&self, text: &[u8]) -> io::Result<String> {
        let digest = blake3::hash(text).to_hex().to_string();
        let path = self.large(&digest);
        if path.exists() {
            return Ok(digest);
        }
        let open = self.opened(true)?.1;
        let bytes = text.len() as u64;
        open.hold.take(bytes)?;
        let written = self.write_large(&path, text);
        if written.is_err() {
            open.hold.give_back(bytes);
        }
        written.map(|()| digest)
    }

    fn write_large(&self, path: &std::path::Path, text: &[u8]) -> io::Result<()> {
        match std::fs::create_dir(self.folder.large(&self.run)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let aside = self.large(&crate::workspace::fresh_name());
        std::fs::write(&aside, text)?;
        std::fs::rename(aside, path)
    }

    pub(super) fn kept(&self, digest: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.large(digest))
    }

    fn large(&self, name: &str) -> PathBuf {
        self.folder.large(&self.run).join(name)
    }

    /// Whether [`Self::prepare`] has nothing to do.
    pub(super) fn is_prepared(&self) -> bool {
        self.prepared.load(Relaxed)
    }

    /// Reads what there is, which may take a while when there is much.
    pub(super) fn prepare(&self) -> io::Result<()> {
        found(self.opened(false)).map(drop)
    }

    fn opened(&self, make: bool) -> io::Result<(MutexGuard<'_, State>, Arc<Open>)> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &state.open {
            let open = open.clone();
            return Ok((state, open));
        }
        let (file, hold) = self.folder.open(&self.run, make)?;
        let mut read = State::read(&file)?;
        if file.metadata()?.len() > read.length {
            file.set_len(read.length)?;
        }
        let open = Arc::new(Open { file, hold });
        read.open = Some(open.clone());
        *state = read;
        self.prepared.store(true, Relaxed);
        Ok((state, open))
    }
}

impl State {
    fn read(file: &File) -> io::Result<Self> {
        let mut state = Self::default();
        let mut reader = BufReader::with_capacity(64 << 10, file);
        let mut text = Vec::new();
        loop {
            text.clear();
            let bytes = reader.read_until(b'\n', &mut text)? as u64;
            if text.last() != Some(&b'\n') {
                return Ok(state);
            }
            let at = Position(state.length, bytes);
            state.length += bytes;
            match serde_json::from_slice::<Line<Noted>>(&text) {
                Ok(line) => state.note(&line, at),
                Err(error) => tracing::warn!("a journal's line cannot be read: {error}"),
            }
        }
    }

    fn note(&mut self, line: &Line<Noted>, at: Position) {
        let known = self.attempts.get(&line.whose()).copied();
        let begins = matches!(line.did, Did::Began(_));
        let follows = known.map(|known| known.last) == line.before && known.is_none() == begins;
        let is_step = matches!(line.did, Did::Step(_));
        let known = Known {
            last: at,
            steps: known.map_or(0, |known| known.steps) + usize::from(is_step),
            bytes: known.map_or(0, |known| known.bytes) + at.1,
            ended: matches!(line.did, Did::Ended(_)),
            damaged: !follows || known.is_some_and(|known| known.damaged),
            writer: None,
        };
        self.attempts.insert(line.whose(), known);
    }

    /// All of it or nothing.
    fn write(&mut self, mut file: &File, line: &[u8]) -> io::Result<()> {
        if self.torn {
            file.set_len(self.length)?;
            self.torn = false;
        }
        let written = file.write(line);
        if matches!(written, Ok(bytes) if bytes == line.len()) {
            self.length += line.len() as u64;
            return Ok(());
        }
        self.torn = file.set_len(self.length).is_err();
        written?;
        Err(io::Error::new(
            io::ErrorKind::StorageFull,
            "the disk took only a part of a journal's line",
        ))
    }
}

/// Whether the last attempt of a task has no end.
pub(super) fn is_unfinished(file: &File) -> io::Result<bool> {
    let attempts = State::read(file)?.attempts;
    let last: BTreeMap<u32, bool> = attempts
        .iter()
        .map(|(whose, known)| (whose.task, known.ended))
        .collect();
    Ok(last.values().any(|ended| !ended))
}

/// From the last line to the first, each of which names the one before it.
fn read_back(file: &File, whose: Whose, last: Position) -> io::Result<Attempt> {
    let mut steps = VecDeque::new();
    let mut ending = None;
    let mut text = Vec::new();
    let mut at = last;
    loop {
        text.resize(usize::try_from(at.1).map_err(io::Error::other)?, 0);
        file.read_exact_at(&mut text, at.0)?;
        let line: Line<Read> = serde_json::from_slice(&text).map_err(|_| damaged(whose))?;
        let behind = line
            .before
            .map_or(0, |Position(from, bytes)| from.saturating_add(bytes));
        if line.whose() != whose || behind > at.0 {
            return Err(damaged(whose));
        }
        match (line.did, line.before) {
            (Did::Began(header), None) => {
                return Ok(Attempt {
                    header: *header,
                    steps,
                    ending,
                    last,
                });
            }
            (Did::Step(step), Some(before)) => {
                steps.push_front(step);
                at = before;
            }
            (Did::Ended(said), Some(before)) => {
                ending.get_or_insert(said);
                at = before;
            }
            _ => return Err(damaged(whose)),
        }
    }
}

/// A file that is not there has nothing in it.
fn found<T>(opened: io::Result<T>) -> io::Result<Option<T>> {
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn damaged(whose: Whose) -> io::Error {
    let Whose { task, attempt } = whose;
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "the journal of attempt {attempt} of task {task} is damaged: lines of it are missing"
        ),
    )
}
