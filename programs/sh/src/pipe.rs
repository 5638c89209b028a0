//! A pipe between two parts of the shell.
//!
//! It is a buffer in the shell until another program gets one of its ends: then a pipe of the host takes its place, and
//! what is in the buffer goes there first. Its capacity is that of the host's, so this never waits.

use crate::host::{HostReader, HostWriter};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use swarm_flow_process::bindings::process;

const CAPACITY: usize = 64 * 1024;

#[derive(Default)]
struct Pipe {
    buffer: RefCell<VecDeque<u8>>,
    readers: Cell<usize>,
    writers: Cell<usize>,
    wakers: RefCell<Vec<Waker>>,
    host: OnceCell<HostPipe>,
}

/// Each end is dropped with the last who has it, which is how the other end learns of it.
struct HostPipe {
    reader: RefCell<Option<Rc<HostReader>>>,
    writer: RefCell<Option<Rc<HostWriter>>>,
}

pub struct PipeReader(Rc<Pipe>);

pub struct PipeWriter(Rc<Pipe>);

/// Nobody reads any more.
#[derive(Debug)]
pub struct Closed;

pub fn pipe() -> (PipeReader, PipeWriter) {
    let pipe = Rc::new(Pipe::default());
    pipe.readers.set(1);
    pipe.writers.set(1);
    (PipeReader(Rc::clone(&pipe)), PipeWriter(pipe))
}

impl Pipe {
    fn wake(&self) {
        for waker in self.wakers.take() {
            waker.wake();
        }
    }

    fn host(&self) -> &HostPipe {
        self.host.get_or_init(|| {
            let (reader, writer) = process::pipe();
            let writer = HostWriter::new(writer);
            let buffered: Vec<u8> = self.buffer.take().into();
            writer.write_now(&buffered);
            self.wake();
            HostPipe {
                reader: RefCell::new(
                    (self.readers.get() > 0).then(|| Rc::new(HostReader::new(reader))),
                ),
                writer: RefCell::new((self.writers.get() > 0).then(|| Rc::new(writer))),
            }
        })
    }

    fn host_reader(&self) -> Option<Rc<HostReader>> {
        self.host
            .get()
            .and_then(|host| host.reader.borrow().clone())
    }

    fn host_writer(&self) -> Option<Rc<HostWriter>> {
        self.host
            .get()
            .and_then(|host| host.writer.borrow().clone())
    }
}

impl PipeReader {
    /// None at the end.
    pub async fn read(&self, bytes_max: usize) -> Option<Vec<u8>> {
        let read = poll_fn(|context| {
            if self.0.host.get().is_some() {
                return Poll::Ready(None);
            }
            let mut buffer = self.0.buffer.borrow_mut();
            if !buffer.is_empty() {
                let length = buffer.len().min(bytes_max);
                let bytes: Vec<u8> = buffer.drain(..length).collect();
                drop(buffer);
                self.0.wake();
                return Poll::Ready(Some(Some(bytes)));
            }
            if self.0.writers.get() == 0 {
                return Poll::Ready(Some(None));
            }
            self.0.wakers.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
        match read {
            Some(read) => read,
            None => self.0.host_reader()?.read(bytes_max).await,
        }
    }

    /// For another program.
    pub fn lend(&self) -> Option<Rc<HostReader>> {
        self.0.host();
        self.0.host_reader()
    }
}

impl PipeWriter {
    pub async fn write(&self, bytes: &[u8]) -> Result<(), Closed> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = poll_fn(|context| {
                if self.0.host.get().is_some() {
                    return Poll::Ready(Ok(None));
                }
                if self.0.readers.get() == 0 {
                    return Poll::Ready(Err(Closed));
                }
                let mut buffer = self.0.buffer.borrow_mut();
                let room = CAPACITY.saturating_sub(buffer.len()).min(rest.len());
                if room > 0 {
                    buffer.extend(rest.iter().take(room));
                    drop(buffer);
                    self.0.wake();
                    return Poll::Ready(Ok(Some(room)));
                }
                self.0.wakers.borrow_mut().push(context.waker().clone());
                Poll::Pending
            })
            .await?;
            match written {
                Some(length) => rest = rest.get(length..).unwrap_or_default(),
                None => {
                    let writer = self.0.host_writer().ok_or(Closed)?;
                    return writer.write(rest).await.map_err(|_| Closed);
                }
            }
        }
        Ok(())
    }

    pub fn lend(&self) -> Option<Rc<HostWriter>> {
        self.0.host();
        self.0.host_writer()
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.0.readers.set(0);
        if let Some(host) = self.0.host.get() {
            host.reader.take();
        }
        self.0.wake();
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        self.0.writers.set(0);
        if let Some(host) = self.0.host.get() {
            host.writer.take();
        }
        self.0.wake();
    }
}
