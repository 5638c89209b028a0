//! What is around descriptors: those that a guest begins with, errors in words of WASI, the names in a directory.

use super::change;
use super::view::{Fd, FilesView};
use crate::devices::{self, Device};
use crate::disk::NoRoom;
use crate::opened::NotGranted;
use crate::undo::NotChanged;
use swarm_flow_policy::Access;
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, DirectoryEntry, DirectoryEntryStream, ErrorCode, HostDirectoryEntryStream,
};
use wasmtime_wasi::p2::{FsError, FsResult};

impl preopens::Host for FilesView<'_> {
    fn get_directories(&mut self) -> Result<Vec<(Fd, String)>> {
        let mut directories = preopens::Host::get_directories(&mut self.plain)?;
        for (index, (fd, _)) in directories.iter().enumerate() {
            if let Some(origin) = self.opened.directory(index).cloned() {
                self.opened.note(fd.rep(), origin);
            }
        }
        if !directories
            .iter()
            .any(|(_, path)| devices::is_hidden_by(path))
        {
            directories.push((self.push_device(Device::ROOT)?, devices::PATH.to_owned()));
        }
        Ok(directories)
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
        let cause = self.plain.table.get(&error)?;
        if cause.is::<NoRoom>() {
            return Ok(Some(ErrorCode::Quota));
        }
        if let Some(failed) = cause.downcast_ref::<NotChanged>() {
            return Ok(Some(change::error_code(failed)));
        }
        if cause.is::<NotGranted>() {
            return Ok(Some(ErrorCode::NotPermitted));
        }
        self.plain.filesystem_error_code(error)
    }
}

impl HostDirectoryEntryStream for FilesView<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        if let Some(names) = self.names(&stream) {
            return Ok(names.next());
        }
        self.granted(stream.rep(), Access::Read)?;
        self.plain.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> Result<()> {
        if self.names(&stream).is_some() {
            return self.drop_names(stream);
        }
        self.opened.forget(stream.rep());
        HostDirectoryEntryStream::drop(&mut self.plain, stream)
    }
}
