//! `cargo xtask bench`: what things cost, each beside a floor or a peer that was measured in the same run.
//!
//! The figures are of this machine at this time; the ratios are what can be compared.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark stops at the first fault"
)]

mod audited;
mod figures;
mod http;
mod live;
mod native;
mod noise;
mod programs;
mod sandbox;
mod swarm;
mod undo;

use figures::Figures;
use std::process::Command;
use std::time::{Duration, Instant};
use swarm_flow_tests::artefact;
use swarm_flow_tests::server::Server;
use swarm_flow_tests::survive::Plan;

fn main() {
    let chosen: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| chosen.is_empty() || chosen.iter().any(|chosen| chosen == name);
    let of_sandboxes = wanted("sandbox");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    if of_sandboxes {
        runtime.block_on(sandbox::hello());
        runtime.block_on(audited::hello());
        runtime.block_on(sandbox::python());
    }
    if of_sandboxes || wanted("undo") {
        runtime.block_on(undo::undo());
    }
    if of_sandboxes || wanted("live") {
        let noise = artefact::guest("noise");
        runtime.block_on(live::live("noise wait", &noise, &["noise", "wait"]));
        let python = artefact::root().join("target/programs/python.wasm");
        let code = "import sys; print('waiting', flush=True); sys.stdin.read()";
        runtime.block_on(live::live("python", &python, &["python", "-c", code]));
    }
    if of_sandboxes || wanted("noise") {
        let state = tempfile::tempdir().unwrap();
        noise::noise(&Server::start(state.path()));
    }
    if wanted("programs") {
        runtime.block_on(programs::programs());
    }
    if wanted("swarm") {
        swarm::swarm();
    }
    // Minutes long, and no figure to compare: it is asked for by name.
    if chosen.iter().any(|chosen| chosen == "survive") {
        survive();
    }
    if wanted("start") {
        start();
    }
    if wanted("http") {
        let state = tempfile::tempdir().unwrap();
        let server = Server::start(state.path());
        runtime.block_on(http::first_command(&server, "hello", "base"));
        runtime.block_on(http::first_command(&server, "python", "python"));
        runtime.block_on(http::get(&server));
        runtime.block_on(http::throughput(&server));
    }
}

/// Side effects counted from outside while everything is killed, a hundred times.
fn survive() {
    let survived = swarm_flow_tests::survive::survive(Plan {
        runs: 25,
        tasks: 40,
        kills: 100,
        seed: std::process::id().into(),
    });
    println!(
        "{} tasks in 25 runs, {} SIGKILLs, {} leases lost and made again, in {:.0} s:\n    {} effects lost, {} repeated, {} runs not done, {} tasks diverged in replay",
        survived.tasks,
        survived.kills,
        survived.again,
        survived.took.as_secs_f64(),
        survived.lost,
        survived.repeated,
        survived.not_done,
        survived.diverged
    );
    assert_eq!(
        survived.lost + survived.repeated + survived.not_done + survived.diverged as usize,
        0
    );
}

/// From the start of the process to its first answer, and what it occupies when idle.
fn start() {
    let state = tempfile::tempdir().unwrap();
    // The first start makes the state folder.
    Server::start(state.path()).kill();
    let times = (0..10).map(|_| {
        let started = Instant::now();
        let server = Server::start(state.path());
        let answer = server
            .client
            .get(format!("{}/healthz", server.url))
            .send()
            .unwrap();
        assert!(answer.status().is_success());
        let elapsed = started.elapsed();
        server.kill();
        elapsed
    });
    let times = Figures::of(times);
    let floor = Figures::of((0..10).map(|_| {
        let started = Instant::now();
        Command::new(swarm_flow_tests::server::binary())
            .arg("--version")
            .output()
            .unwrap();
        started.elapsed()
    }));
    figures::compare(
        "start of `up` to its first 200, warm",
        &times,
        "`--version`",
        &floor,
    );
    let server = Server::start(state.path());
    std::thread::sleep(Duration::from_secs(3));
    println!(
        "idle `up`: {:.1} MB resident",
        resident_bytes(server.pid()) as f64 / 1e6
    );
}

fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1_024
}
