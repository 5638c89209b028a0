//! Standard input: bytes that are there when the guest starts, bytes that come while it runs, or our own.

use bytes::Bytes;
use tokio::io::AsyncRead;
use wasmtime_wasi::cli::{AsyncStdinStream, IsTerminal, StdinStream};
use wasmtime_wasi::p2::InputStream;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;

/// What a guest reads.
pub struct Input(Box<dyn StdinStream>);

impl Input {
    /// These bytes, and then the end.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Box::new(MemoryInputPipe::new(bytes.into())))
    }

    /// What the reader gives, as it comes; a guest that wants more waits. A task reads ahead, by 192 KiB at most, so
    /// this must be called on the runtime that runs the guest. When the sandbox ends the reader is dropped.
    pub fn streamed(reader: impl AsyncRead + Send + Sync + 'static) -> Self {
        Self(Box::new(AsyncStdinStream::new(reader)))
    }

    /// This process's own.
    pub fn inherited() -> Self {
        Self(Box::new(wasmtime_wasi::cli::stdin()))
    }
}

impl From<Bytes> for Input {
    fn from(bytes: Bytes) -> Self {
        Self::bytes(bytes)
    }
}

impl StdinStream for Input {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        self.0.async_stream()
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        self.0.p2_stream()
    }
}

impl IsTerminal for Input {
    fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}
