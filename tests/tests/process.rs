//! Programs that start programs: pipes between them, one set of limits for all, and one end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::{Value, json};
use swarm_flow_tests::server::{Fresh, fresh};

fn workspace() -> (Fresh, String) {
    let server = fresh();
    let id = server.workspace("base", "standard");
    (server, id)
}

fn said(server: &Fresh, id: &str, arguments: &[&str]) -> String {
    let command: Vec<&str> = ["family"].iter().chain(arguments).copied().collect();
    let result = server.exec(id, &command);
    assert_eq!(result["outcome"]["kind"], "exited", "{result}");
    result["stdout"].as_str().unwrap().to_owned()
}

fn with(server: &Fresh, id: &str, command: &[&str], more: &Value) -> Value {
    let mut body = json!({"command": command});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let (status, result) = server.post(&format!("/workspaces/{id}/exec"), &body);
    assert_eq!(status, 200, "{result}");
    result
}

#[test]
fn a_program_starts_another_and_gets_its_exit_code() {
    let (server, id) = workspace();
    let result = server.exec(&id, &["family", "run", "family", "exit", "37"]);
    assert_eq!(result["exit_code"], 37, "{result}");
    assert_eq!(said(&server, &id, &["run", "hello"]), "hello\n");
    assert_eq!(said(&server, &id, &["run", "/usr/bin/hello"]), "hello\n");
    let result = server.exec(&id, &["family", "run", "nothing"]);
    assert_eq!(result["exit_code"], 127);
    assert_eq!(
        result["stdout"],
        "SpawnError::NotFound(\"there is no program `nothing`\")\n"
    );
    let names = said(&server, &id, &["names"]);
    for name in ["family", "hello", "sh"] {
        assert!(
            names.split_whitespace().any(|known| known == name),
            "{names}"
        );
    }
}

#[test]
fn it_starts_where_it_is_told_with_the_variables_that_it_is_given() {
    let (server, id) = workspace();
    server.put(&id, "inner/file", "");
    assert_eq!(
        said(&server, &id, &["started", "/workspace/inner"]),
        "/workspace/inner ONLY=this PWD=/workspace/inner\n"
    );
    let result = server.exec(&id, &["family", "started", "/etc"]);
    assert_eq!(result["exit_code"], 127, "{result}");
    assert!(
        result["stdout"].as_str().unwrap().contains("Invalid"),
        "{result}"
    );
}

#[test]
fn bytes_go_through_pipes_unchanged() {
    let (server, id) = workspace();
    for bytes in ["0", "1", "65536", "200000"] {
        assert_eq!(
            said(&server, &id, &["pipe", bytes]),
            format!("{bytes} true [0, 0, 0]\n")
        );
    }
    assert_eq!(said(&server, &id, &["cut"]), "xxxxxxxxxx 1\n");
}

#[test]
fn several_write_to_one_place_one_behind_the_other() {
    let (server, id) = workspace();
    assert_eq!(said(&server, &id, &["both"]), "one\ntwo\nthree\n");
    assert_eq!(said(&server, &id, &["append"]), "one\ntwo\n");
    assert_eq!(server.read(&id, "out").1, b"one\ntwo\n");
}

#[test]
fn what_a_command_started_ends_with_it() {
    let (server, id) = workspace();
    assert_eq!(said(&server, &id, &["leave"]), "");
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(server.read(&id, "late").0, 404);
    // The twin: it is waited for.
    assert_eq!(said(&server, &id, &["run", "family", "late"]), "");
    assert_eq!(server.read(&id, "late").1, b"it lived on");
    assert_eq!(
        said(&server, &id, &["kill"]),
        "2 End { exit-code: 137, outcome: Outcome::Cancelled }\n"
    );
}

#[test]
fn a_workspace_runs_no_more_than_its_policy_allows() {
    let (server, id) = workspace();
    let said = said(&server, &id, &["many", "40"]);
    assert!(
        said.starts_with("31 SpawnError::NoRoom(\"the workspace runs 32 sandboxes"),
        "{said}"
    );
    assert!(said.contains("`limits.sandboxes`"), "{said}");
    assert!(said.ends_with("true 40\n"), "{said}");
}

#[test]
fn memory_and_time_are_those_of_the_command_and_all_that_it_started() {
    let (server, id) = workspace();
    let limits = json!({"limits": {"memory_bytes": 64 << 20}});
    // Four times 10 MiB fit, eight times do not.
    let fits = with(&server, &id, &["family", "eat", "10", "3"], &limits);
    assert_eq!(fits["stdout"], "0 0\n1 0\n2 0\n3 0\n", "{fits}");
    assert!(fits["peak_memory_bytes"].as_u64().unwrap() > 40 << 20);
    let refused = with(&server, &id, &["family", "eat", "10", "7"], &limits);
    let stdout = refused["stdout"].as_str().unwrap();
    assert!(stdout.contains("\"memory\""), "{refused}");
    // What the first ones had is given back.
    let again = with(&server, &id, &["family", "eat", "10", "3"], &limits);
    assert_eq!(again["stdout"], "0 0\n1 0\n2 0\n3 0\n", "{again}");

    let limits = json!({"limits": {"cpu_time_ms": 200}});
    let spun = with(&server, &id, &["family", "run", "family", "spin"], &limits);
    assert_eq!(spun["exit_code"], 124, "{spun}");
    assert!(spun["cpu_ms"].as_f64().unwrap() >= 200.0, "{spun}");
    let spun = with(
        &server,
        &id,
        &["family", "run", "family", "spin"],
        &json!({"timeout_ms": 200}),
    );
    assert_eq!(spun["outcome"]["name"], "wall_time", "{spun}");
}

/// A core module of preview 1 that writes and exits with a code.
const MODULE: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\08\00\00\00\07\00\00\00module\n")
    (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 20)))
        (call $exit (i32.const 37))))"#;

#[test]
fn a_program_of_the_workspace_runs_by_its_path() {
    let (server, id) = workspace();
    let hello = std::fs::read(swarm_flow_tests::artefact::guest("hello")).unwrap();
    server.put(&id, "bin/greet.wasm", hello);
    for path in [
        "bin/greet.wasm",
        "./bin/../bin/greet.wasm",
        "/workspace/bin/greet.wasm",
    ] {
        assert_eq!(server.exec(&id, &[path])["stdout"], "hello\n", "{path}");
        assert_eq!(said(&server, &id, &["run", path]), "hello\n");
    }
    let beneath = with(
        &server,
        &id,
        &["./greet.wasm"],
        &json!({"cwd": "/workspace/bin"}),
    );
    assert_eq!(beneath["stdout"], "hello\n");
    server.put(&id, "module.wasm", wat::parse_str(MODULE).unwrap());
    let result = server.exec(&id, &["./module.wasm"]);
    assert_eq!(
        (&result["exit_code"], &result["stdout"]),
        (&json!(37), &json!("module\n")),
        "{result}"
    );
    // A name without a path is that of a program, not of a file.
    server.put(&id, "greet", "#!/bin/hello\n");
    let (status, _) = server.post(
        &format!("/workspaces/{id}/exec"),
        &json!({"command": ["greet"]}),
    );
    assert_eq!(status, 404);
}

#[test]
fn a_script_is_run_by_the_program_that_it_names() {
    let (server, id) = workspace();
    server.put(&id, "run", "#!/usr/bin/env family\n");
    assert_eq!(
        server.exec(&id, &["./run"])["stderr"],
        "no such mode: \"./run\"\n"
    );
    server.put(&id, "s", "#! /usr/local/bin/family say\r\n");
    assert_eq!(
        server.exec(&id, &["./s", "x", "y z"])["stdout"],
        "./s x y z\n"
    );
    assert_eq!(said(&server, &id, &["run", "./s"]), "./s\n");
}

#[test]
fn what_is_no_program_is_refused_and_named() {
    let (server, id) = workspace();
    server.put(&id, "text", "hello");
    server.put(&id, "broken.wasm", "\0asm\u{1}\0\0\0garbage");
    let other = r#"(module (import "env" "mystery" (func)) (memory (export "memory") 1) (func (export "_start")))"#;
    server.put(&id, "other.wasm", wat::parse_str(other).unwrap());
    server.put(&id, "nobody", "#!/usr/bin/nobody\n");
    for (path, status, text) in [
        ("./text", 400, "neither WebAssembly nor a script"),
        ("./broken.wasm", 400, "broken.wasm"),
        ("./other.wasm", 400, "mystery"),
        ("./missing", 404, "./missing"),
        ("./nobody", 404, "nobody"),
        ("../../etc/passwd", 404, "passwd"),
        ("/etc/passwd", 404, "passwd"),
        (".", 404, "program"),
    ] {
        let (code, problem) = server.post(
            &format!("/workspaces/{id}/exec"),
            &json!({"command": [path]}),
        );
        assert_eq!(code, status, "{path}: {problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains(text),
            "{path}: {problem}"
        );
        let result = server.exec(&id, &["family", "run", path]);
        assert_eq!(result["exit_code"], 127, "{result}");
        let kind = if status == 400 {
            "NotExecutable"
        } else {
            "NotFound"
        };
        assert!(
            result["stdout"].as_str().unwrap().contains(kind),
            "{path}: {result}"
        );
    }
}
