//! What the program reads: our own standard input or a file, as it comes.
//!
//! A thread reads, because a read may block for ever, and waits when what it read is not sent yet. What is there at
//! once goes with the command; only what comes later needs requests of its own, one after another.

use super::Exec;
use crate::client::{Client, Problem, with_query};
use crate::output;
use anyhow::{Context, Result, bail};
use reqwest::{Method, StatusCode, header};
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::time::Duration;
use swarm_flow_protocol::{STDIN_BYTES_MAX, STDIN_PIECE_BYTES_MAX};
use tokio::sync::mpsc;

/// What a program is given to read.
pub struct Given {
    /// Goes with the command.
    pub first: Vec<u8>,
    /// Follows while it runs; none when `first` is all.
    pub rest: Option<Source>,
}

/// Bytes that a thread reads.
pub struct Source {
    name: String,
    pieces: mpsc::Receiver<io::Result<Vec<u8>>>,
}

/// How long the command waits for the end of its input, so that a short one goes with it.
const HEAD_START: Duration = Duration::from_millis(20);
const READ_BYTES: usize = 64 << 10;
/// Pieces that were read and are not sent.
const PIECES_MAX: usize = 4;
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// What is there within a moment, and what comes later.
pub async fn streamed(command: &Exec) -> Result<Given> {
    let terminal = reads_own(command) && io::stdin().is_terminal();
    let Some(mut source) = source(command)? else {
        return Ok(Given {
            first: Vec::new(),
            rest: None,
        });
    };
    let mut first = Vec::new();
    let head_start = if terminal { Duration::ZERO } else { HEAD_START };
    let deadline = tokio::time::Instant::now() + head_start;
    while (first.len() as u64) < STDIN_PIECE_BYTES_MAX {
        match tokio::time::timeout_at(deadline, source.next()).await {
            Ok(Some(piece)) => first.extend(piece?),
            Ok(None) => return Ok(Given { first, rest: None }),
            Err(_) => break,
        }
    }
    let rest = Some(source);
    Ok(Given { first, rest })
}

/// All of it, up to what a command may be given when it starts. A terminal is not read: nobody would know that we wait.
pub async fn whole(command: &Exec) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if reads_own(command) && command.stdin.is_none() && io::stdin().is_terminal() {
        return Ok(bytes);
    }
    if let Some(mut source) = source(command)? {
        while let Some(piece) = source.next().await {
            bytes.extend(piece?);
            if bytes.len() as u64 > STDIN_BYTES_MAX {
                bail!(
                    "with --json a program can be given {} to read; put more into a file of the workspace",
                    output::size(STDIN_BYTES_MAX)
                );
            }
        }
    }
    Ok(bytes)
}

/// Sends what comes to a running command, until the end or until the program reads no more.
pub async fn feed(client: &Client, id: &str, exec_id: &str, mut source: Source) -> Result<()> {
    let mut offset = 0;
    loop {
        let (piece, last) = source.piece().await?;
        let sent = offset + piece.len() as u64;
        if !send(client, id, exec_id, piece, offset, last).await? || last {
            return Ok(());
        }
        offset = sent;
    }
}

/// False when the program takes no more. A piece that was taken in part is sent again: by the offset the server
/// knows which part of it is new.
async fn send(
    client: &Client,
    id: &str,
    exec_id: &str,
    piece: Vec<u8>,
    offset: u64,
    last: bool,
) -> Result<bool> {
    let offset = offset.to_string();
    let query = [
        ("offset", offset.as_str()),
        ("eof", if last { "true" } else { "false" }),
    ];
    let piece = bytes::Bytes::from(piece);
    loop {
        let request =
            client.request(Method::POST, &["workspaces", id, "exec", exec_id, "stdin"])?;
        let request = with_query(request, &query)?
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .body(piece.clone());
        let Err(error) = client.send(request).await else {
            return Ok(true);
        };
        match error.downcast_ref().map(|problem: &Problem| problem.status) {
            Some(StatusCode::NOT_FOUND | StatusCode::CONFLICT) => return Ok(false),
            Some(StatusCode::TOO_MANY_REQUESTS) => tokio::time::sleep(BUSY_PAUSE).await,
            _ => return Err(error.context("send the program's input")),
        }
    }
}

/// Whether our own standard input is meant.
fn reads_own(command: &Exec) -> bool {
    !command.no_stdin && command.stdin.as_deref().is_none_or(|name| name == "-")
}

fn source(command: &Exec) -> Result<Option<Source>> {
    if command.no_stdin {
        return Ok(None);
    }
    if reads_own(command) {
        let name = "standard input".to_owned();
        return Ok(Some(Source::read(name, io::stdin())));
    }
    let name = command.stdin.clone().unwrap_or_default();
    let file = File::open(&name).with_context(|| format!("open {name}"))?;
    Ok(Some(Source::read(name, file)))
}

impl Source {
    fn read(name: String, mut input: impl Read + Send + 'static) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        // Not a thread of the runtime, which would be waited for.
        std::thread::spawn(move || {
            let mut buffer = vec![0; READ_BYTES];
            loop {
                let read = match input.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(length) => Ok(buffer.get(..length).unwrap_or_default().to_vec()),
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let failed = read.is_err();
                if sender.blocking_send(read).is_err() || failed {
                    return;
                }
            }
        });
        Self { name, pieces }
    }

    /// What was read next; none at the end.
    async fn next(&mut self) -> Option<Result<Vec<u8>>> {
        let read = self.pieces.recv().await?;
        Some(read.with_context(|| format!("read {}", self.name)))
    }

    /// Everything that was read by now, at least something, and whether it is the end.
    async fn piece(&mut self) -> Result<(Vec<u8>, bool)> {
        let Some(first) = self.next().await else {
            return Ok((Vec::new(), true));
        };
        let mut piece = first?;
        while piece.len() + READ_BYTES <= STDIN_PIECE_BYTES_MAX as usize {
            match self.pieces.try_recv() {
                Ok(more) => piece.extend(more.with_context(|| format!("read {}", self.name))?),
                Err(mpsc::error::TryRecvError::Empty) => break,
                Err(mpsc::error::TryRecvError::Disconnected) => return Ok((piece, true)),
            }
        }
        Ok((piece, false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        exec: Exec,
    }

    fn command(arguments: &[&str]) -> Exec {
        let line = ["swarm-flow", "demo"].iter().chain(arguments);
        Line::parse_from(line.chain(&["--", "cat"])).exec
    }

    #[tokio::test]
    async fn a_short_file_goes_with_the_command_and_a_long_one_follows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        let name = path.to_str().unwrap();
        std::fs::write(&path, "short").unwrap();
        let given = streamed(&command(&["--stdin", name])).await.unwrap();
        assert!(given.first == b"short" && given.rest.is_none());
        assert_eq!(whole(&command(&["--stdin", name])).await.unwrap(), b"short");

        let long = vec![7; 3 << 20];
        std::fs::write(&path, &long).unwrap();
        let mut given = streamed(&command(&["--stdin", name])).await.unwrap();
        let mut rest = given.rest.take().unwrap();
        let mut read = given.first;
        loop {
            let (piece, last) = rest.piece().await.unwrap();
            assert!(piece.len() as u64 <= STDIN_PIECE_BYTES_MAX);
            read.extend(piece);
            if last {
                break;
            }
        }
        assert_eq!(read, long);
    }

    #[tokio::test]
    async fn input_that_does_not_come_holds_nothing_up() {
        let (read, _write) = io::pipe().unwrap();
        let mut source = Source::read("a pipe".to_owned(), read);
        let waited = tokio::time::timeout(HEAD_START, source.next()).await;
        assert!(waited.is_err());
    }

    #[tokio::test]
    async fn without_standard_input_there_is_nothing_to_read() {
        let given = streamed(&command(&["--no-stdin"])).await.unwrap();
        assert!(given.first.is_empty() && given.rest.is_none());
        let missing = streamed(&command(&["--stdin", "/does/not/exist"])).await;
        assert!(missing.err().unwrap().to_string().contains("open"));
    }
}
