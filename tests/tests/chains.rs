//! Tasks that follow each other and do little: a runner goes on from one to the next without asking, and still each is done once, in
//! order, with what the one before came to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use swarm_flow_tests::artefact::guest;
use swarm_flow_tests::server::{Server, answer, fresh};

/// A swarm of one agent in one workspace; gives both ids.
fn swarm(server: &Server, kind: &str) -> (String, String) {
    if kind == "social" {
        let request = server
            .request(Method::POST, "/agents?name=social")
            .header("content-type", "application/wasm")
            .body(std::fs::read(guest("social")).unwrap());
        assert_eq!(answer(request.send().unwrap()).0, 201);
    }
    let workspace = server.workspace("base", "standard");
    let body = json!({
        "name": "s", "agents": [{"kind": kind, "count": 1}], "workspaces": [workspace],
        "coordination_strategy": "sequential",
    });
    let (status, made) = server.post("/swarms", &body);
    assert_eq!(status, 201, "{made}");
    (made["id"].as_str().unwrap().to_owned(), workspace)
}

fn submit(server: &Server, swarm: &str, run: &Value) -> String {
    let (status, run) = server.post(&format!("/swarms/{swarm}/runs"), run);
    assert_eq!(status, 202, "{run}");
    format!("/runs/{}", run["id"].as_str().unwrap())
}

fn until(server: &Server, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let (_, found) = server.get(path);
        if is(&found) {
            return found;
        }
        assert!(Instant::now() < deadline, "{found}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn ended(server: &Server, path: &str) -> Value {
    until(server, path, |run| run["state"] != "running")
}

fn replays(server: &Server, path: &str) {
    let (_, replay) = server.post(&format!("{path}/replay"), &json!({}));
    assert_eq!(replay["diverged"], 0, "{replay}");
}

/// Each appends its number to a file.
fn appending(count: usize) -> Value {
    let task = |number: usize| {
        let append = json!({"exec": ["sh", "-c", format!("echo {number} >> log.txt")]});
        json!({"context": {"steps": [append]}})
    };
    json!({"tasks": (0..count).map(task).collect::<Vec<Value>>()})
}

fn appended(server: &Server, workspace: &str) -> Vec<usize> {
    let (_, log) = server.read(workspace, "log.txt");
    let log = String::from_utf8(log).unwrap();
    log.lines().map(|line| line.parse().unwrap()).collect()
}

fn done(run: &Value) -> usize {
    let tasks = run["tasks"].as_array().unwrap().iter();
    tasks.filter(|task| task["state"] == "done").count()
}

#[test]
fn what_comes_to_a_task_is_the_same_whether_its_runner_asked_or_not() {
    let server = fresh();
    let (swarm, _) = swarm(&server, "script");
    let of = |command: &str, stdin: &str| {
        let command = ["sh", "-c", command];
        json!({"context": {"command": command, "stdin_from": stdin}})
    };
    let tasks = [
        json!({"context": {"command": ["sh", "-c", "yes | head -c 300000"]}}),
        of("cat", "inputs"),
        of("head -c 90000; echo", "outputs"),
        of("tail -c 100", "inputs"),
    ];
    let said = |budget: Value| {
        let run = json!({"tasks": tasks, "budget": budget});
        let run = ended(&server, &submit(&server, &swarm, &run));
        assert_eq!(run["state"], "done", "{run}");
        let tasks = run["tasks"].as_array().unwrap().clone();
        let said = tasks.iter().map(|task| task["result"]["output"].clone());
        said.collect::<Vec<Value>>()
    };
    let gone_on = said(json!({}));
    assert!(gone_on[1].as_str().unwrap().contains("[cut off after"));
    // CPU time is put aside with a lease, so each is asked for.
    assert_eq!(gone_on, said(json!({"cpu_time_ms": 3_600_000})));
}

#[test]
fn a_chain_that_is_paused_again_and_again_does_each_task_once() {
    let server = fresh();
    let (swarm, workspace) = swarm(&server, "social");
    let path = submit(&server, &swarm, &appending(30));
    let mut paused = 0;
    loop {
        let (_, run) = server.post(&format!("{path}/pause"), &json!({}));
        if run["state"] != "paused" {
            break;
        }
        paused += 1;
        // The one that is leased goes on to its end, and nothing after it.
        let before = done(&run);
        let settled = until(&server, &path, |run| {
            let tasks = run["tasks"].as_array().unwrap();
            run["state"] != "paused" || tasks.iter().all(|task| task["state"] != "leased")
        });
        assert!(done(&settled) <= before + 1, "{settled}");
        server.post(&format!("{path}/resume"), &json!({}));
        std::thread::sleep(Duration::from_millis(7 * (paused % 12)));
    }
    let run = ended(&server, &path);
    assert_eq!((&run["state"], done(&run)), (&json!("done"), 30), "{run}");
    assert!(paused > 1, "it was never paused while it ran");
    assert_eq!(appended(&server, &workspace), (0..30).collect::<Vec<_>>());
    replays(&server, &path);
}

#[test]
fn a_chain_that_is_killed_again_and_again_does_each_task_once() {
    let state = tempfile::tempdir().unwrap();
    let mut server = Server::start(state.path());
    let (swarm, workspace) = swarm(&server, "social");
    let path = submit(&server, &swarm, &appending(60));
    for kill in 0..8 {
        // Another instant each time, within the first tasks after a start.
        until(&server, &path, |run| {
            done(run) > kill * 3 || run["state"] != "running"
        });
        std::thread::sleep(Duration::from_millis(kill as u64 * 11));
        server.kill();
        server = Server::start(state.path());
    }
    let run = ended(&server, &path);
    assert_eq!((&run["state"], done(&run)), (&json!("done"), 60), "{run}");
    let tasks = run["tasks"].as_array().unwrap().iter();
    assert!(
        tasks.map(|task| task["attempt"].as_u64().unwrap()).max() > Some(1),
        "nothing was killed while it ran: {run}"
    );
    assert_eq!(appended(&server, &workspace), (0..60).collect::<Vec<_>>());
    replays(&server, &path);
}

#[test]
fn who_was_begun_without_asking_reaches_others_and_who_was_cancelled_does_nothing_more() {
    let server = fresh();
    let (swarm, workspace) = swarm(&server, "social");
    let task = |steps: Value| json!({"context": {"steps": steps}});
    let tasks = [
        task(json!([])),
        task(
            json!([{"lock": "x"}, {"progress": "half"}, {"exec": ["sh", "-c", "echo 1 >> log.txt"]}]),
        ),
        task(
            json!([{"lock": "x"}, {"delegate": [["child", "{\"steps\": []}"]]}, {"join": ["task-3/child"]}]),
        ),
        task(json!([])),
        task(json!([{"exec": ["sh", "-c", "echo 2 >> log.txt; sleep 600"]}])),
        task(json!([{"exec": ["sh", "-c", "echo 3 >> log.txt"]}])),
    ];
    let path = submit(&server, &swarm, &json!({"tasks": tasks}));
    let run = until(&server, &path, |run| {
        run["tasks"][4]["state"] == "leased" || run["state"] != "running"
    });
    assert_eq!(run["tasks"][5]["state"], "pending", "{run}");
    server.post(&format!("{path}/cancel"), &json!({}));
    let run = ended(&server, &path);
    let states = run["tasks"].as_array().unwrap().iter();
    let states: Vec<&str> = states.map(|task| task["state"].as_str().unwrap()).collect();
    assert_eq!(
        states,
        [
            "done",
            "done",
            "done",
            "done",
            "cancelled",
            "cancelled",
            "done"
        ],
        "{run}"
    );
    // What the command had written is taken back, and it is not in the way of others.
    let last = submit(&server, &swarm, &appending(1));
    assert_eq!(ended(&server, &last)["state"], "done");
    assert_eq!(appended(&server, &workspace), [1, 0]);
    replays(&server, &last);
}
