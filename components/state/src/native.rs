//! SQLite in memory: the same SQL as in the app, tested without a host.

use crate::{Database, DatabaseError, Row};
use rusqlite::config::DbConfig;
use rusqlite::types::{Value as Stored, ValueRef};
use spin_sdk::sqlite::Value;
use std::cell::{Cell, RefCell};

/// An empty database. It counts its statements, because "one change is one statement" is tested too.
pub struct Memory {
    connection: RefCell<rusqlite::Connection>,
    statements: Cell<u32>,
}

impl Memory {
    pub fn open() -> Result<Self, DatabaseError> {
        let connection = rusqlite::Connection::open_in_memory().map_err(words)?;
        // As the app's database has it.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(words)?;
        Ok(Self {
            connection: RefCell::new(connection),
            statements: Cell::new(0),
        })
    }

    /// Statements run since the last call.
    pub fn take_statements(&self) -> u32 {
        self.statements.take()
    }
}

impl Database for Memory {
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        self.statements.set(self.statements.get() + 1);
        let connection = self.connection.borrow_mut();
        let mut prepared = connection.prepare_cached(statement).map_err(words)?;
        let columns = prepared.column_count();
        let mut found = prepared
            .query(rusqlite::params_from_iter(parameters.iter().map(stored)))
            .map_err(words)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(words)? {
            let values: Result<_, _> = (0..columns)
                .map(|index| row.get_ref(index).map(value))
                .collect();
            rows.push(Row::new(values.map_err(words)?));
        }
        Ok(rows)
    }
}

fn stored(value: &Value) -> Stored {
    match value {
        Value::Integer(number) => Stored::Integer(*number),
        Value::Real(number) => Stored::Real(*number),
        Value::Text(text) => Stored::Text(text.clone()),
        Value::Blob(bytes) => Stored::Blob(bytes.clone()),
        Value::Null => Stored::Null,
    }
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        ValueRef::Null => Value::Null,
    }
}

fn words(error: rusqlite::Error) -> DatabaseError {
    DatabaseError(error.to_string())
}
