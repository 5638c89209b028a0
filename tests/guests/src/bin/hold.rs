//! Holds on to what it opened while its policy is changed: does what each line of its input says, and answers each with a line:
//! `granted`, `denied` or `failed: …`.
//!
//! | line | does |
//! |---|---|
//! | `read PATH`, `write PATH`, `list PATH`, `rename PATH PATH`, `link PATH PATH` | and keeps nothing |
//! | `append-to PATH`, then `append` | keeps a file, writes into it |
//! | `read-from PATH`, then `next` | keeps a file, reads a byte of it |
//! | `connect ADDRESS`, then `talk`; `hang-up` | keeps a connection, writes a byte and reads one; closes it |
//! | `listen ADDRESS` | keeps a listener |
//! | `send ADDRESS` | a datagram, from a socket that it keeps |
//! | `get AUTHORITY` | a request by HTTP |
//! | `stream AUTHORITY`, then `more` | keeps an answer, reads a piece of it |
//! | `take MEBIBYTES` | keeps memory |
//! | `print BYTES` | so many, before the answer |
//! | `compute MILLISECONDS` | by the clock |

use std::fs::{self, File, OpenOptions};
use std::hint::black_box;
use std::io::{BufRead, Error, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};
use wasi::http::outgoing_handler::handle;
use wasi::http::types::{
    ErrorCode, Fields, IncomingBody, IncomingResponse, OutgoingRequest, Scheme,
};
use wasi::io::streams::{InputStream, StreamError};

fn main() {
    let mut held = Held::default();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap_or_default();
        let (what, first, second) = (next(), next(), next());
        match held.attempt(what, first, second) {
            Ok(()) => println!("granted"),
            Err(error) if is_denial(&error) => println!("denied"),
            Err(error) => println!("failed: {error} ({:?})", error.kind()),
        }
    }
}

#[derive(Default)]
struct Held {
    written: Option<File>,
    read: Option<File>,
    connection: Option<TcpStream>,
    listeners: Vec<TcpListener>,
    datagrams: Option<UdpSocket>,
    /// What lies in a response is dropped before the response.
    answer: Option<(InputStream, IncomingBody, IncomingResponse)>,
    memory: Vec<Vec<u8>>,
}

impl Held {
    fn attempt(&mut self, what: &str, first: &str, second: &str) -> Result<(), Error> {
        let mut byte = [b'x'];
        match what {
            "read" => fs::read(first).map(drop),
            "write" => fs::write(first, b"written by the guest"),
            "list" => fs::read_dir(first)?.try_for_each(|entry| entry.map(drop)),
            "rename" => fs::rename(first, second),
            "link" => fs::hard_link(first, second),
            "append-to" => {
                self.written = Some(OpenOptions::new().append(true).create(true).open(first)?);
                Ok(())
            }
            "append" => kept(&mut self.written)?.write_all(&byte),
            "read-from" => {
                self.read = Some(File::open(first)?);
                Ok(())
            }
            "next" => kept(&mut self.read)?.read_exact(&mut byte),
            "connect" => {
                self.connection = Some(TcpStream::connect(first)?);
                Ok(())
            }
            "talk" => {
                let connection = kept(&mut self.connection)?;
                connection.write_all(&byte)?;
                connection.read_exact(&mut byte)
            }
            "hang-up" => {
                self.connection = None;
                Ok(())
            }
            "listen" => {
                self.listeners.push(TcpListener::bind(first)?);
                Ok(())
            }
            "send" => {
                if self.datagrams.is_none() {
                    self.datagrams = Some(UdpSocket::bind("127.0.0.1:0")?);
                }
                kept(&mut self.datagrams)?.send_to(&byte, first).map(drop)
            }
            "get" => answer(first).map(drop),
            "stream" => {
                let response = answer(first)?;
                let body = response.consume().map_err(|()| Error::other("no body"))?;
                let stream = body.stream().map_err(|()| Error::other("no stream"))?;
                self.answer = Some((stream, body, response));
                Ok(())
            }
            "more" => more(&kept(&mut self.answer)?.0),
            "take" => {
                self.memory.push(vec![1; number(first)? << 20]);
                Ok(())
            }
            "print" => {
                println!("{}", "x".repeat(number(first)?));
                Ok(())
            }
            "compute" => {
                let (started, time) =
                    (Instant::now(), Duration::from_millis(number(first)? as u64));
                while started.elapsed() < time {
                    (0..10_000).for_each(|number| _ = black_box(number));
                }
                Ok(())
            }
            other => Err(Error::other(format!("no such attempt: {other:?}"))),
        }
    }
}

fn kept<T>(held: &mut Option<T>) -> Result<&mut T, Error> {
    held.as_mut().ok_or_else(|| Error::other("there is none"))
}

fn number(text: &str) -> Result<usize, Error> {
    text.parse().map_err(|_| Error::other("no number"))
}

fn answer(authority: &str) -> Result<IncomingResponse, Error> {
    let said = |()| Error::other("no request");
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).map_err(said)?;
    request.set_authority(Some(authority)).map_err(said)?;
    request.set_path_with_query(Some("/")).map_err(said)?;
    let answer = handle(request, None).map_err(|code| http(&code))?;
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(code))) => Err(http(&code)),
        _ => Err(Error::other("no answer")),
    }
}

fn more(stream: &InputStream) -> Result<(), Error> {
    match stream.blocking_read(1 << 10) {
        Ok(_) => Ok(()),
        Err(StreamError::Closed) => Err(ErrorKind::UnexpectedEof.into()),
        Err(StreamError::LastOperationFailed(error)) => {
            // The host has no code for what ends a body.
            let text = error.to_debug_string();
            if text.contains("denied") {
                return Err(ErrorKind::PermissionDenied.into());
            }
            Err(Error::other(text))
        }
    }
}

fn http(code: &ErrorCode) -> Error {
    match code {
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => {
            ErrorKind::PermissionDenied.into()
        }
        other => Error::other(format!("{other:?}")),
    }
}

fn is_denial(error: &Error) -> bool {
    // For a stream into or out of an open file the C library says this, whatever the reason.
    const EIO: i32 = 29;
    error.kind() == ErrorKind::PermissionDenied || error.raw_os_error() == Some(EIO)
}
