//! Over the API: `PUT /workspaces/{id}/policy` reaches what runs; and the directories that the operator granted the runner.

use reqwest::Method;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use swarm_flow_tests::events::Events;
use swarm_flow_tests::server::{Server, answer, binary, fresh};

/// The guest `hold` in a workspace.
struct Running<'a> {
    server: &'a Server,
    path: String,
    events: Events,
}

fn start<'a>(server: &'a Server, workspace: &str) -> Running<'a> {
    let path = format!("/workspaces/{workspace}/exec");
    let response = server
        .request(Method::POST, &path)
        .header("accept", "text/event-stream")
        .json(&json!({"command": ["hold"], "stdin_stream": true}))
        .send()
        .unwrap();
    assert_eq!(response.status(), 200);
    let mut running = Running {
        server,
        path,
        events: Events::new(response),
    };
    let (event, data) = running.events.take();
    assert_eq!(event, "started", "{data}");
    running.path = format!(
        "{}/{}/stdin",
        running.path,
        data["exec_id"].as_str().unwrap()
    );
    running
}

impl Running<'_> {
    fn send(&self, query: &str, text: String) {
        let path = format!("{}{query}", self.path);
        let request = self.server.request(Method::POST, &path).body(text);
        let (status, body) = answer(request.send().unwrap());
        assert_eq!(status, 204, "{body}");
    }

    fn does(&mut self, line: &str, expected: &str) {
        self.send("", format!("{line}\n"));
        let mut said = String::new();
        while !said.ends_with('\n') {
            let (event, data) = self.events.take();
            assert_eq!(event, "stdout", "{line}: {data}");
            said.push_str(data["text"].as_str().unwrap());
        }
        assert_eq!(said.trim(), expected, "{line}");
    }

    fn finishes(&mut self) {
        self.send("?eof=true", String::new());
        assert_eq!(self.events.exits()["exit_code"], 0);
    }
}

fn policy(filesystem: &Value, network: &str, sockets: &[&str]) -> Value {
    json!({
        "filesystem": filesystem, "network": network, "sockets": sockets,
        "limits": {
            "memory_bytes": 64 << 20, "cpu_time_ms": 20_000, "wall_time_ms": 60_000, "handles": 1_000,
            "output_bytes": 1 << 20, "disk_bytes": 1 << 20, "sandboxes": 4,
        },
    })
}

fn workspace(server: &Server, policy: &Value) -> String {
    let body = json!({"name": "live", "environment": "base", "policy": policy});
    let (status, workspace) = server.post("/workspaces", &body);
    assert_eq!(status, 201, "{workspace}");
    workspace["id"].as_str().unwrap().to_owned()
}

fn change(server: &Server, workspace: &str, policy: &Value) {
    let path = format!("/workspaces/{workspace}/policy");
    let request = server.request(Method::PUT, &path);
    let (status, body) = answer(request.json(&json!({"policy": policy})).send().unwrap());
    assert_eq!(status, 200, "{body}");
}

fn read_write(paths: &[&str]) -> Value {
    json!({"read_write": paths})
}

#[test]
fn a_change_reaches_what_runs_and_not_the_workspace_beside_it() {
    let server = fresh();
    let (wide, narrow) = (
        policy(&read_write(&["/workspace", "/tmp"]), "none", &[]),
        policy(&json!({"read_only": ["/workspace"]}), "none", &[]),
    );
    let (id, other) = (workspace(&server, &wide), workspace(&server, &wide));
    let (mut running, mut beside) = (start(&server, &id), start(&server, &other));
    for guest in [&mut running, &mut beside] {
        guest.does("append-to log", "granted");
        guest.does("append", "granted");
    }
    change(&server, &id, &narrow);
    running.does("append", "denied");
    running.does("write /workspace/a", "denied");
    running.does("read log", "granted");
    running.does("list /tmp", "denied");
    beside.does("append", "granted");
    beside.does("list /tmp", "granted");
    // What starts now has the new one as well.
    let mut late = start(&server, &id);
    late.does("write /workspace/a", "denied");
    change(&server, &id, &wide);
    running.does("append", "granted");
    late.does("write /workspace/a", "denied");
    for guest in [&mut running, &mut beside, &mut late] {
        guest.finishes();
    }
    assert_eq!(server.read(&id, "log").1, b"xx");
}

#[test]
fn a_connection_that_is_not_granted_any_more_ends_the_command_with_the_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut byte = [0];
            while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
        }
    });
    let server = fresh();
    let socket = format!("tcp://{address}");
    let files = read_write(&["/workspace"]);
    let id = workspace(&server, &policy(&files, "localhost", &[&socket]));
    let mut running = start(&server, &id);
    running.does(&format!("connect {address}"), "granted");
    running.does("talk", "granted");
    change(
        &server,
        &id,
        &policy(&files, "localhost", &[&socket, "lookup://localhost"]),
    );
    running.does("talk", "granted");
    change(&server, &id, &policy(&files, "localhost", &[]));
    let ended = running.events.exits();
    assert_eq!(ended["exit_code"], 137, "{ended}");
    assert_eq!(ended["outcome"]["kind"], "cancelled", "{ended}");
    let denial = &ended["denials"][0];
    assert_eq!(denial["capability"], "tcp", "{ended}");
    assert_eq!(denial["resource"], socket.as_str(), "{ended}");
    assert_eq!(denial["rule"], format!("add \"{socket}\" to sockets"));
}

#[test]
fn full_opens_what_the_operator_granted_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for name in ["data", "books", "secret"] {
        std::fs::create_dir(here.join(name)).unwrap();
        std::fs::write(here.join(name).join("text"), "text").unwrap();
    }
    std::os::unix::fs::symlink("../secret/text", here.join("data/link")).unwrap();
    std::os::unix::fs::symlink(here.join("secret"), here.join("data/away")).unwrap();
    let fifo = Command::new("mkfifo").arg(here.join("data/fifo")).status();
    assert!(fifo.unwrap().success());
    let root = |name: &str, guest: &str| format!("{}::{guest}", here.join(name).display());
    let (data, books) = (root("data", "/data"), root("books", "/mnt/books:ro"));
    let state = tempfile::tempdir().unwrap();
    let arguments = ["--root", data.as_str(), "--root", &books];
    let server = Server::start_given(state.path(), &[], &arguments);

    let full = policy(&json!("full"), "none", &[]);
    let id = workspace(&server, &full);
    let mut running = start(&server, &id);
    for (line, expected) in [
        ("read /data/text", "granted"),
        ("write /data/new", "granted"),
        ("list /data", "granted"),
        ("read /mnt/books/text", "granted"),
        ("write /mnt/books/new", "denied"),
        ("write /mnt/books/text", "denied"),
        ("write /workspace/a", "granted"),
        ("write /tmp/a", "granted"),
        // Nothing leads out.
        ("read /data/../secret/text", "denied"),
        ("read /data/link", "denied"),
        ("read /data/away/text", "denied"),
        // Nothing holds the server.
        ("read /data/fifo", "denied"),
        ("write /data/fifo", "denied"),
    ] {
        running.does(line, expected);
    }
    running.finishes();
    assert!(here.join("data/new").is_file() && !here.join("books/new").exists());

    let other = workspace(
        &server,
        &policy(&read_write(&["/workspace", "/tmp"]), "none", &[]),
    );
    let mut running = start(&server, &other);
    running.does("write /workspace/a", "granted");
    running.send("", "read /data/text\nread /mnt/books/text\n".to_owned());
    running.send("?eof=true", String::new());
    let mut said = String::new();
    loop {
        let (event, data) = running.events.take();
        if event == "exit" {
            break;
        }
        said.push_str(data["text"].as_str().unwrap());
    }
    assert_eq!(said.matches("granted").count(), 0, "{said}");

    // A command can start in one, and loses it like any other.
    let body = json!({"command": ["reach", "read", "text"], "cwd": "/data"});
    let (_, result) = server.post(&format!("/workspaces/{id}/exec"), &body);
    assert_eq!(result["stdout"], "granted\n", "{result}");
    let (status, problem) = server.post(&format!("/workspaces/{other}/exec"), &body);
    assert_eq!(status, 400, "{problem}");
    let mut running = start(&server, &id);
    running.does("read /data/text", "granted");
    change(
        &server,
        &id,
        &policy(&read_write(&["/workspace"]), "none", &[]),
    );
    running.does("read /data/text", "denied");
    running.finishes();
}

/// What `up` says when it is given a root that it refuses.
fn refused(state: &Path, root: &str) -> String {
    let output = Command::new(binary())
        .args(["up", "--listen", "127.0.0.1:0", "--root", root, "--state"])
        .arg(state)
        .current_dir(swarm_flow_tests::artefact::root())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{root}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_root_that_gives_the_machine_away_keeps_the_server_from_starting() {
    let state = tempfile::tempdir().unwrap();
    let here = state.path().display();
    for (root, reason) in [
        ("/::/data".to_owned(), "the whole machine"),
        ("/proc::/data:ro".to_owned(), "where the machine itself is"),
        (format!("{here}::/data"), "the server keeps for itself"),
        (
            "target/components::/data".to_owned(),
            "the server is made of",
        ),
        (
            "docs::/workspace/docs:ro".to_owned(),
            "overlaps `/workspace`",
        ),
    ] {
        let said = refused(state.path(), &root);
        assert!(
            said.contains(&format!("--root {}", root.trim_end_matches(":ro"))),
            "{said}"
        );
        assert!(said.contains(reason), "{root}: {said}");
    }
}
