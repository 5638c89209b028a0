//! Swarms by the command line: each example to its end, and what is shown, held up, ended and refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "swarm_command/cuts.rs"]
mod cuts;
#[path = "swarm_command/examples.rs"]
mod examples;
#[path = "swarm_command/follow.rs"]
mod follow;
#[path = "swarm_command/librarians.rs"]
mod librarians;
#[path = "swarm_command/refused.rs"]
mod refused;
#[path = "swarm_command/steer.rs"]
mod steer;

use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use swarm_flow_tests::artefact::root;
use swarm_flow_tests::server::{Server, cli};

/// Runs `swarm-flow` with something to read.
fn swarm_flow(server: &Server, arguments: &[&str], stdin: &str) -> Output {
    let mut child = cli(server)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(stdin.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// What a command that succeeds prints as JSON.
fn json_of(server: &Server, arguments: &[&str], stdin: &str) -> Value {
    let arguments: Vec<&str> = ["--json"].iter().chain(arguments).copied().collect();
    let done = swarm_flow(server, &arguments, stdin);
    assert!(done.status.success(), "{arguments:?}: {}", said(&done));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Both outputs, for a message.
fn said(done: &Output) -> String {
    format!("{}{}", text(&done.stderr), text(&done.stdout))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A swarm of script agents, by the command line; gives back its id.
fn team(server: &Server, agents: u32, workspaces: &[&str]) -> String {
    let agents = format!("script={agents}");
    let mut arguments = vec!["swarm", "create", "team", "--agent", &agents];
    for workspace in workspaces {
        arguments.extend(["--workspace", workspace]);
    }
    let swarm = json_of(server, &arguments, "");
    swarm["id"].as_str().unwrap().to_owned()
}

/// A run of tasks, each with an id and a command of the guest `hungry`, that is not waited for.
fn begin(server: &Server, swarm: &str, tasks: &[(&str, &str)]) -> String {
    let tasks: Vec<Value> = tasks
        .iter()
        .map(|(id, command)| json!({"id": id, "context": {"command": ["hungry", command]}}))
        .collect();
    let body = json!({"coordination_strategy": "parallel", "tasks": tasks}).to_string();
    let run = json_of(server, &["swarm", "run", swarm, "-", "--detach"], &body);
    run["id"].as_str().unwrap().to_owned()
}

fn run(server: &Server, id: &str) -> Value {
    server.get(&format!("/runs/{id}")).1
}

/// Looks at a run until it is as wanted.
fn until(server: &Server, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let run = run(server, id);
        if wanted(&run) {
            return run;
        }
        assert!(Instant::now() < deadline, "{run}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn tasks(run: &Value) -> &[Value] {
    run["tasks"].as_array().unwrap()
}

fn task<'a>(run: &'a Value, id: &str) -> &'a Value {
    let found = tasks(run).iter().find(|task| task["id"] == id);
    found.unwrap_or_else(|| panic!("no task {id}: {run}"))
}

fn states(run: &Value) -> Vec<&str> {
    let states = tasks(run).iter();
    states.map(|task| task["state"].as_str().unwrap()).collect()
}

fn output(task: &Value) -> &str {
    task["result"]["output"].as_str().unwrap()
}

/// Puts all files of a folder into a workspace.
fn upload(server: &Server, workspace: &str, folder: &Path, below: &str) {
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(folder).unwrap().to_str().unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let (status, body) = server.put(workspace, &format!("{below}{relative}"), bytes);
            assert_eq!(status, 201, "{relative}: {body}");
        }
    }
}

fn examples() -> PathBuf {
    root().join("examples/strategies")
}
