//! A runner's audit log: every sandbox and every decision about it, as a chain of records in files, until the app has them.
//!
//! | to | use |
//! |---|---|
//! | open the log in a folder | [`Log::open`], then [`Log::begin`] once the app said where its copy ends |
//! | record a sandbox | [`Log::start`], which refuses while nothing could be recorded; then [`Trail`] |
//! | record its decisions | [`Trail::recording`] |
//! | send the records | [`Log::batch`] and [`Log::taken`] |
//!
//! Who records only moves a small struct into a queue. A thread of the log's own formats, chains and writes it, about a
//! millisecond later; from then on the record survives the end of the process. Within a second it is on the disk itself.
//!
//! The log never leaves records out and never goes on without them: where they cannot be written, or where there is
//! no more room for what the app did not take, no sandbox starts. Sandboxes that run are recorded to their end.
//!
//! This crate knows no sandbox, no HTTP and no async.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod batch;
mod book;
mod log;
mod queue;
mod record;
mod segment;
mod tally;
mod trail;
mod writer;

pub use batch::Batch;
pub use book::{Closed, Diverged};
pub use log::{Log, SPOOL_BYTES_MAX, Settings};
pub use record::{Ended, Started, Subject};
pub use segment::Error;
pub use trail::{Recording, Trail};
