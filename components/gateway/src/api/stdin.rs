//! `/workspaces/{id}/exec/{exec}/stdin`: more for a running command to read.
//!
//! Input comes in requests of its own and not in the body of `exec`: to read a body while its answer is written is
//! more than many clients and proxies can do.

use crate::bindings::workspace::{self as wit, StdinPiece};
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Reply, no_content};
use swarm_flow_protocol::STDIN_PIECE_BYTES_MAX;

pub fn write(request: &Request) -> Result<Reply, Problem> {
    let query = request.query(&["eof", "offset", "wait_ms"])?;
    let piece = StdinPiece {
        last: query.flag("eof")?,
        offset: query.number("offset")?,
        wait_ms: query.number("wait_ms")?,
        bytes: request.bytes(STDIN_PIECE_BYTES_MAX)?,
    };
    let taken = wit::write_stdin(request.parameter(0), request.parameter(1), &piece)?;
    if taken == piece.bytes.len() as u64 {
        Ok(no_content())
    } else {
        Err(full(taken, piece.bytes.len()))
    }
}

/// No word of when to try again: the caller has waited already.
fn full(taken: u64, sent: usize) -> Problem {
    let detail = format!(
        "the program did not read in time: {taken} of {sent} bytes were taken; send the rest again"
    );
    Problem::new("stdin-full", detail).with("taken_bytes", taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_input_says_how_much_was_taken() {
        let problem = full(3, 5);
        assert_eq!((problem.status, problem.code), (429, "stdin-full"));
        assert_eq!(problem.member("taken_bytes"), Some(&3.into()));
    }
}
