//! What flows out of devices, and what does not go in.

use super::READ_BYTES_MAX;
use bytes::Bytes;
use rustix::io::Errno;
use std::io;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

static ZEROS: [u8; READ_BYTES_MAX] = [0; READ_BYTES_MAX];

/// Zeros without end.
pub(super) struct Zeros;

/// Random bytes without end, from the system.
pub(super) struct Random;

/// A disk that is full.
pub(super) struct Full;

#[async_trait]
impl Pollable for Zeros {
    async fn ready(&mut self) {}
}

impl InputStream for Zeros {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let zeros = ZEROS.get(..size).unwrap_or(&ZEROS);
        Ok(Bytes::from_static(zeros))
    }
}

#[async_trait]
impl Pollable for Random {
    async fn ready(&mut self) {}
}

impl InputStream for Random {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut bytes = vec![0; size.min(READ_BYTES_MAX)];
        getrandom::fill(&mut bytes).map_err(failed)?;
        Ok(bytes.into())
    }
}

#[async_trait]
impl Pollable for Full {
    async fn ready(&mut self) {}
}

impl OutputStream for Full {
    fn write(&mut self, _: Bytes) -> StreamResult<()> {
        Err(failed(io::Error::from(Errno::NOSPC)))
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(READ_BYTES_MAX)
    }
}

/// As a stream of a file says it, so that the guest is told which error it was.
fn failed(error: impl Into<wasmtime::Error>) -> StreamError {
    StreamError::LastOperationFailed(error.into())
}
