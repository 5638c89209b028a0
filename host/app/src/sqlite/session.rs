//! Statements on a lent connection.

use std::sync::Arc;

use rusqlite::types::ValueRef;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::OwnedMutexGuard;

use super::Database;
use super::connect::{BUSY_TIMEOUT, Connection};
use crate::bindings::fermyon::spin::sqlite::{QueryResult, RowResult, Value};

/// The most that one statement may return. A guest's memory is smaller than this anyway.
const RESULT_BYTES_MAX: usize = 64 << 20;

/// Statements that open a transaction: it is given the writer's lock at once, because a reader that turns
/// into a writer would find the database changed under it.
const OPENING: [&str; 2] = ["BEGIN", "SAVEPOINT"];

/// Statements that may take long whatever the data.
const SLOW: [&str; 4] = ["VACUUM", "REINDEX", "ANALYZE", "ALTER"];

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("the disk is full")]
    DiskFull,
    #[error("database is locked: another transaction is open")]
    Locked,
    #[error("the result is larger than {RESULT_BYTES_MAX} bytes")]
    ResultTooLarge,
    #[error("{0}")]
    Other(String),
}

/// A connection on loan.
pub struct Session {
    database: Arc<Database>,
    /// Empty only while the session is dropped.
    connection: Option<Connection>,
    /// Held from the statement that needs it to the end of its transaction.
    writing: Option<OwnedMutexGuard<()>>,
}

impl Session {
    pub(super) fn new(database: Arc<Database>, connection: Connection) -> Self {
        Self {
            database,
            connection: Some(connection),
            writing: None,
        }
    }

    pub async fn execute(
        &mut self,
        sql: &str,
        parameters: Vec<Value>,
    ) -> Result<QueryResult, Failure> {
        if self.writing.is_none() && self.needs_writer(sql)? {
            let waiting = self.database.writer.clone().lock_owned();
            let guard = tokio::time::timeout(BUSY_TIMEOUT, waiting).await;
            self.writing = Some(guard.map_err(|_elapsed| Failure::Locked)?);
        }
        let connection = self.connection()?;
        let result = making_room(sql, || run(connection, sql, parameters));
        if self.connection()?.is_autocommit() {
            self.writing = None;
        }
        result
    }

    fn needs_writer(&self, sql: &str) -> Result<bool, Failure> {
        let opens = first_word_is_one_of(sql, &OPENING);
        Ok(opens || !self.connection()?.prepare_cached(sql)?.readonly())
    }

    fn connection(&self) -> Result<&rusqlite::Connection, Failure> {
        let connection = self
            .connection
            .as_ref()
            .map(|connection| &connection.sqlite);
        connection.ok_or_else(|| Failure::Other("the connection is closed".to_owned()))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        let clean = connection.sqlite.is_autocommit()
            || connection.sqlite.execute_batch("ROLLBACK").is_ok();
        if clean && connection.is_pristine() {
            self.database.keep(connection);
        }
    }
}

fn run(
    connection: &rusqlite::Connection,
    sql: &str,
    parameters: Vec<Value>,
) -> Result<QueryResult, Failure> {
    let mut statement = connection.prepare_cached(sql)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = Vec::new();
    let mut size = 0;
    let mut found = statement.query(rusqlite::params_from_iter(
        parameters.into_iter().map(parameter),
    ))?;
    while let Some(row) = found.next()? {
        let values: Vec<Value> = (0..columns.len())
            .map(|column| value(row.get_ref(column)?))
            .collect::<Result<_, Failure>>()?;
        size += values.iter().map(size_bytes).sum::<usize>();
        if size > RESULT_BYTES_MAX {
            return Err(Failure::ResultTooLarge);
        }
        rows.push(RowResult { values });
    }
    drop(found);
    Ok(QueryResult { columns, rows })
}

fn parameter(value: Value) -> rusqlite::types::Value {
    match value {
        Value::Integer(integer) => integer.into(),
        Value::Real(real) => real.into(),
        Value::Text(text) => text.into(),
        Value::Blob(blob) => blob.into(),
        Value::Null => rusqlite::types::Value::Null,
    }
}

fn value(value: ValueRef<'_>) -> Result<Value, Failure> {
    Ok(match value {
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => {
            let text = std::str::from_utf8(text);
            Value::Text(
                text.map_err(|error| Failure::Other(format!("a text is not UTF-8: {error}")))?
                    .to_owned(),
            )
        }
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
        ValueRef::Null => Value::Null,
    })
}

fn size_bytes(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::Text(text) => text.len(),
            Value::Blob(blob) => blob.len(),
            _ => 0,
        }
}

/// Lets another thread take over this one's tasks while a slow statement runs.
fn making_room<T>(sql: &str, work: impl FnOnce() -> T) -> T {
    let many_threads =
        || Handle::try_current().is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread);
    if first_word_is_one_of(sql, &SLOW) && many_threads() {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

fn first_word_is_one_of(sql: &str, words: &[&str]) -> bool {
    let first = sql
        .trim_start()
        .split(|character: char| !character.is_ascii_alphabetic())
        .next();
    first.is_some_and(|first| words.iter().any(|word| word.eq_ignore_ascii_case(first)))
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::DiskFull,
            _ => Self::Other(error.to_string()),
        }
    }
}
