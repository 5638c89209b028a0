//! Descriptors of what lies in `/dev`. In the table they have entries of another kind than files, so that neither is ever
//! taken for the other.

use super::view::{Fd, FilesView};
use crate::devices::{Device, Listing, READ_BYTES_MAX};
use wasmtime::Result;
use wasmtime::component::{Resource, ResourceTableError};
use wasmtime_wasi::p2::bindings::filesystem::types::{DirectoryEntryStream, ErrorCode};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, StreamError};

impl FilesView<'_> {
    /// What a descriptor is of, if that lies in `/dev`.
    pub(super) fn device(&self, fd: &Fd) -> Option<Device> {
        self.device_of(fd.rep())
    }

    fn device_of(&self, number: u32) -> Option<Device> {
        let fd = Resource::<Device>::new_borrow(number);
        self.plain.table.get(&fd).ok().copied()
    }

    /// What is said of a descriptor that came from no directory that was granted.
    pub(super) fn without_origin(&self, number: u32) -> ErrorCode {
        match self.device_of(number) {
            Some(_) => ErrorCode::NotPermitted,
            None => ErrorCode::BadDescriptor,
        }
    }

    pub(super) fn push_device(&mut self, device: Device) -> Result<Fd, ResourceTableError> {
        let fd = self.plain.table.push(device)?;
        Ok(Resource::new_own(fd.rep()))
    }

    pub(super) fn drop_device(&mut self, fd: Fd) -> Result<()> {
        let fd = Resource::<Device>::new_own(fd.rep());
        self.plain.table.delete(fd)?;
        Ok(())
    }

    pub(super) fn device_input(&mut self, device: Device) -> FsResult<Resource<DynInputStream>> {
        let stream = device.input(self.processes)?;
        Ok(self.plain.table.push(stream)?)
    }

    pub(super) fn device_output(&mut self, device: Device) -> FsResult<Resource<DynOutputStream>> {
        let stream = device.output(self.processes)?;
        Ok(self.plain.table.push(stream)?)
    }

    /// Some of what there is, after waiting for it; no more than a little, whatever was asked for.
    pub(super) async fn read_device(
        &mut self,
        device: Device,
        length: u64,
    ) -> FsResult<(Vec<u8>, bool)> {
        let mut stream = device.input(self.processes)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match stream.blocking_read(length.min(READ_BYTES_MAX)).await {
            Ok(bytes) => Ok((bytes.into(), false)),
            Err(StreamError::Closed) => Ok((Vec::new(), true)),
            Err(error) => Err(code(error)),
        }
    }

    pub(super) async fn write_device(&mut self, device: Device, bytes: Vec<u8>) -> FsResult<u64> {
        let mut stream = device.output(self.processes)?;
        let length = bytes.len() as u64;
        match stream.blocking_write_and_flush(bytes.into()).await {
            Ok(()) => Ok(length),
            Err(StreamError::Closed) => Err(ErrorCode::Pipe.into()),
            Err(error) => Err(code(error)),
        }
    }

    pub(super) fn device_listing(
        &mut self,
        device: Device,
    ) -> FsResult<Resource<DirectoryEntryStream>> {
        let names = self.plain.table.push(device.list()?)?;
        Ok(Resource::new_own(names.rep()))
    }

    /// What a listing has still to say, if it is one of `/dev`.
    pub(super) fn names(
        &mut self,
        listing: &Resource<DirectoryEntryStream>,
    ) -> Option<&mut Listing> {
        let names = Resource::<Listing>::new_borrow(listing.rep());
        self.plain.table.get_mut(&names).ok()
    }

    pub(super) fn drop_names(&mut self, listing: Resource<DirectoryEntryStream>) -> Result<()> {
        let names = Resource::<Listing>::new_own(listing.rep());
        self.plain.table.delete(names)?;
        Ok(())
    }
}

/// A stream's failure as that of a call; who wrote without a permit is at fault himself.
fn code(error: StreamError) -> FsError {
    match error {
        StreamError::LastOperationFailed(error) => {
            let cause = error.downcast_ref::<std::io::Error>();
            cause.map_or(ErrorCode::Io, ErrorCode::from).into()
        }
        StreamError::Trap(error) => FsError::trap(error),
        StreamError::Closed => ErrorCode::Pipe.into(),
    }
}
