//! Requests as bytes: what no client would send.

use crate::server::Server;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long the server may be silent before that is its answer.
const SILENCE: Duration = Duration::from_secs(3);

/// All that came back for these bytes until the server closed the connection or fell silent.
pub struct Answered {
    pub text: String,
    /// It closed the connection.
    pub closed: bool,
}

impl Answered {
    /// The status of each answer, in order.
    pub fn statuses(&self) -> Vec<u16> {
        let status = |rest: &str| rest.get(..3)?.parse().ok();
        self.text
            .split("HTTP/1.1 ")
            .skip(1)
            .filter_map(status)
            .collect()
    }
}

/// Sends bytes to `HOST:PORT`, on a connection of their own.
pub fn send(authority: &str, bytes: &[u8]) -> Answered {
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_read_timeout(Some(SILENCE)).unwrap();
    // A server that refuses a head need not read what follows it.
    _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let mut buffer = [0; 8_192];
    let closed = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break true,
            Ok(read) => answer.extend_from_slice(&buffer[..read]),
            Err(error) => break error.kind() != std::io::ErrorKind::WouldBlock,
        }
    };
    Answered {
        text: String::from_utf8_lossy(&answer).into_owned(),
        closed,
    }
}

/// `HOST:PORT` of a server.
pub fn authority(server: &Server) -> &str {
    server.url.trim_start_matches("http://")
}

/// A request with a user's token, without a body: the line is `GET /path`. Gives back the status of the only answer.
pub fn status(server: &Server, line: &str, headers: &str) -> u16 {
    let (host, token) = (authority(server), &server.token);
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n{headers}\r\n"
    );
    let answered = send(host, request.as_bytes());
    let statuses = answered.statuses();
    assert_eq!(statuses.len(), 1, "{line}: {}", answered.text);
    statuses[0]
}
