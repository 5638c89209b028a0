//! Opens a connection and decides what its SQL may do.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization, Wal};

use super::Failure;
use super::checkpoint::Checkpoints;

/// How long a writer waits: for another of this process, and for another process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Prepared statements kept by each connection.
const STATEMENTS_MAX: usize = 128;

/// SQLite's code for `ATTACH`; it comes without a file name when the name is an expression.
const ATTACH_CODE: i32 = 24;

/// Pragmas that say how the file is kept safe and shared. Setting them does nothing.
const FIXED_PRAGMAS: [&str; 6] = [
    "data_store_directory",
    "journal_mode",
    "locking_mode",
    "synchronous",
    "temp_store_directory",
    "wal_autocheckpoint",
];

const SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
";

pub(super) struct Connection {
    pub sqlite: rusqlite::Connection,
    altered: Arc<AtomicBool>,
}

impl Connection {
    pub fn open(path: &Path, checkpoints: Arc<Checkpoints>) -> Result<Self, Failure> {
        // SQLite gives its side files the mode of the database itself.
        let mut create = OpenOptions::new();
        create.create(true).append(true).mode(0o600);
        create
            .open(path)
            .map_err(|error| Failure::Other(format!("cannot open the database: {error}")))?;

        let mut sqlite = rusqlite::Connection::open(path)?;
        sqlite.busy_timeout(BUSY_TIMEOUT)?;
        sqlite.execute_batch(SETTINGS)?;
        sqlite.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // Else a statement with a parameter behind `LIMIT`, or compared with an indexed column, is compiled anew at each use.
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;

        sqlite.wal_hook(Some(move |wal: &mut Wal, pages| {
            checkpoints.committed(wal, pages);
            Ok(())
        }))?;

        let altered = Arc::new(AtomicBool::new(false));
        let mark = altered.clone();
        sqlite.authorizer(Some(move |request: AuthContext<'_>| {
            decide(&request, &mark)
        }))?;
        Ok(Self { sqlite, altered })
    }

    /// Whether the next user would find a connection like a new one.
    pub fn is_pristine(&self) -> bool {
        !self.altered.load(Ordering::Relaxed)
    }
}

fn decide(request: &AuthContext<'_>, altered: &AtomicBool) -> Authorization {
    match request.action {
        AuthAction::Attach {
            filename: "" | ":memory:",
        }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateTempTrigger { .. } => altered.store(true, Ordering::Relaxed),
        AuthAction::Attach { .. }
        | AuthAction::Unknown {
            code: ATTACH_CODE, ..
        } => return Authorization::Deny,
        AuthAction::Pragma {
            pragma_name,
            pragma_value: Some(_),
        } => {
            let fixed = FIXED_PRAGMAS
                .iter()
                .any(|pragma| pragma.eq_ignore_ascii_case(pragma_name));
            if fixed {
                return Authorization::Ignore;
            }
            altered.store(true, Ordering::Relaxed);
        }
        _ => {}
    }
    Authorization::Allow
}
