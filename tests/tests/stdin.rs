//! Standard input that comes while a command runs, over HTTP and from the command line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::blocking::Response;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};
use swarm_flow_tests::events::Events;
use swarm_flow_tests::server::{Fresh, Server, answer, cli, fresh};

/// Answers each line, and says when there are no more.
const ANSWER: &str =
    "import sys\nfor line in sys.stdin: print('got', line.strip(), flush=True)\nprint('end')";
/// Reads nothing before the file `go` is there, then everything.
const WAIT: &str = "import os, sys, time\nwhile not os.path.exists('go'): time.sleep(0.02)\nprint(len(sys.stdin.buffer.read()))";

fn python(code: &str) -> Value {
    json!(["python", "-c", code])
}

/// A command that runs, and what it does.
struct Running<'a> {
    server: &'a Server,
    workspace: String,
    id: String,
    events: Events,
}

fn start<'a>(server: &'a Server, workspace: &str, body: &Value) -> Running<'a> {
    let response = stream(server, workspace, body);
    assert_eq!(response.status(), 200);
    let mut running = Running {
        server,
        workspace: workspace.to_owned(),
        id: String::new(),
        events: Events::new(response),
    };
    let (event, data) = running.events.take();
    assert_eq!(event, "started", "{data}");
    data["exec_id"]
        .as_str()
        .unwrap()
        .clone_into(&mut running.id);
    running
}

fn stream(server: &Server, workspace: &str, body: &Value) -> Response {
    server
        .request(Method::POST, &format!("/workspaces/{workspace}/exec"))
        .header("accept", "text/event-stream")
        .json(body)
        .send()
        .unwrap()
}

impl Running<'_> {
    fn says(&mut self, expected: &str) {
        let mut said = String::new();
        while said.len() < expected.len() {
            let (event, data) = self.events.take();
            assert_eq!(event, "stdout", "{data}");
            said.push_str(data["text"].as_str().unwrap());
        }
        assert_eq!(said, expected);
    }

    fn send(&self, query: &str, bytes: impl Into<Vec<u8>>) -> (StatusCode, Value) {
        write(self.server, &self.workspace, &self.id, query, bytes)
    }
}

fn write(
    server: &Server,
    workspace: &str,
    id: &str,
    query: &str,
    bytes: impl Into<Vec<u8>>,
) -> (StatusCode, Value) {
    let path = format!("/workspaces/{workspace}/exec/{id}/stdin{query}");
    let request = server.request(Method::POST, &path).body(bytes.into());
    answer(request.send().unwrap())
}

#[track_caller]
fn problem((status, body): (StatusCode, Value), expected: u16, code: &str) -> Value {
    assert_eq!(status, expected, "{body}");
    assert_eq!(body["code"], code, "{body}");
    body
}

#[test]
fn a_program_answers_line_by_line_while_its_input_goes_on() {
    let server = fresh();
    let id = server.workspace("python", "standard");
    let body = json!({"command": python(ANSWER), "stdin": "first\nsec", "stdin_stream": true});
    let mut running = start(&server, &id, &body);
    running.says("got first\n");
    assert_eq!(running.send("", "ond\n").0, 204);
    running.says("got second\n");
    assert_eq!(running.send("?offset=4", "third\n").0, 204);
    // The answer was lost, so to speak: what was taken is not taken again.
    assert_eq!(running.send("?offset=4", "third\n").0, 204);
    running.says("got third\n");
    assert_eq!(running.send("?eof=true", "last").0, 204);
    running.says("got last\nend\n");
    assert_eq!(running.events.exits()["exit_code"], 0);
}

#[test]
fn without_a_stream_the_program_sees_the_end_at_once() {
    let server = fresh();
    let id = server.workspace("python", "standard");
    let path = format!("/workspaces/{id}/exec");
    let body = json!({"command": python(ANSWER), "stdin": "only"});
    let (_, result) = server.post(&path, &body);
    assert_eq!(result["stdout"], "got only\nend\n");
    let lines = BufReader::new(stream(&server, &id, &body)).lines();
    let first = lines.map_while(Result::ok).next();
    assert_eq!(first.as_deref(), Some("event: stdout"));
    // Nobody could say where the input goes, without events.
    let body = json!({"command": ["hello"], "stdin_stream": true});
    let refused = problem(server.post(&path, &body), 400, "invalid-request");
    assert_eq!(refused["field"], "stdin_stream");
}

#[test]
fn a_program_that_does_not_read_makes_the_sender_wait() {
    let server = fresh();
    let id = server.workspace("python", "standard");
    let body = json!({"command": python(WAIT), "stdin_stream": true});
    let mut running = start(&server, &id, &body);
    let piece = vec![b'x'; 1 << 20];
    let begin = Instant::now();
    let full = problem(
        running.send("?wait_ms=300&eof=true", piece.clone()),
        429,
        "stdin-full",
    );
    assert!(begin.elapsed() >= Duration::from_millis(300));
    let taken = full["taken_bytes"].as_u64().unwrap();
    assert!((64 << 10..512 << 10).contains(&taken), "{taken}");
    // It waits no longer than it has to.
    let rest = piece[taken as usize..].to_vec();
    let sent = std::thread::scope(|scope| {
        let waits = scope.spawn(|| {
            let query = format!("?offset={taken}&eof=true");
            write(&server, &id, &running.id, &query, rest)
        });
        assert_eq!(server.put(&id, "go", "").0, 201);
        waits.join().unwrap()
    });
    assert_eq!(sent.0, 204, "{}", sent.1);
    running.says(&format!("{}\n", piece.len()));
    assert_eq!(running.events.exits()["exit_code"], 0);
}

#[test]
fn input_that_nobody_takes_is_refused() {
    let server = fresh();
    let id = server.workspace("python", "standard");
    let other = server.workspace("python", "standard");
    let mut running = start(
        &server,
        &id,
        &json!({"command": python(WAIT), "stdin_stream": true}),
    );
    for missing in [
        write(&server, &id, "ex_0", "", "x"),
        write(&server, &other, &running.id, "", "x"),
    ] {
        assert_eq!(problem(missing, 404, "not-found")["kind"], "exec");
    }
    for (query, field) in [
        ("?eof=yes", "eof"),
        ("?offset=9", "offset"),
        ("?wait_ms=20001", "wait_ms"),
        ("?last=true", "last"),
    ] {
        let refused = problem(running.send(query, "x"), 400, "invalid-request");
        assert_eq!(refused["field"], field);
    }
    problem(
        running.send("", vec![0; (1 << 20) + 1]),
        413,
        "body-too-large",
    );
    let path = format!("/workspaces/{id}/exec/{}/stdin", running.id);
    let url = format!("{}/api/v1{path}", server.url);
    let request = server.client.post(url).bearer_auth("x");
    problem(answer(request.send().unwrap()), 401, "unauthorized");

    assert_eq!(running.send("?eof=true", "x").0, 204);
    problem(running.send("", "x"), 409, "stdin-closed");
    assert_eq!(server.put(&id, "go", "").0, 201);
    running.says("1\n");
    running.events.exits();
    assert_eq!(
        problem(running.send("", "x"), 404, "not-found")["kind"],
        "exec"
    );
}

#[test]
fn a_command_without_its_caller_ends_and_takes_no_input() {
    let server = fresh();
    let id = server.workspace("python", "standard");
    let running = start(
        &server,
        &id,
        &json!({"command": python(ANSWER), "stdin_stream": true}),
    );
    let exec = running.id.clone();
    drop(running);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let (status, body) = write(&server, &id, &exec, "?wait_ms=0", "x\n");
        if status == 404 {
            break;
        }
        assert!(Instant::now() < deadline, "{status} {body}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn an_error_before_the_start_is_a_problem_and_not_an_event() {
    let server = fresh();
    let id = server.workspace("python", "standard");
    let body = json!({"command": ["emacs"], "stdin_stream": true});
    problem(
        answer(stream(&server, &id, &body)),
        404,
        "program-not-found",
    );
}

fn spawn(server: &Server, arguments: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut child = cli(server)
        .args(["exec", "demo"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    (child, stdout)
}

fn demo() -> Fresh {
    let server = fresh();
    server.workspace("python", "standard");
    server
}

#[test]
fn the_command_line_passes_lines_on_as_they_are_typed() {
    let server = demo();
    let (mut child, mut stdout) = spawn(&server, &["--", "python", "-c", ANSWER]);
    let mut stdin = child.stdin.take().unwrap();
    for text in ["one", "two"] {
        writeln!(stdin, "{text}").unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, format!("got {text}\n"));
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "end\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_command_line_takes_input_that_never_ends() {
    let server = demo();
    let code = "for _ in range(3): print(input())";
    let (mut child, mut stdout) = spawn(&server, &["--", "python", "-c", code]);
    let mut stdin = child.stdin.take().unwrap();
    let endless = std::thread::spawn(move || {
        let lines = b"y\n".repeat(32 << 10);
        while stdin.write_all(&lines).is_ok() {}
    });
    let mut said = String::new();
    stdout.read_to_string(&mut said).unwrap();
    assert_eq!(said, "y\ny\ny\n");
    assert!(child.wait().unwrap().success());
    endless.join().unwrap();
}

#[test]
fn the_command_line_passes_much_input_whole() {
    let server = demo();
    let code = "import sys; print(sys.stdin.buffer.read() == bytes(range(251)) * 80_000)";
    let (mut child, mut stdout) = spawn(&server, &["--", "python", "-c", code]);
    let bytes = (0..251).collect::<Vec<u8>>().repeat(80_000);
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let mut said = String::new();
    stdout.read_to_string(&mut said).unwrap();
    assert_eq!(said, "True\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn the_command_line_does_not_wait_for_input_that_the_program_does_not_want() {
    let server = demo();
    for arguments in [&["--", "hello"][..], &["--no-stdin", "--", "hello"]] {
        let (mut child, mut stdout) = spawn(&server, arguments);
        let open = child.stdin.take().unwrap();
        let mut said = String::new();
        stdout.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello\n");
        assert!(child.wait().unwrap().success());
        drop(open);
    }
    // Its twin: with `--no-stdin` a program that reads sees the end.
    let (mut child, mut stdout) = spawn(&server, &["--no-stdin", "--", "python", "-c", ANSWER]);
    let open = child.stdin.take().unwrap();
    let mut said = String::new();
    stdout.read_to_string(&mut said).unwrap();
    assert_eq!(said, "end\n");
    assert!(child.wait().unwrap().success());
    drop(open);
}
