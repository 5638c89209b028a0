//! A workspace beside noisy ones: whatever they do, its commands and the API answer soon. `cargo xtask bench noise` says how
//! soon; this only holds that nobody waits in a line behind them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use swarm_flow_tests::server::{self, Server};

const NEIGHBOURS: usize = 16;
const COMMANDS: usize = 20;
/// A development build, beside other tests. In a line of sixteen that compute it would be more.
const SOON: Duration = Duration::from_secs(2);

/// The median of some short commands.
fn answered(server: &Server, workspace: &str) -> Duration {
    let command = || {
        let started = Instant::now();
        assert_eq!(server.exec(workspace, &["hello"])["stdout"], "hello\n");
        started.elapsed()
    };
    let mut times: Vec<_> = (0..COMMANDS).map(|_| command()).collect();
    times.sort_unstable();
    times[COMMANDS / 2]
}

fn beside(noise: &str) {
    let server = server::fresh();
    let victim = server.workspace("base", "standard");
    let neighbours: Vec<_> = (0..NEIGHBOURS)
        .map(|_| server.workspace("base", "standard"))
        .collect();
    let (over, server) = (&AtomicBool::new(false), &server);
    let median = std::thread::scope(|scope| {
        for workspace in &neighbours {
            scope.spawn(move || {
                let body = json!({"command": ["noise", noise], "limits": {"cpu_time_ms": 2_000}});
                while !over.load(Ordering::Relaxed) {
                    let path = format!("/workspaces/{workspace}/exec");
                    let (status, result) = server.post(&path, &body);
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    assert_eq!(status, 200, "{result}");
                    let is_end = |kind| result["outcome"]["kind"] == kind;
                    assert!(
                        is_end("limit") || is_end("cancelled"),
                        "{}",
                        result["outcome"]
                    );
                }
            });
        }
        std::thread::sleep(Duration::from_millis(500));
        let median = answered(server, &victim);
        over.store(true, Ordering::Relaxed);
        for workspace in &neighbours {
            server.post(&format!("/workspaces/{workspace}/stop"), &json!({}));
        }
        median
    });
    assert!(median < SOON, "beside `{noise}`: {median:?}");
}

#[test]
fn a_command_does_not_wait_for_neighbours_that_compute() {
    beside("spin");
}

#[test]
fn a_command_does_not_wait_for_neighbours_that_print() {
    beside("flood");
}

#[test]
fn a_command_does_not_wait_for_neighbours_that_fill_memory() {
    beside("fill");
}

#[test]
fn a_command_does_not_wait_for_neighbours_that_are_denied() {
    beside("denied");
}

#[test]
fn a_command_does_not_wait_for_neighbours_that_write_files() {
    beside("files");
}
