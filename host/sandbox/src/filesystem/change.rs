//! Changes of files that may be taken back, or have to wait for those of others: what is done here and what is only held
//! while the plain filesystem does it.

use super::view::{Fd, FilesView};
use crate::opened::Origin;
use crate::owners::{NotHad, Passing};
use crate::undo::{Beside, Change, Changes, Creation, NotChanged, Position, Stop, Undo, Writing};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use std::fs::File;
use std::sync::Arc;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, ErrorCode, HostDescriptor, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynOutputStream, FsError, FsResult};

/// How a change goes on.
pub(super) enum Way<R> {
    /// It is done.
    Done(R),
    /// The plain filesystem does it, while this is there.
    Plain(Option<Passing>),
}

impl FilesView<'_> {
    /// Changes names in directories.
    pub(super) async fn change_names(
        &mut self,
        directories: &[&Fd],
        change: Change<'_>,
    ) -> FsResult<Way<()>> {
        let mut changes = Changes::Alone;
        for fd in directories {
            changes = self.changes(self.write_granted(fd)?)?;
        }
        if matches!(changes, Changes::Alone) {
            return Ok(Way::Plain(None));
        }
        let opened = directories.iter().map(|fd| self.directory(fd));
        let opened: FsResult<Vec<_>> = opened.collect();
        match changes {
            Changes::Alone => Ok(Way::Plain(None)),
            Changes::Beside(beside) => {
                // What is no directory is refused by who does it.
                let opened = opened.unwrap_or_default();
                let passing = beside.pass(&change, &opened).await;
                Ok(Way::Plain(Some(passing.map_err(code)?)))
            }
            Changes::Undone(undo) => {
                let opened = opened?;
                let done = undo.patiently(|undo| undo.change(&change, &opened)).await;
                Ok(Way::Done(done.map_err(code)?))
            }
        }
    }

    /// Changes what is open.
    pub(super) async fn change_file<R>(
        &mut self,
        fd: &Fd,
        undone: impl Fn(&Undo, &File) -> Result<R, Stop>,
    ) -> FsResult<Way<R>> {
        match self.changes(self.write_granted(fd)?)? {
            Changes::Alone => Ok(Way::Plain(None)),
            Changes::Beside(beside) => {
                let passing = self.pass_file(&beside, fd).await?;
                Ok(Way::Plain(passing))
            }
            Changes::Undone(undo) => {
                let file = self.writable(fd)?;
                let done = undo.patiently(|undo| undone(undo, &file)).await;
                Ok(Way::Done(done.map_err(code)?))
            }
        }
    }

    /// What becomes of changes in a directory that was opened.
    fn changes(&self, origin: &Origin) -> FsResult<Changes> {
        match &self.changes {
            changes if origin.is_within() => Ok(changes.clone()),
            Changes::Undone(_) => {
                origin.refuse_change();
                Err(ErrorCode::ReadOnly.into())
            }
            _ => Ok(Changes::Alone),
        }
    }

    /// Held until the descriptor is closed, once there is anybody to hold it against.
    async fn pass_file(&mut self, beside: &Beside, fd: &Fd) -> FsResult<Option<Passing>> {
        if self.opened.holds(fd.rep()) {
            return Ok(None);
        }
        let Ok(file) = self.writable(fd) else {
            return Ok(None);
        };
        match beside.pass_file(&file).await.map_err(code)? {
            Passing::Held(held) => {
                self.opened.hold(fd.rep(), held);
                Ok(None)
            }
            quiet @ Passing::Quiet(_) => Ok(Some(quiet)),
        }
    }

    fn directory(&self, fd: &Fd) -> FsResult<Arc<File>> {
        match self.plain.table.get(fd)? {
            Descriptor::Dir(directory) if directory.perms.write_not_permitted() => {
                Err(ErrorCode::NotPermitted.into())
            }
            Descriptor::Dir(directory) => Ok(directory.dir.clone()),
            Descriptor::File(_) => Err(ErrorCode::NotDirectory.into()),
        }
    }

    /// A file or a directory.
    fn writable(&self, fd: &Fd) -> FsResult<Arc<File>> {
        let (open, permissions) = match self.plain.table.get(fd)? {
            Descriptor::Dir(directory) => (&directory.dir, directory.perms),
            Descriptor::File(file) => (&file.file, file.perms),
        };
        if permissions.write_not_permitted() {
            return Err(ErrorCode::NotPermitted.into());
        }
        Ok(open.clone())
    }

    /// A stream that writes where the plain one does not: into a file of a workspace where there may be others.
    pub(super) fn writing(
        &self,
        fd: &Fd,
        origin: &Origin,
        position: Position,
    ) -> FsResult<Option<DynOutputStream>> {
        let changes = self.changes(origin)?;
        if matches!(changes, Changes::Alone) {
            return Ok(None);
        }
        let Descriptor::File(_) = self.plain.table.get(fd)? else {
            return Err(ErrorCode::BadDescriptor.into());
        };
        let file = self.writable(fd)?;
        Ok(Some(Box::new(Writing::new(file, position, changes))))
    }

    /// Makes what is to be opened and is not there, where that may be taken back; what is then left to do is to open it.
    pub(super) async fn before_open(
        &mut self,
        fd: &Fd,
        flags: PathFlags,
        path: &str,
        open: &mut OpenFlags,
        access: &mut DescriptorFlags,
    ) -> FsResult<Opening> {
        if !open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) {
            return Ok(Opening::default());
        }
        if open.contains(OpenFlags::DIRECTORY) {
            return Err(ErrorCode::Invalid.into());
        }
        let truncates = open.contains(OpenFlags::TRUNCATE);
        let change = Change::Open(
            path,
            Creation {
                creates: open.contains(OpenFlags::CREATE),
                exclusive: open.contains(OpenFlags::EXCLUSIVE),
                follow: flags.contains(PathFlags::SYMLINK_FOLLOW),
                truncates,
            },
        );
        Ok(match self.change_names(&[fd], change).await? {
            Way::Plain(passing) => Opening {
                _passing: passing,
                truncates: false,
            },
            Way::Done(()) => {
                // Who makes a file may write to it.
                *access |= DescriptorFlags::WRITE;
                *open &= OpenFlags::DIRECTORY;
                Opening {
                    _passing: None,
                    truncates,
                }
            }
        })
    }

    /// Does what opening a file would have done to it, had it not to be noted.
    pub(super) async fn after_open(&mut self, opened: Fd, opening: &Opening) -> FsResult<Fd> {
        let is_file = matches!(self.plain.table.get(&opened)?, Descriptor::File(_));
        if !(opening.truncates && is_file) {
            return Ok(opened);
        }
        let cut = self.change_file(&opened, |undo, file| undo.set_size(file, 0));
        match cut.await {
            Ok(_) => Ok(opened),
            Err(error) => {
                HostDescriptor::drop(self, opened).map_err(FsError::trap)?;
                Err(error)
            }
        }
    }
}

/// What has to be done after a file was opened.
#[derive(Default)]
pub(super) struct Opening {
    _passing: Option<Passing>,
    pub(super) truncates: bool,
}

/// What the guest is told.
pub(super) fn code(failed: NotChanged) -> FsError {
    match failed {
        NotChanged::Failed(error) => error.into(),
        other => error_code(&other).into(),
    }
}

pub(super) fn error_code(failed: &NotChanged) -> ErrorCode {
    match failed {
        NotChanged::NotHad(NotHad::Busy) => ErrorCode::Busy,
        NotChanged::NotHad(NotHad::Deadlock) => ErrorCode::Deadlock,
        NotChanged::NoRoom(_) => ErrorCode::Quota,
        NotChanged::Failed(error) => error.into(),
    }
}

pub(super) fn stamps(access: NewTimestamp, modification: NewTimestamp) -> FsResult<Timestamps> {
    Ok(Timestamps {
        last_access: stamp(access)?,
        last_modification: stamp(modification)?,
    })
}

fn stamp(time: NewTimestamp) -> FsResult<Timespec> {
    let (tv_sec, tv_nsec) = match time {
        NewTimestamp::NoChange => (0, UTIME_OMIT),
        NewTimestamp::Now => (0, UTIME_NOW),
        NewTimestamp::Timestamp(time) => (
            i64::try_from(time.seconds).map_err(|_| ErrorCode::Overflow)?,
            time.nanoseconds.into(),
        ),
    };
    Ok(Timespec { tv_sec, tv_nsec })
}
