//! Workspaces over HTTP: the main job, and what happens when the input is bad.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::Method;
use serde_json::{Value, json};
use swarm_flow_tests::server::{Fresh, answer, fresh};

/// Holds a problem to what every problem has.
#[track_caller]
fn problem((status, body): (reqwest::StatusCode, Value), expected: u16, code: &str) -> Value {
    assert_eq!(status, expected, "{body}");
    assert_eq!(body["code"], code, "{body}");
    assert_eq!(body["status"], expected, "{body}");
    for member in ["type", "title", "detail", "request_id"] {
        assert!(body[member].is_string(), "no {member} in {body}");
    }
    body
}

#[test]
fn a_workspace_lives_from_creation_to_deletion() {
    let server = fresh();
    let (status, made) = server.post(
        "/workspaces",
        &json!({"name": "demo", "environment": "base", "policy": "standard"}),
    );
    assert_eq!(status, 201, "{made}");
    assert_eq!(
        (&made["name"], &made["state"]),
        (&json!("demo"), &json!("started"))
    );
    assert_eq!(made["policy"]["name"], "standard");
    assert_eq!(made["resources"]["memory_bytes"], 1_073_741_824);
    let id = made["id"].as_str().unwrap();
    let path = format!("/workspaces/{id}");
    assert_eq!(server.get(&path), (reqwest::StatusCode::OK, made.clone()));

    assert_eq!(server.put(id, "dir/a%20b.txt", "one").0, 201);
    assert_eq!(server.put(id, "dir/a%20b.txt", "two").0, 200);
    assert_eq!(
        server.read(id, "dir/a%20b.txt"),
        (reqwest::StatusCode::OK, b"two".to_vec())
    );
    let (_, listed) = server.get(&format!("{path}/files?recursive=true"));
    let paths: Vec<&str> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["dir", "dir/a b.txt"]);

    let result = server.exec(id, &["hello"]);
    assert_eq!(
        (&result["exit_code"], &result["stdout"]),
        (&json!(0), &json!("hello\n"))
    );
    assert_eq!(result["outcome"]["kind"], "exited");
    for figure in [
        "wall_ms",
        "cpu_ms",
        "peak_memory_bytes",
        "read_bytes",
        "written_bytes",
    ] {
        assert!(result[figure].is_number(), "{figure}");
    }

    let (_, stopped) = server.post(&format!("{path}/stop"), &json!({}));
    assert_eq!(stopped["state"], "stopped");
    problem(
        server.post(&format!("{path}/exec"), &json!({"command": ["hello"]})),
        409,
        "workspace-stopped",
    );
    assert_eq!(server.read(id, "dir/a%20b.txt").1, b"two");
    assert_eq!(
        server.post(&format!("{path}/start"), &json!({})).1["state"],
        "started"
    );
    assert_eq!(server.exec(id, &["hello"])["stdout"], "hello\n");

    assert_eq!(server.delete(&path).0, 204);
    problem(server.delete(&path), 404, "not-found");
    problem(server.get(&path), 404, "not-found");
    assert!(!server.state.path().join("workspaces").join(id).exists());
}

#[test]
fn listings_come_page_by_page() {
    let server = fresh();
    let made: Vec<String> = (0..5)
        .map(|_| server.workspace("base", "standard"))
        .collect();
    let mut seen = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let (_, page) = server.get(&format!("/workspaces{query}"));
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        seen.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
}

#[test]
fn a_creation_with_an_idempotency_key_happens_once() {
    let server = fresh();
    let create = |body: &Value| {
        answer(
            server
                .request(Method::POST, "/workspaces")
                .header("idempotency-key", "k1")
                .json(body)
                .send()
                .unwrap(),
        )
    };
    let body = json!({"name": "once", "environment": "base"});
    let first = create(&body).1;
    let second = create(&body).1;
    assert_eq!(first["id"], second["id"]);
    problem(
        create(&json!({"name": "other", "environment": "base"})),
        409,
        "idempotency-conflict",
    );
    assert_eq!(
        server.get("/workspaces").1["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn bad_input_gets_a_clear_answer_and_changes_nothing() {
    let server = fresh();
    let create = |body: &Value| server.post("/workspaces", body);
    let long = "a".repeat(300);
    for (body, field) in [
        (json!({"name": "a/b"}), "name"),
        (json!({"name": long}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": 7}), "name"),
        (json!({"name": "x", "policy": 7}), "policy"),
        (json!({"name": "x", "policy": "standard@0"}), "policy"),
        (json!({"name": "x", "colour": "red"}), "colour"),
        (json!({}), "name"),
        (json!([1]), ""),
    ] {
        let answer = problem(create(&body), 400, "invalid-request");
        assert!(answer.to_string().contains(field), "{body} -> {answer}");
    }
    let unknown = problem(
        create(&json!({"name": "x", "environment": "cobol"})),
        404,
        "not-found",
    );
    assert!(unknown.to_string().contains("base"), "{unknown}");
    let unknown = problem(
        create(&json!({"name": "x", "policy": "lenient"})),
        404,
        "not-found",
    );
    assert!(
        unknown["known"].to_string().contains("isolated"),
        "{unknown}"
    );
    let raw = |body: &'static [u8], content_type: &'static str| {
        let request = server
            .request(Method::POST, "/workspaces")
            .header("content-type", content_type);
        answer(request.body(body).send().unwrap())
    };
    problem(raw(b"{\"name\": ", "application/json"), 400, "invalid-json");
    problem(
        raw(b"{\"name\": \"\xff\"}", "application/json"),
        400,
        "invalid-json",
    );
    problem(
        raw(b"{\"name\": \"x\"}", "text/plain"),
        415,
        "unsupported-media-type",
    );
    assert_eq!(server.get("/workspaces").1["items"], json!([]));

    problem(
        server.get("/workspaces/sw_00000000000000000000000000000000"),
        400,
        "invalid-id",
    );
    problem(
        server.get("/workspaces/ws_00000000000000000000000000000000"),
        404,
        "not-found",
    );
    problem(server.get("/nowhere"), 404, "not-found");
    problem(
        server.post("/healthz", &json!({})),
        405,
        "method-not-allowed",
    );
}

#[test]
fn nobody_gets_in_without_the_token() {
    let server = fresh();
    for authorization in [
        None,
        Some("Bearer wrong"),
        Some("Basic eDp5"),
        Some("Bearer "),
    ] {
        for path in [
            "workspaces",
            "policies",
            "audit",
            "workspaces/ws_00000000000000000000000000000000/secrets",
        ] {
            let mut request = server.client.get(format!("{}/api/v1/{path}", server.url));
            if let Some(authorization) = authorization {
                request = request.header("authorization", authorization);
            }
            problem(answer(request.send().unwrap()), 401, "unauthorized");
        }
    }
    let as_runner = server
        .request(Method::POST, "/runners")
        .json(&json!({}))
        .send()
        .unwrap();
    assert!(matches!(as_runner.status().as_u16(), 401 | 403));
    for path in [
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/api/v1/healthz",
        "/api/v1/openapi.json",
    ] {
        let response = server
            .client
            .get(format!("{}{path}", server.url))
            .send()
            .unwrap();
        assert!(response.status().is_success(), "{path}");
    }
}

#[test]
fn a_path_stays_in_its_workspace() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let files = server
        .state
        .path()
        .join("workspaces")
        .join(&id)
        .join("files");
    std::fs::write(server.state.path().join("secret"), "secret").unwrap();
    std::os::unix::fs::symlink("../../../secret", files.join("out")).unwrap();
    std::os::unix::fs::symlink("/etc", files.join("etc")).unwrap();
    for path in [
        "%2e%2e/x",
        "a/%2e%2e/b",
        "%2Fetc/passwd",
        "a%00b",
        "out",
        "etc/passwd",
        "a//b",
    ] {
        let (status, bytes) = server.read(&id, path);
        assert!(
            status.is_client_error(),
            "{path} {status} {}",
            String::from_utf8_lossy(&bytes)
        );
    }
    for path in ["%2e%2e/x", "a%00b", "etc/new", "%2Fx"] {
        let (status, body) = server.put(&id, path, "x");
        assert!(status.is_client_error(), "{path} {status} {body}");
    }
    // A link that leads out is replaced by the file that was written, not followed.
    assert_eq!(server.put(&id, "out", "new").0, 200);
    assert_eq!(
        std::fs::read_to_string(server.state.path().join("secret")).unwrap(),
        "secret"
    );
}

#[test]
fn ranges_and_limits_of_files() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    server.put(&id, "f", "0123456789");
    let path = format!("/workspaces/{id}/files/f");
    let range = |range: &str| {
        let response = server
            .request(Method::GET, &path)
            .header("range", range)
            .send()
            .unwrap();
        (response.status().as_u16(), response.text().unwrap())
    };
    assert_eq!(range("bytes=2-4"), (206, "234".to_owned()));
    assert_eq!(range("bytes=7-"), (206, "789".to_owned()));
    assert_eq!(range("bytes=-2"), (206, "89".to_owned()));
    assert_eq!(range("bytes=20-").0, 416);
    problem(
        server.put(&id, "big", vec![0; (64 << 20) + 1]),
        413,
        "body-too-large",
    );
    assert_eq!(server.read(&id, "big").0, 404);
    assert_eq!(server.put(&id, "large", vec![7; 64 << 20]).0, 201);
    assert_eq!(server.read(&id, "large").1.len(), 64 << 20);
}

#[test]
fn a_command_ends_at_its_limits_and_says_which() {
    let server = fresh();
    let id = server.workspace("base", "isolated");
    let exec = |body: Value| server.post(&format!("/workspaces/{id}/exec"), &body);
    let (_, result) = exec(json!({"command": ["hungry", "spin"], "limits": {"cpu_time_ms": 100}}));
    assert_eq!(
        (&result["outcome"]["kind"], &result["outcome"]["name"]),
        (&json!("limit"), &json!("cpu_time"))
    );
    assert_eq!(result["exit_code"], 124);
    let (_, result) = exec(json!({"command": ["hungry", "sleep"], "timeout_ms": 100}));
    assert_eq!(
        (&result["outcome"]["name"], &result["exit_code"]),
        (&json!("wall_time"), &json!(124))
    );
    let (_, result) =
        exec(json!({"command": ["hungry", "abort"], "limits": {"memory_bytes": 16_777_216}}));
    assert_eq!(
        (&result["outcome"]["name"], &result["exit_code"]),
        (&json!("memory"), &json!(137))
    );
    let (_, result) =
        exec(json!({"command": ["hungry", "flood"], "limits": {"output_bytes": 1_000}}));
    assert_eq!(
        (
            result["stdout"].as_str().unwrap().len(),
            &result["stdout_truncated"]
        ),
        (1_000, &json!(true))
    );

    let unknown = problem(
        exec(json!({"command": ["emacs"]})),
        404,
        "program-not-found",
    );
    assert!(unknown["known"].to_string().contains("hello"), "{unknown}");
    problem(exec(json!({"command": []})), 400, "invalid-request");
    problem(
        exec(json!({"command": ["hello", 7]})),
        400,
        "invalid-request",
    );
    problem(
        exec(json!({"command": ["hello"], "cwd": "/etc"})),
        400,
        "invalid-request",
    );
    problem(
        exec(json!({"command": ["hello"], "cwd": "/workspace/none"})),
        400,
        "invalid-request",
    );
    problem(
        exec(json!({"command": ["hello"], "env": {"A=B": "x"}})),
        400,
        "invalid-request",
    );
}

#[test]
fn a_policy_is_what_the_sandbox_gets() {
    let server = fresh();
    for (policy, write, read) in [
        ("isolated", "denied", "granted"),
        ("standard", "granted", "granted"),
    ] {
        let id = server.workspace("base", policy);
        server.put(&id, "f", "x");
        let result = server.exec(&id, &["reach", "read", "/workspace/f"]);
        assert_eq!(result["stdout"].as_str().unwrap().trim(), read, "{policy}");
        let result = server.exec(&id, &["reach", "write", "/workspace/g"]);
        assert_eq!(result["stdout"].as_str().unwrap().trim(), write, "{policy}");
        let result = server.exec(&id, &["reach", "read", "/etc/passwd"]);
        assert_eq!(
            result["stdout"].as_str().unwrap().trim(),
            "denied",
            "{policy}"
        );
    }
}

#[test]
fn outputs_stream_as_they_come() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let path = format!("/workspaces/{id}/exec");
    let request = server
        .request(Method::POST, &path)
        .header("accept", "text/event-stream");
    let response = request
        .json(&json!({"command": ["echo", "x"], "stdin": "in"}))
        .send()
        .unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().unwrap();
    for part in [
        "event: stdout\n",
        "event: stderr\n",
        "event: exit\n",
        "\"exit_code\":0",
        "to stderr",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_reader_that_leaves_ends_its_command() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let path = format!("/workspaces/{id}/exec");
    for _ in 0..40 {
        let request = server
            .request(Method::POST, &path)
            .header("accept", "text/event-stream");
        drop(
            request
                .json(&json!({"command": ["hungry", "spin"]}))
                .send()
                .unwrap(),
        );
    }
    // 32 sandboxes at most run at once: this one finds a place only if the others ended.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    loop {
        let (status, _) = server.post(&path, &json!({"command": ["hello"]}));
        if status == 200 {
            break;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "the commands still run"
        );
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(processor_idle(&server), "something still computes");
}

/// Whether the server uses next to no processor time, now or soon.
fn processor_idle(server: &Fresh) -> bool {
    let ticks = || -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    (0..50).any(|_| {
        let before = ticks();
        std::thread::sleep(std::time::Duration::from_millis(500));
        ticks() - before < 10
    })
}

#[test]
fn of_two_deletions_one_wins() {
    let server = fresh();
    for _ in 0..10 {
        let id = server.workspace("base", "standard");
        let delete = || server.delete(&format!("/workspaces/{id}")).0.as_u16();
        let mut statuses = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..2).map(|_| scope.spawn(delete)).collect();
            handles
                .into_iter()
                .map(|handle| handle.join().unwrap())
                .collect::<Vec<_>>()
        });
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 404]);
    }
}

#[test]
fn stopping_a_workspace_ends_what_runs_in_it() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    std::thread::scope(|scope| {
        let running = scope.spawn(|| server.exec(&id, &["hungry", "spin"]));
        std::thread::sleep(std::time::Duration::from_millis(500));
        server.post(&format!("/workspaces/{id}/stop"), &json!({}));
        let result = running.join().unwrap();
        assert_eq!(result["outcome"]["kind"], "cancelled");
    });
}

#[test]
fn events_tell_what_happened_and_can_be_resumed() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    server.post(&format!("/workspaces/{id}/stop"), &json!({}));
    let events = |query: &str| {
        let request = server.request(Method::GET, &format!("/events?stream={id}{query}"));
        answer(request.header("accept", "application/json").send().unwrap()).1
    };
    let all = events("");
    let kinds: Vec<&str> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["workspace.created", "workspace.stopped"]);
    let first = all["items"][0]["id"].as_u64().unwrap();
    assert_eq!(
        events(&format!("&after={first}"))["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );

    let path = format!("{}/api/v1/events?stream={id}", server.url);
    let request = server
        .client
        .get(path)
        .bearer_auth(&server.token)
        .header("last-event-id", first.to_string());
    let mut response = request
        .header("accept", "text/event-stream")
        .send()
        .unwrap();
    let mut text = String::new();
    let mut buffer = [0; 4_096];
    while !text.contains("workspace.stopped") {
        let read = std::io::Read::read(&mut response, &mut buffer).unwrap();
        assert!(read > 0, "the stream ended: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    assert!(!text.contains("workspace.created"), "{text}");
}

#[test]
fn a_burst_that_is_larger_than_the_pool_waits_its_turn() {
    let server = fresh();
    let workspaces: Vec<String> = (0..4)
        .map(|_| server.workspace("base", "privileged"))
        .collect();
    // More than there are instances of the app, each of which waits for a sandbox.
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..400)
            .map(|index| {
                let (server, workspace) = (&server, &workspaces[index % workspaces.len()]);
                scope.spawn(move || server.exec(workspace, &["hungry", "nap"])["exit_code"].clone())
            })
            .collect();
        for exit_code in running {
            assert_eq!(exit_code.join().unwrap(), 0);
        }
    });
}
