//! Standard input that comes while a command runs.
//!
//! A command whose input follows has an id, as long as it runs. What is sent to that id goes into a buffer, from
//! which the program reads; while it is full, senders wait. The end of the command, whatever it was, takes the id away.

use bytes::{Buf, Bytes};
use std::collections::HashMap;
use std::io::Cursor;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use swarm_flow_protocol::{Error, STDIN_CLOSED};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, timeout_at};

/// What may wait for a program that does not read. The sandbox reads ahead a little more.
const BUFFER_BYTES: usize = 64 << 10;
/// When another sender's piece is still waiting.
const BUSY_RETRY_MS: u64 = 250;

/// The commands that take input.
#[derive(Default)]
pub(crate) struct Inputs {
    open: Mutex<HashMap<String, Arc<Feed>>>,
}

/// The input of one command.
struct Feed {
    workspace: String,
    /// Whoever holds it sends; others wait in the order in which they came.
    pipe: tokio::sync::Mutex<Pipe>,
}

struct Pipe {
    /// None once the program sees the end.
    writer: Option<DuplexStream>,
    /// Of all pieces together.
    taken_bytes: u64,
}

/// What a command reads next.
pub(crate) struct Piece {
    pub(crate) bytes: Bytes,
    /// The input ends after these.
    pub(crate) last: bool,
    /// How many bytes were sent before these; none means as many as were taken.
    pub(crate) offset: Option<u64>,
    pub(crate) wait: Duration,
}

/// A command's place among those that take input, until it is dropped.
pub(crate) struct Opened<'a> {
    inputs: &'a Inputs,
    pub(crate) id: String,
}

impl Inputs {
    /// Makes an id, and what its command reads: `first`, then what is sent to the id.
    pub(crate) fn open(
        &self,
        workspace: &str,
        first: Bytes,
    ) -> (Opened<'_>, impl AsyncRead + Send + Sync + use<>) {
        let id = format!("ex_{}", uuid::Uuid::new_v4().simple());
        let (writer, reader) = duplex(BUFFER_BYTES);
        let pipe = Pipe {
            writer: Some(writer),
            taken_bytes: 0,
        };
        let feed = Feed {
            workspace: workspace.to_owned(),
            pipe: pipe.into(),
        };
        self.lock().insert(id.clone(), Arc::new(feed));
        (
            Opened { inputs: self, id },
            AsyncReadExt::chain(Cursor::new(first), reader),
        )
    }

    /// Gives back how many bytes of the piece are taken; fewer than it has when the program did not read in time.
    pub(crate) async fn write(
        &self,
        workspace: &str,
        id: &str,
        piece: Piece,
    ) -> Result<u64, Error> {
        let found = self.lock().get(id).cloned();
        let feed = found
            .filter(|feed| feed.workspace == workspace)
            .ok_or_else(|| Error::NotFound {
                kind: "exec".to_owned(),
                id: id.to_owned(),
                known: Vec::new(),
            })?;
        let deadline = Instant::now() + piece.wait;
        match timeout_at(deadline, feed.pipe.lock()).await {
            Ok(mut pipe) => pipe.write(piece, deadline).await,
            Err(_) => Err(Error::Busy {
                retry_after_ms: BUSY_RETRY_MS,
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Feed>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pipe {
    async fn write(&mut self, piece: Piece, deadline: Instant) -> Result<u64, Error> {
        let mut bytes = piece.bytes;
        let length = bytes.len();
        bytes.advance(self.taken_before(piece.offset, length)?);
        while bytes.has_remaining() {
            let writer = self
                .writer
                .as_mut()
                .ok_or_else(|| closed("the last piece has come"))?;
            let before = bytes.remaining();
            match timeout_at(deadline, writer.write_buf(&mut bytes)).await {
                Ok(Ok(_)) => self.taken_bytes += (before - bytes.remaining()) as u64,
                Ok(Err(_)) => {
                    self.writer = None;
                    return Err(closed("the program reads no more"));
                }
                Err(_) => return Ok((length - bytes.remaining()) as u64),
            }
        }
        if piece.last {
            self.writer = None;
        }
        Ok(length as u64)
    }

    /// How much of a piece came before, in a request whose answer its sender may have missed.
    fn taken_before(&self, offset: Option<u64>, length: usize) -> Result<usize, Error> {
        let Some(offset) = offset else {
            return Ok(0);
        };
        let before = self
            .taken_bytes
            .checked_sub(offset)
            .ok_or_else(|| Error::Invalid {
                field: "offset".to_owned(),
                message: format!("is {offset}; {} bytes were taken so far", self.taken_bytes),
            })?;
        Ok(usize::try_from(before).map_or(length, |before| before.min(length)))
    }
}

fn closed(why: &str) -> Error {
    Error::Conflict {
        message: format!("{STDIN_CLOSED}: {why}"),
    }
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.inputs.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(bytes: impl Into<Bytes>) -> Piece {
        Piece {
            bytes: bytes.into(),
            last: false,
            offset: None,
            wait: Duration::from_secs(20),
        }
    }

    #[tokio::test]
    async fn what_is_sent_is_read_in_order_and_ends() {
        let inputs = Inputs::default();
        let (opened, mut reader) = inputs.open("ws_1", "first ".into());
        let write = |piece| inputs.write("ws_1", &opened.id, piece);
        assert_eq!(write(piece("second ")).await, Ok(7));
        let last = Piece {
            last: true,
            ..piece("third")
        };
        assert_eq!(write(last).await, Ok(5));
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "first second third");
        assert!(
            matches!(write(piece("x")).await, Err(Error::Conflict { message }) if message.starts_with("stdin-closed: "))
        );
    }

    #[tokio::test]
    async fn a_program_that_does_not_read_makes_the_sender_wait() {
        let inputs = Inputs::default();
        let (opened, mut reader) = inputs.open("ws_1", Bytes::new());
        let send = |bytes: Vec<u8>, wait_ms| {
            let piece = Piece {
                wait: Duration::from_millis(wait_ms),
                last: true,
                ..piece(bytes)
            };
            inputs.write("ws_1", &opened.id, piece)
        };
        let (fits, length) = (BUFFER_BYTES as u64, BUFFER_BYTES + 5);
        assert_eq!(send(vec![1; length], 20).await, Ok(fits));
        let mut read = vec![0; BUFFER_BYTES];
        let rest = async { reader.read_exact(&mut read).await.unwrap() };
        let (sent, _) = tokio::join!(send(vec![2; 5], 20_000), rest);
        assert_eq!(sent, Ok(5));
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, [2; 5]);
    }

    #[tokio::test]
    async fn a_piece_that_is_sent_twice_is_read_once() {
        let inputs = Inputs::default();
        let (opened, mut reader) = inputs.open("ws_1", Bytes::new());
        let send = |bytes: &'static [u8], offset, last| {
            let piece = Piece {
                offset: Some(offset),
                last,
                ..piece(bytes)
            };
            inputs.write("ws_1", &opened.id, piece)
        };
        assert_eq!(send(b"abc", 0, false).await, Ok(3));
        assert_eq!(send(b"abc", 0, false).await, Ok(3));
        assert_eq!(send(b"bcde", 1, true).await, Ok(4));
        assert_eq!(send(b"bcde", 1, true).await, Ok(4));
        assert!(
            matches!(send(b"x", 9, false).await, Err(Error::Invalid { field, .. }) if field == "offset")
        );
        let mut text = String::new();
        reader.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "abcde");
    }

    #[tokio::test]
    async fn only_a_running_command_of_that_workspace_takes_input() {
        let inputs = Inputs::default();
        let (opened, reader) = inputs.open("ws_1", Bytes::new());
        let id = opened.id.clone();
        let missing =
            |result| matches!(result, Err(Error::NotFound { kind, .. }) if kind == "exec");
        assert!(missing(inputs.write("ws_2", &id, piece("x")).await));
        assert_eq!(inputs.write("ws_1", &id, piece("x")).await, Ok(1));
        drop(reader);
        assert!(matches!(
            inputs.write("ws_1", &id, piece("x")).await,
            Err(Error::Conflict { .. })
        ));
        drop(opened);
        assert!(missing(inputs.write("ws_1", &id, piece("x")).await));
    }

    #[tokio::test]
    async fn the_end_of_the_program_ends_who_waits() {
        let inputs = Inputs::default();
        let (opened, reader) = inputs.open("ws_1", Bytes::new());
        let waits = inputs.write("ws_1", &opened.id, piece(vec![0; BUFFER_BYTES + 1]));
        let ends = async {
            tokio::task::yield_now().await;
            drop(reader);
        };
        let (sent, ()) = tokio::join!(waits, ends);
        assert!(matches!(sent, Err(Error::Conflict { .. })));
    }
}
