//! Programs of users' own: added, run, replaced and removed while the server runs, and all that is refused.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use swarm_flow_tests::artefact::guest;
use swarm_flow_tests::raw::authority;
use swarm_flow_tests::runner::{join, with_second};
use swarm_flow_tests::server::{Server, answer, cli, fresh, spin_cli};

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(guest(name)).unwrap()
}

fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

fn add(server: &Server, query: &str, bytes: impl Into<Vec<u8>>) -> (StatusCode, Value) {
    let request = server
        .request(Method::POST, &format!("/programs?{query}"))
        .header("content-type", "application/wasm")
        .body(bytes.into());
    answer(request.send().unwrap())
}

fn added(server: &Server, query: &str, bytes: impl Into<Vec<u8>>) -> Value {
    let (status, program) = add(server, query, bytes);
    assert!(status.is_success(), "{status} {program}");
    program
}

/// The programs of users in the list.
fn listed(server: &Server) -> Vec<Value> {
    let (_, all) = server.get("/programs");
    let all = all["items"].as_array().unwrap();
    let added = all.iter().filter(|program| program["origin"] == "added");
    added.cloned().collect()
}

fn exec(server: &Server, id: &str, command: &[&str]) -> (StatusCode, Value) {
    server.post(
        &format!("/workspaces/{id}/exec"),
        &json!({"command": command}),
    )
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kind and payload of what the audit log says of programs.
fn records(server: &Server) -> Vec<(String, Value)> {
    let (_, page) = server.get("/audit?kind=program.*");
    let records = page["items"].as_array().unwrap().iter();
    records
        .map(|record| {
            assert_eq!(record["actor"], "user");
            let kind = record["kind"].as_str().unwrap().to_owned();
            (kind, record["payload"].clone())
        })
        .collect()
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
fn a_program_of_ones_own_runs_is_replaced_and_is_removed() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let hello = bytes("hello");
    assert_eq!(exec(&server, &id, &["mine"]).0, 404);
    let (status, program) = add(&server, "name=mine&version=1.0", hello.clone());
    assert_eq!(status, 201, "{program}");
    assert_eq!(program["digest"], digest(&hello));
    assert_eq!(program["left_out"], json!([]));
    assert_eq!(server.exec(&id, &["mine"])["stdout"], "hello\n");
    assert_eq!(server.exec(&id, &["/usr/bin/mine"])["stdout"], "hello\n");
    // Other programs find it too, by its name and among the names that there are.
    let spawned = server.exec(&id, &["family", "run", "mine"]);
    assert_eq!(spawned["stdout"], "hello\n", "{spawned}");
    let names = server.exec(&id, &["family", "names"]);
    assert!(
        names["stdout"].as_str().unwrap().contains("mine"),
        "{names}"
    );

    let listed_one = &listed(&server)[0];
    assert_eq!(listed_one["name"], "mine");
    assert_eq!(listed_one["version"], "1.0");
    let runners = listed_one["runners"].as_array().unwrap();
    assert_eq!(runners.len(), 1);

    // Other bytes replace it at once, for what starts from then on.
    let echo = bytes("echo");
    let (status, program) = add(&server, "name=mine", echo.clone());
    assert_eq!((status.as_u16(), &program["version"]), (200, &json!("0")));
    assert_ne!(server.exec(&id, &["mine"])["stdout"], "hello\n");
    let after: Vec<_> = listed(&server);
    assert_eq!(
        (after.len(), &after[0]["digest"]),
        (1, &json!(digest(&echo)))
    );

    assert_eq!(server.delete("/programs/mine").0, 204);
    assert!(listed(&server).is_empty());
    for (status, problem) in [
        exec(&server, &id, &["mine"]),
        server.delete("/programs/mine"),
        server.get("/programs/mine"),
    ] {
        assert_eq!(
            (status.as_u16(), &problem["code"]),
            (404, &json!("program-not-found")),
            "{problem}"
        );
    }
    let one = |kind: &str, version: &str, bytes: &[u8]| {
        let payload = json!({"name": "mine", "version": version, "digest": digest(bytes)});
        (kind.to_owned(), payload)
    };
    assert_eq!(
        records(&server),
        [
            one("program.added", "1.0", &hello),
            one("program.added", "0", &echo),
            one("program.removed", "0", &echo)
        ]
    );
}

#[test]
fn the_same_bytes_under_the_same_name_are_the_same_program() {
    let server = fresh();
    let hello = bytes("hello");
    assert_eq!(add(&server, "name=mine&version=2", hello.clone()).0, 201);
    let right = format!("name=mine&digest={}", digest(&hello));
    for query in ["name=mine", "name=mine&version=2", &right] {
        let (status, program) = add(&server, query, hello.clone());
        assert_eq!((status.as_u16(), &program["version"]), (200, &json!("2")));
    }
    assert_eq!(records(&server).len(), 1);
    assert_eq!(added(&server, "name=mine&version=3", hello)["version"], "3");
    assert_eq!(records(&server).len(), 2);
    assert_eq!(listed(&server).len(), 1);
}

#[test]
fn a_program_says_what_it_is_and_what_has_to_be_granted() {
    let server = fresh();
    added(&server, "name=mine", bytes("request"));
    let (status, program) = server.get("/programs/mine");
    assert_eq!(status, 200);
    for (member, value) in [
        ("aliases", json!([])),
        ("origin", json!("added")),
        ("kind", json!("component")),
        ("license", Value::Null),
        ("version", json!("0")),
    ] {
        assert_eq!(program[member], value, "{member}");
    }
    assert_eq!(program["size_bytes"], bytes("request").len());
    assert!(
        program["environments"]
            .as_array()
            .unwrap()
            .contains(&json!("base")),
        "{program}"
    );
    let needs = |program: &Value, capability: Value, interface: &str| {
        let groups = program["imports"].as_array().unwrap();
        let group = groups
            .iter()
            .find(|group| group["capability"] == capability);
        let interfaces = group.map(|group| group["interfaces"].to_string());
        assert!(
            interfaces.unwrap_or_default().contains(interface),
            "{program}"
        );
    };
    needs(&program, Value::Null, "wasi:cli/environment@0.2.");
    needs(
        &program,
        json!("network"),
        "wasi:http/outgoing-handler@0.2.",
    );
    let writes = added(&server, "name=writes", bytes("family"));
    needs(&writes, Value::Null, "swarm-flow:core/process@2.0.0");
    needs(&writes, json!("filesystem"), "wasi:filesystem/types@0.2.");
    let reach = added(&server, "name=reach-out", bytes("reach"));
    needs(&reach, json!("sockets"), "wasi:sockets/tcp@0.2.");
    wait_for("it was not compiled in the background", || {
        server.get("/programs/mine").1["compiled"] == true
    });

    // A core module, and a program that comes along.
    let module = wat::parse_str(MODULE).unwrap();
    assert_eq!(added(&server, "name=module", module)["kind"], "module");
    let id = server.workspace("base", "standard");
    let result = server.exec(&id, &["module"]);
    assert_eq!(
        (&result["exit_code"], &result["stdout"]),
        (&json!(37), &json!("module\n")),
        "{result}"
    );
    let (status, shipped) = server.get("/programs/hello");
    assert_eq!(
        (status.as_u16(), &shipped["origin"]),
        (200, &json!("shipped"))
    );
    assert_eq!(shipped["digest"], digest(&bytes("hello")));
    // By an alias, too.
    assert_eq!(server.get("/programs/python3").1["name"], "python");
}

#[test]
fn an_added_program_survives_a_restart_and_a_removed_one_does_not() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(state.path());
    added(&server, "name=kept&version=7", bytes("hello"));
    added(&server, "name=gone", bytes("hello"));
    assert_eq!(server.delete("/programs/gone").0, 204);
    let before = listed(&server);
    // Without a chance to tidy up.
    server.kill();
    let server = Server::start(state.path());
    wait_for("the runner has not joined", || !listed(&server).is_empty());
    assert_eq!(listed(&server), before);
    let id = server.workspace("base", "standard");
    assert_eq!(server.exec(&id, &["kept"])["stdout"], "hello\n");
    assert_eq!(exec(&server, &id, &["gone"]).0, 404);
}

#[test]
fn what_runs_goes_on_when_its_program_is_replaced_and_removed() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    added(&server, "name=kin", bytes("family"));
    assert_eq!(server.exec(&id, &["kin", "say", "x"])["exit_code"], 0);
    let run = |during: &dyn Fn()| {
        std::thread::scope(|scope| {
            let running = scope.spawn(|| server.exec(&id, &["kin", "late"]));
            std::thread::sleep(Duration::from_millis(150));
            during();
            assert_eq!(running.join().unwrap()["exit_code"], 0);
        });
        assert_eq!(server.read(&id, "late").1, b"it lived on");
    };
    run(&|| drop(added(&server, "name=kin", bytes("hello"))));
    assert_eq!(server.exec(&id, &["kin"])["stdout"], "hello\n");
    added(&server, "name=kin", bytes("family"));
    run(&|| assert_eq!(server.delete("/programs/kin").0, 204));
}

/// A component that asks for two things that no sandbox has.
const COMPONENT: &str = r#"(component
    (import "wasi:keyvalue/store@0.2.0" (instance (export "open" (func))))
    (import "mystery:box/lid@1.0.0" (instance (export "lift" (func))))
    (core module $m (func (export "run") (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    (func $run (result (result)) (canon lift (core func $i "run")))
    (component $shim (import "f" (func $f (result (result)))) (export "run" (func $f)))
    (instance $run (instantiate $shim (with "f" (func $run))))
    (export "wasi:cli/run@0.2.3" (instance $run)))"#;

#[test]
fn what_could_not_run_here_is_refused_and_leaves_nothing() {
    let server = fresh();
    let hello = bytes("hello");
    let wat = |text: &str| wat::parse_str(text).unwrap();
    let unknown = wat(COMPONENT);
    let module = wat(
        r#"(module (import "env" "mystery" (func)) (memory (export "memory") 1) (func (export "_start")))"#,
    );
    let other_digest = format!("name=a&digest={}", "0".repeat(64));
    let many = "a".repeat(64);
    for (query, bytes, status, field, said) in [
        ("", hello.clone(), 400, "name", "is missing"),
        ("name=", hello.clone(), 400, "name", "1 to 63"),
        ("name=..", hello.clone(), 400, "name", "1 to 63"),
        ("name=a%2Fb", hello.clone(), 400, "name", "1 to 63"),
        (
            &format!("name={many}"),
            hello.clone(),
            400,
            "name",
            "1 to 63",
        ),
        ("name=a&version=", hello.clone(), 400, "version", "1 to 63"),
        (
            "name=a&version=a%0Ab",
            hello.clone(),
            400,
            "version",
            "1 to 63",
        ),
        ("name=a&digest=12", hello.clone(), 400, "digest", "BLAKE3"),
        (&other_digest, hello.clone(), 400, "digest", &digest(&hello)),
        (
            "name=a&wish=1",
            hello.clone(),
            400,
            "wish",
            "not a parameter",
        ),
        ("name=a", Vec::new(), 400, "body", "no WebAssembly"),
        (
            "name=a",
            b"#!/bin/sh\n".to_vec(),
            400,
            "body",
            "no WebAssembly",
        ),
        (
            "name=a",
            b"\0asm\x01\0\0\0garbage".to_vec(),
            400,
            "body",
            "not valid",
        ),
        ("name=a", hello[..hello.len() / 2].to_vec(), 400, "body", ""),
        ("name=a", wat("(component)"), 400, "body", "`wasi:cli/run`"),
        ("name=a", wat("(module)"), 400, "body", "`_start`"),
        ("name=a", module, 400, "body", "`env::mystery`"),
        (
            "name=a",
            unknown.clone(),
            400,
            "body",
            "`wasi:keyvalue/store@0.2.0`",
        ),
        ("name=a", unknown, 400, "body", "`mystery:box/lid@1.0.0`"),
    ] {
        let (code, problem) = add(&server, query, bytes);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert_eq!(
            (code.as_u16(), &problem["code"], &problem["field"]),
            (status, &json!("invalid-request"), &json!(field)),
            "{query}: {problem}"
        );
        assert!(detail.contains(said), "{query}: {problem}");
    }
    for name in ["python", "python3", "hello"] {
        for (status, problem) in [
            add(&server, &format!("name={name}"), hello.clone()),
            server.delete(&format!("/programs/{name}")),
        ] {
            assert_eq!(
                (status.as_u16(), &problem["code"]),
                (409, &json!("conflict")),
                "{name}: {problem}"
            );
        }
    }
    let form = server
        .request(Method::POST, "/programs?name=a")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(hello.clone());
    let (status, problem) = answer(form.send().unwrap());
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (415, &json!("unsupported-media-type"))
    );
    assert!(listed(&server).is_empty());
    assert!(records(&server).is_empty());
    if spin_cli().is_none() {
        let files = std::fs::read_dir(server.state.path().join("programs")).unwrap();
        assert_eq!(files.count(), 0);
    }
    // The twin.
    let right = format!("name=a&version=1.0-x&digest={}", digest(&hello));
    assert_eq!(add(&server, &right, hello).0, 201);
}

/// Sends the head of an upload and then pieces of it until the server answers. Gives back the status, and how much it
/// took.
fn upload(server: &Server, framing: &str, piece: &[u8]) -> (String, usize) {
    let host = authority(server);
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "POST /api/v1/programs?name=large HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n{framing}\r\n\r\n",
        server.token
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answers = stream.try_clone().unwrap();
    let reading = std::thread::spawn(move || {
        let mut status = [0; 12];
        let read = answers.read_exact(&mut status);
        read.map(|()| String::from_utf8_lossy(&status).into_owned())
    });
    let mut sent = 0;
    while !piece.is_empty() && sent < 2 << 30 && !reading.is_finished() {
        if stream.write_all(piece).is_err() {
            break;
        }
        sent += piece.len();
    }
    (reading.join().unwrap().unwrap(), sent)
}

/// The most memory that the process has had.
fn peak_bytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        << 10
}

#[test]
fn a_body_over_the_limit_is_refused_without_being_read_to_its_end() {
    let server = fresh();
    added(&server, "name=warm", bytes("hello"));
    let before = peak_bytes(&server);
    let (status, _) = upload(&server, "Content-Length: 2147483648", b"");
    assert_eq!(status, "HTTP/1.1 413");
    let mut piece = b"100000\r\n".to_vec();
    piece.extend(vec![0; 1 << 20]);
    piece.extend(b"\r\n");
    let (status, sent) = upload(&server, "Transfer-Encoding: chunked", &piece);
    assert_eq!(status, "HTTP/1.1 413");
    assert!(sent < 512 << 20, "it took {sent} bytes");
    if spin_cli().is_none() {
        let grown = peak_bytes(&server).saturating_sub(before);
        assert!(grown < 400 << 20, "it took {grown} bytes of memory");
    }
    // The twin: what is as large as can be is read, and then refused for what it is.
    let (status, problem) = add(&server, "name=large", vec![0; 64 << 20]);
    assert_eq!((status.as_u16(), &problem["field"]), (400, &json!("body")));
    let (status, problem) = add(&server, "name=large", vec![0; (64 << 20) + 1]);
    assert_eq!(
        (status.as_u16(), &problem["code"], &problem["allowed"]),
        (413, &json!("body-too-large"), &json!(64 << 20))
    );
    assert_eq!(listed(&server).len(), 1);
}

#[test]
fn a_runner_that_joins_later_gets_a_program_when_it_is_added_again() {
    let state = tempfile::tempdir().unwrap();
    let (server, port, token) = with_second(state.path());
    let hello = bytes("hello");
    added(&server, "name=mine&version=5", hello.clone());
    let second_state = tempfile::tempdir().unwrap();
    let mut second = join(&server.url, second_state.path(), port, &token, &[]);
    let alive = || {
        let (_, runners) = server.get("/runners");
        let runners = runners["items"].as_array().unwrap();
        runners
            .iter()
            .filter(|runner| runner["alive"] == true)
            .count()
    };
    wait_for("the runner did not join", || alive() == 2);
    let runners = |program: &Value| program["runners"].as_array().unwrap().len();
    assert_eq!(runners(&listed(&server)[0]), 1);
    let (status, program) = add(&server, "name=mine", hello.clone());
    assert_eq!((status.as_u16(), &program["version"]), (200, &json!("5")));
    assert_eq!((runners(&program), runners(&listed(&server)[0])), (2, 2));
    assert_eq!(records(&server).len(), 1);
    let there = (0..4)
        .map(|_| server.workspace("base", "standard"))
        .find(|id| server.get(&format!("/workspaces/{id}")).1["runner"] == "second");
    let there = there.unwrap();
    assert_eq!(server.exec(&there, &["mine"])["stdout"], "hello\n");

    // It dies, and the app does not know yet: a program goes to the others, and is not called removed.
    second.0.kill().unwrap();
    second.0.wait().unwrap();
    let program = added(&server, "name=other", hello);
    assert_eq!(runners(&program), 1, "{program}");
    assert_eq!(program["left_out"][0]["runner"], "second", "{program}");
    let (status, problem) = server.delete("/programs/mine");
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (503, &json!("runner-unavailable")),
        "{problem}"
    );
    let _back = join(&server.url, second_state.path(), port, &token, &[]);
    wait_for("the runner did not come back", || {
        exec(&server, &there, &["hello"]).0 == 200
    });
    assert_eq!(server.delete("/programs/mine").0, 204);
    assert_eq!(exec(&server, &there, &["mine"]).0, 404);
}

#[test]
fn programs_are_added_and_removed_from_the_command_line() {
    let server = fresh();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("greet.wasm");
    std::fs::write(&file, bytes("hello")).unwrap();
    let run = |arguments: &[&str]| {
        let done = cli(&server)
            .arg("programs")
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (done.status.code(), text(&done.stdout), text(&done.stderr))
    };
    let path = file.to_str().unwrap();
    let (code, said, wrong) = run(&["add", path, "--version", "1.2"]);
    assert_eq!((code, wrong.as_str()), (Some(0), ""));
    let expected = format!("greet 1.2 ({}) on ", digest(&bytes("hello")));
    assert!(said.starts_with(&expected), "{said}");
    let family = guest("family");
    let again = ["add", family.to_str().unwrap(), "--name", "again"];
    assert_eq!(run(&again).0, Some(0));
    let listing = run(&["list"]).1;
    assert_eq!(run(&[]).1, listing);
    for line in ["again ", "greet ", "hello "] {
        assert!(
            listing.lines().any(|found| found.starts_with(line)),
            "{listing}"
        );
    }
    let inspected = run(&["inspect", "again"]).1;
    for part in ["ORIGIN", "added", "NEEDS filesystem", "component"] {
        assert!(inspected.contains(part), "{inspected}");
    }
    let id = server.workspace("base", "standard");
    let done = cli(&server)
        .args(["exec", &id, "--", "greet"])
        .output()
        .unwrap();
    assert_eq!(done.stdout, b"hello\n");
    assert_eq!(run(&["remove", "greet"]).0, Some(0));
    for (arguments, said) in [
        (&["remove", "greet"][..], "there is no program `greet`"),
        (&["inspect", "greet"], "there is no program `greet`"),
        (&["add", "/nowhere.wasm"], "cannot read /nowhere.wasm"),
        (&["add", path, "--name", "hello"], "comes with the platform"),
    ] {
        let (code, _, wrong) = run(arguments);
        assert_eq!(code, Some(1), "{arguments:?}");
        assert!(wrong.contains(said), "{arguments:?}: {wrong}");
    }
}
