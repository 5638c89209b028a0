//! A workspace beside noisy ones: whatever they do, its commands do not wait for theirs. `cargo xtask bench noise` says how
//! soon they end; this only holds that nobody waits in a line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use swarm_flow_tests::server::{self, Server};

const NEIGHBOURS: usize = 16;
const COMMANDS: usize = 20;

/// While a command runs, so many of the neighbours' end: the median of some.
fn overtaken(server: &Server, workspace: &str, ended: &AtomicUsize) -> usize {
    let command = || {
        let before = ended.load(Ordering::Relaxed);
        assert_eq!(server.exec(workspace, &["hello"])["stdout"], "hello\n");
        ended.load(Ordering::Relaxed) - before
    };
    let mut overtaken: Vec<_> = (0..COMMANDS).map(|_| command()).collect();
    overtaken.sort_unstable();
    overtaken[COMMANDS / 2]
}

fn beside(noise: &str) {
    let server = server::fresh();
    let victim = server.workspace("base", "standard");
    let neighbours: Vec<_> = (0..NEIGHBOURS)
        .map(|_| server.workspace("base", "standard"))
        .collect();
    let (over, ended, server) = (&AtomicBool::new(false), &AtomicUsize::new(0), &server);
    let median = std::thread::scope(|scope| {
        for workspace in &neighbours {
            scope.spawn(move || {
                let body = json!({"command": ["noise", noise], "limits": {"cpu_time_ms": 100}});
                while !over.load(Ordering::Relaxed) {
                    let path = format!("/workspaces/{workspace}/exec");
                    let (status, result) = server.post(&path, &body);
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    ended.fetch_add(1, Ordering::Relaxed);
                    assert_eq!(status, 200, "{result}");
                    let denials = result["denials"].as_array().unwrap().len();
                    assert_eq!(denials > 0, noise == "denied", "{result}");
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
        let median = overtaken(server, &victim, ended);
        over.store(true, Ordering::Relaxed);
        for workspace in &neighbours {
            server.post(&format!("/workspaces/{workspace}/stop"), &json!({}));
        }
        median
    });
    // In a line it would be all of them: each computes for its whole time.
    assert!(median < NEIGHBOURS / 4, "beside `{noise}`: {median}");
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
