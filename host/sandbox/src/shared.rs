//! A stream that several sandboxes use: a file that a command and all that it starts write to, one behind the other.

use bytes::Bytes;
use std::sync::Arc;
use tokio::sync::Mutex;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, Pollable, StreamError, StreamResult,
};

/// What one reads the others do not see. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SharedInput(Arc<Mutex<DynInputStream>>);

impl SharedInput {
    pub(crate) fn new(stream: DynInputStream) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }
}

#[async_trait]
impl Pollable for SharedInput {
    async fn ready(&mut self) {
        self.0.lock().await.ready().await;
    }
}

#[async_trait]
impl InputStream for SharedInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        match self.0.try_lock() {
            Ok(mut stream) => stream.read(size),
            // Another one reads: nothing is there now.
            Err(_) => Ok(Bytes::new()),
        }
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.0.lock().await.blocking_read(size).await
    }
}

/// What may be handed over in one write.
const WRITE_BYTES_MAX: usize = 64 << 10;

/// Each writes where the others ended. Cheap to clone.
pub(crate) struct SharedOutput {
    stream: Arc<Mutex<DynOutputStream>>,
    /// Handed over while another one wrote, or there was no room.
    late: Bytes,
}

impl SharedOutput {
    pub(crate) fn new(stream: DynOutputStream) -> Self {
        Self {
            stream: Arc::new(Mutex::new(stream)),
            late: Bytes::new(),
        }
    }

    /// Writes what is late, as far as that goes without waiting.
    fn catch_up(&mut self) -> StreamResult<()> {
        let Ok(mut stream) = self.stream.try_lock() else {
            return Ok(());
        };
        while !self.late.is_empty() {
            let room = stream.check_write()?;
            if room == 0 {
                break;
            }
            let length = room.min(self.late.len());
            stream.write(self.late.split_to(length))?;
        }
        Ok(())
    }
}

impl Clone for SharedOutput {
    fn clone(&self) -> Self {
        Self {
            stream: self.stream.clone(),
            late: Bytes::new(),
        }
    }
}

#[async_trait]
impl Pollable for SharedOutput {
    async fn ready(&mut self) {
        loop {
            self.stream.lock().await.ready().await;
            // What goes wrong is told by the next call.
            if self.late.is_empty() || self.catch_up().is_err() || self.late.is_empty() {
                return;
            }
        }
    }
}

#[async_trait]
impl OutputStream for SharedOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE_BYTES_MAX || !self.late.is_empty() {
            return Err(StreamError::trap("wrote without a permit"));
        }
        self.late = bytes;
        self.catch_up()
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.catch_up()?;
        match self.stream.try_lock() {
            Ok(mut stream) => stream.flush(),
            Err(_) => Ok(()),
        }
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.catch_up()?;
        if !self.late.is_empty() {
            return Ok(0);
        }
        match self.stream.try_lock() {
            Ok(mut stream) => Ok(stream.check_write()?.min(WRITE_BYTES_MAX)),
            Err(_) => Ok(0),
        }
    }

    /// Others may have been quicker: then this one waits on.
    async fn write_ready(&mut self) -> StreamResult<usize> {
        loop {
            self.ready().await;
            let room = self.check_write()?;
            if room > 0 {
                return Ok(room);
            }
        }
    }
}
