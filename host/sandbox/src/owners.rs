//! Who changes what in a workspace: what a sandbox with an undo log has changed is its own until it is known whether the
//! changes stay, because what others wrote there meanwhile would be taken back with it.
//!
//! | held by | what | until |
//! |---|---|---|
//! | a sandbox with an undo log | files by device and inode, names that it made, removed, renamed or wrote to | its changes stay, or are gone |
//! | any other | files that it has open for writing, together with its like | it closes them |
//! | any other | a name that it makes, removes or renames | the call is done |
//!
//! A name holds what is beneath it: nobody puts anything into a directory that may be gone again, or moves one in which
//! something is held. Reading holds nothing and never waits. Who wants what another has waits, for a while; the one whose
//! waiting would close a circle is told at once. As long as there is no undo log in a workspace nothing is held there, and
//! who writes looks at two counters.

mod table;

#[cfg(test)]
mod tests;

use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use table::Table;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long anybody waits for what another holds.
const WAIT_MAX: Duration = Duration::from_secs(30);
/// How long who opens the first undo log waits for those who write just now, and looks at them again.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(1);
const QUIET_PAUSE: Duration = Duration::from_millis(1);

/// A file, whatever its names are: device and inode.
pub(crate) type FileId = (u64, u64);

/// What someone wants to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    File(FileId),
    /// Relative to the workspace's folder, without a link in it.
    Name(String),
    /// A name and all beneath it: of what may be a directory that goes away or comes.
    Tree(String),
}

/// Some of these have it.
pub(crate) type Blockers = SmallVec<[u64; 2]>;

/// Why what is held by others was not had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHad {
    #[error("another command of the workspace is changing this and has not ended")]
    Busy,
    #[error(
        "another command of the workspace is changing this and waits for what this one changed"
    )]
    Deadlock,
}

/// What is held in one workspace. Cheap to clone.
#[derive(Clone)]
pub struct Owners(Arc<Inner>);

struct Inner {
    wait_max: Duration,
    /// Sandboxes with an undo log.
    logs: AtomicUsize,
    /// Changes under way of which the table does not know, because there was no undo log.
    quiet: AtomicUsize,
    last: AtomicU64,
    table: Mutex<Table>,
    released: Notify,
}

impl Inner {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, change: impl FnOnce(&mut Table)) {
        change(&mut self.table());
        self.released.notify_waiters();
    }
}

impl Default for Owners {
    fn default() -> Self {
        Self::patient(WAIT_MAX)
    }
}

impl Owners {
    /// Where nobody waits for longer than this.
    fn patient(wait_max: Duration) -> Self {
        Self(Arc::new(Inner {
            wait_max,
            logs: AtomicUsize::default(),
            quiet: AtomicUsize::default(),
            last: AtomicU64::default(),
            table: Mutex::default(),
            released: Notify::new(),
        }))
    }

    /// One that has an undo log. Whoever changes something at this moment is done when this comes back.
    pub(crate) async fn with_log(&self) -> Owner {
        self.0.logs.fetch_add(1, Ordering::SeqCst);
        let owner = self.owner(true);
        let until = Instant::now() + QUIET_WAIT_MAX;
        while self.0.quiet.load(Ordering::SeqCst) > 0 && Instant::now() < until {
            tokio::time::sleep(QUIET_PAUSE).await;
        }
        owner
    }

    /// One that has none.
    pub(crate) fn beside(&self) -> Owner {
        self.owner(false)
    }

    fn owner(&self, with_log: bool) -> Owner {
        Owner {
            owners: self.clone(),
            id: self.0.last.fetch_add(1, Ordering::Relaxed) + 1,
            with_log,
            ended: AtomicBool::new(false),
        }
    }
}

/// One who changes things: a command and all that it started, or a caller of the file API. Goes with all that it holds.
pub(crate) struct Owner {
    owners: Owners,
    id: u64,
    with_log: bool,
    ended: AtomicBool,
}

/// A try that others were in the way of, or what came of it.
pub(crate) enum Stop<E> {
    Blocked(Blockers),
    Failed(E),
}

impl<E> From<E> for Stop<E> {
    fn from(failed: E) -> Self {
        Self::Failed(failed)
    }
}

impl Owner {
    fn inner(&self) -> &Inner {
        &self.owners.0
    }

    /// Holds all of it, or nothing.
    pub(crate) fn hold(&self, wants: &[Want]) -> Result<(), Blockers> {
        let mut table = self.inner().table();
        table.free(self.id, self.with_log, wants)?;
        table.hold(self.id, self.with_log, wants);
        Ok(())
    }

    /// Lets go of what was held without an undo log.
    fn release(&self, wants: &[Want]) {
        self.inner().changed(|table| table.release(self.id, wants));
    }

    /// Tries again whenever somebody lets go of something, as long as others are in the way.
    pub(crate) async fn patiently<R, E: From<NotHad>>(
        &self,
        mut attempt: impl FnMut() -> Result<R, Stop<E>>,
    ) -> Result<R, E> {
        let mut blockers = match attempt() {
            Ok(done) => return Ok(done),
            Err(Stop::Failed(failed)) => return Err(failed),
            Err(Stop::Blocked(blockers)) => blockers,
        };
        let inner = self.inner();
        let until = Instant::now() + inner.wait_max;
        loop {
            let mut released = std::pin::pin!(inner.released.notified());
            released.as_mut().enable();
            // Between the last try and now somebody may have let go.
            match attempt() {
                Ok(done) => return Ok(done),
                Err(Stop::Failed(failed)) => return Err(failed),
                Err(Stop::Blocked(now)) => blockers.clone_from(&now),
            }
            let _waiting = Waiting::new(inner, self.id, &blockers)?;
            if tokio::time::timeout_at(until, released).await.is_err() {
                return Err(NotHad::Busy.into());
            }
        }
    }

    /// Holds until the result is dropped; without any undo log in the workspace that is only counted.
    pub(crate) fn pass<E>(
        self: &Arc<Self>,
        wants: impl FnOnce() -> Result<Vec<Want>, E>,
    ) -> Result<Passing, Stop<E>> {
        if let Some(quiet) = self.quietly() {
            return Ok(Passing::Quiet(quiet));
        }
        let wants = wants()?;
        self.hold(&wants).map_err(Stop::Blocked)?;
        Ok(Passing::Held(Held {
            owner: self.clone(),
            wants,
        }))
    }

    fn quietly(&self) -> Option<Quiet> {
        self.inner().quiet.fetch_add(1, Ordering::SeqCst);
        let quiet = Quiet(self.owners.clone());
        (self.inner().logs.load(Ordering::SeqCst) == 0).then_some(quiet)
    }
}

impl Owner {
    /// Lets go of everything that is held with an undo log.
    pub(crate) fn end(&self) {
        // What the others hold each let go of before.
        if self.with_log && !self.ended.swap(true, Ordering::AcqRel) {
            self.inner().changed(|table| table.leave(self.id));
            self.inner().logs.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Holds it for as long as this process lives.
    pub(crate) fn stay(&self) {
        self.ended.store(true, Ordering::Release);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.end();
    }
}

/// Something is being changed while nobody has an undo log.
pub(crate) struct Quiet(Owners);

impl Drop for Quiet {
    fn drop(&mut self) {
        self.0.0.quiet.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What is held for a while.
pub(crate) struct Held {
    owner: Arc<Owner>,
    wants: Vec<Want>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.owner.release(&self.wants);
    }
}

/// A change may go on as long as this is there.
pub(crate) enum Passing {
    Quiet(#[expect(dead_code, reason = "it counts as long as it is there")] Quiet),
    Held(Held),
}

/// An owner waits for others.
struct Waiting<'a> {
    inner: &'a Inner,
    number: u64,
}

impl<'a> Waiting<'a> {
    fn new(inner: &'a Inner, owner: u64, blockers: &Blockers) -> Result<Self, NotHad> {
        let number = inner.table().wait(owner, blockers)?;
        Ok(Self { inner, number })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.inner.table().woken(self.number);
    }
}
