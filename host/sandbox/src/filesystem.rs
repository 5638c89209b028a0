//! `wasi:filesystem` with an allowance: whatever makes a file or lets one grow takes room from the workspace's
//! [`Disk`] first, and is refused with `quota` when there is none.

use crate::disk::{Disk, NoRoom};
use crate::guest::Guest;
use std::sync::Arc;
use wasmtime::Result;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry,
    DirectoryEntryStream, ErrorCode, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, FsError, FsResult, OutputStream, Pollable, StreamError,
    StreamResult,
};

/// Puts this filesystem in the place of the plain one.
pub(crate) fn add_to_linker<T: Send + 'static>(linker: &mut Linker<Guest<T>>) -> Result<()> {
    linker.allow_shadowing(true);
    types::add_to_linker::<Guest<T>, Files>(linker, |guest| FilesView {
        disk: guest.disk.clone(),
        plain: guest.filesystem(),
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

struct Files;

impl HasData for Files {
    type Data<'a> = FilesView<'a>;
}

struct FilesView<'a> {
    plain: WasiFilesystemCtxView<'a>,
    /// Nothing is counted without one.
    disk: Option<Arc<Disk>>,
}

impl FilesView<'_> {
    fn take(&self, bytes: u64, entries: u64) -> FsResult<()> {
        match &self.disk {
            Some(disk) => disk
                .take(bytes, entries)
                .map_err(|_no_room| ErrorCode::Quota.into()),
            None => Ok(()),
        }
    }

    /// The length of an open file.
    fn length(&self, descriptor: &Resource<Descriptor>) -> FsResult<u64> {
        match self.plain.table.get(descriptor)? {
            Descriptor::File(file) => Ok(file.file.metadata().map_or(0, |metadata| metadata.len())),
            Descriptor::Dir(_) => Ok(0),
        }
    }

    /// Puts the allowance in front of a stream that writes at `offset`, or at the end.
    fn charge(
        &mut self,
        stream: Resource<DynOutputStream>,
        offset: u64,
        length: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        let Some(disk) = self.disk.clone() else {
            return Ok(stream);
        };
        let plain = self.plain.table.delete(stream)?;
        let charged: DynOutputStream = Box::new(Charged {
            plain,
            disk,
            offset,
            length,
        });
        Ok(self.plain.table.push(charged)?)
    }
}

/// A stream into a file. What it writes beyond the file's end takes room, a hole before that included.
struct Charged {
    plain: DynOutputStream,
    disk: Arc<Disk>,
    offset: u64,
    /// The file's, as far as this stream knows.
    length: u64,
}

impl Charged {
    fn take(&mut self, bytes: usize) -> StreamResult<()> {
        let end = self.offset.saturating_add(bytes as u64);
        let grows = end.saturating_sub(self.length);
        self.disk
            .take(grows, 0)
            .map_err(|no_room| StreamError::LastOperationFailed(wasmtime::Error::new(no_room)))?;
        self.offset = end;
        self.length = self.length.max(end);
        Ok(())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Charged {
    async fn ready(&mut self) {
        self.plain.ready().await;
    }
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Charged {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(bytes.len())?;
        self.plain.write(bytes)
    }

    async fn blocking_write_and_flush(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
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

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> Result<ErrorCode> {
        self.plain.convert_error_code(error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> Result<Option<ErrorCode>> {
        if self.plain.table.get(&error)?.is::<NoRoom>() {
            return Ok(Some(ErrorCode::Quota));
        }
        self.plain.filesystem_error_code(error)
    }
}

type Fd = Resource<Descriptor>;

impl HostDescriptor for FilesView<'_> {
    // --- What may need room ---

    async fn set_size(&mut self, fd: Fd, size: u64) -> FsResult<()> {
        let grows = size.saturating_sub(self.length(&fd)?);
        self.take(grows, 0)?;
        self.plain.set_size(fd, size).await
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: u64) -> FsResult<u64> {
        let end = offset.saturating_add(bytes.len() as u64);
        let grows = end.saturating_sub(self.length(&fd)?);
        self.take(grows, 0)?;
        self.plain.write(fd, bytes, offset).await
    }

    fn write_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynOutputStream>> {
        let length = self.length(&fd)?;
        let stream = self.plain.write_via_stream(fd, offset)?;
        self.charge(stream, offset, length)
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        let length = self.length(&fd)?;
        let stream = self.plain.append_via_stream(fd)?;
        self.charge(stream, length, length)
    }

    async fn open_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Fd> {
        // The file may be there already; then one too many is taken until the next measure.
        if open_flags.contains(OpenFlags::CREATE) {
            self.take(0, 1)?;
        }
        self.plain
            .open_at(fd, path_flags, path, open_flags, flags)
            .await
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.take(0, 1)?;
        self.plain.create_directory_at(fd, path).await
    }

    async fn link_at(
        &mut self,
        fd: Fd,
        old_flags: PathFlags,
        old_path: String,
        new_fd: Fd,
        new_path: String,
    ) -> FsResult<()> {
        self.take(0, 1)?;
        self.plain
            .link_at(fd, old_flags, old_path, new_fd, new_path)
            .await
    }

    async fn symlink_at(&mut self, fd: Fd, target: String, path: String) -> FsResult<()> {
        self.take(target.len() as u64, 1)?;
        self.plain.symlink_at(fd, target, path).await
    }

    // --- What does not ---

    fn read_via_stream(&mut self, fd: Fd, offset: u64) -> FsResult<Resource<DynInputStream>> {
        self.plain.read_via_stream(fd, offset)
    }

    async fn advise(&mut self, fd: Fd, offset: u64, length: u64, advice: Advice) -> FsResult<()> {
        self.plain.advise(fd, offset, length, advice).await
    }

    async fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        self.plain.sync_data(fd).await
    }

    async fn get_flags(&mut self, fd: Fd) -> FsResult<DescriptorFlags> {
        self.plain.get_flags(fd).await
    }

    async fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        self.plain.get_type(fd).await
    }

    async fn set_times(
        &mut self,
        fd: Fd,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> FsResult<()> {
        self.plain.set_times(fd, access, modification).await
    }

    async fn read(&mut self, fd: Fd, length: u64, offset: u64) -> FsResult<(Vec<u8>, bool)> {
        self.plain.read(fd, length, offset).await
    }

    async fn read_directory(&mut self, fd: Fd) -> FsResult<Resource<DirectoryEntryStream>> {
        self.plain.read_directory(fd).await
    }

    async fn sync(&mut self, fd: Fd) -> FsResult<()> {
        self.plain.sync(fd).await
    }

    async fn stat(&mut self, fd: Fd) -> FsResult<DescriptorStat> {
        self.plain.stat(fd).await
    }

    async fn stat_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        self.plain.stat_at(fd, flags, path).await
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: String,
        access: NewTimestamp,
        modification: NewTimestamp,
    ) -> FsResult<()> {
        self.plain
            .set_times_at(fd, flags, path, access, modification)
            .await
    }

    fn drop(&mut self, fd: Fd) -> Result<()> {
        HostDescriptor::drop(&mut self.plain, fd)
    }

    async fn readlink_at(&mut self, fd: Fd, path: String) -> FsResult<String> {
        self.plain.readlink_at(fd, path).await
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.plain.remove_directory_at(fd, path).await
    }

    async fn rename_at(
        &mut self,
        fd: Fd,
        old_path: String,
        new_fd: Fd,
        new_path: String,
    ) -> FsResult<()> {
        self.plain.rename_at(fd, old_path, new_fd, new_path).await
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        self.plain.unlink_file_at(fd, path).await
    }

    async fn is_same_object(&mut self, a: Fd, b: Fd) -> Result<bool> {
        self.plain.is_same_object(a, b).await
    }

    async fn metadata_hash(&mut self, fd: Fd) -> FsResult<MetadataHashValue> {
        self.plain.metadata_hash(fd).await
    }

    async fn metadata_hash_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        self.plain.metadata_hash_at(fd, flags, path).await
    }
}

impl HostDirectoryEntryStream for FilesView<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.plain.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> Result<()> {
        HostDirectoryEntryStream::drop(&mut self.plain, stream)
    }
}
