//! The interface that guests see.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use super::{Database, Failure, Session};
use crate::bindings::fermyon::spin::sqlite::{self, Error, QueryResult, Value};
use crate::manifest::LABEL;

/// Connections that one instance may have open.
const CONNECTIONS_MAX: usize = 16;

/// The resource behind a guest's `connection`.
pub type GuestConnection = Session;

/// The database granted to a component, if any.
#[derive(Clone, Default)]
pub(crate) struct SqliteContext {
    database: Option<Arc<Database>>,
    open: usize,
}

impl SqliteContext {
    pub fn new(database: Option<Arc<Database>>) -> Self {
        Self { database, open: 0 }
    }
}

pub(crate) struct SqliteView<'a> {
    pub context: &'a mut SqliteContext,
    pub table: &'a mut ResourceTable,
}

impl sqlite::Host for SqliteView<'_> {}

impl sqlite::HostConnection for SqliteView<'_> {
    async fn open(&mut self, label: String) -> Result<Result<Resource<GuestConnection>, Error>> {
        let granted = self.context.database.as_ref().filter(|_| label == LABEL);
        let Some(database) = granted else {
            return Ok(Err(Error::AccessDenied));
        };
        if self.context.open >= CONNECTIONS_MAX {
            return Ok(Err(Error::Io(format!(
                "more than {CONNECTIONS_MAX} connections are open"
            ))));
        }
        match database.session() {
            Ok(session) => {
                self.context.open += 1;
                Ok(Ok(self.table.push(session)?))
            }
            Err(failure) => Ok(Err(failure.into())),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<GuestConnection>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<Result<QueryResult, Error>> {
        let session = self.table.get_mut(&connection)?;
        Ok(session
            .execute(&statement, parameters)
            .await
            .map_err(Error::from))
    }

    async fn drop(&mut self, connection: Resource<GuestConnection>) -> Result<()> {
        self.table.delete(connection)?;
        self.context.open -= 1;
        Ok(())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::DiskFull => Self::DatabaseFull,
            other => Self::Io(other.to_string()),
        }
    }
}

pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> SqliteView<'_>,
) -> Result<()> {
    sqlite::add_to_linker::<T, HasSqlite>(linker, view)
}

struct HasSqlite;

impl HasData for HasSqlite {
    type Data<'a> = SqliteView<'a>;
}
