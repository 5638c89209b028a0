//! Tasks that wait for locks, for each other and for people, with agents that run: whoever waits has no sandbox and no lease, goes
//! on where it was, and no two wait for each other for ever.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use swarm_flow_tests::artefact::guest;
use swarm_flow_tests::server::{Server, answer, cli, fresh};

/// A swarm of four agents in one workspace; gives both ids.
fn swarm(server: &Server) -> (String, String) {
    let request = server
        .request(Method::POST, "/agents?name=social")
        .header("content-type", "application/wasm")
        .body(std::fs::read(guest("social")).unwrap());
    assert_eq!(answer(request.send().unwrap()).0, 201);
    let workspace = server.workspace("base", "standard");
    let body = json!({
        "name": "s", "agents": [{"kind": "social", "count": 4}], "workspaces": [workspace],
    });
    let (status, made) = server.post("/swarms", &body);
    assert_eq!(status, 201, "{made}");
    (made["id"].as_str().unwrap().to_owned(), workspace)
}

fn task(id: &str, steps: Value) -> Value {
    json!({"id": id, "context": {"steps": steps}})
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

/// What its tasks said, by id.
fn outputs(run: &Value) -> Vec<(&str, &str)> {
    let tasks = run["tasks"].as_array().unwrap().iter();
    tasks
        .map(|task| {
            (
                task["id"].as_str().unwrap(),
                task["result"]["output"].as_str().unwrap_or_default(),
            )
        })
        .collect()
}

fn replays(server: &Server, path: &str) {
    let (_, replay) = server.post(&format!("{path}/replay"), &json!({}));
    assert_eq!(replay["diverged"], 0, "{replay}");
}

#[test]
fn one_at_a_time_holds_a_lock_and_each_comes_to_its_turn() {
    let server = fresh();
    let (swarm, workspace) = swarm(&server);
    let append = |word: &str| json!({"exec": ["sh", "-c", format!("echo {word} >> log.txt")]});
    let steps = json!([
        {"lock": "log"}, append("begin"), {"exec": ["sleep", "0.05"]}, append("end"), {"unlock": "log"},
    ]);
    let tasks: Vec<Value> = (0..6)
        .map(|n| task(&format!("t{n}"), steps.clone()))
        .collect();
    let path = submit(&server, &swarm, &json!({"tasks": tasks}));
    let run = ended(&server, &path);
    assert_eq!(run["state"], "done", "{run}");
    let (_, log) = server.read(&workspace, "log.txt");
    assert_eq!(String::from_utf8(log).unwrap(), "begin\nend\n".repeat(6));
    replays(&server, &path);
}

#[test]
fn locks_in_opposite_order_end_one_attempt_and_name_the_circle() {
    let server = fresh();
    let (swarm, _) = swarm(&server);
    let crossed = |mine: &str, other: &str, to: &str| json!([{"lock": mine}, {"send": [to, "I have it"]}, "receive", {"lock": other}]);
    let tasks = |retry: Value| {
        let mut tasks = [
            task("a", crossed("x", "y", "b")),
            task("b", crossed("y", "x", "a")),
        ];
        for task in &mut tasks {
            task["retry"] = retry.clone();
        }
        json!({"tasks": tasks})
    };
    let once = json!({"max_attempts": 1, "initial_interval_ms": 0, "max_interval_ms": 0});
    let path = submit(&server, &swarm, &tasks(once));
    let run = ended(&server, &path);
    assert_eq!(run["state"], "failed", "{run}");
    let failures: Vec<&Value> = run["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| &task["failure"])
        .filter(|failure| !failure.is_null())
        .collect();
    assert_eq!(failures.len(), 1, "{run}");
    assert_eq!(failures[0]["code"], "deadlock");
    let message = failures[0]["message"].as_str().unwrap();
    assert!(
        message.contains("`a` waits for the lock `y`, which `b` has"),
        "{message}"
    );
    assert!(
        message.contains("`b` waits for the lock `x`, which `a` has"),
        "{message}"
    );
    replays(&server, &path);
}

#[test]
fn tasks_tell_each_other_things_and_wait_for_replies() {
    let server = fresh();
    let (swarm, _) = swarm(&server);
    let tasks = [
        task("asks", json!([{"request": ["answers", "what?"]}])),
        task(
            "answers",
            json!([{"reply": "that"}, {"broadcast": "all done"}]),
        ),
        task("listens", json!(["receive"])),
    ];
    let path = submit(&server, &swarm, &json!({"tasks": tasks}));
    let run = ended(&server, &path);
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!(
        outputs(&run),
        [
            ("asks", "that"),
            ("answers", ""),
            ("listens", "answers: all done")
        ]
    );
    // The twin: nobody replies.
    let tasks = [
        task("asks", json!([{"request": ["silent", "what?"]}])),
        task("silent", json!([{"lock": "x"}])),
    ];
    let path = submit(&server, &swarm, &json!({"tasks": tasks}));
    let run = ended(&server, &path);
    assert_eq!(run["state"], "failed", "{run}");
    let why = run["tasks"][0]["failure"]["message"].as_str().unwrap();
    assert!(why.contains("has ended"), "{run}");
}

#[test]
fn a_planner_makes_tasks_while_it_runs_and_what_follows_has_their_results() {
    let server = fresh();
    let (swarm, workspace) = swarm(&server);
    let child = |id: &str| {
        let steps = json!({"steps": [{"exec": ["sh", "-c", format!("echo {id} | tee {id}.txt")]}]});
        json!([id, steps.to_string()])
    };
    let tasks = [
        task(
            "plan",
            json!([{"delegate": [child("one"), child("two")]}, {"join": ["plan/two", "plan/one"]}]),
        ),
        task(
            "sum",
            json!([{"exec": ["sh", "-c", "cat one.txt two.txt"]}]),
        ),
    ];
    let run = json!({"tasks": tasks, "coordination_strategy": "hierarchical"});
    let path = submit(&server, &swarm, &run);
    let run = ended(&server, &path);
    assert_eq!(run["state"], "done", "{run}");
    assert_eq!(
        outputs(&run),
        [
            ("plan", "two\n one\n"),
            ("sum", "one\ntwo\n"),
            ("plan/one", "one\n"),
            ("plan/two", "two\n"),
        ]
    );
    assert_eq!(
        run["tasks"][1]["needs"],
        json!(["plan", "plan/one", "plan/two"])
    );
    assert_eq!(run["tasks"][2]["parent"], "plan");
    assert_eq!(server.read(&workspace, "one.txt").1, b"one\n");
    replays(&server, &path);
}

#[test]
fn a_question_waits_for_its_answer_over_a_kill_and_is_answered_once() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(state.path());
    let (swarm, workspace) = swarm(&server);
    let tasks = [
        task(
            "asks",
            json!([
                {"exec": ["sh", "-c", "echo before >> log.txt"]},
                {"progress": "half"},
                {"lock": "x"},
                {"ask": "shall I?"},
                {"exec": ["sh", "-c", "echo after >> log.txt"]},
            ]),
        ),
        task("behind", json!([{"request": ["asks", "are you there?"]}])),
    ];
    let path = submit(&server, &swarm, &json!({"tasks": tasks}));
    let open = until(&server, "/questions?state=open", |questions| {
        !questions["items"].as_array().unwrap().is_empty()
    });
    let question = &open["items"][0];
    assert_eq!(
        (&question["text"], &question["task"]),
        (&json!("shall I?"), &json!("asks"))
    );
    let id = question["id"].as_str().unwrap().to_owned();
    until(&server, &path, |run| {
        let tasks = run["tasks"].as_array().unwrap();
        tasks.iter().all(|task| task["state"] == "waiting")
    });
    server.kill();

    let server = Server::start(state.path());
    let (_, run) = server.get(&path);
    assert_eq!(run["tasks"][0]["waits_for"]["kind"], "human", "{run}");
    assert_eq!(run["tasks"][1]["waits_for"]["tasks"], json!(["asks"]));
    assert_eq!(run["tasks"][0]["progress"]["message"], "half");
    let answers = format!("/questions/{id}/answer");
    let yes = json!({"answer": "yes", "answered_by": "ann"});
    let list = cli(&server).args(["question", "list"]).output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.contains(&id) && list.contains("shall I?"), "{list}");
    let answered = cli(&server)
        .args(["question", "answer", &id, "yes", "--by", "ann"])
        .status();
    assert!(answered.unwrap().success());
    let list = cli(&server)
        .args(["--json", "question", "list"])
        .output()
        .unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&list.stdout).unwrap(),
        json!([])
    );
    assert_eq!(server.post(&answers, &yes).0, StatusCode::OK);
    let (status, refused) = server.post(&answers, &json!({"answer": "no"}));
    assert_eq!(
        (status, &refused["code"]),
        (StatusCode::CONFLICT, &json!("question-closed"))
    );
    let run = ended(&server, &path);
    let said = run["tasks"][0]["result"]["output"].as_str().unwrap();
    assert!(said.contains("yes"), "{run}");
    // It went on where it was: nothing was done again.
    let (_, log) = server.read(&workspace, "log.txt");
    assert_eq!(String::from_utf8(log).unwrap(), "before\nafter\n");
    // Who asked a task that ended without a reply is told so.
    assert_eq!(run["state"], "failed", "{run}");
    replays(&server, &path);
}
