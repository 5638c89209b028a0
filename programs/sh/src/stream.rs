//! What a file descriptor of the shell stands for.

use crate::files::File;
use crate::host::{HostReader, HostWriter, WriteError};
use crate::pipe::{PipeReader, PipeWriter};
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use swarm_flow_process::bindings::process::{self, Reader};

#[derive(Clone)]
pub enum Handle {
    Read(Rc<Input>),
    Write(Rc<Output>),
    Both(Rc<Input>, Rc<Output>),
}

pub enum Input {
    Null,
    Pipe(PipeReader),
    Updated(Rc<UpdatedFile>),
    /// What the program was started with; asked for at the first use.
    Stdin(OnceCell<HostReader>),
    File(FileInput),
    /// A here-document.
    Text(TextInput),
    /// Bytes that never end.
    Endless(fn(usize) -> Vec<u8>),
}

/// A file is read in blocks while only the shell reads it. Once another program gets it, they share a position.
pub struct FileInput {
    file: File,
    position: Cell<u64>,
    buffer: RefCell<VecDeque<u8>>,
    lent: OnceCell<HostReader>,
}

/// `<> file`: reading and writing share a position. A program that gets it begins there, and has its own from then on.
pub struct UpdatedFile {
    file: File,
    position: Cell<u64>,
}

pub struct TextInput {
    bytes: RefCell<VecDeque<u8>>,
    lent: OnceCell<Option<Rc<HostReader>>>,
}

pub enum Output {
    Null,
    Pipe(PipeWriter),
    Host(HostWriter),
    Updated(Rc<UpdatedFile>),
    Stdout(OnceCell<HostWriter>),
    Stderr(OnceCell<HostWriter>),
    /// `/dev/full`
    Full,
}

/// A reader for another program, as long as the program is being started.
pub enum Lent<'a> {
    Host(&'a HostReader),
    Shared(Rc<HostReader>),
}

pub enum LentWriter<'a> {
    Host(&'a HostWriter),
    Shared(Rc<HostWriter>),
}

const BLOCK: usize = 16 * 1024;

impl Handle {
    pub fn input(&self) -> Option<&Rc<Input>> {
        match self {
            Self::Read(input) | Self::Both(input, _) => Some(input),
            Self::Write(_) => None,
        }
    }

    pub fn output(&self) -> Option<&Rc<Output>> {
        match self {
            Self::Write(output) | Self::Both(_, output) => Some(output),
            Self::Read(_) => None,
        }
    }
}

impl Input {
    pub fn file(file: File) -> Self {
        Self::File(FileInput {
            file,
            position: Cell::new(0),
            buffer: RefCell::default(),
            lent: OnceCell::new(),
        })
    }

    pub fn text(bytes: &[u8]) -> Self {
        Self::Text(TextInput {
            bytes: RefCell::new(bytes.iter().copied().collect()),
            lent: OnceCell::new(),
        })
    }

    /// Some bytes; None at the end. Nothing is read beyond `bytes_max`.
    pub async fn read(&self, bytes_max: usize) -> Option<Vec<u8>> {
        match self {
            Self::Null => None,
            Self::Pipe(pipe) => pipe.read(bytes_max).await,
            Self::Updated(file) => file.read(bytes_max),
            Self::Stdin(reader) => stdin(reader).read(bytes_max).await,
            Self::File(file) => file.read(bytes_max).await,
            Self::Text(text) => match text.lent.get() {
                Some(reader) => reader.as_ref()?.read(bytes_max).await,
                None => take(&mut text.bytes.borrow_mut(), bytes_max),
            },
            Self::Endless(bytes) => Some(bytes(bytes_max)),
        }
    }

    /// All that is left.
    pub async fn read_all(&self) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(bytes) = self.read(BLOCK * 4).await {
            all.extend_from_slice(&bytes);
        }
        all
    }

    /// For another program. None is empty.
    pub fn lend(&self) -> Option<Lent<'_>> {
        match self {
            Self::Null => None,
            Self::Pipe(pipe) => pipe.lend().map(Lent::Shared),
            Self::Updated(file) => file.reader().map(Lent::Shared),
            Self::Stdin(reader) => Some(Lent::Host(stdin(reader))),
            Self::File(file) => file.lend().map(Lent::Host),
            Self::Text(text) => text.lend().map(Lent::Shared),
            Self::Endless(bytes) => endless(*bytes).map(Lent::Shared),
        }
    }
}

impl Lent<'_> {
    pub fn reader(&self) -> &Reader {
        match self {
            Self::Host(reader) => reader.reader(),
            Self::Shared(reader) => reader.reader(),
        }
    }
}

impl LentWriter<'_> {
    pub fn writer(&self) -> &process::Writer {
        match self {
            Self::Host(writer) => writer.writer(),
            Self::Shared(writer) => writer.writer(),
        }
    }
}

fn stdin(reader: &OnceCell<HostReader>) -> &HostReader {
    reader.get_or_init(|| HostReader::new(process::stdin()))
}

fn take(bytes: &mut VecDeque<u8>, bytes_max: usize) -> Option<Vec<u8>> {
    let length = bytes.len().min(bytes_max);
    (length > 0).then(|| bytes.drain(..length).collect())
}

/// A pipe that a task keeps full.
fn endless(bytes: fn(usize) -> Vec<u8>) -> Option<Rc<HostReader>> {
    let (reader, writer) = process::pipe();
    let writer = HostWriter::new(writer);
    let _feeder =
        crate::executor::spawn(async move { while writer.write(&bytes(BLOCK)).await.is_ok() {} });
    Some(Rc::new(HostReader::new(reader)))
}

impl FileInput {
    async fn read(&self, bytes_max: usize) -> Option<Vec<u8>> {
        if let Some(reader) = self.lent.get() {
            return reader.read(bytes_max).await;
        }
        let mut buffer = self.buffer.borrow_mut();
        if buffer.is_empty() {
            let bytes = self.file.read(BLOCK as u64, self.position.get()).ok()?;
            self.position.set(self.position.get() + bytes.len() as u64);
            buffer.extend(bytes);
        }
        take(&mut buffer, bytes_max)
    }

    fn lend(&self) -> Option<&HostReader> {
        if self.lent.get().is_none() {
            let unread = self.buffer.take().len() as u64;
            let position = self.position.get().saturating_sub(unread);
            let stream = self.file.reader(position).ok()?;
            let reader = HostReader::new(Reader::from_stream(stream));
            return Some(self.lent.get_or_init(|| reader));
        }
        self.lent.get()
    }
}

impl UpdatedFile {
    pub fn new(file: File) -> Self {
        Self {
            file,
            position: Cell::new(0),
        }
    }

    fn advance(&self, length: usize) {
        self.position.set(self.position.get() + length as u64);
    }

    fn read(&self, bytes_max: usize) -> Option<Vec<u8>> {
        let bytes = self.file.read(bytes_max as u64, self.position.get()).ok()?;
        self.advance(bytes.len());
        (!bytes.is_empty()).then_some(bytes)
    }

    fn write(&self, bytes: &[u8]) -> Result<(), WriteError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self.file.write(rest, self.position.get());
            let written = written.map_err(|error| WriteError::Failed(error.to_string()))? as usize;
            self.advance(written);
            rest = rest.get(written..).unwrap_or_default();
        }
        Ok(())
    }

    fn reader(&self) -> Option<Rc<HostReader>> {
        let stream = self.file.reader(self.position.get()).ok()?;
        Some(Rc::new(HostReader::new(Reader::from_stream(stream))))
    }

    fn writer(&self) -> Option<Rc<HostWriter>> {
        let writer = self.file.writer_at(self.position.get()).ok()?;
        Some(Rc::new(HostWriter::new(writer)))
    }
}

impl TextInput {
    fn lend(&self) -> Option<Rc<HostReader>> {
        self.lent
            .get_or_init(|| {
                let bytes: Vec<u8> = self.bytes.take().into();
                if bytes.is_empty() {
                    return None;
                }
                let (reader, writer) = process::pipe();
                let writer = HostWriter::new(writer);
                // It may be more than a pipe holds.
                let _feeder =
                    crate::executor::spawn(async move { writer.write(&bytes).await.is_ok() });
                Some(Rc::new(HostReader::new(reader)))
            })
            .clone()
    }
}

impl Output {
    pub async fn write(&self, bytes: &[u8]) -> Result<(), WriteError> {
        if bytes.is_empty() {
            return Ok(());
        }
        match self {
            Self::Null => Ok(()),
            Self::Pipe(pipe) => pipe.write(bytes).await.map_err(|_| WriteError::Closed),
            Self::Host(writer) => writer.write(bytes).await,
            Self::Updated(file) => file.write(bytes),
            Self::Stdout(writer) => stdout(writer).write(bytes).await,
            Self::Stderr(writer) => stderr(writer).write(bytes).await,
            Self::Full => Err(WriteError::Failed("No space left on device".to_owned())),
        }
    }

    /// For another program. None throws away.
    pub fn lend(&self) -> Option<LentWriter<'_>> {
        match self {
            Self::Null | Self::Full => None,
            Self::Pipe(pipe) => pipe.lend().map(LentWriter::Shared),
            Self::Host(writer) => Some(LentWriter::Host(writer)),
            Self::Updated(file) => file.writer().map(LentWriter::Shared),
            Self::Stdout(writer) => Some(LentWriter::Host(stdout(writer))),
            Self::Stderr(writer) => Some(LentWriter::Host(stderr(writer))),
        }
    }
}

fn stdout(writer: &OnceCell<HostWriter>) -> &HostWriter {
    writer.get_or_init(|| HostWriter::new(process::stdout()))
}

fn stderr(writer: &OnceCell<HostWriter>) -> &HostWriter {
    writer.get_or_init(|| HostWriter::new(process::stderr()))
}
