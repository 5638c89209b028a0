//! `wasi:filesystem` with an allowance and grants that may go: whatever makes a file or lets one grow takes room from the
//! workspace's allowance first, and is refused with `quota` when there is none; each use of a descriptor or a stream is
//! decided again by the directory that it came from, and is refused with `not-permitted`.
//!
//! An operator's own directory takes no room of the workspace's. What lies there cannot be moved or linked into the workspace,
//! nor the other way: as between two disks, it has to be copied.
//!
//! A change that may be taken back is made here, and noted before; one that others may be in the way of waits for them.
//!
//! A descriptor of what lies in `/dev` has no file behind it and came from no grant: what reads and writes is answered from
//! memory, and whatever needs a grant is refused.

mod around;
mod change;
mod device;
mod view;

use crate::guest::Guest;
use crate::opened::Source;
use crate::undo::{Change, Position};
use change::{Way, stamps};
use swarm_flow_policy::Access;
use view::{Fd, Files, FilesView, files};
use wasmtime::Result;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntryStream, ErrorCode,
    HostDescriptor, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsResult};

/// Puts this filesystem in the place of the plain one.
pub(crate) fn add_to_linker<T: Send + 'static>(linker: &mut Linker<Guest<T>>) -> Result<()> {
    linker.allow_shadowing(true);
    types::add_to_linker::<Guest<T>, Files>(linker, files)?;
    preopens::add_to_linker::<Guest<T>, Files>(linker, files)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl HostDescriptor for FilesView<'_> {
    // --- What may need room ---

    async fn set_size(&mut self, fd: Fd, size: u64) -> FsResult<()> {
        if let Some(device) = self.device(&fd) {
            return Err(device.set_size().into());
        }
        let origin = self.write_granted(&fd)?;
        let grows = size.saturating_sub(self.length(&fd)?);
        self.take(origin, grows, 0)?;
        let undone = self.change_file(&fd, |undo, file| undo.set_size(file, size));
        match undone.await? {
            Way::Done(()) => Ok(()),
            Way::Plain(_passing) => self.plain.set_size(fd, size).await,
        }
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
        if let Some(device) = self.device(&fd) {
            return self.write_device(device, bytes).await;
        }
        let origin = self.write_granted(&fd)?;
        let end = offset.saturating_add(bytes.len() as u64);
        let grows = end.saturating_sub(self.length(&fd)?);
        self.take(origin, grows, 0)?;
        let undone = self.change_file(&fd, |undo, file| undo.write(file, &bytes, offset));
        match undone.await? {
            Way::Done(written) => Ok(written),
            Way::Plain(_passing) => self.plain.write(fd, bytes, offset).await,
        }
    }

    fn write_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynOutputStream>> {
        if let Some(device) = self.device(&fd) {
            return self.device_output(device);
        }
        let origin = self.write_granted(&fd)?.clone();
        let length = self.length(&fd)?;
        let stream = match self.writing(&fd, &origin, Position::At(offset))? {
            Some(stream) => stream,
            None => {
                let stream = self.plain.write_via_stream(fd, offset)?;
                self.plain.table.delete(stream)?
            }
        };
        self.sink(stream, origin, offset, length)
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        if let Some(device) = self.device(&fd) {
            return self.device_output(device);
        }
        let origin = self.write_granted(&fd)?.clone();
        let length = self.length(&fd)?;
        let stream = match self.writing(&fd, &origin, Position::End)? {
            Some(stream) => stream,
            None => {
                let stream = self.plain.append_via_stream(fd)?;
                self.plain.table.delete(stream)?
            }
        };
        self.sink(stream, origin, length, length)
    }

    async fn open_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        mut open_flags: OpenFlags,
        mut flags: DescriptorFlags,
    ) -> FsResult<Fd> {
        if let Some(device) = self.device(&fd) {
            return Ok(self.push_device(device.open(&path, open_flags, flags)?)?);
        }
        let makes = open_flags.contains(OpenFlags::CREATE);
        let writes = makes
            || open_flags.contains(OpenFlags::TRUNCATE)
            || flags.contains(DescriptorFlags::WRITE);
        let origin = if writes {
            self.write_granted(&fd)?
        } else {
            self.read_granted(&fd)?
        };
        let origin = origin.clone();
        self.check_kind(&fd, path_flags, &path).await?;
        // The file may be there already; then one too many is taken until the next measure.
        if makes {
            self.take(&origin, 0, 1)?;
        }
        let before = self.before_open(&fd, path_flags, &path, &mut open_flags, &mut flags);
        let opening = before.await?;
        let opened = self
            .plain
            .open_at(fd, path_flags, path, open_flags, flags)
            .await?;
        origin.used(if writes {
            Access::ReadWrite
        } else {
            Access::Read
        });
        self.opened.note(opened.rep(), origin);
        self.after_open(opened, &opening).await
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.take(self.write_granted(&fd)?, 0, 1)?;
        let number = fd.rep();
        let change = Change::CreateDirectory(&path);
        let done = match self.change_names(&[&fd], change).await? {
            Way::Done(()) => Ok(()),
            Way::Plain(_passing) => self.plain.create_directory_at(fd, path).await,
        };
        self.seen(number, Access::ReadWrite, done)
    }

    async fn link_at(
        &mut self,
        fd: Fd,
        old_flags: PathFlags,
        old_path: String,
        new_fd: Fd,
        new_path: String,
    ) -> FsResult<()> {
        self.take(self.writable_pair(&fd, &new_fd)?, 0, 1)?;
        let number = new_fd.rep();
        if old_flags.contains(PathFlags::SYMLINK_FOLLOW) {
            return Err(ErrorCode::Invalid.into());
        }
        let change = Change::Link(&old_path, &new_path);
        let done = match self.change_names(&[&fd, &new_fd], change).await? {
            Way::Done(()) => Ok(()),
            Way::Plain(_passing) => {
                self.plain
                    .link_at(fd, old_flags, old_path, new_fd, new_path)
                    .await
            }
        };
        self.seen(number, Access::ReadWrite, done)
    }

    async fn symlink_at(&mut self, fd: Fd, target: String, path: String) -> FsResult<()> {
        self.take(self.write_granted(&fd)?, target.len() as u64, 1)?;
        let number = fd.rep();
        let change = Change::Symlink(&target, &path);
        let done = match self.change_names(&[&fd], change).await? {
            Way::Done(()) => Ok(()),
            Way::Plain(_passing) => self.plain.symlink_at(fd, target, path).await,
        };
        self.seen(number, Access::ReadWrite, done)
    }

    // --- What does not ---

    fn read_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynInputStream>> {
        if let Some(device) = self.device(&fd) {
            return self.device_input(device);
        }
        let origin = self.read_granted(&fd)?.clone();
        let stream = self.plain.read_via_stream(fd, offset)?;
        let plain = self.plain.table.delete(stream)?;
        let source: DynInputStream = Box::new(Source { plain, origin });
        Ok(self.plain.table.push(source)?)
    }

    async fn advise(&mut self, fd: Fd, offset: u64, length: u64, advice: Advice) -> FsResult<()> {
        if self.device(&fd).is_some() {
            return Ok(());
        }
        self.read_granted(&fd)?;
        self.plain.advise(fd, offset, length, advice).await
    }

    async fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        if self.device(&fd).is_some() {
            return Ok(());
        }
        self.read_granted(&fd)?;
        self.plain.sync_data(fd).await
    }

    async fn get_flags(&mut self, fd: Fd) -> FsResult<DescriptorFlags> {
        if let Some(device) = self.device(&fd) {
            return Ok(device.flags);
        }
        self.read_granted(&fd)?;
        self.plain.get_flags(fd).await
    }

    async fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        if let Some(device) = self.device(&fd) {
            return Ok(device.node.kind());
        }
        self.plain.get_type(fd).await
    }

    async fn set_times(
        &mut self,
        fd: Fd,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> FsResult<()> {
        let number = fd.rep();
        let times = stamps(access, modification)?;
        let undone = self.change_file(&fd, |undo, file| undo.set_times(file, &times));
        let done = match undone.await? {
            Way::Done(()) => Ok(()),
            Way::Plain(_passing) => self.plain.set_times(fd, access, modification).await,
        };
        self.seen(number, Access::ReadWrite, done)
    }

    async fn read(&mut self, fd: Fd, length: u64, offset: u64) -> FsResult<(Vec<u8>, bool)> {
        if let Some(device) = self.device(&fd) {
            return self.read_device(device, length).await;
        }
        self.read_granted(&fd)?;
        self.plain.read(fd, length, offset).await
    }

    async fn read_directory(&mut self, fd: Fd) -> FsResult<Resource<DirectoryEntryStream>> {
        if let Some(device) = self.device(&fd) {
            return self.device_listing(device);
        }
        let origin = self.read_granted(&fd)?.clone();
        let listing = self.plain.read_directory(fd).await?;
        origin.used(Access::Read);
        self.opened.note(listing.rep(), origin);
        Ok(listing)
    }

    async fn sync(&mut self, fd: Fd) -> FsResult<()> {
        if self.device(&fd).is_some() {
            return Ok(());
        }
        self.read_granted(&fd)?;
        self.plain.sync(fd).await
    }

    async fn stat(&mut self, fd: Fd) -> FsResult<DescriptorStat> {
        if let Some(device) = self.device(&fd) {
            return Ok(device.node.stat());
        }
        self.read_granted(&fd)?;
        self.plain.stat(fd).await
    }

    async fn stat_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        if let Some(device) = self.device(&fd) {
            return Ok(device.node.find(&path)?.stat());
        }
        self.read_granted(&fd)?;
        let number = fd.rep();
        let done = self.plain.stat_at(fd, flags, path).await;
        self.seen(number, Access::Read, done)
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: String,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> FsResult<()> {
        let number = fd.rep();
        let times = stamps(access, modification)?;
        let follow = flags.contains(PathFlags::SYMLINK_FOLLOW);
        let change = Change::Times(&path, follow, times);
        let done = match self.change_names(&[&fd], change).await? {
            Way::Done(()) => Ok(()),
            Way::Plain(_passing) => {
                self.plain
                    .set_times_at(fd, flags, path, access, modification)
                    .await
            }
        };
        self.seen(number, Access::ReadWrite, done)
    }

    fn drop(&mut self, fd: Fd) -> Result<()> {
        if self.device(&fd).is_some() {
            return self.drop_device(fd);
        }
        self.opened.forget(fd.rep());
        HostDescriptor::drop(&mut self.plain, fd)
    }

    async fn readlink_at(&mut self, fd: Fd, path: String) -> FsResult<String> {
        if let Some(device) = self.device(&fd) {
            return Err(device.readlink(&path).into());
        }
        self.read_granted(&fd)?;
        let number = fd.rep();
        let done = self.plain.readlink_at(fd, path).await;
        self.seen(number, Access::Read, done)
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let number = fd.rep();
        let change = Change::RemoveDirectory(&path);
        let done = match self.change_names(&[&fd], change).await? {
            Way::Done(()) => Ok(()),
            Way::Plain(_passing) => self.plain.remove_directory_at(fd, path).await,
        };
        self.seen(number, Access::ReadWrite, done)
    }

    async fn rename_at(
        &mut self,
        fd: Fd,
        old_path: String,
        new_fd: Fd,
        new_path: String,
    ) -> FsResult<()> {
        self.writable_pair(&fd, &new_fd)?;
        let numbers = [fd.rep(), new_fd.rep()];
        let change = Change::Rename(&old_path, &new_path);
        let mut done = match self.change_names(&[&fd, &new_fd], change).await? {
            Way::Done(()) => Ok(()),
            Way::Plain(_passing) => self.plain.rename_at(fd, old_path, new_fd, new_path).await,
        };
        for number in numbers {
            done = self.seen(number, Access::ReadWrite, done);
        }
        done
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let number = fd.rep();
        let change = Change::Unlink(&path);
        let done = match self.change_names(&[&fd], change).await? {
            Way::Done(()) => Ok(()),
            Way::Plain(_passing) => self.plain.unlink_file_at(fd, path).await,
        };
        self.seen(number, Access::ReadWrite, done)
    }

    async fn is_same_object(&mut self, a: Fd, b: Fd) -> Result<bool> {
        match (self.device(&a), self.device(&b)) {
            (None, None) => self.plain.is_same_object(a, b).await,
            (a, b) => Ok(a.map(|a| a.node) == b.map(|b| b.node)),
        }
    }

    async fn metadata_hash(&mut self, fd: Fd) -> FsResult<MetadataHashValue> {
        if let Some(device) = self.device(&fd) {
            return Ok(device.node.hash());
        }
        self.read_granted(&fd)?;
        self.plain.metadata_hash(fd).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        if let Some(device) = self.device(&fd) {
            return Ok(device.node.find(&path)?.hash());
        }
        self.read_granted(&fd)?;
        let number = fd.rep();
        let done = self.plain.metadata_hash_at(fd, flags, path).await;
        self.seen(number, Access::Read, done)
    }
}
