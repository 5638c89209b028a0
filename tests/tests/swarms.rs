//! Swarms of script agents: tasks in workspaces, in order or all at once, done once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use swarm_flow_tests::server::{Server, fresh};

fn swarm(server: &Server, strategy: &str, agents: u32, workspaces: &[&str]) -> String {
    let body = json!({
        "name": "team",
        "agents": [{"kind": "script", "count": agents}],
        "coordination_strategy": strategy,
        "platform": "local",
        "workspaces": workspaces,
    });
    let (status, made) = server.post("/swarms", &body);
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

fn task(description: &str, context: &Value) -> Value {
    json!({"description": description, "context": context.to_string()})
}

fn run(server: &Server, swarm: &str, tasks: &[Value]) -> Value {
    let (status, run) = server.post(&format!("/swarms/{swarm}/runs"), &json!({"tasks": tasks}));
    assert_eq!(status, 202, "{run}");
    ended(server, run["id"].as_str().unwrap())
}

fn ended(server: &Server, id: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let (_, run) = server.get(&format!("/runs/{id}"));
        if run["state"] != "running" {
            return run;
        }
        assert!(Instant::now() < deadline, "{run}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn states(run: &Value) -> Vec<&str> {
    run["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["state"].as_str().unwrap())
        .collect()
}

#[test]
fn a_parallel_run_does_every_task_in_its_workspace() {
    let server = fresh();
    let workspaces = [
        server.workspace("base", "standard"),
        server.workspace("base", "standard"),
    ];
    let swarm = swarm(&server, "parallel", 3, &[&workspaces[0], &workspaces[1]]);
    let tasks: Vec<Value> = (0..6)
        .map(|index| {
            let path = format!("/workspace/{index}");
            let context =
                json!({"command": ["reach", "write", path], "artifacts": [index.to_string()]});
            let mut task = task("write a file", &context);
            task["workspace"] = json!(workspaces[index % 2]);
            task
        })
        .collect();
    let run = run(&server, &swarm, &tasks);
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!(states(&run), ["done"; 6]);
    let first = &run["tasks"][0];
    let result = if first["task_result"].is_object() {
        &first["task_result"]
    } else {
        &first["result"]
    };
    assert_eq!(result["artifacts"], json!(["0"]), "{run}");
    assert!(result["metrics"]["memory_usage"].as_u64().unwrap() > 0);
    for index in 0..6 {
        let (status, bytes) = server.read(&workspaces[index % 2], &index.to_string());
        assert_eq!(
            (status.as_u16(), bytes.as_slice()),
            (200, b"written by the guest".as_slice())
        );
    }
}

#[test]
fn a_sequential_run_stops_at_the_first_failure() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let swarm = swarm(&server, "sequential", 4, &[&workspace]);
    let tasks = [
        task(
            "works",
            &json!({"command": ["reach", "write", "/workspace/first"]}),
        ),
        task("fails", &json!({"command": ["hungry", "nothing"]})),
        task(
            "never tried",
            &json!({"command": ["reach", "write", "/workspace/third"]}),
        ),
    ];
    let run = run(&server, &swarm, &tasks);
    assert_eq!(run["state"], "failed", "{run}");
    assert_eq!(states(&run), ["done", "failed", "skipped"]);
    assert_eq!(server.read(&workspace, "first").0, 200);
    assert_eq!(server.read(&workspace, "third").0, 404);
}

#[test]
fn a_task_that_makes_no_sense_says_why() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let swarm = swarm(&server, "parallel", 1, &[&workspace]);
    let run = run(
        &server,
        &swarm,
        &[task("no command", &json!({"comand": ["hello"]}))],
    );
    assert_eq!(run["state"], "failed");
    assert!(run["tasks"][0].to_string().contains("comand"), "{run}");
}

#[test]
fn a_swarm_is_scaled_within_its_bounds() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let swarm = swarm(&server, "parallel", 2, &[&workspace]);
    let path = format!("/swarms/{swarm}");
    let (status, scaled) = server.post(&format!("{path}/scale"), &json!({"target_size": 5}));
    assert_eq!(
        (status.as_u16(), &scaled["agents"][0]["count"]),
        (200, &json!(5)),
        "{scaled}"
    );
    for size in [json!(0), json!(-1), json!(100_000), json!("many")] {
        assert_eq!(
            server
                .post(&format!("{path}/scale"), &json!({"target_size": size}))
                .0,
            400,
            "{size}"
        );
    }
    assert_eq!(server.get(&path).1["agents"][0]["count"], 5);
    let (status, _) = server.post("/swarms", &json!({"name": "x", "agents": [{"kind": "wizard", "count": 1}], "workspaces": [workspace]}));
    assert!(matches!(status.as_u16(), 400 | 404));
}

#[test]
fn a_run_goes_on_after_a_kill() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(state.path());
    let workspace = server.workspace("base", "standard");
    let swarm = swarm(&server, "sequential", 1, &[&workspace]);
    let tasks: Vec<Value> = (0..8)
        .map(|_| task("nap", &json!({"command": ["hungry", "nap"]})))
        .collect();
    let (_, run) = server.post(&format!("/swarms/{swarm}/runs"), &json!({"tasks": tasks}));
    std::thread::sleep(Duration::from_millis(700));
    server.kill();
    let server = Server::start(state.path());
    let run = ended(&server, run["id"].as_str().unwrap());
    assert_eq!(
        (&run["state"], states(&run)),
        (&json!("done"), vec!["done"; 8]),
        "{run}"
    );
}

#[test]
fn the_app_knows_its_agents_and_can_run_one_itself() {
    let server = fresh();
    let (_, agents) = server.get("/agents");
    let script = &agents["items"][0];
    assert_eq!(
        (&script["name"], &script["capabilities"]),
        (&json!("script"), &json!(["exec"]))
    );
    assert_eq!(script["health"]["status"], "healthy");
    let workspace = server.workspace("base", "standard");
    let body =
        json!({"workspace": workspace, "task": task("say hello", &json!({"command": ["hello"]}))});
    let (status, result) = server.post("/agents/script/tasks", &body);
    assert_eq!(status, 200, "{result}");
    assert_eq!(
        (&result["success"], &result["output"]),
        (&json!(true), &json!("hello\n"))
    );
}

#[test]
fn a_run_is_replayed_without_doing_anything() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let swarm = swarm(&server, "sequential", 1, &[&workspace]);
    let tasks = [
        task(
            "write",
            &json!({"command": ["reach", "write", "/workspace/first"], "artifacts": ["first"]}),
        ),
        task("fail", &json!({"command": ["hungry", "nothing"]})),
        task("never tried", &json!({"command": ["hello"]})),
    ];
    let run = run(&server, &swarm, &tasks);
    let path = format!("/runs/{}/replay", run["id"].as_str().unwrap());
    let (status, _) = server.delete(&format!("/workspaces/{workspace}/files/first"));
    assert_eq!(status, 204);
    let (status, replay) = server.post(&path, &json!({}));
    assert_eq!(status, 200, "{replay}");
    assert_eq!(replay["diverged"], 0, "{replay}");
    let steps: Vec<_> = replay["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["steps"].as_u64().unwrap())
        .collect();
    assert_eq!(steps, [2, 1], "exec and a listing, exec");
    assert_eq!(server.read(&workspace, "first").0, 404, "nothing was done");
    server.delete(&format!("/workspaces/{workspace}"));
    let (_, replay) = server.post(&path, &json!({}));
    assert_eq!(
        (&replay["diverged"], &replay["tasks"][0]["failure"]["code"]),
        (&json!(2), &json!("no_journal")),
        "{replay}"
    );
}
