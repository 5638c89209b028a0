//! Runners that join over the network, and what happens when one is gone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use swarm_flow_tests::runner::{Runner, join, with_second};
use swarm_flow_tests::server::Server;

fn runner(server: &Server, id: &str) -> Option<Value> {
    let (_, runners) = server.get("/runners");
    runners["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|runner| runner["id"] == id)
        .cloned()
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Asks the process to end, and waits until it has.
fn end(mut runner: Runner) {
    let pid = runner.0.id().to_string();
    let asked = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(asked.success());
    let deadline = Instant::now() + Duration::from_secs(60);
    let ended = loop {
        if let Some(ended) = runner.0.try_wait().unwrap() {
            break ended;
        }
        assert!(Instant::now() < deadline, "the runner did not end");
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(ended.success(), "{ended}");
}

#[test]
fn a_second_runner_takes_workspaces_and_may_vanish() {
    let state = tempfile::tempdir().unwrap();
    let (server, port, token) = with_second(state.path());
    let second_state = tempfile::tempdir().unwrap();
    let mut second = join(&server.url, second_state.path(), port, &token, &[]);
    wait_for("the runner did not join", || {
        runner(&server, "second").is_some_and(|runner| runner["alive"] == true)
    });

    let workspaces: Vec<String> = (0..4)
        .map(|_| server.workspace("base", "standard"))
        .collect();
    let on = |id: &str| {
        server.get(&format!("/workspaces/{id}")).1["runner"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let there: Vec<&String> = workspaces.iter().filter(|id| on(id) == "second").collect();
    assert_eq!(there.len(), 2, "workspaces are not spread");
    let id = there[0].as_str();
    assert_eq!(server.put(id, "f", "kept").0, 201);
    assert_eq!(server.exec(id, &["hello"])["stdout"], "hello\n");
    assert!(second_state.path().join("workspaces").join(id).is_dir());

    // A task of a swarm goes to the runner that holds its workspace.
    let swarm =
        json!({"name": "s", "agents": [{"kind": "script", "count": 2}], "workspaces": [id]});
    let (_, swarm) = server.post("/swarms", &swarm);
    let tasks = json!({"tasks": [{"description": "hello", "context": {"command": ["hello"]}}]});
    let (status, run) = server.post(
        &format!("/swarms/{}/runs", swarm["id"].as_str().unwrap()),
        &tasks,
    );
    assert_eq!(status, 202, "{run}");
    let path = format!("/runs/{}", run["id"].as_str().unwrap());
    wait_for("the run did not end", || {
        server.get(&path).1["state"] == "done"
    });
    assert_eq!(server.get(&path).1["tasks"][0]["runner"], "second");

    // It dies in the middle of a command: the caller is told, the workspace is as it was.
    let exec = format!("/workspaces/{id}/exec");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| server.post(&exec, &json!({"command": ["hungry", "sleep"]})));
        std::thread::sleep(Duration::from_millis(500));
        second.0.kill().unwrap();
        second.0.wait().unwrap();
        let (status, problem) = running.join().unwrap();
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (503, &json!("runner-unavailable")),
            "{problem}"
        );
    });
    let (status, problem) = server.post(&exec, &json!({"command": ["hello"]}));
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (503, &json!("runner-unavailable")),
        "{problem}"
    );

    // It comes back with its state.
    let back = join(&server.url, second_state.path(), port, &token, &[]);
    wait_for("the runner did not come back", || {
        server.post(&exec, &json!({"command": ["hello"]})).0 == 200
    });
    assert_eq!(server.read(id, "f").1, b"kept");

    // It leaves when asked.
    end(back);
    assert_eq!(runner(&server, "second"), None);
}

#[test]
fn a_runner_that_is_asked_to_end_as_soon_as_it_is_known_leaves() {
    let state = tempfile::tempdir().unwrap();
    let (server, port, token) = with_second(state.path());
    let second_state = tempfile::tempdir().unwrap();
    // Each time the signal meets another moment of joining.
    for _ in 0..5 {
        let second = join(&server.url, second_state.path(), port, &token, &[]);
        wait_for("the runner did not join", || {
            runner(&server, "second").is_some()
        });
        end(second);
        assert_eq!(runner(&server, "second"), None);
    }
}

#[test]
fn a_runner_without_the_token_does_not_join() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(state.path());
    let registration =
        json!({"id": "evil", "url": "http://127.0.0.1:1", "programs": [], "environments": []});
    let url = format!("{}/api/v1/runners", server.url);
    for token in ["", "wrong", server.token.as_str()] {
        let response = server
            .client
            .post(&url)
            .bearer_auth(token)
            .json(&registration)
            .send()
            .unwrap();
        assert!(
            matches!(response.status().as_u16(), 401 | 403),
            "{token}: {}",
            response.status()
        );
    }
    assert!(runner(&server, "evil").is_none());
}

#[test]
fn a_workspace_that_is_made_while_its_runner_joins_is_not_taken_for_a_left_over() {
    let state = tempfile::tempdir().unwrap();
    let (server, port, token) = with_second(state.path());
    let second_state = tempfile::tempdir().unwrap();
    let mut made = Vec::new();
    for round in 1..=5 {
        let second = join(&server.url, second_state.path(), port, &token, &[]);
        // From before it joins until after it has swept; what comes too early goes to the other runner.
        let deadline = Instant::now() + Duration::from_secs(30);
        while made.len() < round * 50 {
            assert!(
                Instant::now() < deadline,
                "it holds {} workspaces",
                made.len()
            );
            let body = json!({"name": "early", "environment": "base"});
            let (status, workspace) = server.post("/workspaces", &body);
            if status == 201 && workspace["runner"] == "second" {
                made.push(workspace["id"].as_str().unwrap().to_owned());
            }
        }
        drop(second);
    }
    for id in made {
        let there = second_state.path().join("workspaces").join(&id);
        assert!(there.is_dir(), "{id} was swept");
    }
}
