//! A stream into a file of a workspace whose changes are noted, or wait for those of others.
//!
//! What is written is written when the call comes back: nothing is under way when a sandbox ends.

use super::beside::kept;
use super::{Changes, NotChanged, Stop, Undo};
use crate::owners::{Held, Stop as Stopped};
use bytes::Bytes;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// What may be written at once.
const PERMIT_BYTES: usize = 64 << 10;

/// Where it is written to next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Position {
    At(u64),
    End,
}

pub(crate) struct Writing {
    target: Target,
    /// What somebody is still in the way of.
    pending: Option<Bytes>,
    failed: Option<NotChanged>,
}

struct Target {
    file: Arc<File>,
    position: Position,
    changes: Changes,
    held: Option<Held>,
}

impl Writing {
    pub(crate) fn new(file: Arc<File>, position: Position, changes: Changes) -> Self {
        let target = Target {
            file,
            position,
            changes,
            held: None,
        };
        Self {
            target,
            pending: None,
            failed: None,
        }
    }

    /// Whether the next piece may come, as far as it can be said without waiting.
    fn proceed(&mut self) -> Result<bool, NotChanged> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        let done = match &self.pending {
            Some(bytes) => self.target.write(bytes),
            None => self.target.hold(),
        };
        match done {
            Ok(()) => {
                self.pending = None;
                Ok(true)
            }
            Err(Stopped::Blocked(_)) => Ok(false),
            Err(Stopped::Failed(failed)) => Err(failed),
        }
    }
}

impl Target {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        match &self.changes {
            Changes::Undone(undo) => match self.position {
                Position::At(offset) => undo.write_all(&self.file, bytes, offset)?,
                Position::End => undo.append(&self.file, bytes)?,
            },
            Changes::Beside(beside) => {
                let _quiet = match self.held {
                    Some(_) => None,
                    None => match kept(beside.try_file(&self.file)?) {
                        Ok(held) => {
                            self.held = Some(held);
                            None
                        }
                        Err(quiet) => Some(quiet),
                    },
                };
                self.write_plainly(bytes)?;
            }
            Changes::Alone => self.write_plainly(bytes)?,
        }
        if let Position::At(offset) = &mut self.position {
            *offset += bytes.len() as u64;
        }
        Ok(())
    }

    fn write_plainly(&self, mut bytes: &[u8]) -> Result<(), Stop> {
        match self.position {
            Position::At(offset) => self.file.write_all_at(bytes, offset)?,
            Position::End => {
                while !bytes.is_empty() {
                    let written = append(&self.file, bytes)?;
                    bytes = bytes.get(written..).unwrap_or_default();
                }
            }
        }
        Ok(())
    }

    /// Makes sure that the next piece will find nobody in its way, where that can be.
    fn hold(&mut self) -> Result<(), Stop> {
        match &self.changes {
            Changes::Undone(undo) => Undo::hold_file(undo, &self.file),
            Changes::Beside(beside) if self.held.is_none() => {
                self.held = kept(beside.try_file(&self.file)?).ok();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Does one of these as soon as nobody is in the way.
    async fn patiently(
        &mut self,
        mut act: impl FnMut(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), NotChanged> {
        match self.changes.clone() {
            Changes::Undone(undo) => undo.patiently(|_| act(self)).await,
            Changes::Beside(beside) => beside.patiently(|| act(self)).await,
            Changes::Alone => match act(self) {
                Err(Stopped::Failed(failed)) => Err(failed),
                _ => Ok(()),
            },
        }
    }
}

#[cfg(target_os = "linux")]
fn append(file: &File, bytes: &[u8]) -> std::io::Result<usize> {
    use rustix::io::{ReadWriteFlags, pwritev2};
    let bytes = [std::io::IoSlice::new(bytes)];
    Ok(pwritev2(file, &bytes, 0, ReadWriteFlags::APPEND)?)
}

#[cfg(not(target_os = "linux"))]
fn append(file: &File, bytes: &[u8]) -> std::io::Result<usize> {
    file.write_at(bytes, file.metadata()?.len())
}

fn refused(failed: NotChanged) -> StreamError {
    StreamError::LastOperationFailed(match failed {
        NotChanged::Failed(error) => error.into(),
        other => wasmtime::Error::new(other),
    })
}

#[async_trait]
impl Pollable for Writing {
    async fn ready(&mut self) {
        let pending = self.pending.take();
        let done = self.target.patiently(|target| match &pending {
            Some(bytes) => target.write(bytes),
            None => target.hold(),
        });
        self.failed = done.await.err();
    }
}

#[async_trait]
impl OutputStream for Writing {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        match self.target.write(&bytes) {
            Ok(()) => Ok(()),
            Err(Stopped::Blocked(_)) => {
                self.pending = Some(bytes);
                Ok(())
            }
            Err(Stopped::Failed(failed)) => Err(refused(failed)),
        }
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        if self.pending.is_some() {
            self.ready().await;
        }
        if let Some(failed) = self.failed.take() {
            return Err(refused(failed));
        }
        let done = self.target.patiently(|target| target.write(&bytes));
        done.await.map_err(refused)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        match self.proceed() {
            Ok(true) => Ok(PERMIT_BYTES),
            Ok(false) => Ok(0),
            Err(failed) => Err(refused(failed)),
        }
    }
}
