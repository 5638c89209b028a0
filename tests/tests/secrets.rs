//! Secrets over the API: used by a guest, seen by nobody, gone when they are taken away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "network/world.rs"]
#[allow(dead_code, reason = "only its server is used here")]
mod world;

use reqwest::blocking::Client;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use swarm_flow_tests::artefact;
use swarm_flow_tests::server::{Server, answer, binary, cli, fresh};

const VALUE: &str = "hunter22-\"tiger\"\\333";

/// A workspace whose sandboxes reach this machine.
fn workspace(server: &Server) -> String {
    let mut policy = server.get("/policies/isolated").1;
    let fields = ["filesystem", "limits"].map(|name| (name.to_owned(), policy[name].take()));
    let mut policy: Value = Value::Object(fields.into_iter().collect());
    policy["network"] = json!("localhost");
    let body = json!({"name": "demo", "environment": "base", "policy": policy});
    let (status, workspace) = server.post("/workspaces", &body);
    assert_eq!(status, 201, "{workspace}");
    workspace["id"].as_str().unwrap().to_owned()
}

fn put(server: &Server, id: &str, name: &str, body: &Value) -> (StatusCode, Value) {
    let path = format!("/workspaces/{id}/secrets/{name}");
    answer(
        server
            .request(Method::PUT, &path)
            .json(body)
            .send()
            .unwrap(),
    )
}

fn bearer(outside: &world::Server, value: &str) -> Value {
    json!({
        "hosts": [format!("http://{}", outside.address)],
        "header": {"name": "Authorization", "format": "Bearer {}"},
        "value": value,
    })
}

fn request(server: &Server, id: &str, outside: &world::Server, more: &[&str]) -> Value {
    let address = outside.address.to_string();
    let command = ["request", "GET", "http", &address];
    server.exec(id, &[&command, more].concat())
}

fn sent(outside: &world::Server) -> String {
    let mut heads = outside.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    heads.remove(0)
}

#[test]
fn a_guest_uses_a_secret_and_its_result_has_none_of_it() {
    let (server, outside) = (fresh(), world::Server::start());
    let id = workspace(&server);
    let (status, made) = put(&server, &id, "TOKEN", &bearer(&outside, VALUE));
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        made["header"],
        json!({"name": "authorization", "format": "Bearer {}"})
    );
    assert!(
        made.get("value").is_none() && made.get("variable").is_none(),
        "{made}"
    );
    let result = request(&server, &id, &outside, &["/echo", "show=x-echo"]);
    assert!(sent(&outside).contains(&format!("authorization: Bearer {VALUE}\r\n")));
    let stdout = result["stdout"].as_str().unwrap();
    let masked = format!("authorization: Bearer {}", "*".repeat(VALUE.len()));
    assert_eq!(stdout.matches(&masked).count(), 2, "{stdout}");
    assert!(!result.to_string().contains("hunter22"), "{result}");

    // Another value, by a variable now, and the list has one of it.
    let variable = json!({
        "hosts": [format!("http://{}", outside.address)],
        "variable": "API_KEY",
        "value": "another-value",
    });
    assert_eq!(put(&server, &id, "TOKEN", &variable).0, 200);
    let (_, listed) = server.get(&format!("/workspaces/{id}/secrets"));
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["variable"], "API_KEY");
    assert!(!listed.to_string().contains("another-value"), "{listed}");
    let result = request(
        &server,
        &id,
        &outside,
        &["/", "x-key=$API_KEY", "say=another-value"],
    );
    let head = sent(&outside);
    assert!(
        head.contains("x-key: another-value\r\n") && !head.contains("hunter22"),
        "{head}"
    );
    assert!(
        result["stdout"]
            .as_str()
            .unwrap()
            .starts_with("************* granted 200"),
        "{result}"
    );

    // Other workspaces know nothing of it.
    let other = workspace(&server);
    request(&server, &other, &outside, &["/", "x-key=<$API_KEY>"]);
    assert!(sent(&outside).contains("x-key: <>\r\n"));
}

#[test]
fn what_is_no_secret_is_refused_by_its_field_without_its_value() {
    let server = fresh();
    let id = workspace(&server);
    let good = json!({"hosts": ["https://a.example"], "variable": "K", "value": VALUE});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (name, body, field) in [
        ("1", good.clone(), "name"),
        ("A", with("hosts", json!([])), "hosts"),
        ("A", with("hosts", json!(["a.example"])), "hosts[0]"),
        ("A", with("hosts", json!(VALUE)), "hosts"),
        ("A", with("variable", json!("A=B")), "variable"),
        ("A", with("header", json!({"name": "x"})), "body"),
        ("A", with("value", json!("hunter2")), "value"),
        ("A", with("value", json!(format!("{VALUE}\n"))), "value"),
        ("A", with("value", json!([VALUE])), "value"),
        ("A", with(VALUE, json!(1)), "body"),
    ] {
        let (status, problem) = put(&server, &id, name, &body);
        assert_eq!(status, 400, "{problem}");
        assert_eq!(problem["field"], field, "{problem}");
        assert!(!problem.to_string().contains("unter2"), "{problem}");
    }
    for (header, field) in [
        ("host", "header.name"),
        ("Proxy-Authorization", "header.name"),
    ] {
        let body =
            json!({"hosts": ["https://a.example"], "header": {"name": header}, "value": VALUE});
        assert_eq!(put(&server, &id, "A", &body).1["field"], field, "{header}");
    }
    let path = format!("/workspaces/{id}/secrets");
    assert_eq!(server.get(&path).1["items"], json!([]));
    let (status, problem) = server.delete(&format!("{path}/A"));
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (404, &json!("not-found"))
    );
    let nowhere = "ws_00000000000000000000000000000000";
    assert_eq!(put(&server, nowhere, "A", &good).0, 404);
    assert_eq!(server.get(&format!("/workspaces/{nowhere}/secrets")).0, 404);
}

#[test]
fn a_secret_that_is_deleted_is_gone_for_who_runs_and_for_the_next() {
    let (server, outside) = (fresh(), world::Server::start());
    let id = workspace(&server);
    put(&server, &id, "TOKEN", &bearer(&outside, VALUE));
    let path = format!("/workspaces/{id}/secrets/TOKEN");
    let mut heads = Vec::new();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| request(&server, &id, &outside, &["/", "again=3000"]));
        let started = Instant::now();
        while heads.is_empty() && started.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
            heads = outside.heads();
        }
        assert_eq!(server.delete(&path).0, 204);
        assert_eq!(running.join().unwrap()["exit_code"], 0);
    });
    heads.extend(outside.heads());
    let carried: Vec<_> = heads.iter().map(|head| head.contains(VALUE)).collect();
    assert_eq!(carried, [true, false], "{heads:?}");
    request(&server, &id, &outside, &["/"]);
    assert!(!sent(&outside).contains("authorization"));
    assert_eq!(server.delete(&path).0, 404);

    // The workspace takes its secrets along.
    put(&server, &id, "TOKEN", &bearer(&outside, VALUE));
    assert_eq!(server.delete(&format!("/workspaces/{id}")).0, 204);
    let kept = server.state.path().join("secrets");
    if kept.exists() {
        assert_eq!(std::fs::read_dir(kept).unwrap().count(), 0);
    }
}

#[test]
fn the_command_line_takes_a_value_that_is_no_argument() {
    let (server, outside) = (fresh(), world::Server::start());
    let id = workspace(&server);
    let host = format!("http://{}", outside.address);
    let run = |arguments: &[&str], stdin: &str| {
        let mut child = cli(&server)
            .args(["workspace", "secret"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who needs none does not read it.
        _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let shown = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!shown.contains("hunter22"), "{shown}");
        (output.status.success(), shown)
    };
    let header = ["--header", "authorization=Bearer {}"];
    let put = ["put", &id, "TOKEN", "--host", &host, header[0], header[1]];
    let (done, shown) = run(&put, &format!("{VALUE}\n"));
    assert!(
        done && shown.contains("header authorization: Bearer {}"),
        "{shown}"
    );
    request(&server, &id, &outside, &["/"]);
    assert!(sent(&outside).contains(&format!("Bearer {VALUE}\r\n")));

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), VALUE).unwrap();
    let path = file.path().to_str().unwrap();
    let put = [
        "put",
        &id,
        "KEY",
        "--host",
        &host,
        "--variable",
        "API_KEY",
        "--value-file",
        path,
    ];
    assert!(run(&put, "").0);
    let (_, shown) = run(&["list", &id], "");
    assert!(
        shown.contains("variable API_KEY") && shown.contains(&host),
        "{shown}"
    );
    assert!(run(&["delete", &id, "KEY", "TOKEN"], "").0);
    assert!(!run(&["delete", &id, "KEY"], "").0);
    for wrong in [
        &["put", &id, "A", "--host", &host][..],
        &["put", &id, "A", "--variable", "K"],
        &[
            "put",
            &id,
            "A",
            "--host",
            &host,
            "--variable",
            "K",
            "--header",
            "x",
        ],
    ] {
        assert!(!run(wrong, VALUE).0, "{wrong:?}");
    }
    // Too short, and the error does not say what it was.
    assert!(
        !run(
            &["put", &id, "A", "--host", &host, "--variable", "K"],
            "hunter"
        )
        .0
    );
}

/// A server that says all it can, into a file.
struct Talkative {
    child: Child,
    url: String,
    token: String,
}

impl Talkative {
    fn start(state: &Path, log: &Path) -> Self {
        let log_file = File::options().create(true).append(true).open(log).unwrap();
        let before = std::fs::metadata(log).unwrap().len() as usize;
        let child = Command::new(binary())
            .args([
                "up",
                "--listen",
                "127.0.0.1:0",
                "--manifest",
                "spin.toml",
                "--state",
            ])
            .arg(state)
            .arg("--compiled")
            .arg(artefact::compiled())
            .arg("--program")
            .arg(format!("request={}", artefact::guest("request").display()))
            .current_dir(artefact::root())
            .env_remove("SWARM_FLOW_TOKEN")
            .env("RUST_LOG", "debug")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log_file)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(300);
        let url = loop {
            let said = std::fs::read_to_string(log).unwrap();
            let ready = said[before..]
                .lines()
                .find(|line| line.starts_with("swarm-flow is ready at "));
            if let Some(line) = ready {
                break line.split(' ').nth(4).unwrap().to_owned();
            }
            assert!(Instant::now() < deadline, "not ready in time: {said}");
            std::thread::sleep(Duration::from_millis(20));
        };
        let token = std::fs::read_to_string(state.join("token"))
            .unwrap()
            .trim()
            .to_owned();
        Self { child, url, token }
    }

    fn call(&self, method: Method, path: &str, body: &Value) -> String {
        self.call_for("application/json", method, path, body)
    }

    fn call_for(&self, accept: &str, method: Method, path: &str, body: &Value) -> String {
        let client = Client::builder().no_proxy().build().unwrap();
        client
            .request(method, format!("{}/api/v1{path}", self.url))
            .bearer_auth(&self.token)
            .header("accept", accept)
            .json(body)
            .send()
            .unwrap()
            .text()
            .unwrap()
    }
}

impl Drop for Talkative {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// The files of a folder that hold a value, however it is spelled in JSON.
fn holding(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            holding(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes
                .windows(8)
                .any(|window| window == &VALUE.as_bytes()[..8])
        {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn a_value_is_in_one_file_and_in_no_event_record_result_or_log() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let (state, log) = (folder.path().join("state"), folder.path().join("log"));
    let outside = world::Server::start();
    let address = outside.address.to_string();
    let server = Talkative::start(&state, &log);
    let mut said = Vec::new();
    let policy: Value =
        serde_json::from_str(&server.call(Method::GET, "/policies/isolated", &json!({}))).unwrap();
    let policy = json!({"filesystem": policy["filesystem"], "limits": policy["limits"], "network": "localhost"});
    let body = json!({"name": "demo", "environment": "base", "policy": policy});
    let made: Value =
        serde_json::from_str(&server.call(Method::POST, "/workspaces", &body)).unwrap();
    let id = made["id"].as_str().unwrap().to_owned();
    let secret = format!("/workspaces/{id}/secrets/TOKEN");
    said.push(server.call(Method::PUT, &secret, &bearer(&outside, VALUE)));
    let mut wrong = bearer(&outside, VALUE);
    wrong["hosts"] = json!(VALUE);
    said.push(server.call(Method::PUT, &secret, &wrong));
    let exec = format!("/workspaces/{id}/exec");
    let command = json!({"command": ["request", "GET", "http", address, "/echo", "show=x-echo"]});
    said.push(server.call(Method::POST, &exec, &command));
    assert!(sent(&outside).contains(VALUE));
    drop(server);

    // After a restart it is there.
    let server = Talkative::start(&state, &log);
    let streamed = server.call_for("text/event-stream", Method::POST, &exec, &command);
    assert!(streamed.contains("event: exit"), "{streamed}");
    said.push(streamed);
    assert!(sent(&outside).contains(VALUE));
    // The use is on record, by the secret's name.
    let deadline = Instant::now() + Duration::from_secs(30);
    while !server
        .call(Method::GET, "/audit?limit=1000", &json!({}))
        .contains("secret TOKEN")
    {
        assert!(
            Instant::now() < deadline,
            "{}",
            server.call(Method::GET, "/audit", &json!({}))
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    for path in [
        "/events?limit=1000",
        "/audit?limit=1000",
        &format!("/workspaces/{id}/secrets"),
    ] {
        said.push(server.call(Method::GET, path, &json!({})));
    }
    let mut files = Vec::new();
    holding(&state, &mut files);
    assert_eq!(
        files,
        [state
            .join("secrets")
            .join(&id)
            .join("TOKEN")
            .display()
            .to_string()]
    );
    said.push(server.call(Method::DELETE, &secret, &json!({})));
    said.push(std::fs::read_to_string(&log).unwrap());
    for text in said {
        assert!(!text.contains(&VALUE[..8]), "{text}");
    }
    files.clear();
    holding(&state, &mut files);
    assert!(files.is_empty(), "{files:?}");
}
