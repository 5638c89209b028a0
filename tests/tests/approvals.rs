//! Calls of agents' tools for which the policy wants a person to be asked first, with agents that run: who is asked, what counts as
//! an answer, and that there is no way around.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "approvals/around.rs"]
mod around;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use swarm_flow_tests::artefact::guest;
use swarm_flow_tests::server::{Server, answer, fresh};

/// A workspace whose agents ask for these lines.
fn workspace(server: &Server, approvals: &[&str]) -> String {
    let policy = json!({"preset": "standard", "approvals": approvals});
    let body = json!({"name": "w", "environment": "python", "policy": policy});
    let (status, made) = server.post("/workspaces", &body);
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// A run of one task with these steps; gives its path.
fn run(server: &Server, workspace: &str, steps: &Value) -> String {
    let request = server
        .request(Method::POST, "/agents?name=social")
        .header("content-type", "application/wasm")
        .body(std::fs::read(guest("social")).unwrap());
    assert!(answer(request.send().unwrap()).0.is_success());
    let swarm = json!({
        "name": "s", "agents": [{"kind": "social", "count": 1}], "workspaces": [workspace],
    });
    let (status, swarm) = server.post("/swarms", &swarm);
    assert_eq!(status, StatusCode::CREATED, "{swarm}");
    let tasks = json!({"tasks": [{"id": "t", "context": {"steps": steps}}]});
    let path = format!("/swarms/{}/runs", swarm["id"].as_str().unwrap());
    let (status, run) = server.post(&path, &tasks);
    assert_eq!(status, StatusCode::ACCEPTED, "{run}");
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

/// The question that is open, once there is one.
fn asked(server: &Server) -> Value {
    let open = until(server, "/questions?state=open", |open| {
        !open["items"].as_array().unwrap().is_empty()
    });
    open["items"][0].clone()
}

fn questions(server: &Server) -> Vec<Value> {
    let (_, all) = server.get("/questions");
    all["items"].as_array().unwrap().clone()
}

fn say(server: &Server, question: &Value, said: &str) {
    let path = format!("/questions/{}/answer", question["id"].as_str().unwrap());
    let body = json!({"answer": said, "answered_by": "ann"});
    assert_eq!(server.post(&path, &body).0, StatusCode::OK);
}

fn ended(server: &Server, path: &str) -> Value {
    until(server, path, |run| run["state"] != "running")
}

/// What its task said.
fn output(run: &Value) -> &str {
    let output = &run["tasks"][0]["result"]["output"];
    output.as_str().unwrap_or_else(|| panic!("{run}"))
}

fn replays(server: &Server, path: &str) {
    let (_, replay) = server.post(&format!("{path}/replay"), &json!({}));
    assert_eq!(replay["diverged"], 0, "{replay}");
    assert_eq!(replay["tasks"][0]["failure"], Value::Null, "{replay}");
}

/// What was decided about approvals: decision, resource and rule of each.
fn decisions(server: &Server, workspace: &str, wanted: usize) -> Vec<(String, String, String)> {
    let path = format!("/audit?capability=approval&workspace={workspace}");
    let audit = until(server, &path, |audit| {
        audit["items"].as_array().unwrap().len() >= wanted
    });
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = audit["items"].as_array().unwrap().iter();
    items
        .map(|item| {
            let payload = &item["payload"];
            (
                text(&item["kind"]),
                text(&payload["resource"]),
                text(&payload["rule"]),
            )
        })
        .collect()
}

fn append(word: &str) -> Value {
    json!({"exec": ["sh", "-c", format!("echo {word} >> log.txt")]})
}

#[test]
fn what_is_asked_waits_over_a_kill_and_is_done_once_when_it_is_allowed() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(state.path());
    let workspace = workspace(&server, &["exec rm *"]);
    let steps = json!([
        append("before"),
        {"exec": ["sh", "-c", "echo x > victim"]},
        {"exec": ["rm", "-v", "victim"]},
        append("after"),
    ]);
    let path = run(&server, &workspace, &steps);
    let question = asked(&server);
    until(&server, &path, |run| run["tasks"][0]["state"] == "waiting");
    let text = question["text"].as_str().unwrap();
    for part in [
        "agent `social`, task `t`",
        "exec rm -v victim",
        r#"approvals: "exec rm *""#,
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(question["options"], json!(["allow", "deny"]));
    assert_eq!(question["default"], "deny");
    assert_eq!(question["confidence"], Value::Null);
    server.kill();

    let server = Server::start(state.path());
    assert_eq!(asked(&server)["id"], question["id"]);
    assert_eq!(server.read(&workspace, "victim").0, StatusCode::OK);
    say(&server, &question, "allow");
    let run = ended(&server, &path);
    assert_eq!(run["state"], "done", "{run}");
    assert!(output(&run).contains("removed 'victim'"), "{run}");
    let (_, log) = server.read(&workspace, "log.txt");
    assert_eq!(String::from_utf8(log).unwrap(), "before\nafter\n");
    assert_eq!(server.read(&workspace, "victim").0, StatusCode::NOT_FOUND);
    assert_eq!(questions(&server).len(), 1);
    assert_eq!(
        decisions(&server, &workspace, 1),
        [(
            "decision.allowed".to_owned(),
            "exec rm -v victim".to_owned(),
            r#"an approval by ann of "exec rm *""#.to_owned()
        )]
    );
    replays(&server, &path);
}

#[test]
fn what_is_refused_is_denied_and_not_done() {
    let server = fresh();
    let workspace = workspace(&server, &["exec rm *"]);
    let steps = json!([append("before"), {"exec": ["rm", "log.txt"]}]);
    let path = run(&server, &workspace, &steps);
    say(&server, &asked(&server), "deny");
    let run = ended(&server, &path);
    assert_eq!(run["state"], "failed", "{run}");
    let failure = &run["tasks"][0]["failure"];
    assert_eq!(failure["code"], "denied", "{run}");
    let message = failure["message"].as_str().unwrap();
    assert_eq!(
        message,
        "approval on `exec rm log.txt`; `remove \"exec rm *\" from approvals` would allow it"
    );
    assert_eq!(server.read(&workspace, "log.txt").0, StatusCode::OK);
    assert_eq!(decisions(&server, &workspace, 1)[0].0, "decision.denied");
    replays(&server, &path);
}

#[test]
fn what_nobody_answers_in_time_is_denied() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start_given(state.path(), &[], &["--approval-timeout-seconds", "1"]);
    let workspace = workspace(&server, &["exec rm *"]);
    let steps = json!([append("before"), {"exec": ["rm", "log.txt"]}]);
    let path = run(&server, &workspace, &steps);
    let run = ended(&server, &path);
    assert_eq!(run["tasks"][0]["failure"]["code"], "denied", "{run}");
    let all = questions(&server);
    assert_eq!((all.len(), &all[0]["state"]), (1, &json!("expired")));
    assert_eq!(server.read(&workspace, "log.txt").0, StatusCode::OK);
    replays(&server, &path);
}

#[test]
fn what_no_line_has_is_not_asked() {
    let server = fresh();
    let steps = json!([
        append("before"),
        {"exec": ["rm", "log.txt"]},
        {"exec": ["sh", "-c", "echo x > a; rm a; echo done"]},
        {"write": [".github/ci.yml", "a"]},
    ]);
    for lines in [&[][..], &["exec rm -rf *", "write-file *.toml"]] {
        let workspace = workspace(&server, lines);
        let path = run(&server, &workspace, &steps);
        let run = ended(&server, &path);
        assert_eq!(run["state"], "done", "{run}");
        assert!(output(&run).contains("done"), "{run}");
    }
    assert_eq!(questions(&server), Vec::<Value>::new());
}

#[test]
fn a_user_is_not_asked_for_what_they_do_themselves() {
    let server = fresh();
    let workspace = workspace(&server, &["exec", "write-file"]);
    let done = server.exec(&workspace, &["sh", "-c", "echo x > a && rm a && echo done"]);
    assert_eq!(done["stdout"], "done\n", "{done}");
    assert_eq!(server.put(&workspace, "b.txt", b"b").0, StatusCode::CREATED);
}

#[test]
fn a_file_is_asked_for_by_its_path_and_by_where_links_lead() {
    let server = fresh();
    let workspace = workspace(&server, &["write-file .github/"]);
    server.exec(
        &workspace,
        &["sh", "-c", "mkdir .github; ln -s .github link"],
    );
    for (path, is_asked) in [
        (".github/ci.yml", true),
        ("link/ci.yml", true),
        ("link/new/ci.yml", true),
        ("other/ci.yml", false),
    ] {
        let before = questions(&server).len();
        let run_path = run(&server, &workspace, &json!([{"write": [path, "text"]}]));
        if is_asked {
            let question = asked(&server);
            let text = question["text"].as_str().unwrap();
            assert!(text.contains(&format!("write-file {path}\n")), "{text}");
            assert!(text.contains(r#"it writes 4 bytes"#), "{text}");
            assert_eq!(server.read(&workspace, path).0, StatusCode::NOT_FOUND);
            say(&server, &question, "allow");
        }
        let run = ended(&server, &run_path);
        assert_eq!(run["state"], "done", "{run}");
        assert_eq!(questions(&server).len() - before, usize::from(is_asked));
        assert_eq!(server.read(&workspace, path).1, b"text");
        replays(&server, &run_path);
        server.exec(&workspace, &["rm", "-rf", path]);
    }
}

#[test]
fn a_policy_that_asks_for_more_by_now_asks_again() {
    let server = fresh();
    let workspace = workspace(&server, &["exec rm *"]);
    let path = run(
        &server,
        &workspace,
        &json!([append("x"), {"exec": ["rm", "-v", "log.txt"]}]),
    );
    let first = asked(&server);
    let policy =
        json!({"policy": {"preset": "standard", "approvals": ["exec rm *", "exec rm -v"]}});
    let request = server.request(Method::PUT, &format!("/workspaces/{workspace}/policy"));
    assert_eq!(
        answer(request.json(&policy).send().unwrap()).0,
        StatusCode::OK
    );
    say(&server, &first, "allow");
    let second = until(&server, "/questions?state=open", |open| {
        open["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|open| open["id"] != first["id"])
    });
    let second = &second["items"][0];
    assert!(
        second["text"].as_str().unwrap().contains(r#""exec rm -v""#),
        "{second}"
    );
    say(&server, second, "allow");
    assert_eq!(ended(&server, &path)["state"], "done");
    replays(&server, &path);
}
