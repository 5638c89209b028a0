//! The log of a server whose callers and guests would like to write it.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use swarm_flow_tests::server::{answer, binary};
use swarm_flow_tests::{artefact, raw};

/// Text of callers and guests stands in the log as text: it begins no line and moves no cursor.
#[test]
fn nothing_that_a_caller_or_a_guest_says_forges_a_line_of_the_log() {
    let state = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command
        .args(["up", "--listen", "127.0.0.1:0", "--state"])
        .arg(state.path())
        .args(["--manifest", "spin.toml", "--compiled"])
        .arg(artefact::compiled());
    for guest in ["reach", "request"] {
        let program = format!("{guest}={}", artefact::guest(guest).display());
        command.args(["--program", &program]);
    }
    command
        .current_dir(artefact::root())
        .env("RUST_LOG", "debug,cranelift=off,wasmtime=off")
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
    forge(&url, token.trim());
    let stopped = Command::new("kill").arg(child.id().to_string()).status();
    assert!(stopped.unwrap().success());
    child.wait().unwrap();
    let log = rest.join().unwrap();
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

/// Says `FORGED` behind a line's end and an escape sequence, wherever text may be said.
fn forge(url: &str, token: &str) {
    const FORGED: &str = "x\r\nFORGED \u{1b}[31m\u{1b}]0;title\u{7}\u{9b}31m";
    let authority = url.trim_start_matches("http://");
    let client = reqwest::blocking::Client::builder()
        .no_proxy()
        .build()
        .unwrap();
    let post = |path: &str, body: &Value| {
        let request = client
            .post(format!("{url}/api/v1{path}"))
            .bearer_auth(token);
        answer(request.json(body).send().unwrap())
    };
    let (status, workspace) = post(
        "/workspaces",
        &json!({"name": "x", "environment": "base", "policy": "standard"}),
    );
    assert_eq!(status, 201, "{workspace}");
    let path = format!("/workspaces/{}", workspace["id"].as_str().unwrap());
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
        post(path, &body);
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
    let request = client.put(&file).bearer_auth(token);
    assert_eq!(request.body("x").send().unwrap().status(), 201);
    client.get(&file).bearer_auth(token).send().unwrap();
}
