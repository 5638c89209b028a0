//! Streams of the host: what the shell was given, files, pipes to other programs.

use crate::executor;
use std::cell::OnceCell;
use swarm_flow_process::bindings::process::{Reader, Writer};
use swarm_flow_process::bindings::wasi::io::streams::{InputStream, OutputStream, StreamError};

pub struct HostReader {
    reader: Reader,
    stream: OnceCell<InputStream>,
}

pub struct HostWriter {
    writer: Writer,
    stream: OnceCell<OutputStream>,
}

#[derive(Debug)]
pub enum WriteError {
    /// Nobody reads any more.
    Closed,
    Failed(String),
}

impl HostReader {
    pub fn new(reader: Reader) -> Self {
        Self {
            reader,
            stream: OnceCell::new(),
        }
    }

    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    fn stream(&self) -> &InputStream {
        self.stream.get_or_init(|| self.reader.stream())
    }

    /// None at the end; a failure is an end too.
    pub async fn read(&self, bytes_max: usize) -> Option<Vec<u8>> {
        loop {
            match self.stream().read(bytes_max as u64) {
                Ok(bytes) if bytes.is_empty() => {
                    executor::ready(self.stream().subscribe()).await;
                }
                Ok(bytes) => return Some(bytes),
                Err(_) => return None,
            }
        }
    }
}

impl HostWriter {
    pub fn new(writer: Writer) -> Self {
        Self {
            writer,
            stream: OnceCell::new(),
        }
    }

    pub fn writer(&self) -> &Writer {
        &self.writer
    }

    fn stream(&self) -> &OutputStream {
        self.stream.get_or_init(|| self.writer.stream())
    }

    /// Until the bytes are where another program's would come behind them.
    pub async fn write(&self, bytes: &[u8]) -> Result<(), WriteError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = self.room().await? as usize;
            let (piece, after) = rest.split_at(room.min(rest.len()));
            self.stream().write(piece).map_err(write_error)?;
            rest = after;
        }
        self.stream().flush().map_err(write_error)?;
        self.room().await.map(|_| ())
    }

    /// Into an empty pipe.
    pub fn write_now(&self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.stream().check_write() {
                Ok(0) => self.stream().subscribe().block(),
                Ok(room) => {
                    let (piece, after) = rest.split_at((room as usize).min(rest.len()));
                    if self.stream().write(piece).is_err() {
                        return;
                    }
                    rest = after;
                }
                Err(_) => return,
            }
        }
    }

    async fn room(&self) -> Result<u64, WriteError> {
        loop {
            match self.stream().check_write().map_err(write_error)? {
                0 => executor::ready(self.stream().subscribe()).await,
                room => return Ok(room),
            }
        }
    }
}

fn write_error(error: StreamError) -> WriteError {
    match error {
        StreamError::Closed => WriteError::Closed,
        StreamError::LastOperationFailed(error) => WriteError::Failed(error.to_debug_string()),
    }
}
