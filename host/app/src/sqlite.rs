//! `fermyon:spin/sqlite@2.0.0` over one SQLite file.
//!
//! The file is in WAL mode: readers never wait. Writers of this process wait for each other in the order in
//! which they came, on a lock of ours, so that the database never reports itself as busy to a guest. A
//! statement runs on the calling thread: most take microseconds, less than a change of threads. The few that
//! rewrite the whole file make room for other tasks first.
//!
//! What was committed is moved into the file by a thread ([`checkpoint`]), as that waits for the disk.
//!
//! Connections are kept and lent out. A guest that leaves a transaction open has it rolled back; one that
//! changed its connection (temporary tables, pragmas) has that connection closed instead of kept. A guest
//! reaches no other file (`ATTACH`, `VACUUM INTO`) and cannot change how the database is kept safe.

mod checkpoint;
mod connect;
mod host;
mod session;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use checkpoint::Checkpoints;
use connect::Connection;

pub use host::GuestConnection;
pub(crate) use host::{SqliteContext, SqliteView, add_to_linker};
pub use session::{Failure, Session};

/// Connections kept open while nobody uses them.
const IDLE_CONNECTIONS_MAX: usize = 32;

/// One database file.
pub(crate) struct Database {
    path: PathBuf,
    checkpoints: Arc<Checkpoints>,
    idle: Mutex<Vec<Connection>>,
    writer: Arc<tokio::sync::Mutex<()>>,
}

impl Database {
    /// The file is made when it is used for the first time.
    pub fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            checkpoints: Arc::new(Checkpoints::new(path.clone())),
            path,
            idle: Mutex::default(),
            writer: Arc::default(),
        })
    }

    /// Lends a connection until the session is dropped.
    pub fn session(self: &Arc<Self>) -> Result<Session, Failure> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.path, self.checkpoints.clone())?,
        };
        Ok(Session::new(self.clone(), connection))
    }

    fn keep(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(connection);
        }
    }
}

#[cfg(test)]
mod tests;
