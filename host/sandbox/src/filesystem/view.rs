//! What the filesystem's functions stand on: the plain one, and what each of them asks before.

use crate::disk::Disk;
use crate::guest::Guest;
use crate::opened::{NotGranted, Opened, Origin, Sink};
use crate::process::Processes;
use crate::undo::Changes;
use std::sync::Arc;
use swarm_flow_policy::Access;
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::WasiCtxView;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorType, ErrorCode, HostDescriptor as _, PathFlags,
};
use wasmtime_wasi::p2::{DynOutputStream, FsResult};

pub(super) type Fd = Resource<Descriptor>;

pub(super) fn files<T: Send>(guest: &mut Guest<T>) -> FilesView<'_> {
    let disk = guest.disk.clone();
    let changes = guest.changes.clone();
    let (WasiCtxView { ctx, table }, opened, processes) = guest.files();
    let ctx = ctx.filesystem();
    FilesView {
        plain: WasiFilesystemCtxView { ctx, table },
        disk,
        changes,
        opened,
        processes,
    }
}

pub(super) struct Files;

impl HasData for Files {
    type Data<'a> = FilesView<'a>;
}

pub(super) struct FilesView<'a> {
    pub(super) plain: WasiFilesystemCtxView<'a>,
    /// Nothing is counted without one.
    disk: Option<Arc<Disk>>,
    pub(super) changes: Changes,
    pub(super) opened: &'a mut Opened,
    pub(super) processes: &'a Processes,
}

impl FilesView<'_> {
    /// Where a descriptor or a listing came from, if that may still be used so.
    pub(super) fn granted(&self, number: u32, access: Access) -> FsResult<&Origin> {
        let Some(origin) = self.opened.origin(number) else {
            return Err(self.without_origin(number).into());
        };
        match origin.allow(access) {
            Ok(()) => Ok(origin),
            Err(NotGranted) => Err(ErrorCode::NotPermitted.into()),
        }
    }

    pub(super) fn read_granted(&self, fd: &Fd) -> FsResult<&Origin> {
        self.granted(fd.rep(), Access::Read)
    }

    pub(super) fn write_granted(&self, fd: &Fd) -> FsResult<&Origin> {
        self.granted(fd.rep(), Access::ReadWrite)
    }

    /// What came of using a directory; what failed would fail without the directory too.
    pub(super) fn seen<R>(&self, number: u32, access: Access, done: FsResult<R>) -> FsResult<R> {
        if let (Ok(_), Some(origin)) = (&done, self.opened.origin(number)) {
            origin.used(access);
        }
        done
    }

    pub(super) fn take(&self, origin: &Origin, bytes: u64, entries: u64) -> FsResult<()> {
        match self.counting(origin) {
            Some(disk) => disk
                .take(bytes, entries)
                .map_err(|_no_room| ErrorCode::Quota.into()),
            None => Ok(()),
        }
    }

    fn counting(&self, origin: &Origin) -> Option<&Arc<Disk>> {
        self.disk.as_ref().filter(|_| origin.is_counted())
    }

    /// The origins of both, if they are on the same side: in the workspace, or in a directory of the operator's.
    pub(super) fn writable_pair(&self, from: &Fd, to: &Fd) -> FsResult<&Origin> {
        let to = self.write_granted(to)?;
        if self.write_granted(from)?.is_counted() != to.is_counted() {
            return Err(ErrorCode::CrossDevice.into());
        }
        Ok(to)
    }

    /// Refuses a FIFO, a socket or a device in a workspace. No guest can make one, but who owns the folder may have put
    /// it there, and opening it could hold the thread for longer than any limit of time.
    pub(super) async fn check_kind(
        &mut self,
        fd: &Fd,
        flags: PathFlags,
        path: &str,
    ) -> FsResult<()> {
        if self.disk.is_none() {
            return Ok(());
        }
        let fd = Resource::new_borrow(fd.rep());
        match self.plain.stat_at(fd, flags, path.to_owned()).await {
            Ok(found) if !is_plain(found.type_) => Err(ErrorCode::NotPermitted.into()),
            // Opening says what is wrong; or there is nothing, and the file is about to be made.
            _ => Ok(()),
        }
    }

    /// The length of an open file.
    pub(super) fn length(&self, descriptor: &Resource<Descriptor>) -> FsResult<u64> {
        match self.plain.table.get(descriptor)? {
            Descriptor::File(file) => Ok(file.file.metadata().map_or(0, |metadata| metadata.len())),
            Descriptor::Dir(_) => Ok(0),
        }
    }

    /// Puts the decisions and the allowance in front of a stream that writes at `offset`.
    pub(super) fn sink(
        &mut self,
        plain: DynOutputStream,
        origin: Origin,
        offset: u64,
        length: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        let disk = self.counting(&origin).cloned();
        let sink: DynOutputStream = Box::new(Sink {
            plain,
            origin,
            disk,
            offset,
            length,
        });
        Ok(self.plain.table.push(sink)?)
    }
}

fn is_plain(kind: DescriptorType) -> bool {
    use DescriptorType::{Directory, RegularFile, SymbolicLink};
    matches!(kind, RegularFile | Directory | SymbolicLink)
}
