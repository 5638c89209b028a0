//! Standard output and standard error: bounded, collected or passed on as they come.

use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// What a guest wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputChunk {
    pub stream: Stream,
    pub bytes: Bytes,
}

/// Where a guest's output goes. What passes the limit is dropped and noted; the guest goes on.
#[derive(Clone)]
pub struct Output {
    shared: Arc<Mutex<Shared>>,
    sender: Option<(Stream, mpsc::Sender<OutputChunk>)>,
}

struct Shared {
    collected: Vec<u8>,
    left_bytes: u64,
    truncated: bool,
}

/// What a guest may hand over in one write.
const WRITE_BYTES_MAX: usize = 64 << 10;

impl Output {
    /// Keeps what is written, until [`Self::take`].
    pub fn collected(bytes_max: u64) -> Self {
        Self::new(bytes_max, None)
    }

    /// Sends on what is written. A full channel makes the guest wait; a closed one tells it so.
    pub fn streamed(stream: Stream, sender: mpsc::Sender<OutputChunk>, bytes_max: u64) -> Self {
        Self::new(bytes_max, Some((stream, sender)))
    }

    fn new(bytes_max: u64, sender: Option<(Stream, mpsc::Sender<OutputChunk>)>) -> Self {
        let shared = Shared {
            collected: Vec::new(),
            left_bytes: bytes_max,
            truncated: false,
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            sender,
        }
    }

    /// What was collected, and whether something was dropped.
    pub fn take(&self) -> (Vec<u8>, bool) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut shared.collected), shared.truncated)
    }

    /// The part of `bytes` that is within the limit.
    fn admit(&self, bytes: &mut Bytes) -> std::sync::MutexGuard<'_, Shared> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes.len() as u64 > shared.left_bytes {
            shared.truncated = true;
            // Fits: it is below `bytes.len()`.
            bytes.truncate(shared.left_bytes as usize);
        }
        shared.left_bytes -= bytes.len() as u64;
        shared
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only preview 3 asks for it, which is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Output {
    fn write(&mut self, mut bytes: Bytes) -> StreamResult<()> {
        let mut shared = self.admit(&mut bytes);
        match &self.sender {
            None => shared.collected.extend_from_slice(&bytes),
            Some(_) if bytes.is_empty() => {}
            Some((stream, sender)) => {
                drop(shared);
                sender
                    .try_send(OutputChunk {
                        stream: *stream,
                        bytes,
                    })
                    .map_err(|error| match error {
                        mpsc::error::TrySendError::Closed(_) => StreamError::Closed,
                        mpsc::error::TrySendError::Full(_) => {
                            StreamError::trap("wrote without a permit")
                        }
                    })?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        match &self.sender {
            Some((_, sender)) if sender.is_closed() => Err(StreamError::Closed),
            Some((_, sender)) if sender.capacity() == 0 => Ok(0),
            _ => Ok(WRITE_BYTES_MAX),
        }
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        if let Some((_, sender)) = &self.sender {
            // Both a permit and a closed channel mean that `check_write` has something to say.
            let _ = sender.reserve().await;
        }
    }
}
