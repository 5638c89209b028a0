//! The control API under attack: requests that no client would send, callers who are not who they should be, and text that
//! would like to be something else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "control/callers.rs"]
mod callers;
#[path = "control/log.rs"]
mod log;
#[path = "control/requests.rs"]
mod requests;

use swarm_flow_tests::raw::{self, authority};
use swarm_flow_tests::server::Server;

const USER_ROUTE: &str = "GET /api/v1/workspaces";

/// The status of `line` with these headers alone, beside `Host` and `Connection`.
fn status(server: &Server, line: &str, headers: &str) -> u16 {
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{headers}\r\n",
        authority(server)
    );
    let answered = raw::send(authority(server), request.as_bytes());
    assert_eq!(answered.statuses().len(), 1, "{line}: {}", answered.text);
    answered.statuses()[0]
}
