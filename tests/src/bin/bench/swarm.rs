//! What a durable task costs: 1 000 tasks that do nothing, one after the other and all at once, beside as many bare commits
//! of SQLite.

use crate::native::commits;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use swarm_flow_tests::artefact;
use swarm_flow_tests::server::Server;

const TASKS: u32 = 1000;

pub fn swarm() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(state.path());
    let agent = std::fs::read(artefact::guest("contrary")).unwrap();
    let added = server
        .request(reqwest::Method::POST, "/agents?name=contrary")
        .header("content-type", "application/wasm")
        .body(agent)
        .send()
        .unwrap();
    assert!(added.status().is_success(), "{}", added.text().unwrap());
    let workspace = server.workspace("base", "standard");
    let body = json!({
        "name": "bench", "agents": [{"kind": "contrary", "count": 64}], "workspaces": [workspace],
    });
    let (_, swarm) = server.post("/swarms", &body);
    let swarm = swarm["id"].as_str().unwrap();
    // The first use of everything is not what is measured.
    run(&server, swarm, "parallel", 64);
    let (floor, floor_cpu) = commits(TASKS);
    let floor_cpu = floor_cpu / TASKS;
    println!(
        "bare SQLite commits: {:.0}/s, {} µs of CPU each",
        f64::from(TASKS) / floor.as_secs_f64(),
        floor_cpu.as_micros()
    );
    for (name, strategy) in [("chain", "sequential"), ("fan-out", "parallel")] {
        let (took, cpu) = run(&server, swarm, strategy, TASKS);
        let cpu = cpu / TASKS;
        println!(
            "{name} of {TASKS} durable tasks: {:.0}/s, {} µs of CPU each\n    beside bare commits: {:.1} times the CPU",
            f64::from(TASKS) / took.as_secs_f64(),
            cpu.as_micros(),
            cpu.as_secs_f64() / floor_cpu.as_secs_f64()
        );
    }
}

/// From the submission to the end, by the run's own times, and the CPU time of the server.
fn run(server: &Server, swarm: &str, strategy: &str, tasks: u32) -> (Duration, Duration) {
    let tasks: Vec<Value> = (0..tasks)
        .map(|_| json!({"context": {"say": "done"}}))
        .collect();
    let body = json!({"tasks": tasks, "coordination_strategy": strategy});
    let before = cpu_of(server.pid());
    let started = Instant::now();
    let (status, run) = server.post(&format!("/swarms/{swarm}/runs"), &body);
    assert_eq!(status, 202, "{run}");
    let path = format!("/runs?swarm={swarm}&limit=1");
    loop {
        let (_, page) = server.get(&path);
        match page["items"][0]["state"].as_str().unwrap() {
            "running" => std::thread::sleep(Duration::from_millis(20)),
            state => {
                assert_eq!(state, "done");
                break;
            }
        }
    }
    (
        started.elapsed(),
        cpu_of(server.pid()).saturating_sub(before),
    )
}

/// What a process has used, user and system together.
pub fn cpu_of(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: u64 = [11, 12]
        .iter()
        .map(|field| fields[*field].parse::<u64>().unwrap())
        .sum();
    let per_second = rustix::param::clock_ticks_per_second();
    Duration::from_millis(ticks * 1000 / per_second)
}
