//! A workspace beside noisy ones, over HTTP, on one server: how long its short command takes while nobody else does
//! anything, and while neighbours do what hurts most. Quiet and noisy turns alternate, so that what else the machine does
//! hits both.

use crate::figures::Figures;
use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use swarm_flow_tests::server::Server;

const NOISES: [&str; 5] = ["spin", "flood", "fill", "denied", "files"];
const NEIGHBOURS: [usize; 3] = [1, 4, 16];
/// Commands of the victim in one turn, and turns of each kind.
const COMMANDS: usize = 150;
const TURNS: usize = 4;
/// What a neighbour's command may compute before it is ended and started again.
const NOISE_CPU_MS: u64 = 5_000;
/// Until all neighbours are at it.
const SETTLE: Duration = Duration::from_millis(300);

pub fn noise(server: &Server) {
    let victim = server.workspace("base", "standard");
    let neighbours: Vec<String> = (0..NEIGHBOURS[NEIGHBOURS.len() - 1])
        .map(|_| server.workspace("base", "standard"))
        .collect();
    // Programs are loaded, pages are warm.
    turn(server, &victim);
    for noise in NOISES {
        for count in NEIGHBOURS {
            let (mut quiet, mut noisy) = (Vec::new(), Vec::new());
            for _ in 0..TURNS {
                quiet.extend(turn(server, &victim));
                noisy.extend(beside(server, &neighbours[..count], noise, || {
                    turn(server, &victim)
                }));
            }
            print(noise, count, &Figures::of(quiet), &Figures::of(noisy));
        }
    }
}

fn print(noise: &str, count: usize, quiet: &Figures, noisy: &Figures) {
    let ratio =
        |share| noisy.percentile(share).as_secs_f64() / quiet.percentile(share).as_secs_f64();
    println!(
        "`hello` beside {count} that do `{noise}`: {noisy}\n    quiet: {quiet}\n    ratio of the medians: {:.2}, of the p99: {:.2}",
        ratio(0.5),
        ratio(0.99),
    );
}

fn turn(server: &Server, workspace: &str) -> Vec<Duration> {
    let command = || {
        let started = Instant::now();
        let result = server.exec(workspace, &["hello"]);
        let elapsed = started.elapsed();
        assert_eq!(result["stdout"], "hello\n", "{result}");
        elapsed
    };
    (0..COMMANDS).map(|_| command()).collect()
}

/// Does something while each of these workspaces makes noise.
fn beside<R>(server: &Server, workspaces: &[String], noise: &str, act: impl FnOnce() -> R) -> R {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for workspace in workspaces {
            let over = &over;
            scope.spawn(move || {
                let path = format!("/workspaces/{workspace}/exec");
                let body = json!({
                    "command": ["noise", noise],
                    "limits": {"cpu_time_ms": NOISE_CPU_MS},
                });
                while !over.load(Ordering::Relaxed) {
                    // A stop ends it in the middle, with whatever answer.
                    let _ = server.post(&path, &body);
                }
            });
        }
        std::thread::sleep(SETTLE);
        let result = act();
        over.store(true, Ordering::Relaxed);
        for workspace in workspaces {
            let (status, answer) =
                server.post(&format!("/workspaces/{workspace}/stop"), &json!({}));
            assert!(status.is_success(), "{answer}");
            let (status, answer) =
                server.post(&format!("/workspaces/{workspace}/start"), &json!({}));
            assert!(status.is_success(), "{answer}");
        }
        result
    })
}
