//! More input for a command that runs, by way of the runner that runs it.
//!
//! Which commands there are only the runner knows; here it is only looked up who that is.

use crate::fault::invalid;
use crate::remote::{Ask, Held, SILENCE_MS, encode_query};
use swarm_flow_protocol::{Error, STDIN_PIECE_BYTES_MAX, STDIN_WAIT_MS_MAX, StdinTaken};
use swarm_flow_state::Database;
use swarm_flow_wire::{Method, Wire};

/// What a running command reads next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Piece {
    pub bytes: Vec<u8>,
    /// The command's input ends after these.
    pub last: bool,
    /// Where the bytes stand among all that was sent; none means after what was taken.
    pub offset: Option<u64>,
    pub wait_ms: Option<u64>,
}

/// Gives back how many bytes were taken.
pub fn write(
    database: &impl Database,
    wire: &impl Wire,
    id: &str,
    exec_id: &str,
    piece: Piece,
) -> Result<u64, Error> {
    let wait_ms = piece.wait_ms.unwrap_or(STDIN_WAIT_MS_MAX);
    if wait_ms > STDIN_WAIT_MS_MAX {
        return Err(invalid(
            "wait_ms",
            format!("is {wait_ms}, must be 0 to {STDIN_WAIT_MS_MAX}"),
        ));
    }
    if piece.bytes.len() as u64 > STDIN_PIECE_BYTES_MAX {
        return Err(Error::TooLarge {
            name: "stdin_piece_bytes".to_owned(),
            allowed: STDIN_PIECE_BYTES_MAX,
        });
    }
    let held = Held::of(database, id)?;
    let remote = held.remote(wire);
    let mut rest = format!(
        "/exec/{}/stdin?last={}&wait_ms={wait_ms}",
        encode_query(exec_id),
        piece.last
    );
    if let Some(offset) = piece.offset {
        rest.push_str(&format!("&offset={offset}"));
    }
    let answer = remote.ask(Ask {
        method: Method::Post,
        workspace: id,
        rest: &rest,
        body: Some(("application/octet-stream", piece.bytes)),
        silence_ms_max: wait_ms + SILENCE_MS,
    })?;
    remote
        .read(&answer)
        .map(|StdinTaken { taken_bytes }| taken_bytes)
}
