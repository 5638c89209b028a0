//! Moves what was committed from the write-ahead log into the database file, which waits for the disk: on a thread of its own,
//! so that whoever commits does not.

use rusqlite::hooks::Wal;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Committed pages after which the thread is asked, as many as SQLite takes for itself.
const PAGES: i32 = 1_000;
/// A log that never comes to its end, because somebody always writes: then whoever commits moves it.
const PAGES_MAX: i32 = 16_000;
/// After so long without more, what came meanwhile is moved too, and the log begins anew.
const QUIET: Duration = Duration::from_millis(200);

/// Of one database file. The thread begins when there is work for it, and ends when this is dropped.
pub(super) struct Checkpoints {
    path: PathBuf,
    thread: Mutex<Option<SyncSender<()>>>,
    /// The length of the log when somebody was asked last, in pages.
    asked_at: AtomicI32,
}

impl Checkpoints {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            thread: Mutex::default(),
            asked_at: AtomicI32::new(0),
        }
    }

    /// To be called after each commit, with the length of the log.
    pub fn committed(&self, wal: &mut Wal, pages: i32) {
        let asked_at = self.asked_at.load(Ordering::Relaxed);
        // It begins anew once all of it was moved.
        let asked_at = if pages < asked_at { 0 } else { asked_at };
        let due = pages - asked_at >= PAGES;
        self.asked_at
            .store(if due { pages } else { asked_at }, Ordering::Relaxed);
        if due && (pages >= PAGES_MAX || !self.ask()) {
            // The commit holds without it, and one a thousand pages later tries again.
            let _ = wal.checkpoint();
        }
    }

    /// False where there is no thread to be had.
    fn ask(&self) -> bool {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let asks = match &mut *thread {
            Some(asks) => asks,
            none => {
                let (asks, asked) = sync_channel(1);
                let path = self.path.clone();
                let begun = std::thread::Builder::new()
                    .name("checkpoint".to_owned())
                    .spawn(move || work(&path, &asked));
                if begun.is_err() {
                    return false;
                }
                none.insert(asks)
            }
        };
        // A second ask while one waits asks for the same.
        let _ = asks.try_send(());
        true
    }
}

fn work(path: &Path, asked: &Receiver<()>) {
    let mut sqlite = None;
    while asked.recv().is_ok() {
        loop {
            if let Err(error) = checkpoint(path, &mut sqlite) {
                // The log stays as it is, and is whole; at its greatest length whoever commits moves it.
                tracing::warn!("cannot move the write-ahead log into the database: {error}");
            }
            match asked.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let _ = checkpoint(path, &mut sqlite);
    }
}

/// As far as it goes without making a reader or a writer wait.
fn checkpoint(path: &Path, sqlite: &mut Option<rusqlite::Connection>) -> rusqlite::Result<()> {
    let sqlite = match sqlite {
        Some(sqlite) => sqlite,
        none => none.insert(rusqlite::Connection::open(path)?),
    };
    sqlite.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}
