//! Readers and writers as `std::io` knows them.

use crate::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};
use crate::{Reader, Writer};
use std::io::{self, ErrorKind, Read, Write};

/// Reads from here, waiting for what has not come yet.
pub fn read(reader: &Reader) -> impl Read + use<> {
    Input(reader.stream())
}

/// Writes from here, waiting where there is no room.
pub fn write(writer: &Writer) -> impl Write + use<> {
    Output(writer.stream())
}

struct Input(InputStream);

struct Output(OutputStream);

/// What a blocking write takes at once.
const WRITE_BYTES_MAX: usize = 4_096;

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.blocking_read(buffer.len() as u64) {
            Ok(bytes) => {
                let room = buffer.iter_mut();
                room.zip(&bytes).for_each(|(to, from)| *to = *from);
                Ok(bytes.len())
            }
            Err(StreamError::Closed) => Ok(0),
            Err(StreamError::LastOperationFailed(error)) => {
                Err(io::Error::other(error.to_debug_string()))
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = bytes
            .get(..bytes.len().min(WRITE_BYTES_MAX))
            .unwrap_or_default();
        match self.0.blocking_write_and_flush(piece) {
            Ok(()) => Ok(piece.len()),
            Err(StreamError::Closed) => Err(ErrorKind::BrokenPipe.into()),
            Err(StreamError::LastOperationFailed(error)) => {
                Err(io::Error::other(error.to_debug_string()))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
