//! What a run may use, with agents that run: more than that is not used, what is left is given to others, and who looks sees it.

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

/// A swarm of so many agents that run commands, and of two that make tasks.
fn swarm(server: &Server, agents: u32, budget: &Value) -> String {
    let request = server
        .request(Method::POST, "/agents?name=social")
        .header("content-type", "application/wasm")
        .body(std::fs::read(guest("social")).unwrap());
    assert_eq!(answer(request.send().unwrap()).0, 201);
    let workspace = server.workspace("base", "standard");
    let kind = |kind: &str, count| json!({"kind": kind, "count": count});
    let kinds = match agents {
        0 => vec![kind("social", 2)],
        _ => vec![kind("script", agents), kind("social", 2)],
    };
    let body = json!({"name": "s", "agents": kinds, "workspaces": [workspace], "budget": budget});
    let (status, made) = server.post("/swarms", &body);
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// Computes for ever.
fn busy(id: &str) -> Value {
    command(id, &["sh", "-c", "while :; do :; done"])
}

fn command(id: &str, command: &[&str]) -> Value {
    json!({"id": id, "agent": "script", "context": {"command": command}})
}

fn social(id: &str, steps: &Value) -> Value {
    json!({"id": id, "agent": "social", "context": {"steps": steps}})
}

fn submit(server: &Server, swarm: &str, run: &Value) -> String {
    let (status, run) = server.post(&format!("/swarms/{swarm}/runs"), run);
    assert_eq!(status, 202, "{run}");
    format!("/runs/{}", run["id"].as_str().unwrap())
}

fn until(server: &Server, path: &str, is: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(60);
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

fn spent_ms(what: &Value) -> f64 {
    what["spent"]["cpu_time_ms"].as_f64().unwrap_or_default()
}

#[test]
fn a_command_that_computes_for_ever_ends_with_the_budget_and_the_run_says_why() {
    let server = fresh();
    let swarm = swarm(&server, 1, &json!({}));
    let run = json!({"tasks": [busy("a")], "budget": {"cpu_time_ms": 300}});
    let path = submit(&server, &swarm, &run);
    let at_work = until(&server, &path, |run| run["reserved"].is_object());
    assert_eq!(at_work["reserved"]["cpu_time_ms"], 300.0, "{at_work}");
    let run = ended(&server, &path);
    assert_eq!(run["state"], "failed", "{run}");
    assert_eq!(run["tasks"][0]["failure"]["code"], "budget_exceeded");
    assert_eq!(run["budget"], json!({"cpu_time_ms": 300}));
    assert!(run.get("reserved").is_none(), "{run}");
    // It is measured in turns of the processor, so a little more than was given.
    let spent = spent_ms(&run);
    assert!((250.0..600.0).contains(&spent), "{spent}");
    assert!((spent_ms(&run["tasks"][0]) - spent).abs() < 0.001);
    // Without a budget the same task ends at the limit of its policy or when somebody cancels it.
    let path = submit(&server, &swarm, &json!({"tasks": [busy("a")]}));
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(server.get(&path).1["state"], "running");
    server.post(&format!("{path}/cancel"), &json!({}));
    assert_eq!(ended(&server, &path)["state"], "cancelled");
}

#[test]
fn what_is_left_goes_to_those_who_come_next_and_the_last_find_nothing() {
    let server = fresh();
    let swarm = swarm(&server, 1, &json!({}));
    let compute = |id: &str| {
        command(
            id,
            &[
                "sh",
                "-c",
                "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done",
            ],
        )
    };
    let tasks: Vec<Value> = (0..40).map(|n| compute(&format!("t{n}"))).collect();
    let run = json!({"tasks": tasks, "budget": {"cpu_time_ms": 400}});
    let run = ended(&server, &submit(&server, &swarm, &run));
    assert_eq!(run["state"], "failed", "{}", run["failure"]);
    let tasks = run["tasks"].as_array().unwrap();
    let count = |state: &str| tasks.iter().filter(|task| task["state"] == state).count();
    assert!(count("done") > 0, "the first ones fit: {run}");
    assert!(count("cancelled") > 0, "not all fit: {run}");
    let codes = [&run["failure"], &tasks[count("done")]["failure"]];
    assert!(
        codes
            .iter()
            .any(|failure| failure["code"] == "budget_exceeded"),
        "{run}"
    );
    let all: f64 = tasks.iter().map(spent_ms).sum();
    assert!(
        (spent_ms(&run) - all).abs() < 0.01,
        "{all} {}",
        spent_ms(&run)
    );
    // With enough of it all of them are done, and most is given back.
    let tasks: Vec<Value> = (0..4).map(|n| compute(&format!("t{n}"))).collect();
    let run = json!({"tasks": tasks, "budget": {"cpu_time_ms": 60_000}});
    let run = ended(&server, &submit(&server, &swarm, &run));
    assert_eq!(run["state"], "done", "{run}");
    assert!(run.get("reserved").is_none() && spent_ms(&run) < 30_000.0);
}

#[test]
fn a_run_whose_time_is_over_ends_with_all_that_it_runs() {
    let server = fresh();
    let swarm = swarm(&server, 1, &json!({}));
    let asks = social("ask", &json!([{"ask": "shall I?"}]));
    for tasks in [
        json!([busy("a"), busy("b")]),
        json!([command("a", &["sleep", "60"])]),
        json!([asks]),
    ] {
        let begun = Instant::now();
        let run = json!({"tasks": tasks, "budget": {"wall_time_ms": 400}});
        let run = ended(&server, &submit(&server, &swarm, &run));
        assert_eq!(run["state"], "failed", "{run}");
        let of_tasks = run["tasks"].as_array().unwrap().iter();
        let failures = of_tasks
            .map(|task| &task["failure"])
            .chain([&run["failure"]]);
        let codes: Vec<&Value> = failures.map(|failure| &failure["code"]).collect();
        assert!(codes.contains(&&json!("budget_exceeded")), "{run}");
        // A lease lasts 30 seconds: it is not what ended it.
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    let sleeps =
        json!({"tasks": [command("a", &["sleep", "0.1"])], "budget": {"wall_time_ms": 30_000}});
    let run = ended(&server, &submit(&server, &swarm, &sleeps));
    assert_eq!(run["state"], "done", "{run}");
}

#[test]
fn a_task_makes_no_more_tasks_and_no_deeper_ones_than_the_budget_has() {
    let server = fresh();
    let swarm = swarm(&server, 0, &json!({"tasks": 3}));
    let leaf = json!({"steps": []}).to_string();
    let two = json!([{"delegate": [["x", leaf], ["y", leaf]]}, {"join": ["a/x", "a/y"]}]);
    let done = ended(
        &server,
        &submit(&server, &swarm, &json!({"tasks": [social("a", &two)]})),
    );
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(done["budget"], json!({"tasks": 3}), "it is the swarm's");
    for (budget, name) in [
        (json!({"tasks": 2}), "budget.tasks"),
        (json!({"depth": 0}), "budget.depth"),
    ] {
        let run = json!({"tasks": [social("a", &two)], "budget": budget});
        let run = ended(&server, &submit(&server, &swarm, &run));
        assert_eq!(run["state"], "failed", "{run}");
        assert_eq!(run["tasks"].as_array().unwrap().len(), 1, "none was made");
        let message = run["tasks"][0]["failure"]["message"].as_str().unwrap();
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn a_budget_that_cannot_be_is_refused_and_the_field_is_named() {
    let server = fresh();
    let swarm = swarm(&server, 1, &json!({"cpu_time_ms": 1000}));
    let tasks = json!([busy("a"), busy("b")]);
    for (budget, field) in [
        (json!({"cpu_time_ms": 0}), "budget.cpu_time_ms"),
        (json!({"cpu_time_ms": 1001}), "budget.cpu_time_ms"),
        (json!({"wall_time_ms": 0}), "budget.wall_time_ms"),
        (json!({"tasks": 1}), "budget.tasks"),
        (json!({"tasks": 0}), "budget.tasks"),
        (json!({"depth": 17}), "budget.depth"),
        (json!({"tokens": -1}), "budget.tokens"),
        (json!({"money": 1}), "budget"),
    ] {
        let run = json!({"tasks": tasks, "budget": budget});
        let (status, problem) = server.post(&format!("/swarms/{swarm}/runs"), &run);
        assert_eq!(status, 400, "{problem}");
        let named = problem["field"].as_str().unwrap();
        assert!(named.starts_with(field), "{field}: {problem}");
    }
    let (_, runs) = server.get("/runs");
    assert_eq!(runs["items"], json!([]), "none was begun");
}

#[test]
fn what_a_run_has_used_is_the_same_after_a_crash() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(state.path());
    let swarm = swarm(&server, 1, &json!({}));
    let compute = json!({"exec": ["sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"]});
    let steps = json!([compute, {"ask": "go on?"}, {"exec": ["true"]}]);
    let run = json!({"tasks": [social("a", &steps)], "budget": {"cpu_time_ms": 20_000}});
    let path = submit(&server, &swarm, &run);
    let waits = until(&server, &path, |run| run["tasks"][0]["state"] == "waiting");
    let before = spent_ms(&waits);
    assert!(
        before > 0.0,
        "what it used is known while it waits: {waits}"
    );
    assert!(
        waits.get("reserved").is_none(),
        "who waits keeps nothing: {waits}"
    );
    server.kill();
    let server = Server::start(state.path());
    let (_, questions) = server.get("/questions");
    let question = questions["items"][0]["id"].as_str().unwrap();
    let body = json!({"answer": "yes"});
    assert_eq!(
        server
            .post(&format!("/questions/{question}/answer"), &body)
            .0,
        200
    );
    let run = ended(&server, &path);
    assert_eq!(run["state"], "done", "{run}");
    // The loop was fed from the journal: it counts once, and the rest is next to nothing.
    let after = spent_ms(&run);
    assert!(
        after >= before && after < before * 1.8 + 50.0,
        "{before} {after}"
    );
}
