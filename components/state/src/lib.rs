//! What the components of the app remember, and how: one append-only table of events.
//!
//! A change is one `INSERT` of one or more events into one stream ([`append`]). Its unique key
//! (stream, sequence) makes concurrent writers conflict instead of overwrite; tables to list and query
//! from are filled by triggers in the same statement (`schema`). So a change is atomic on a remote
//! libSQL too, where a transaction over several calls is not to be had.
//!
//! Nothing happens at start: the first statement that misses a table makes them all (`database`).
//! This crate knows no HTTP and no WIT; a component turns its errors into its own.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod cursor;
mod database;
mod event;
mod id;
#[cfg(any(test, feature = "native"))]
pub mod native;
mod row;
mod schema;
mod time;

pub use cursor::{Cursor, InvalidCursor};
pub use database::{Database, DatabaseError, Spin, query};
pub use event::{
    AppendError, EVENT_COLUMNS, Event, Head, NewEvent, append, append_linked, events_after, head,
};
pub use id::{Id, InvalidId, Kind};
pub use row::Row;
pub use spin_sdk::sqlite::Value;
pub use time::now_ms;
