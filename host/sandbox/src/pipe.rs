//! A pipe from one sandbox to another: bounded, with as many readers and writers as want it.

use crate::input::Input;
use crate::meter::Charge;
use crate::output::Output;
use bytes::{Bytes, BytesMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError, StreamResult};

/// As much as a pipe of Linux holds.
pub(crate) const PIPE_BYTES: usize = 64 << 10;

/// A pipe's two ends. It ends for the readers when no writer is left, and is closed for the writers when no reader is.
pub(crate) fn pipe(charge: Charge) -> (Input, Output) {
    let pipe = Arc::new(Pipe {
        _charge: Some(charge),
        ..Pipe::default()
    });
    (
        Input::of_pipe(Reader::new(pipe.clone())),
        Output::to_pipe(Writer::new(pipe)),
    )
}

#[derive(Default)]
struct Pipe {
    /// For what it may hold.
    _charge: Option<Charge>,
    state: Mutex<State>,
    /// There is something to read, or the end.
    readable: Notify,
    /// There is room, or nobody who reads.
    writable: Notify,
}

#[derive(Default)]
struct State {
    bytes: BytesMut,
    readers: usize,
    writers: usize,
}

impl State {
    fn room(&self) -> usize {
        PIPE_BYTES.saturating_sub(self.bytes.len())
    }
}

impl Pipe {
    /// No code that could panic runs under the lock.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until something is so, which `changed` tells.
async fn wait(pipe: &Pipe, changed: &Notify, so: impl Fn(&State) -> bool) {
    loop {
        let mut notified = std::pin::pin!(changed.notified());
        // From here on nothing is missed.
        notified.as_mut().enable();
        if so(&pipe.state()) {
            return;
        }
        notified.await;
    }
}

/// The end that is read. Cheap to clone.
pub(crate) struct Reader(Arc<Pipe>);

impl Reader {
    fn new(pipe: Arc<Pipe>) -> Self {
        pipe.state().readers += 1;
        Self(pipe)
    }
}

impl Clone for Reader {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.readers -= 1;
        if state.readers == 0 {
            // Nobody will ever read it.
            state.bytes = BytesMut::new();
            drop(state);
            self.0.writable.notify_waiters();
        }
    }
}

#[async_trait]
impl Pollable for Reader {
    async fn ready(&mut self) {
        let pipe = &self.0;
        wait(pipe, &pipe.readable, |state| {
            !state.bytes.is_empty() || state.writers == 0
        })
        .await;
    }
}

#[async_trait]
impl InputStream for Reader {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        let mut state = self.0.state();
        if state.bytes.is_empty() {
            return if state.writers == 0 {
                Err(StreamError::Closed)
            } else {
                Ok(Bytes::new())
            };
        }
        let length = size.min(state.bytes.len());
        let bytes = state.bytes.split_to(length).freeze();
        drop(state);
        self.0.writable.notify_waiters();
        Ok(bytes)
    }

    /// Another reader may have been quicker: then this one waits on.
    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        loop {
            self.ready().await;
            let bytes = self.read(size)?;
            if !bytes.is_empty() || size == 0 {
                return Ok(bytes);
            }
        }
    }
}

/// What one writer may hand over at once. Several may be told of the same room, so together they can pass it, by this much
/// each: room that is set aside for one who never uses it would keep the others out.
const WRITE_BYTES_MAX: usize = 4 << 10;

/// The end that is written. Cheap to clone.
pub(crate) struct Writer(Arc<Pipe>);

impl Writer {
    fn new(pipe: Arc<Pipe>) -> Self {
        pipe.state().writers += 1;
        Self(pipe)
    }
}

impl Clone for Writer {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.writers -= 1;
        let last = state.writers == 0;
        drop(state);
        if last {
            self.0.readable.notify_waiters();
        }
    }
}

#[async_trait]
impl Pollable for Writer {
    async fn ready(&mut self) {
        let pipe = &self.0;
        wait(pipe, &pipe.writable, |state| {
            state.room() > 0 || state.readers == 0
        })
        .await;
    }
}

#[async_trait]
impl OutputStream for Writer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(StreamError::trap("wrote without a permit"));
        }
        let mut state = self.0.state();
        if state.readers == 0 {
            return Err(StreamError::Closed);
        }
        state.bytes.extend_from_slice(&bytes);
        drop(state);
        self.0.readable.notify_waiters();
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        let state = self.0.state();
        if state.readers == 0 {
            return Err(StreamError::Closed);
        }
        Ok(state.room().min(WRITE_BYTES_MAX))
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

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn ends() -> (Reader, Writer) {
        let pipe = Arc::new(Pipe::default());
        (Reader::new(pipe.clone()), Writer::new(pipe))
    }

    #[test]
    fn what_is_written_is_read_in_order_and_then_comes_the_end() {
        let (mut reader, mut writer) = ends();
        assert_eq!(reader.read(9).unwrap(), "");
        assert_eq!(reader.ready().now_or_never(), None);
        let mut second = writer.clone();
        for (writer, text) in [(&mut writer, "one "), (&mut second, "two")] {
            assert!(writer.check_write().unwrap() >= text.len());
            writer.write(text.into()).unwrap();
        }
        assert_eq!(reader.ready().now_or_never(), Some(()));
        assert_eq!(reader.read(5).unwrap(), "one t");
        drop(writer);
        assert_eq!(reader.read(5).unwrap(), "wo");
        assert_eq!(reader.read(5).unwrap(), "");
        drop(second);
        assert!(matches!(reader.read(5), Err(StreamError::Closed)));
    }

    #[test]
    fn who_finds_no_room_waits_for_a_reader() {
        let (mut reader, mut writer) = ends();
        let mut other = writer.clone();
        let mut written = 0;
        while writer.check_write().unwrap() > 0 {
            assert_eq!(other.ready().now_or_never(), Some(()));
            writer.write(vec![b'x'; WRITE_BYTES_MAX].into()).unwrap();
            written += WRITE_BYTES_MAX;
        }
        assert_eq!(written, PIPE_BYTES);
        assert_eq!(other.ready().now_or_never(), None);
        assert_eq!(other.check_write().unwrap(), 0);
        assert_eq!(reader.read(1).unwrap(), "x");
        assert_eq!(other.check_write().unwrap(), 1);
        assert!(other.write(vec![b'x'; WRITE_BYTES_MAX + 1].into()).is_err());
        assert_eq!(reader.read(usize::MAX).unwrap().len(), PIPE_BYTES - 1);
        assert_eq!(writer.check_write().unwrap(), WRITE_BYTES_MAX);
    }

    /// As the host does it after each blocking write: the room is asked for once more and not used.
    #[test]
    fn room_that_is_not_used_keeps_nobody_out() {
        let (_reader, mut writer) = ends();
        let mut other = writer.clone();
        assert_eq!(writer.check_write().unwrap(), WRITE_BYTES_MAX);
        assert_eq!(other.check_write().unwrap(), WRITE_BYTES_MAX);
        other.write("y".into()).unwrap();
    }

    #[test]
    fn writers_see_that_the_last_reader_has_gone() {
        let (reader, mut writer) = ends();
        let other = reader.clone();
        drop(reader);
        writer.check_write().unwrap();
        drop(other);
        assert_eq!(writer.ready().now_or_never(), Some(()));
        assert!(matches!(writer.write("x".into()), Err(StreamError::Closed)));
        assert!(matches!(writer.check_write(), Err(StreamError::Closed)));
    }
}
