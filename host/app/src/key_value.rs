//! `fermyon:spin/key-value@2.0.0` over a SQLite file.
//!
//! The file is not the one of `sqlite_databases`: who was granted SQL was not granted the stores.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::OnceCell;
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use crate::bindings::fermyon::spin::key_value::{self, Error};
use crate::bindings::fermyon::spin::sqlite::{QueryResult, Value};
use crate::manifest::LABEL;
use crate::sqlite::{Database, Failure, Session};

/// Stores that one instance may have open.
const STORES_MAX: usize = 16;

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS entry \
    (store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key)) WITHOUT ROWID";
const GET: &str = "SELECT value FROM entry WHERE store = ?1 AND key = ?2";
const SET: &str = "INSERT INTO entry (store, key, value) VALUES (?1, ?2, ?3) \
    ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM entry WHERE store = ?1 AND key = ?2";
const EXISTS: &str = "SELECT 1 FROM entry WHERE store = ?1 AND key = ?2";
const KEYS: &str = "SELECT key FROM entry WHERE store = ?1 ORDER BY key";

/// All stores of an application.
pub(crate) struct Stores {
    database: Arc<Database>,
    schema: OnceCell<()>,
}

impl Stores {
    pub fn new(path: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            database: Database::new(path),
            schema: OnceCell::new(),
        })
    }

    async fn session(&self) -> Result<Session, Failure> {
        let mut session = self.database.session()?;
        self.schema
            .get_or_try_init(async || session.execute(SCHEMA, Vec::new()).await.map(drop))
            .await?;
        Ok(session)
    }
}

/// The resource behind a guest's `store`.
pub struct GuestStore {
    session: Session,
    label: String,
}

impl GuestStore {
    async fn run(
        &mut self,
        sql: &str,
        key: Option<String>,
        value: Option<Vec<u8>>,
    ) -> Result<QueryResult, Error> {
        let label = Value::Text(self.label.clone());
        let parameters = [Some(label), key.map(Value::Text), value.map(Value::Blob)];
        let result = self
            .session
            .execute(sql, parameters.into_iter().flatten().collect())
            .await;
        result.map_err(|failure| Error::Other(failure.to_string()))
    }
}

/// The stores granted to a component, if any.
#[derive(Clone, Default)]
pub(crate) struct KeyValueContext {
    stores: Option<Arc<Stores>>,
    open: usize,
}

impl KeyValueContext {
    pub fn new(stores: Option<Arc<Stores>>) -> Self {
        Self { stores, open: 0 }
    }
}

pub(crate) struct KeyValueView<'a> {
    pub context: &'a mut KeyValueContext,
    pub table: &'a mut ResourceTable,
}

impl key_value::Host for KeyValueView<'_> {}

impl key_value::HostStore for KeyValueView<'_> {
    async fn open(&mut self, label: String) -> Result<Result<Resource<GuestStore>, Error>> {
        let granted = self.context.stores.as_ref().filter(|_| label == LABEL);
        let Some(stores) = granted else {
            return Ok(Err(Error::AccessDenied));
        };
        if self.context.open >= STORES_MAX {
            return Ok(Err(Error::StoreTableFull));
        }
        match stores.session().await {
            Ok(session) => {
                self.context.open += 1;
                Ok(Ok(self.table.push(GuestStore { session, label })?))
            }
            Err(failure) => Ok(Err(Error::Other(failure.to_string()))),
        }
    }

    async fn get(
        &mut self,
        store: Resource<GuestStore>,
        key: String,
    ) -> Result<Result<Option<Vec<u8>>, Error>> {
        let found = self.table.get_mut(&store)?.run(GET, Some(key), None).await;
        Ok(found.map(|found| match first_values(found).next() {
            Some(Value::Blob(value)) => Some(value),
            _ => None,
        }))
    }

    async fn set(
        &mut self,
        store: Resource<GuestStore>,
        key: String,
        value: Vec<u8>,
    ) -> Result<Result<(), Error>> {
        Ok(self
            .table
            .get_mut(&store)?
            .run(SET, Some(key), Some(value))
            .await
            .map(drop))
    }

    async fn delete(
        &mut self,
        store: Resource<GuestStore>,
        key: String,
    ) -> Result<Result<(), Error>> {
        Ok(self
            .table
            .get_mut(&store)?
            .run(DELETE, Some(key), None)
            .await
            .map(drop))
    }

    async fn exists(
        &mut self,
        store: Resource<GuestStore>,
        key: String,
    ) -> Result<Result<bool, Error>> {
        let found = self
            .table
            .get_mut(&store)?
            .run(EXISTS, Some(key), None)
            .await;
        Ok(found.map(|found| !found.rows.is_empty()))
    }

    async fn get_keys(
        &mut self,
        store: Resource<GuestStore>,
    ) -> Result<Result<Vec<String>, Error>> {
        let found = self.table.get_mut(&store)?.run(KEYS, None, None).await;
        let text = |value| match value {
            Value::Text(key) => Some(key),
            _ => None,
        };
        Ok(found.map(|found| first_values(found).filter_map(text).collect()))
    }

    async fn drop(&mut self, store: Resource<GuestStore>) -> Result<()> {
        self.table.delete(store)?;
        self.context.open -= 1;
        Ok(())
    }
}

fn first_values(result: QueryResult) -> impl Iterator<Item = Value> {
    result
        .rows
        .into_iter()
        .filter_map(|row| row.values.into_iter().next())
}

pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> KeyValueView<'_>,
) -> Result<()> {
    key_value::add_to_linker::<T, HasKeyValue>(linker, view)
}

struct HasKeyValue;

impl HasData for HasKeyValue {
    type Data<'a> = KeyValueView<'a>;
}

#[cfg(test)]
mod tests;
