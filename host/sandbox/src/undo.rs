//! All or nothing: what a command and the programs that it starts change in the files of a workspace is there in full when
//! they have ended and somebody kept the result, or is taken back.
//!
//! Before something is changed for the first time, what it was is noted in a log on the same disk: `log` has the records,
//! `restore` takes them back, `names` and `content` write them. Reading costs nothing, and a command that changes nothing
//! makes no log. What is protected from is the end of this process at any instant, by SIGKILL for one. After a loss of power a
//! log may lack what it should say: nothing is flushed.
//!
//! | change | what is noted |
//! |---|---|
//! | a file grows | how long it was |
//! | a file is overwritten or cut off | a copy of it, which shares its blocks where the disk can |
//! | a file or link is removed or replaced, a directory is removed | it is moved into the log, or linked there |
//! | something is made | its name |
//! | something is renamed | both names |
//! | times are set, a name in a directory changes | the times |
//!
//! What was made since the log began needs no copy and is not kept. Files have the same inode afterwards, and the same mode.
//! Only what lies in the workspace's own folder is taken back: elsewhere nothing can be changed meanwhile. What is changed is
//! held against others as `crate::owners` says.

mod beside;
mod change;
mod content;
mod log;
mod names;
mod place;
mod restore;
mod stream;

#[cfg(test)]
mod tests;

pub use beside::{Beside, Changes, Changing};
pub(crate) use change::{Change, Creation};
pub use log::Subject;
pub(crate) use stream::{Position, Writing};

use crate::disk::Disk;
use crate::owners::{FileId, NotHad, Owner, Owners, Stop as Stopped};
use log::{Left, Log, Record};
use place::Root;
use rustix::io::Errno;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Why something could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    #[error(transparent)]
    NotHad(#[from] NotHad),
    #[error(
        "what the command changes is too much to be kept: the policy's `limits.disk_bytes` allows {0} bytes"
    )]
    NoRoom(u64),
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl From<Errno> for NotChanged {
    fn from(error: Errno) -> Self {
        Self::Failed(error.into())
    }
}

pub(crate) type Stop = Stopped<NotChanged>;

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Failed(error.into())
    }
}

/// What an undo log is about, and where it may lie.
pub struct UndoSettings {
    /// The workspace's: what is changed beneath it is taken back.
    pub root: PathBuf,
    /// Not there yet, on the same disk, where no guest sees it.
    pub log: PathBuf,
    pub subject: Subject,
    pub owners: Owners,
    /// Its limit is that of what is kept, too.
    pub disk: Option<Arc<Disk>>,
}

/// The undo log of one command and all that it starts.
pub struct Undo {
    folder: PathBuf,
    root: Root,
    log: PathBuf,
    subject: Subject,
    disk: Option<Arc<Disk>>,
    owner: Owner,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Nothing is changed any more.
    closed: bool,
    /// None before the first change.
    log: Option<Log>,
    /// What there was not when the log began, and still is.
    made: HashSet<FileId>,
    /// Files that were there, as far as they have been changed.
    written: HashMap<FileId, Written>,
    /// Whose times are noted.
    touched: HashSet<FileId>,
    kept_bytes: u64,
}

#[derive(Clone, Debug)]
struct Written {
    /// Which it had when the log began.
    length: u64,
    times: log::Times,
    copied: bool,
}

impl Undo {
    /// Begins: from now on what is changed can be taken back.
    pub async fn begin(settings: UndoSettings) -> io::Result<Arc<Self>> {
        let root = Root::new(&settings.root)?;
        Ok(Arc::new(Self {
            folder: settings.root,
            root,
            log: settings.log,
            subject: settings.subject,
            disk: settings.disk,
            owner: settings.owners.with_log().await,
            state: Mutex::default(),
        }))
    }

    /// No change from now on; those that were made stay, or not.
    pub fn close(&self) {
        self.state().closed = true;
    }

    /// The changes stay, from now on whoever wants may go on with them.
    pub fn keep(&self) -> io::Result<()> {
        self.close();
        self.owner.end();
        remove(&self.log)
    }

    /// Takes all changes back. Nobody else changes what was changed before it is as it was; where that fails, not before
    /// another process has done it, by [`take_back`].
    pub fn take_back(&self) -> io::Result<()> {
        self.close();
        let restored = take_back(&self.log, self.root.path());
        if let Some(disk) = &self.disk {
            disk.measure_anew();
        }
        match &restored {
            Ok(()) => self.owner.end(),
            Err(_) => self.owner.stay(),
        }
        restored
    }

    /// Does it as soon as nobody is in the way.
    pub(crate) async fn patiently<R>(
        &self,
        mut attempt: impl FnMut(&Self) -> Result<R, Stop>,
    ) -> Result<R, NotChanged> {
        self.owner.patiently(|| attempt(self)).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is done in there is noted and done as one, before the end or not at all.
    fn changing(&self) -> Result<Noting<'_>, Stop> {
        let state = self.state();
        if state.closed {
            return Err(Errno::CANCELED.into());
        }
        Ok(Noting { undo: self, state })
    }
}

/// A change under way, of which nobody else sees a part.
struct Noting<'a> {
    undo: &'a Undo,
    state: MutexGuard<'a, State>,
}

impl Noting<'_> {
    fn log(&mut self) -> io::Result<&mut Log> {
        let undo = self.undo;
        let log = &mut self.state.log;
        if log.is_none() {
            *log = Some(Log::create(&undo.log, &undo.subject)?);
        }
        log.as_mut().ok_or_else(|| Errno::IO.into())
    }

    fn note(&mut self, record: &Record) -> io::Result<()> {
        let noted = self.log()?.append(record);
        if noted.is_err() {
            // A record that is torn would end the log for who reads it.
            self.state.closed = true;
        }
        noted
    }

    /// Takes room for what the log is to keep.
    fn room(&mut self, bytes: u64) -> Result<(), NotChanged> {
        let bytes_max = self
            .undo
            .disk
            .as_ref()
            .map_or(u64::MAX, |disk| disk.bytes_max());
        let kept = self.state.kept_bytes.saturating_add(bytes);
        if kept > bytes_max {
            return Err(NotChanged::NoRoom(bytes_max));
        }
        self.state.kept_bytes = kept;
        Ok(())
    }
}

/// Whose log lies in a folder; none if it had not begun.
pub fn subject(log: &Path) -> io::Result<Option<Subject>> {
    Ok(Left::open(log)?.map(|(subject, _)| subject))
}

/// Takes back what a log says, in this folder of a workspace, and removes the log.
pub fn take_back(log: &Path, root: &Path) -> io::Result<()> {
    if let Some((_, left)) = Left::open(log)? {
        restore::restore(&left, log, root)?;
    }
    remove(log)
}

/// Removes a log: what it is about stays as it is.
pub fn remove(log: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(log) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}
