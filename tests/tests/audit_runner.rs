//! What a runner records of its sandboxes, and that every record comes to the app once: after a kill, and after the app
//! was away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use swarm_flow_tests::runner::{join, with_second};
use swarm_flow_tests::server::{Server, cli, free_port, fresh, spin_cli};

/// Waits for this many records that a query selects, and gives back those that there are then.
fn records(server: &Server, query: &str, count: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let (status, page) = server.get(&format!("/audit?limit=1000&{query}"));
        assert_eq!(status, 200, "{page}");
        let items = page["items"].as_array().unwrap();
        if items.len() >= count {
            return items.clone();
        }
        assert!(
            Instant::now() < deadline,
            "{} of {count} records of {query}: {page}",
            items.len()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kinds(records: &[Value]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record["kind"].as_str().unwrap())
        .collect()
}

fn sandbox(result: &Value) -> String {
    let id = result["sandbox"].as_str().unwrap();
    assert!(id.starts_with("sb_") && id.len() == 35, "{result}");
    id.to_owned()
}

fn verify(server: &Server) {
    let verified = cli(server).args(["audit", "verify"]).output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
}

#[test]
fn a_command_is_recorded_from_its_start_to_its_end() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let result = server.exec(&id, &["hello"]);
    let found = records(&server, &format!("sandbox={}", sandbox(&result)), 2);
    assert_eq!(kinds(&found), ["sandbox.started", "sandbox.ended"]);
    assert!(
        found.iter().all(|record| record["actor"] == "user"),
        "{found:?}"
    );
    let started = &found[0]["payload"];
    assert_eq!(
        (
            &started["workspace"],
            &started["program"],
            &started["environment"],
            &started["policy"]
        ),
        (
            &json!(id),
            &json!("hello"),
            &json!("base"),
            &json!("standard")
        )
    );
    assert_eq!(
        started["revision"],
        server.get(&format!("/workspaces/{id}")).1["revision"]
    );
    assert_eq!(
        (&started["network"], &started["directories"]),
        (
            &json!("public"),
            &json!([
                {"path": "/workspace", "access": "read_write"},
                {"path": "/tmp", "access": "read_write"},
            ])
        )
    );
    let ended = &found[1]["payload"];
    assert_eq!(
        (&ended["outcome"], &ended["exit_code"], &ended["denied"]),
        (&json!("exited"), &json!(0), &json!(0))
    );
    assert!(ended["wall_ms"].as_f64().unwrap() > 0.0);
    // The workspace's own events and its sandboxes' records, in one listing.
    let all = records(&server, &format!("workspace={id}"), 3);
    assert_eq!(
        kinds(&all),
        ["workspace.created", "sandbox.started", "sandbox.ended"]
    );
    verify(&server);
}

#[test]
fn however_a_command_ends_it_is_recorded() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let exec = format!("/workspaces/{id}/exec");
    let limits = json!({"command": ["hungry", "abort"], "limits": {"memory_bytes": 16_777_216}});
    let (_, limited) = server.post(&exec, &limits);
    let found = records(&server, &format!("sandbox={}", sandbox(&limited)), 2);
    let ended = &found[1]["payload"];
    assert_eq!(
        (&ended["outcome"], &ended["limit"]),
        (&json!("limit"), &json!("memory"))
    );

    // Stopped while it runs, and left by its caller.
    std::thread::scope(|scope| {
        scope.spawn(|| server.post(&exec, &json!({"command": ["hungry", "sleep"]})));
        records(&server, &format!("workspace={id}&kind=sandbox.started"), 2);
        server.post(&format!("/workspaces/{id}/stop"), &json!({}));
    });
    were_cancelled(&server, &id, 1);
    server.post(&format!("/workspaces/{id}/start"), &json!({}));
    if spin_cli().is_some() {
        // Spin does not end a request whose caller left.
        return;
    }
    let impatient = server
        .request(reqwest::Method::POST, &exec)
        .json(&json!({"command": ["hungry", "sleep"]}))
        .timeout(Duration::from_millis(700))
        .send();
    assert!(impatient.is_err());
    were_cancelled(&server, &id, 2);
}

/// All but the first.
fn were_cancelled(server: &Server, workspace: &str, count: usize) {
    let query = format!("workspace={workspace}&kind=sandbox.ended");
    for cancelled in &records(server, &query, 1 + count)[1..] {
        let payload = &cancelled["payload"];
        assert_eq!(payload["outcome"], "cancelled");
        assert!(payload["wall_ms"].as_f64().unwrap() >= 10.0, "{cancelled}");
    }
}

#[test]
fn decisions_are_recorded_with_the_rule_that_allowed_them_or_would() {
    let server = fresh();
    let port = free_port().to_string();
    let target = format!("127.0.0.1:{port}");
    let command = ["request", "GET", "http", &target, "/path?secret=1"];
    let denied = server.workspace("base", "isolated");
    let result = server.exec(&denied, &command);
    assert!(
        result["stdout"].as_str().unwrap().starts_with("denied "),
        "{result}"
    );
    let found = records(
        &server,
        &format!("workspace={denied}&decision=deny&capability=http"),
        1,
    );
    let decision = &found[0]["payload"];
    assert_eq!(
        (
            &found[0]["kind"],
            &decision["resource"],
            &decision["reason"],
            &decision["count"]
        ),
        (
            &json!("decision.denied"),
            &json!(format!("GET http://{target}/path")),
            &json!("address_not_granted"),
            &json!(1)
        )
    );
    assert_eq!(decision["rule"], result["denials"][0]["rule"]);
    assert_eq!(decision["sandbox"], result["sandbox"]);
    let ended = records(
        &server,
        &format!("sandbox={}&kind=sandbox.ended", sandbox(&result)),
        1,
    );
    assert_eq!(ended[0]["payload"]["denied"], 1);

    let policy = json!({"preset": "isolated", "network": "localhost"});
    let body = json!({"name": "granted", "environment": "base", "policy": policy});
    let (status, granted) = server.post("/workspaces", &body);
    assert_eq!(status, 201, "{granted}");
    let granted = granted["id"].as_str().unwrap();
    // Nobody listens there.
    let result = server.exec(granted, &command);
    assert!(
        result["stdout"].as_str().unwrap().starts_with("failed "),
        "{result}"
    );
    let found = records(&server, &format!("workspace={granted}&decision=allow"), 1);
    let decision = &found[0]["payload"];
    assert_eq!(
        (&found[0]["kind"], &decision["rule"]),
        (
            &json!("decision.allowed"),
            &json!("network = \"localhost\"")
        )
    );
    verify(&server);
}

#[test]
fn an_agent_and_what_it_runs_are_recorded_under_its_name() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let swarm =
        json!({"name": "s", "agents": [{"kind": "script", "count": 1}], "workspaces": [id]});
    let (_, swarm) = server.post("/swarms", &swarm);
    let tasks = json!({"tasks": [{"description": "hello", "context": {"command": ["hello"]}}]});
    let runs = format!("/swarms/{}/runs", swarm["id"].as_str().unwrap());
    assert_eq!(server.post(&runs, &tasks).0, 202);
    let found = records(&server, "actor=agent:script&kind=sandbox.*", 4);
    let seen: Vec<_> = found
        .iter()
        .map(|record| {
            (
                record["kind"].as_str().unwrap(),
                record["payload"]["workspace"].as_str().unwrap(),
            )
        })
        .collect();
    let (started, ended) = (
        ("sandbox.started", id.as_str()),
        ("sandbox.ended", id.as_str()),
    );
    assert_eq!(seen, [started, started, ended, ended]);
    let programs = [
        &found[0]["payload"]["program"],
        &found[1]["payload"]["program"],
    ];
    assert_eq!(programs, ["script", "hello"]);
}

#[test]
fn a_killed_server_sends_what_was_written_and_nothing_twice() {
    let state = tempfile::tempdir().unwrap();
    let mut sandboxes = BTreeSet::new();
    let mut workspace = None;
    for round in 0..5 {
        let server = Server::start(state.path());
        let id = workspace.get_or_insert_with(|| server.workspace("base", "standard"));
        for _ in 0..20 {
            sandboxes.insert(sandbox(&server.exec(id, &["hello"])));
        }
        // Long enough to be written, and mostly too short to be sent.
        std::thread::sleep(Duration::from_millis(20 + round * 20));
        server.kill();
    }
    let server = Server::start(state.path());
    let id = workspace.unwrap();
    sandboxes.insert(sandbox(&server.exec(&id, &["hello"])));
    for kind in ["sandbox.started", "sandbox.ended"] {
        let found = records(
            &server,
            &format!("workspace={id}&kind={kind}"),
            sandboxes.len(),
        );
        let seen: BTreeSet<String> = found
            .iter()
            .map(|record| sandbox(&record["payload"]))
            .collect();
        assert_eq!(
            (found.len(), &seen),
            (sandboxes.len(), &sandboxes),
            "{kind}"
        );
    }
    verify(&server);
}

/// A wire between a runner and its app that can be cut.
fn wire(to: SocketAddr) -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let is_cut = Arc::new(AtomicBool::new(false));
    let cut = is_cut.clone();
    std::thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            if cut.load(Ordering::SeqCst) {
                continue;
            }
            let far = TcpStream::connect(to).unwrap();
            for (mut from, mut to) in [
                (near.try_clone().unwrap(), far.try_clone().unwrap()),
                (far, near),
            ] {
                let cut = cut.clone();
                std::thread::spawn(move || {
                    let mut bytes = [0; 4096];
                    while let Ok(count @ 1..) = std::io::Read::read(&mut from, &mut bytes)
                        && !cut.load(Ordering::SeqCst)
                        && std::io::Write::write_all(&mut to, &bytes[..count]).is_ok()
                    {
                    }
                    let _ = to.shutdown(std::net::Shutdown::Both);
                });
            }
        }
    });
    (url, is_cut)
}

/// A workspace on the second runner.
fn on_second(server: &Server) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let id = server.workspace("base", "standard");
        if server.get(&format!("/workspaces/{id}")).1["runner"] == "second" {
            return id;
        }
        assert!(Instant::now() < deadline, "the runner did not join");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_runner_whose_app_is_away_keeps_its_records_and_sends_them_after() {
    let state = tempfile::tempdir().unwrap();
    let (server, port, token) = with_second(state.path());
    let (url, is_cut) = wire(server.url.trim_start_matches("http://").parse().unwrap());
    let second_state = tempfile::tempdir().unwrap();
    let second = join(&url, second_state.path(), port, &token, &[]);
    let id = on_second(&server);
    server.exec(&id, &["hello"]);
    records(&server, &format!("workspace={id}&kind=sandbox.*"), 2);

    // The app reaches the runner, and the runner not the app.
    is_cut.store(true, Ordering::SeqCst);
    let away = sandbox(&server.exec(&id, &["hello"]));
    std::thread::sleep(Duration::from_secs(1));
    let (_, page) = server.get(&format!("/audit?sandbox={away}"));
    assert_eq!(page["items"], json!([]));
    drop(second);
    let kept = std::fs::read_dir(second_state.path().join("audit")).unwrap();
    let kept = kept.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    assert!(kept.collect::<String>().contains(&away));

    // Killed in between, it sends them when it has joined again.
    is_cut.store(false, Ordering::SeqCst);
    let _back = join(&url, second_state.path(), port, &token, &[]);
    records(&server, &format!("sandbox={away}"), 2);
    let last = sandbox(&server.exec(&id, &["hello"]));
    records(&server, &format!("sandbox={last}"), 2);
    assert_eq!(
        records(&server, &format!("workspace={id}&kind=sandbox.*"), 6).len(),
        6
    );
    verify(&server);
}

#[test]
fn a_runner_that_cannot_record_runs_nothing() {
    let state = tempfile::tempdir().unwrap();
    let (server, port, token) = with_second(state.path());
    let second_state = tempfile::tempdir().unwrap();
    let full = ["--audit-spool-mib", "0"];
    let second = join(&server.url, second_state.path(), port, &token, &full);
    let id = on_second(&server);
    let exec = format!("/workspaces/{id}/exec");
    let (status, problem) = server.post(&exec, &json!({"command": ["hello"]}));
    assert_eq!(status, 503, "{problem}");
    assert!(
        problem["detail"].as_str().unwrap().contains("audit-full"),
        "{problem}"
    );
    drop(second);
    let _second = join(&server.url, second_state.path(), port, &token, &[]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while server.post(&exec, &json!({"command": ["hello"]})).0 != 200 {
        assert!(Instant::now() < deadline, "it does not go on");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_runner_whose_log_is_another_than_the_apps_runs_nothing_and_says_what_to_do() {
    let state = tempfile::tempdir().unwrap();
    let (server, port, token) = with_second(state.path());
    let second_state = tempfile::tempdir().unwrap();
    let second = join(&server.url, second_state.path(), port, &token, &[]);
    let id = on_second(&server);
    server.exec(&id, &["hello"]);
    records(&server, &format!("workspace={id}&kind=sandbox.*"), 2);
    drop(second);
    // Somebody wrote in the runner's name what it did not do.
    let audit = format!("{}/api/v1/runners/second/audit", server.url);
    let asked = server.client.get(&audit).bearer_auth(&token).send();
    let head: Value = asked.unwrap().json().unwrap();
    let link = swarm_flow_protocol::Link {
        previous_hash: head["hash"].as_str().unwrap(),
        stream: "audit:second",
        sequence: head["sequence"].as_u64().unwrap() + 1,
        kind: "sandbox.started",
        payload: "{}",
        actor: "user",
        at_ms: 1,
    };
    let forged = json!({"previous": head, "entries": [{
        "kind": link.kind, "payload": link.payload, "actor": link.actor, "at_ms": link.at_ms, "hash": link.hash(),
    }]});
    // The runner has written its own next record, which the app does not have.
    let folder = second_state.path().join("audit");
    let segment = folder.join(format!("{:020}.jsonl", link.sequence));
    let own = swarm_flow_protocol::Link { at_ms: 2, ..link };
    let line = json!({"sequence": own.sequence, "entry": {
        "kind": own.kind, "payload": own.payload, "actor": own.actor, "at_ms": own.at_ms, "hash": own.hash(),
    }});
    std::fs::write(&segment, format!("{line}\n")).unwrap();
    let sent = server
        .client
        .post(&audit)
        .bearer_auth(&token)
        .json(&forged)
        .send();
    assert_eq!(sent.unwrap().status(), 200);

    let second = join(&server.url, second_state.path(), port, &token, &[]);
    let exec = format!("/workspaces/{id}/exec");
    let deadline = Instant::now() + Duration::from_secs(60);
    let said = loop {
        let (status, problem) = server.post(&exec, &json!({"command": ["hello"]}));
        assert_ne!(status, 200);
        let said = problem["detail"].as_str().unwrap_or_default().to_owned();
        if said.contains("audit-diverged") {
            break said;
        }
        assert!(Instant::now() < deadline, "{problem}");
        std::thread::sleep(Duration::from_millis(100));
    };
    assert!(
        said.contains("move that folder away and start the runner again"),
        "{said}"
    );
    drop(second);
    std::fs::rename(&folder, second_state.path().join("aside-audit")).unwrap();
    let _second = join(&server.url, second_state.path(), port, &token, &[]);
    while server.post(&exec, &json!({"command": ["hello"]})).0 != 200 {
        assert!(Instant::now() < deadline, "it does not go on");
        std::thread::sleep(Duration::from_millis(100));
    }
    records(&server, &format!("workspace={id}&kind=sandbox.*"), 4);
    verify(&server);
}
