//! A guest's standard output and error, line by line, in the trace of this process.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Longer lines are split.
const LINE_BYTES_MAX: usize = 8 << 10;

/// One of a guest's two outputs.
#[derive(Clone)]
pub(crate) struct Log(Arc<Line>);

struct Line {
    component: Arc<str>,
    stream: &'static str,
    started: Mutex<Vec<u8>>,
}

impl Log {
    pub fn new(component: &Arc<str>, stream: &'static str) -> Self {
        Self(Arc::new(Line {
            component: component.clone(),
            stream,
            started: Mutex::default(),
        }))
    }

    fn append(&self, bytes: &[u8]) {
        let mut started = self
            .0
            .started
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            started.extend_from_slice(piece);
            if piece.ends_with(b"\n") || started.len() >= LINE_BYTES_MAX {
                self.0.emit(&started);
                started.clear();
            }
        }
    }
}

impl Line {
    fn emit(&self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        tracing::info!(target: "guest", component = &*self.component, stream = self.stream, "{}", text.trim_end());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let rest = std::mem::take(
            self.started
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
        );
        if !rest.is_empty() {
            self.emit(&rest);
        }
    }
}

impl IsTerminal for Log {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Log {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Log {
    async fn ready(&mut self) {}
}

impl OutputStream for Log {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LINE_BYTES_MAX)
    }
}

impl AsyncWrite for Log {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.append(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
