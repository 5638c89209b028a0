//! The output of external commands as a stream of bytes, and the way back from such a stream to the commands.

use super::running::{ErrorsTo, Output, Running, as_io};
use nu_protocol::{
    ByteStream, ByteStreamSource, ByteStreamType, ShellError, Signals, Span, shell_error,
};
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The last line end is left out, as it is of every output that becomes a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LastLine {
    Kept,
    Trimmed,
}

/// Streams that are there, by the address of what they read from.
static STREAMS: Mutex<Vec<(usize, Weak<Shared>)>> = Mutex::new(Vec::new());

/// What the last failed command's end was. Not all readers of a stream pass on what an error of `std::io` holds.
static FAILURE: Mutex<Option<ShellError>> = Mutex::new(None);

/// The failure behind an error, if that is what reading a stream led to.
pub fn failure(error: &ShellError) -> Option<ShellError> {
    let other = shell_error::io::ErrorKind::from_std(io::ErrorKind::Other);
    match error {
        ShellError::Io(error) if error.kind == other => {
            FAILURE.lock().ok().and_then(|mut failure| failure.take())
        }
        _ => None,
    }
}

struct Shared(Mutex<State>);

struct State {
    /// None when another has it.
    running: Option<Running>,
    trim: bool,
}

/// The commands behind a stream.
pub struct Behind(Arc<Shared>);

pub fn stream(running: Running, last_line: LastLine, span: Span) -> ByteStream {
    let shared = Arc::new(Shared(Mutex::new(State {
        running: Some(running),
        trim: last_line == LastLine::Trimmed,
    })));
    let known = Arc::downgrade(&shared);
    let reader = Pipe {
        shared,
        buffer: Vec::new(),
        at: 0,
        line_end: Vec::new(),
        text: true,
        over: false,
    };
    let stream = ByteStream::read(reader, span, Signals::empty(), ByteStreamType::Unknown);
    if let Some(address) = address(&stream) {
        let mut streams = STREAMS.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|(_, known)| known.strong_count() > 0);
        streams.push((address, known));
    }
    stream
}

/// None if the stream is not of external commands.
pub fn of(stream: &ByteStream) -> Option<Behind> {
    let address = address(stream)?;
    let streams = STREAMS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut alive = streams.iter().filter(|(known, _)| *known == address);
    alive.find_map(|(_, known)| known.upgrade()).map(Behind)
}

fn address(stream: &ByteStream) -> Option<usize> {
    match stream.source() {
        ByteStreamSource::Read(read) => Some(std::ptr::from_ref(read.as_ref()).addr()),
        ByteStreamSource::File(_) => None,
    }
}

impl Behind {
    /// The commands themselves, if nothing of their output was read; the stream is empty from then on.
    pub fn take(&self) -> Option<Running> {
        let mut state = self.0.state();
        state
            .running
            .take_if(|running| matches!(running.output, Output::Whole(_)))
    }

    /// For who wants every byte: the errors go to the file or to our own.
    pub fn send_errors(&self, file: Option<File>) {
        let mut state = self.0.state();
        state.trim = false;
        let to = file.map_or(ErrorsTo::Stderr, |file| ErrorsTo::File(Arc::new(file)));
        if let Some(running) = &mut state.running {
            running.send_errors(to);
        }
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Pipe {
    shared: Arc<Shared>,
    buffer: Vec<u8>,
    at: usize,
    /// A line end that may be the last.
    line_end: Vec<u8>,
    /// Nothing was seen that text does not have.
    text: bool,
    over: bool,
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at >= self.buffer.len() {
            if self.over || !self.fill()? {
                return Ok(0);
            }
        }
        let ready = self.buffer.get(self.at..).unwrap_or_default();
        let length = ready.len().min(into.len());
        into.iter_mut()
            .zip(ready)
            .for_each(|(to, from)| *to = *from);
        self.at += length;
        Ok(length)
    }
}

impl Pipe {
    /// False at the end, where a failure of a command is told.
    fn fill(&mut self) -> io::Result<bool> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.state();
        let trim = state.trim;
        let Some(running) = &mut state.running else {
            return Ok(false);
        };
        self.at = 0;
        self.buffer = std::mem::take(&mut self.line_end);
        let Some(bytes) = running.next()? else {
            self.over = true;
            if let Err(error) = running.check() {
                if let Ok(mut failure) = FAILURE.lock() {
                    *failure = Some(error.clone());
                }
                return Err(as_io(error));
            }
            if trim && self.text {
                self.buffer.clear();
            }
            return Ok(true);
        };
        self.text &= !bytes
            .iter()
            .any(|byte| matches!(byte, 0 | 0xc0 | 0xc1 | 0xf5..));
        self.buffer.extend(bytes);
        if trim {
            let length = self.buffer.len();
            let end = match self.buffer.as_slice() {
                [.., b'\r', b'\n'] => length - 2,
                [.., b'\n' | b'\r'] => length - 1,
                _ => length,
            };
            self.line_end = self.buffer.split_off(end);
        }
        Ok(true)
    }
}
