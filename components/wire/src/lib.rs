//! How components reach a runner: one request over HTTP with the runner token, and an answer as a whole or piece
//! by piece.
//!
//! The trait [`Wire`] is what a component needs of it; [`Http`] is the real one. A test plays the runner. It knows no
//! route and decides nothing.

mod http;
mod send;
mod streams;

pub use http::{Body, Http};
pub use send::post_all;
pub use streams::write_all;

/// A request to a runner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub method: Method,
    /// With scheme and host, percent-encoded.
    pub url: String,
    /// The content type, and the bytes.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// How long the first byte of the answer, and then each next one, may take.
    pub silence_ms_max: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Put,
    Post,
    Delete,
}

/// An answer, read as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// `swarm-flow-file`, where the answer has it.
    pub file_header: Option<String>,
    pub body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The runner never got the request.
    Unreachable(String),
    /// The runner may have got it, and may have done it.
    BrokeOff(String),
}

/// An answer that is read piece by piece. Dropping it ends the request.
pub trait Pieces {
    /// The next bytes; none at the end. Empty when nothing came for a while.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Failure>;
}

pub trait Wire {
    type Pieces: Pieces;

    fn call(&self, call: Call) -> Result<Answer, Failure>;
    /// Gives the pieces when the status is 200, otherwise the answer as a whole.
    fn open(&self, call: Call) -> Result<Result<Self::Pieces, Answer>, Failure>;
}
