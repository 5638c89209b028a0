//! The log of a server whose callers and guests would like to write it.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use swarm_flow_tests::server::{answer, binary};
use swarm_flow_tests::{artefact, raw};

/// Text of callers and guests stands in the log as text: it begins no line and moves no cursor.
#[test]
fn nothing_that_a_caller_or_a_guest_says_forges_a_line_of_the_log() {
    let log = logged(
        "debug,cranelift=off,wasmtime=off",
        &["reach", "request"],
        forge,
    );
    let text = String::from_utf8_lossy(&log);
    assert!(
        text.contains("FORGED"),
        "nothing of it was logged, so nothing was tested: {text}"
    );
    for line in text.split(['\n', '\r']) {
        assert!(!line.starts_with("FORGED"), "{line}");
    }
    let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\n';
    assert!(!log.iter().any(control), "{}", text.escape_debug());
}

/// What a guest is denied is in its result and in the audit log, where it is counted.
#[test]
fn a_guest_that_is_denied_all_the_time_does_not_fill_the_log() {
    let log = logged("info", &["noise"], |url, token| {
        let client = Caller::new(url, token);
        let path = format!("{}/exec", client.workspace());
        let body = json!({"command": ["noise", "denied"], "limits": {"cpu_time_ms": 200}});
        let (status, result) = client.post(&path, &body);
        assert_eq!(status, 200, "{result}");
        assert_eq!(result["denials"].as_array().unwrap().len(), 16, "{result}");
    });
    let text = String::from_utf8_lossy(&log);
    // The twin: there is a log.
    assert!(text.contains(" INFO "), "{text}");
    assert!(!text.contains("host-1.invalid"), "{text}");
    assert!(text.lines().count() < 100, "{text}");
}

/// The log of a server with some guests, after something was done to it.
fn logged(filter: &str, guests: &[&str], act: impl FnOnce(&str, &str)) -> Vec<u8> {
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command
        .args(["up", "--listen", "127.0.0.1:0", "--state"])
        .arg(state.path())
        .args([
            "--manifest",
            "spin.toml",
            "--registries",
            "none",
            "--compiled",
        ])
        .arg(artefact::compiled());
    for guest in guests {
        let program = format!("{guest}={}", artefact::guest(guest).display());
        command.args(["--program", &program]);
    }
    command
        .current_dir(artefact::root())
        .env("RUST_LOG", filter)
        // Colours are escape sequences too.
        .env("NO_COLOR", "1")
        .env_remove("SWARM_FLOW_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut before = String::new();
    while !before.contains("swarm-flow is ready at ") {
        assert!(log.read_line(&mut before).unwrap() > 0, "{before}");
    }
    let url = before.split("is ready at ").nth(1).unwrap();
    let url = url.split_whitespace().next().unwrap().to_owned();
    let token = std::fs::read_to_string(state.path().join("token")).unwrap();
    let rest = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes).unwrap();
        bytes
    });
    act(&url, token.trim());
    let stopped = Command::new("kill").arg(child.id().to_string()).status();
    assert!(stopped.unwrap().success());
    child.wait().unwrap();
    let mut log = before.into_bytes();
    log.extend(rest.join().unwrap());
    log
}

/// Who has the token.
struct Caller<'a> {
    client: reqwest::blocking::Client,
    url: &'a str,
    token: &'a str,
}

impl<'a> Caller<'a> {
    fn new(url: &'a str, token: &'a str) -> Self {
        let client = reqwest::blocking::Client::builder().no_proxy().build();
        Self {
            client: client.unwrap(),
            url,
            token,
        }
    }

    fn post(&self, path: &str, body: &Value) -> (reqwest::StatusCode, Value) {
        let request = self
            .client
            .post(format!("{}/api/v1{path}", self.url))
            .bearer_auth(self.token);
        answer(request.json(body).send().unwrap())
    }

    /// The path of a new one.
    fn workspace(&self) -> String {
        let body = json!({"name": "x", "environment": "base", "policy": "standard"});
        let (status, workspace) = self.post("/workspaces", &body);
        assert_eq!(status, 201, "{workspace}");
        format!("/workspaces/{}", workspace["id"].as_str().unwrap())
    }
}

/// Says `FORGED` behind a line's end and an escape sequence, wherever text may be said.
fn forge(url: &str, token: &str) {
    const FORGED: &str = "x\r\nFORGED \u{1b}[31m\u{1b}]0;title\u{7}\u{9b}31m";
    let authority = url.trim_start_matches("http://");
    let caller = Caller::new(url, token);
    let path = caller.workspace();
    let exec = format!("{path}/exec");
    for (path, body) in [
        ("/workspaces", json!({"name": FORGED})),
        ("/workspaces", json!({"name": "x", "environment": FORGED})),
        ("/workspaces", json!({"name": "x", "policy": FORGED})),
        ("/workspaces", json!({FORGED: "x"})),
        (&exec, json!({"command": [FORGED]})),
        (&exec, json!({"command": ["reach", FORGED, FORGED]})),
        (
            &exec,
            json!({"command": ["reach", "read", FORGED], "env": {FORGED: FORGED}}),
        ),
        (&exec, json!({"command": ["reach", "x"], "cwd": FORGED})),
        // A guest's wishes, which are denied.
        (
            &exec,
            json!({"command": ["reach", "connect", "10.0.0.1:80"]}),
        ),
        (
            &exec,
            json!({"command": ["request", "GET", "http", "FORGED.example", "/%0aFORGED"]}),
        ),
        (
            &exec,
            json!({"command": ["request", "GET", "http", FORGED, FORGED]}),
        ),
        (
            &exec,
            json!({"command": ["request", FORGED, "http", "x.example", "/"]}),
        ),
        (
            &exec,
            json!({"command": ["request", "GET", FORGED, "x.example", "/"]}),
        ),
    ] {
        caller.post(path, &body);
    }
    for head in [
        "GET /x%0d%0aFORGED%1b[31m HTTP/1.1\r\nHost: x",
        "GET / HTTP/1.1\r\nHost: x\r\nx-request-id: x%0aFORGED",
        "GET / HTTP/1.1\r\nHost: x\r\nx-request-id: x\u{1b}FORGED",
        "GET / HTTP/1.1\r\nHost: x%0d%0aFORGED",
        "GET / HTTP/1.1\r\nHost: \u{9b}FORGED",
        "GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: \u{85}FORGED",
        "GET / HTTP/1.1\nHost: x\nFORGED: \u{1b}",
        "\r\nFORGED\u{1b}[31m / HTTP/1.1\r\nHost: x",
        "GET /api/v1/workspaces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \u{9b}FORGED",
        "GET /api/v1/workspaces HTTP/1.1\r\nHost: x\r\nOrigin: http://x%0aFORGED",
    ] {
        let request = format!("{head}\r\nConnection: close\r\n\r\n");
        raw::send(authority, request.as_bytes());
    }
    let file = format!("{url}/api/v1{path}/files/x%0d%0aFORGED%1b%5B31m");
    let request = caller.client.put(&file).bearer_auth(token);
    assert_eq!(request.body("x").send().unwrap().status(), 201);
    caller.client.get(&file).bearer_auth(token).send().unwrap();
}
