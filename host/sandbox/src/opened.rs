//! Where a guest's descriptors came from: which of the directories that were opened for it.
//!
//! A directory stays open when its grant goes, and so do the files in it. So each use of one asks again, by the directory and
//! not by a path: what a guest or a link calls a file decides nothing.

use crate::decisions::{Decided, Decisions, observe, record};
use crate::disk::Disk;
use crate::live::{Live, latest};
use crate::owners::Held;
use crate::run::{Directory, Grants};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;
use swarm_flow_policy::{Access, Decision, Reason};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

/// The directories that were opened for a sandbox, and what it has open in them.
pub(crate) struct Opened {
    /// In the order in which they were opened.
    directories: Vec<Origin>,
    /// By the numbers of descriptors, and of listings of directories.
    origins: HashMap<u32, Origin>,
    /// By the numbers of descriptors: what is held against others until they are closed.
    held: HashMap<u32, Held>,
}

/// One of the directories. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Origin(Arc<Inner>);

struct Inner {
    /// As a policy calls it.
    path: String,
    counted: bool,
    within: bool,
    live: Option<Live>,
    decisions: Option<Decisions>,
}

/// The grant is gone.
#[derive(Debug, thiserror::Error)]
#[error("the policy does not grant this any more")]
pub(crate) struct NotGranted;

impl Opened {
    pub(crate) fn new(grants: &Grants, disk: Option<&Disk>) -> Self {
        let origin = |directory: &Directory| {
            let path = match directory.guest.as_str() {
                "." => &grants.cwd,
                guest => guest,
            };
            Origin(Arc::new(Inner {
                path: path.to_owned(),
                counted: disk.is_some_and(|disk| disk.holds(&directory.host)),
                within: grants.changes.holds(&directory.host),
                live: grants.live.clone(),
                decisions: grants.decisions.clone(),
            }))
        };
        Self {
            directories: grants.directories.iter().map(origin).collect(),
            origins: HashMap::new(),
            held: HashMap::new(),
        }
    }

    /// The directory that was opened as so manieth.
    pub(crate) fn directory(&self, index: usize) -> Option<&Origin> {
        self.directories.get(index)
    }

    pub(crate) fn origin(&self, number: u32) -> Option<&Origin> {
        self.origins.get(&number)
    }

    pub(crate) fn note(&mut self, number: u32, origin: Origin) {
        self.origins.insert(number, origin);
    }

    pub(crate) fn forget(&mut self, number: u32) {
        self.origins.remove(&number);
        self.held.remove(&number);
    }

    pub(crate) fn hold(&mut self, number: u32, held: Held) {
        self.held.insert(number, held);
    }

    pub(crate) fn holds(&self, number: u32) -> bool {
        self.held.contains_key(&number)
    }
}

impl Origin {
    /// Whether what is written there takes room from the allowance.
    pub(crate) fn is_counted(&self) -> bool {
        self.0.counted
    }

    /// Whether what is changed there may be taken back, or wait for others.
    pub(crate) fn is_within(&self) -> bool {
        self.0.within
    }

    /// Something there would have been changed by who may take all changes back.
    pub(crate) fn refuse_change(&self) {
        let decision = Decision::Deny {
            reason: Reason::ReadOnly,
            message: format!(
                "{} is not changed: what a task does there could not be taken back; its changes belong in the workspace",
                self.0.path
            ),
            grants: Vec::new(),
        };
        let decided = Decided {
            capability: "filesystem",
            resource: &format_args!("write {}", self.0.path),
            decision: &decision,
        };
        record(self.0.decisions.as_ref(), &decided);
    }

    /// It was used like this.
    pub(crate) fn used(&self, access: Access) {
        observe(self.0.decisions.as_ref(), |uses| {
            uses.directory(&self.0.path, access);
        });
    }

    /// Whether it may still be used like this.
    pub(crate) fn allow(&self, access: Access) -> Result<(), NotGranted> {
        let Some(latest) = latest(self.0.live.as_ref()) else {
            return Ok(());
        };
        let decision = latest.policy.path(&self.0.path, access);
        let Decision::Deny { .. } = decision else {
            return Ok(());
        };
        let verb = match access {
            Access::Read => "read",
            Access::ReadWrite => "write",
        };
        let decided = Decided {
            capability: "filesystem",
            resource: &format_args!("{verb} {}", self.0.path),
            decision: &decision,
        };
        record(self.0.decisions.as_ref(), &decided);
        Err(NotGranted)
    }

    fn stream(&self, access: Access) -> StreamResult<()> {
        self.allow(access)
            .map_err(|gone| StreamError::LastOperationFailed(wasmtime::Error::new(gone)))
    }
}

/// A stream out of a file.
pub(crate) struct Source {
    pub(crate) plain: DynInputStream,
    pub(crate) origin: Origin,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Source {
    async fn ready(&mut self) {
        self.plain.ready().await;
    }
}

#[wasmtime_wasi::async_trait]
impl InputStream for Source {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.origin.stream(Access::Read)?;
        self.plain.read(size)
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.origin.stream(Access::Read)?;
        self.plain.blocking_read(size).await
    }

    async fn cancel(&mut self) {
        self.plain.cancel().await;
    }
}

/// A stream into a file. What it writes beyond the file's end takes room, a hole before that included.
pub(crate) struct Sink {
    pub(crate) plain: DynOutputStream,
    pub(crate) origin: Origin,
    /// Nothing is counted without one.
    pub(crate) disk: Option<Arc<Disk>>,
    pub(crate) offset: u64,
    /// The file's, as far as this stream knows.
    pub(crate) length: u64,
}

impl Sink {
    fn take(&mut self, bytes: usize) -> StreamResult<()> {
        self.origin.stream(Access::ReadWrite)?;
        let Some(disk) = &self.disk else {
            return Ok(());
        };
        let end = self.offset.saturating_add(bytes as u64);
        let grows = end.saturating_sub(self.length);
        disk.take(grows, 0)
            .map_err(|no_room| StreamError::LastOperationFailed(wasmtime::Error::new(no_room)))?;
        self.offset = end;
        self.length = self.length.max(end);
        Ok(())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Sink {
    async fn ready(&mut self) {
        self.plain.ready().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Sink {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(bytes.len())?;
        self.plain.write(bytes)
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(bytes.len())?;
        self.plain.blocking_write_and_flush(bytes).await
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.plain.flush()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.plain.check_write()
    }

    async fn write_ready(&mut self) -> StreamResult<usize> {
        self.plain.write_ready().await
    }

    async fn cancel(&mut self) {
        self.plain.cancel().await;
    }
}
