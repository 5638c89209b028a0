//! One statement at a time, and the tables made when the first one misses them.
//!
//! There is no migration at start, because an instance lives for one request. A statement that fails with
//! "no such table" makes all tables and is run once more; making them is idempotent, so that two
//! instances may do it at once and one may die in the middle.

use crate::{Row, schema};
use spin_sdk::sqlite::{Connection, Error, Value};

/// Something that runs SQL: Spin's `default` database, or one in memory in a test.
pub trait Database {
    /// Runs one statement as it is and gives its rows.
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError>;
}

/// The database is gone, full, or does not understand us. The text is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DatabaseError(pub String);

impl DatabaseError {
    /// Or a column that an older table has not got yet.
    fn misses_table(&self) -> bool {
        self.0.contains("no such table") || self.0.contains("no such column")
    }

    /// A column that was to be added to an older table is there.
    fn has_column(&self) -> bool {
        self.0.contains("duplicate column name")
    }

    /// Another writer was first. SQLite and libSQL wrap these words differently, but both keep them.
    pub(crate) fn is_conflict(&self) -> bool {
        self.0.contains("UNIQUE constraint failed: event.stream")
    }

    /// The trigger `event_follows` refused an event.
    pub(crate) fn misses_previous(&self) -> bool {
        self.0
            .contains("the event does not follow the one before it")
    }
}

/// Runs one statement, after making the tables when there are none yet.
pub fn query(
    database: &impl Database,
    statement: &str,
    parameters: &[Value],
) -> Result<Vec<Row>, DatabaseError> {
    match database.execute(statement, parameters) {
        Err(error) if error.misses_table() => {
            for step in schema::statements() {
                match database.execute(step, &[]) {
                    Err(error) if error.has_column() => {}
                    other => drop(other?),
                }
            }
            database.execute(statement, parameters)
        }
        other => other,
    }
}

/// The app's database named `default`, by way of Spin's `sqlite` interface.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spin;

thread_local! {
    /// One connection an instance: opening it is a call to the host.
    static CONNECTION: std::cell::OnceCell<Connection> = const { std::cell::OnceCell::new() };
}

impl Database for Spin {
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        CONNECTION.with(|cell| {
            let connection = match cell.get() {
                Some(connection) => connection,
                None => {
                    let opened = Connection::open_default().map_err(words)?;
                    cell.get_or_init(|| opened)
                }
            };
            let result = connection.execute(statement, parameters).map_err(words)?;
            Ok(result
                .rows
                .into_iter()
                .map(|row| Row::new(row.values))
                .collect())
        })
    }
}

fn words(error: Error) -> DatabaseError {
    DatabaseError(match error {
        Error::NoSuchDatabase => "there is no database `default`".to_owned(),
        Error::AccessDenied => "the component may not use the database `default`".to_owned(),
        Error::InvalidConnection => "the database connection is not valid".to_owned(),
        Error::DatabaseFull => "the database is full".to_owned(),
        Error::Io(message) => message,
    })
}
