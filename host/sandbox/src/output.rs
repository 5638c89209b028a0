//! Standard output and standard error: bounded, masked, collected or passed on as they come.

use crate::mask::Mask;
use crate::pipe::Writer;
use crate::shared::SharedOutput;
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::PollSender;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};
use wasmtime_wasi::{I32Exit, async_trait};

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
    terminal: bool,
    /// Whether the guest ends when nobody reads any more.
    ends_with_reader: bool,
    /// Where it goes instead, of a program that another one started.
    instead: Option<Arc<dyn StdoutStream + Sync>>,
}

struct Shared {
    collected: Vec<u8>,
    bytes_max: u64,
    written_bytes: u64,
    truncated: bool,
    closed: bool,
    /// What is dropped is not looked at.
    mask: Option<Mask>,
}

/// Tells a guest that nobody reads its output any more.
#[derive(Clone)]
pub struct OutputCloser(Arc<Mutex<Shared>>);

impl OutputCloser {
    pub fn close(&self) {
        lock(&self.0).closed = true;
    }
}

/// What a guest may hand over in one write.
const WRITE_BYTES_MAX: usize = 64 << 10;
/// How long the end of an output waits for a reader.
const FINISH: Duration = Duration::from_secs(10);

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
            bytes_max,
            written_bytes: 0,
            truncated: false,
            closed: false,
            mask: None,
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            sender,
            terminal: false,
            ends_with_reader: false,
            instead: None,
        }
    }

    /// Throws away what is written.
    pub fn nowhere() -> Self {
        Self::instead(Preview2(Nowhere))
    }

    pub(crate) fn to_pipe(writer: Writer) -> Self {
        Self::instead(Preview2(writer))
    }

    pub(crate) fn shared(stream: SharedOutput) -> Self {
        Self::instead(Preview2(stream))
    }

    fn instead(stream: impl StdoutStream + Sync + 'static) -> Self {
        Self {
            instead: Some(Arc::new(stream)),
            ..Self::new(0, None)
        }
    }

    /// The same, and the guest is told that a terminal shows it.
    pub fn on_terminal(self) -> Self {
        Self {
            terminal: true,
            ..self
        }
    }

    /// The same; a guest that writes when nobody reads any more ends at once, with exit code 141, or is told so.
    pub fn ending_with_its_reader(self, ends: bool) -> Self {
        Self {
            ends_with_reader: ends,
            ..self
        }
    }

    /// What was collected, and whether something was dropped.
    pub fn take(&self) -> (Vec<u8>, bool) {
        let mut shared = lock(&self.shared);
        let rest = shared.held_back();
        shared.collected.extend_from_slice(&rest);
        (std::mem::take(&mut shared.collected), shared.truncated)
    }

    /// Hides values from now on. What is masked already stays so: it may be in the middle of one.
    pub(crate) fn mask(&self, mask: Mask) {
        lock(&self.shared).mask.get_or_insert(mask);
    }

    /// Sends what is still held back, once the guest has gone.
    pub(crate) async fn finish(&self) {
        let Some((stream, sender)) = &self.sender else {
            return;
        };
        let bytes = lock(&self.shared).held_back();
        if bytes.is_empty() {
            return;
        }
        let chunk = OutputChunk {
            stream: *stream,
            bytes,
        };
        if !matches!(timeout(FINISH, sender.send(chunk)).await, Ok(Ok(()))) {
            lock(&self.shared).truncated = true;
        }
    }

    /// Tells later whether something was dropped. It keeps no channel open.
    pub fn truncated(&self) -> impl Fn() -> bool + use<> {
        let shared = self.shared.clone();
        move || lock(&shared).truncated
    }

    /// What may be written in all from now on, in bytes.
    pub(crate) fn limit(&self, bytes_max: u64) {
        lock(&self.shared).bytes_max = bytes_max;
    }

    /// Closes it from the reader's side. It keeps no channel open.
    pub fn closer(&self) -> OutputCloser {
        OutputCloser(self.shared.clone())
    }

    fn is_closed(&self) -> bool {
        lock(&self.shared).closed || matches!(&self.sender, Some((_, sender)) if sender.is_closed())
    }

    /// The part of `bytes` that is within the limit, masked.
    fn admit(&self, bytes: &mut Bytes) -> MutexGuard<'_, Shared> {
        let mut shared = lock(&self.shared);
        let left_bytes = shared.bytes_max.saturating_sub(shared.written_bytes);
        if bytes.len() as u64 > left_bytes {
            shared.truncated = true;
            // Fits: it is below `bytes.len()`.
            bytes.truncate(left_bytes as usize);
        }
        shared.written_bytes += bytes.len() as u64;
        if let Some(mask) = &mut shared.mask {
            *bytes = mask.pass(std::mem::take(bytes));
        }
        shared
    }
}

impl Shared {
    fn held_back(&mut self) -> Bytes {
        self.mask.as_mut().map(Mask::rest).unwrap_or_default()
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        self.terminal
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(AsyncOutput {
            sender: self
                .sender
                .as_ref()
                .map(|(stream, sender)| (*stream, PollSender::new(sender.clone()))),
            output: self.clone(),
        })
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        match &self.instead {
            Some(instead) if self.ends_with_reader => Box::new(Ending(instead.p2_stream())),
            Some(instead) => instead.p2_stream(),
            None => Box::new(OutputPipe {
                output: self.clone(),
                late: None,
            }),
        }
    }
}

/// The exit code of a program that wrote when nobody read any more: what a shell says of one that `SIGPIPE` ended.
const BROKEN_PIPE: u8 = 128 + 13;

/// A stream whose end is its writer's too.
struct Ending(Box<dyn OutputStream>);

fn ended<T>(result: StreamResult<T>) -> StreamResult<T> {
    result.map_err(|error| match error {
        StreamError::Closed => StreamError::Trap(I32Exit(BROKEN_PIPE.into()).into()),
        other => other,
    })
}

#[async_trait]
impl Pollable for Ending {
    async fn ready(&mut self) {
        self.0.ready().await;
    }
}

#[async_trait]
impl OutputStream for Ending {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        ended(self.0.write(bytes))
    }

    fn flush(&mut self) -> StreamResult<()> {
        ended(self.0.flush())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        ended(self.0.check_write())
    }

    async fn write_ready(&mut self) -> StreamResult<usize> {
        ended(self.0.write_ready().await)
    }
}

/// What only programs of preview 2 are given: nothing of preview 3 is started by another program.
struct Preview2<S>(S);

impl<S: OutputStream + Clone + Sync> StdoutStream for Preview2<S> {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.0.clone())
    }
}

impl<S> IsTerminal for Preview2<S> {
    fn is_terminal(&self) -> bool {
        false
    }
}

#[derive(Clone)]
struct Nowhere;

#[async_trait]
impl Pollable for Nowhere {
    async fn ready(&mut self) {}
}

impl OutputStream for Nowhere {
    fn write(&mut self, _: Bytes) -> StreamResult<()> {
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}

/// One of the guest's streams of preview 1 or 2.
struct OutputPipe {
    output: Output,
    /// Written when another stream had just taken the channel's last place.
    late: Option<OutputChunk>,
}

impl OutputPipe {
    /// Whether nothing is late any more.
    fn catch_up(&mut self) -> StreamResult<bool> {
        let (Some((_, sender)), Some(chunk)) = (&self.output.sender, self.late.take()) else {
            return Ok(true);
        };
        match sender.try_send(chunk) {
            Ok(()) => Ok(true),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(StreamError::Closed),
            Err(mpsc::error::TrySendError::Full(chunk)) => {
                self.late = Some(chunk);
                Ok(false)
            }
        }
    }
}

impl OutputStream for OutputPipe {
    fn write(&mut self, mut bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE_BYTES_MAX || self.late.is_some() {
            return Err(StreamError::trap("wrote without a permit"));
        }
        let mut shared = self.output.admit(&mut bytes);
        match &self.output.sender {
            None => shared.collected.extend_from_slice(&bytes),
            Some(_) if bytes.is_empty() => {}
            Some((stream, _)) => {
                drop(shared);
                self.late = Some(OutputChunk {
                    stream: *stream,
                    bytes,
                });
                self.catch_up()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let caught_up = self.catch_up()?;
        match &self.output.sender {
            _ if self.output.is_closed() => Err(StreamError::Closed),
            Some((_, sender)) if !caught_up || sender.capacity() == 0 => Ok(0),
            _ => Ok(WRITE_BYTES_MAX),
        }
    }
}

#[async_trait]
impl Pollable for OutputPipe {
    async fn ready(&mut self) {
        if let Some((_, sender)) = &self.output.sender {
            // Both a permit and a closed channel mean that `check_write` has something to say.
            if let Ok(permit) = sender.reserve().await
                && let Some(chunk) = self.late.take()
            {
                permit.send(chunk);
                let _ = sender.reserve().await;
            }
        }
    }
}

impl Drop for OutputPipe {
    fn drop(&mut self) {
        // What was taken from the guest is delivered, though it has gone by now.
        if let (Some((_, sender)), Some(mut chunk)) = (&self.output.sender, self.late.take())
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let rest = lock(&self.output.shared).held_back();
            if !rest.is_empty() {
                chunk.bytes = [chunk.bytes, rest].concat().into();
            }
            let sender = sender.clone();
            runtime.spawn(async move { sender.send(chunk).await });
        }
    }
}

/// One of the guest's streams of preview 3.
struct AsyncOutput {
    output: Output,
    sender: Option<(Stream, PollSender<OutputChunk>)>,
}

impl AsyncWrite for AsyncOutput {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.output.is_closed() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if let Some((_, sender)) = &mut this.sender {
            ready!(sender.poll_reserve(context))
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        let length = buffer.len().min(WRITE_BYTES_MAX);
        let mut bytes = Bytes::copy_from_slice(buffer.get(..length).unwrap_or_default());
        let mut shared = this.output.admit(&mut bytes);
        match &mut this.sender {
            None => shared.collected.extend_from_slice(&bytes),
            Some((_, sender)) if bytes.is_empty() => _ = sender.abort_send(),
            Some((stream, sender)) => sender
                .send_item(OutputChunk {
                    stream: *stream,
                    bytes,
                })
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?,
        }
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{Placement, SandboxSecrets, Secret, Secrets};
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn two_streams_that_were_both_told_to_write_both_arrive() {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut out = Output::streamed(Stream::Stdout, sender.clone(), 100).p2_stream();
        let mut err = Output::streamed(Stream::Stderr, sender, 100).p2_stream();
        assert!(out.check_write().unwrap() > 0 && err.check_write().unwrap() > 0);
        out.write(Bytes::from_static(b"out")).unwrap();
        err.write(Bytes::from_static(b"err")).unwrap();
        assert_eq!(err.check_write().unwrap(), 0);
        assert!(err.write(Bytes::from_static(b"more")).is_err());
        drop((out, err));
        assert_eq!(receiver.recv().await.unwrap().bytes, "out");
        assert_eq!(receiver.recv().await.unwrap().bytes, "err");
        assert_eq!(receiver.recv().await, None);
    }

    fn hiding(value: &str) -> Mask {
        let hosts = ["https://api.example".to_owned()];
        let placement = Placement::Variable("KEY".to_owned());
        let value = value.to_owned().into();
        let secret = Secret::new("A", &hosts, placement, value).unwrap();
        Mask::new(&SandboxSecrets::of(&Secrets::new(vec![secret])))
    }

    #[tokio::test]
    async fn a_value_is_masked_over_the_streams_that_write_it_and_nothing_else_is_lost() {
        let (sender, mut receiver) = mpsc::channel(8);
        let output = Output::streamed(Stream::Stdout, sender, 100);
        output.mask(hiding("hunter22"));
        let (mut one, mut other) = (output.p2_stream(), output.p2_stream());
        one.write(Bytes::from_static(b"a hunt")).unwrap();
        other.write(Bytes::from_static(b"er22 b hunter2")).unwrap();
        drop((one, other));
        output.finish().await;
        drop(output);
        let mut said = Vec::new();
        while let Some(chunk) = receiver.recv().await {
            said.push(String::from_utf8(chunk.bytes.to_vec()).unwrap());
        }
        assert_eq!(said, ["a ", "******** b ", "hunter2"]);

        let output = Output::collected(13);
        output.mask(hiding("hunter22"));
        let mut stream = Box::into_pin(output.async_stream());
        stream.write_all(b"hunter22hunter22").await.unwrap();
        assert_eq!(output.take(), (b"********hunte".to_vec(), true));
    }

    #[tokio::test]
    async fn what_is_held_back_comes_after_what_came_late() {
        let (sender, mut receiver) = mpsc::channel(1);
        let output = Output::streamed(Stream::Stdout, sender.clone(), 100);
        output.mask(hiding("hunter22"));
        let mut stream = output.p2_stream();
        stream.check_write().unwrap();
        let other = OutputChunk {
            stream: Stream::Stderr,
            bytes: Bytes::new(),
        };
        sender.send(other).await.unwrap();
        stream.write(Bytes::from_static(b"late hun")).unwrap();
        drop(stream);
        receiver.recv().await.unwrap();
        assert_eq!(receiver.recv().await.unwrap().bytes, "late hun");
        output.finish().await;
        assert!(receiver.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_stream_of_preview_3_keeps_the_limit_too() {
        let output = Output::collected(5);
        let mut stream = Box::into_pin(output.async_stream());
        stream.write_all(b"abcdefgh").await.unwrap();
        assert_eq!(output.take(), (b"abcde".to_vec(), true));
        let (sender, receiver) = mpsc::channel(1);
        drop(receiver);
        let output = Output::streamed(Stream::Stdout, sender, 5);
        let closed = Box::into_pin(output.async_stream()).write_all(b"a").await;
        assert_eq!(closed.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
