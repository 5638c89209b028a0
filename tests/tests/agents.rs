//! Agents of users' own: added, given tasks, replaced and removed, and all that is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use swarm_flow_tests::artefact::{component, example, guest};
use swarm_flow_tests::server::{Server, answer, cli, fresh};

fn add(server: &Server, query: &str, bytes: Vec<u8>) -> (StatusCode, Value) {
    let request = server
        .request(Method::POST, &format!("/agents?{query}"))
        .header("content-type", "application/wasm")
        .body(bytes);
    answer(request.send().unwrap())
}

/// The app's own, and those of users.
fn names(server: &Server) -> Vec<String> {
    let (_, all) = server.get("/agents");
    let all = all["items"].as_array().unwrap().iter();
    let all = all.filter(|agent| agent["name"] == "script" || agent["origin"] == "added");
    all.map(|agent| agent["name"].as_str().unwrap().to_owned())
        .collect()
}

fn swarm(server: &Server, kind: &str, workspace: &str) -> (StatusCode, Value) {
    let body = json!({
        "name": "s", "agents": [{"kind": kind, "count": 1}], "coordination_strategy": "sequential",
        "platform": "local", "workspaces": [workspace],
    });
    server.post("/swarms", &body)
}

/// A workspace whose files nobody may read.
fn closed(server: &Server) -> String {
    let policy = json!({"preset": "isolated", "filesystem": "none"});
    let body = json!({"name": "closed", "environment": "base", "policy": policy});
    let (status, made) = server.post("/workspaces", &body);
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// What came of one task.
fn did(server: &Server, kind: &str, workspace: &str, context: Value) -> Value {
    let (status, made) = swarm(server, kind, workspace);
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    let tasks = json!({"tasks": [{"context": context}]});
    let (status, run) = server.post(&format!("/swarms/{id}/runs"), &tasks);
    assert_eq!(status, 202, "{run}");
    let id = run["id"].as_str().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let (_, run) = server.get(&format!("/runs/{id}"));
        if run["state"] != "running" {
            return run["tasks"][0].clone();
        }
        assert!(Instant::now() < deadline, "{run}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `examples/cross-language`: an agent in Python whose words are compared by a component in Rust.
#[test]
fn an_agent_in_python_calls_a_component_in_rust() {
    let Some(file) = example("nearest") else {
        println!("skipped: the example is built where there is a Python");
        return;
    };
    let server = fresh();
    let said = cli(&server)
        .args(["agent", "add"])
        .arg(&file)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{stderr}");
    let (_, agent) = server.get("/agents/nearest");
    assert_eq!(
        (&agent["version"], &agent["capabilities"], &agent["origin"]),
        (&json!("1.0.0"), &json!(["text"]), &json!("added"))
    );
    assert_eq!(agent["context_schema"]["required"], json!(["path", "word"]));
    let workspace = server.workspace("base", "isolated");
    server.put(&workspace, "words.txt", b"badger hedgehog otter".to_vec());
    let context = json!({"path": "words.txt", "word": "hedgehock"});
    let task = did(&server, "nearest", &workspace, context.clone());
    assert_eq!(task["state"], "done", "{task}");
    assert_eq!(task["result"]["output"], "hedgehog", "{task}");
    // What is wrong with a task is the caller's to know.
    let task = did(&server, "nearest", &workspace, json!({"path": "words.txt"}));
    assert_eq!(task["failure"]["code"], "invalid_task", "{task}");
    let task = did(&server, "nearest", &closed(&server), context);
    assert_eq!(task["failure"]["code"], "denied", "{task}");
}

/// A test command that fails at first, and writes what a test runner does.
const FLAKY: &str = "if test -e tried; then echo 'ok 1 - adds'; echo 'ok 2 - divides'; else touch tried; \
    echo 'ok 1 - adds'; echo 'not ok 2 - divides'; false; fi > report.tap";

/// What `examples/agent-rust` does, and in TypeScript `examples/agent-typescript`.
fn tests_until_it_succeeds(name: &str, kind: &str) {
    let Some(file) = example(name) else {
        println!("skipped: the example is built where there is a Node.js");
        return;
    };
    let server = fresh();
    let bytes = std::fs::read(file).unwrap();
    let (status, agent) = add(&server, &format!("name={kind}"), bytes.clone());
    assert_eq!(status, 201, "{agent}");
    assert_eq!(agent["capabilities"], json!(["test"]));
    let required = &agent["context_schema"]["required"];
    assert_eq!(required, &json!(["command", "report"]), "{agent}");
    let test = |attempts| json!({"command": ["sh", "-c", FLAKY], "report": "report.tap", "attempts": attempts});
    let workspace = server.workspace("base", "standard");
    let task = did(&server, kind, &workspace, test(3));
    assert_eq!(task["state"], "done", "{task}");
    let said = &task["result"]["output"];
    assert_eq!(said, "attempt 2: 2 passed, 0 failed", "{task}");
    assert_eq!(task["result"]["artifacts"], json!(["report.tap"]));
    // One that is given no second attempt says what failed.
    let workspace = server.workspace("base", "standard");
    let task = did(&server, kind, &workspace, test(1));
    assert_eq!(task["state"], "failed", "{task}");
    let said = &task["result"]["output"];
    let expected = "attempt 1: 1 passed, 1 failed\nnot ok 2 - divides";
    assert_eq!(said, expected, "{task}");
    for (context, code, names) in [
        (
            json!({"command": ["true"], "report": 1}),
            "invalid_task",
            "`context.report`",
        ),
        (
            json!({"command": ["true"], "report": "no.tap"}),
            "invalid_task",
            "there is no file `no.tap`",
        ),
        (
            json!({"command": ["rubby"], "report": "r"}),
            "invalid_task",
            "there is no program `rubby`",
        ),
    ] {
        let task = did(&server, kind, &workspace, context);
        assert_eq!(task["failure"]["code"], code, "{task}");
        let message = task["failure"]["message"].as_str().unwrap();
        assert!(message.contains(names), "{message}");
    }
    // The twin of what it read above.
    let context = json!({"command": ["true"], "report": "report.tap"});
    let task = did(&server, kind, &closed(&server), context);
    assert_eq!(task["failure"]["code"], "denied", "{task}");
    let (status, agent) = add(&server, &format!("name={kind}&version=9"), bytes);
    assert_eq!((status.as_u16(), &agent["version"]), (200, &json!("9")));
    assert_eq!(server.delete(&format!("/agents/{kind}")).0, 204);
    assert_eq!(names(&server), ["script"]);
}

#[test]
fn an_agent_in_rust_tests_until_it_succeeds() {
    assert!(
        example("tester").is_some(),
        "`cargo xtask build examples` makes it"
    );
    tests_until_it_succeeds("tester", "tester");
}

#[test]
fn an_agent_in_typescript_tests_until_it_succeeds() {
    tests_until_it_succeeds("tester-ts", "tester-ts");
}

#[test]
fn what_an_agent_does_to_itself_is_a_typed_failure_of_its_task() {
    let server = fresh();
    let contrary = std::fs::read(guest("contrary")).unwrap();
    let (status, agent) = add(&server, "name=contrary", contrary);
    assert_eq!(status, 201, "{agent}");
    let workspace = server.workspace("base", "isolated");
    for (context, code, names) in [
        (json!({"trap": null}), "trapped", "unreachable"),
        (json!({"exit": null}), "trapped", "exited with code 1"),
        (json!({"grow": null}), "trapped", "memory"),
        (
            json!({"say": 1}),
            "invalid_task",
            "`context.say`: invalid type",
        ),
        (
            json!({"sing": "a"}),
            "invalid_task",
            "unknown variant `sing`",
        ),
    ] {
        let task = did(&server, "contrary", &workspace, context.clone());
        assert_eq!(task["state"], "failed", "{context}: {task}");
        assert_eq!(task["failure"]["code"], code, "{context}: {task}");
        let message = task["failure"]["message"].as_str().unwrap();
        assert!(message.contains(names), "{context}: {message}");
    }
    // The twins: it can fail by its own word, and do as it is told.
    let task = did(&server, "contrary", &workspace, json!({"fail": "no"}));
    assert_eq!(
        (&task["state"], &task["result"]["output"]),
        (&json!("failed"), &json!("no"))
    );
    let task = did(&server, "contrary", &workspace, json!({"say": "yes"}));
    assert_eq!(
        (&task["state"], &task["result"]["output"]),
        (&json!("done"), &json!("yes"))
    );
}

/// What an agent does not call is not asked of who runs it.
#[test]
fn an_agent_imports_only_what_it_uses() {
    let imports = |path: &std::path::Path| -> Vec<String> {
        let bytes = std::fs::read(path).unwrap();
        let decoded = wit_parser::decoding::decode(&bytes).unwrap();
        let (resolve, world) = match decoded {
            wit_parser::decoding::DecodedWasm::Component(resolve, world) => (resolve, world),
            wit_parser::decoding::DecodedWasm::WitPackage(..) => panic!("it is no component"),
        };
        let imports = resolve.worlds[world].imports.keys();
        let names = imports.map(|key| resolve.name_world_key(key));
        names
            .filter(|name| name.starts_with("swarm-flow:"))
            .collect()
    };
    let tools = ["swarm-flow:core/types@2.0.0", "swarm-flow:core/tools@2.0.0"];
    assert_eq!(imports(&guest("contrary")), [""; 0]);
    assert_eq!(imports(&example("tester").unwrap()), tools);
    let script = ["inputs", "delegation"].map(|name| format!("swarm-flow:core/{name}@2.0.0"));
    let script: Vec<&str> = tools
        .into_iter()
        .chain(script.iter().map(String::as_str))
        .collect();
    assert_eq!(imports(&component("script")), script);
    // What is made of TypeScript imports all that an agent can have, and nothing else.
    if let Some(typescript) = example("tester-ts") {
        let can = [
            "types",
            "tools",
            "inputs",
            "memory",
            "locks",
            "messages",
            "delegation",
            "human",
            "progress",
            "model",
        ];
        let can = can.map(|name| format!("swarm-flow:core/{name}@2.0.0"));
        let imported = imports(&typescript);
        assert!(
            imported.iter().all(|name| can.contains(name)),
            "{imported:?}"
        );
    }
}

#[test]
fn an_agent_is_replaced_and_removed_while_the_server_runs() {
    let server = fresh();
    let script = std::fs::read(component("script")).unwrap();
    let (status, agent) = add(&server, "name=mine", script.clone());
    assert_eq!(status, 201, "{agent}");
    assert_eq!(agent["capabilities"], json!(["exec"]), "{agent}");
    assert_eq!(names(&server), ["script", "mine"]);
    let workspace = server.workspace("base", "standard");
    let task = did(
        &server,
        "mine",
        &workspace,
        json!({"command": ["sh", "-c", "echo hi"]}),
    );
    assert_eq!(task["result"]["output"], "hi\n", "{task}");
    // It is no program, and no program is it.
    let ran = server.post(
        &format!("/workspaces/{workspace}/exec"),
        &json!({"command": ["mine"]}),
    );
    assert_eq!(ran.0, 404, "{}", ran.1);
    let (_, programs) = server.get("/programs");
    assert!(!programs.to_string().contains("mine"));
    let (status, agent) = add(&server, "name=mine&version=2", script);
    assert_eq!((status.as_u16(), &agent["version"]), (200, &json!("2")));
    assert_eq!(server.delete("/agents/mine").0, 204);
    assert_eq!(names(&server), ["script"]);
    assert_eq!(server.delete("/agents/mine").0, 404);
    let (status, refused) = swarm(&server, "mine", &workspace);
    assert_eq!(status, 400);
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("`mine` is not an agent; there is `script`"),
        "{refused}"
    );
}

#[test]
fn what_is_no_agent_is_refused_and_told_why() {
    let server = fresh();
    let hello = std::fs::read(guest("hello")).unwrap();
    let script = std::fs::read(component("script")).unwrap();
    let foreign = wat::parse_str(
        r#"(component
            (import "acme:magic/wand@1.0.0" (instance (export "wave" (func))))
            (instance $nothing)
            (export "swarm-flow:core/agent@2.0.0" (instance $nothing)))"#,
    )
    .unwrap();
    for (query, bytes, status, said) in [
        (
            "name=a",
            hello,
            400,
            "does not export `swarm-flow:core/agent`",
        ),
        ("name=a", b"MZ".to_vec(), 400, "WebAssembly"),
        ("name=a", foreign, 400, "acme:magic/wand"),
        ("name=a", b"\0asm\x01\0\0\0".to_vec(), 400, "core module"),
        ("", script.clone(), 400, "name"),
        (
            "name=script",
            script.clone(),
            409,
            "comes with the platform",
        ),
        ("name=sh", script.clone(), 409, "comes with the platform"),
    ] {
        let (refused, problem) = add(&server, query, bytes);
        assert_eq!(refused, status, "{query}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{query}: {detail}");
    }
    // The twin: an agent is no program.
    let request = server
        .request(Method::POST, "/programs?name=a")
        .header("content-type", "application/wasm")
        .body(script);
    let (status, problem) = answer(request.send().unwrap());
    assert_eq!(status, 400);
    assert!(
        problem["detail"].as_str().unwrap().contains("wasi:cli/run"),
        "{problem}"
    );
    assert_eq!(names(&server), ["script"]);
}

#[test]
fn a_program_and_an_agent_do_not_take_each_others_name() {
    let server = fresh();
    let hello = std::fs::read(guest("hello")).unwrap();
    let script = std::fs::read(component("script")).unwrap();
    let program = |bytes: Vec<u8>| {
        let request = server
            .request(Method::POST, "/programs?name=mine")
            .header("content-type", "application/wasm")
            .body(bytes);
        answer(request.send().unwrap())
    };
    assert_eq!(program(hello.clone()).0, 201);
    let (status, problem) = add(&server, "name=mine", script.clone());
    assert_eq!(status, 409, "{problem}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("remove it first"), "{detail}");
    assert_eq!(server.delete("/programs/mine").0, 204);
    assert_eq!(add(&server, "name=mine", script).0, 201);
    assert_eq!(program(hello).0, 409);
    assert_eq!(names(&server), ["script", "mine"]);
}

#[test]
fn agents_of_a_swarm_know_together_what_each_wrote() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let counter = std::fs::read(guest("counter")).unwrap();
    assert_eq!(add(&server, "name=counter", counter).0, 201);
    let body = json!({
        "name": "s", "agents": [{"kind": "counter", "count": 4}], "workspaces": [workspace],
    });
    let (_, made) = server.post("/swarms", &body);
    let id = made["id"].as_str().unwrap();
    let tasks: Vec<Value> = (0..8).map(|_| json!({"context": {"times": 5}})).collect();
    let (_, run) = server.post(&format!("/swarms/{id}/runs"), &json!({"tasks": tasks}));
    let path = format!("/runs/{}", run["id"].as_str().unwrap());
    let deadline = Instant::now() + Duration::from_secs(120);
    while server.get(&path).1["state"] == "running" {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
    let (_, memory) = server.get(&format!("/swarms/{id}/memory"));
    let shown: Vec<_> = memory["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["agent"].as_str(),
                entry["key"].as_str().unwrap(),
                entry["revision"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(memory["items"][0]["value"], "40", "{memory}");
    assert_eq!(shown, [(None, "count", 40), (Some("counter"), "last", 8)]);
    let (_, replay) = server.post(&format!("{path}/replay"), &json!({}));
    assert_eq!(replay["diverged"], 0, "{replay}");
    // Without a swarm there is nothing to know.
    let (status, alone) = server.post(
        "/agents/counter/tasks",
        &json!({"workspace": workspace, "task": {"context": {"times": 1}}}),
    );
    assert_ne!(status, 200, "{alone}");
}
