//! Standard input: bytes that are there when the guest starts, bytes that come while it runs, or our own.

use crate::pipe::Reader;
use crate::shared::SharedInput;
use bytes::Bytes;
use std::sync::Arc;
use tokio::io::AsyncRead;
use wasmtime_wasi::cli::{AsyncStdinStream, IsTerminal, StdinStream};
use wasmtime_wasi::p2::InputStream;
use wasmtime_wasi::p2::pipe::MemoryInputPipe;

/// What a guest reads. Cheap to clone; what one clone has read the others do not see.
#[derive(Clone)]
pub struct Input(Arc<dyn StdinStream + Sync>);

impl Input {
    /// These bytes, and then the end.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self(Arc::new(MemoryInputPipe::new(bytes.into())))
    }

    /// What the reader gives, as it comes; a guest that wants more waits. A task reads ahead, by 192 KiB at most, so
    /// this must be called on the runtime that runs the guest. When the sandbox ends the reader is dropped.
    pub fn streamed(reader: impl AsyncRead + Send + Sync + 'static) -> Self {
        Self(Arc::new(AsyncStdinStream::new(reader)))
    }

    pub(crate) fn of_pipe(reader: Reader) -> Self {
        Self(Arc::new(Preview2(reader)))
    }

    pub(crate) fn shared(stream: SharedInput) -> Self {
        Self(Arc::new(Preview2(stream)))
    }

    /// This process's own.
    pub fn inherited() -> Self {
        Self(Arc::new(wasmtime_wasi::cli::stdin()))
    }
}

/// What only programs of preview 2 are given: nothing of preview 3 is started by another program.
struct Preview2<S>(S);

impl<S: InputStream + Clone + Sync> StdinStream for Preview2<S> {
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(tokio::io::empty())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.0.clone())
    }
}

impl<S> IsTerminal for Preview2<S> {
    fn is_terminal(&self) -> bool {
        false
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
