//! The audit log over the API and from the command line, and what finds that somebody changed it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use swarm_flow_protocol::{AuditEntry, AuditHead, Link};
use swarm_flow_tests::server::{Fresh, Server, answer, cli, fresh, spin_cli};

/// A runner of which there is nothing but its records.
const RUNNER: &str = "second";
const SANDBOX: &str = "sb_0198c0ffee0198c0ffee0198c0ffee03";

fn runner_token(server: &Fresh) -> String {
    let path = server.state.path().join("runner-token");
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}

fn denied(workspace: &str, resource: &str) -> (String, String) {
    let payload = json!({
        "workspace": workspace, "sandbox": SANDBOX, "capability": "http", "resource": resource,
        "decision": "deny", "reason": "not_granted", "rule": "add it", "count": 1,
    });
    ("decision.denied".to_owned(), payload.to_string())
}

/// Records as the runner chains them, as a batch.
fn batch(previous: &AuditHead, records: &[(String, String)]) -> Value {
    let mut head = previous.clone();
    let mut entries = Vec::new();
    for (at_ms, (kind, payload)) in (1_769_903_999_000..).zip(records) {
        let link = Link {
            previous_hash: &head.hash,
            stream: &swarm_flow_protocol::audit_stream(RUNNER),
            sequence: head.sequence + 1,
            kind,
            payload,
            actor: "user",
            at_ms,
        };
        head = AuditHead {
            sequence: link.sequence,
            hash: link.hash(),
        };
        entries.push(AuditEntry {
            kind: kind.clone(),
            payload: payload.clone(),
            actor: "user".to_owned(),
            at_ms,
            hash: head.hash.clone(),
        });
    }
    json!({"previous": previous, "entries": entries})
}

fn send(server: &Server, token: &str, batch: &Value) -> (StatusCode, Value) {
    let url = format!("{}/api/v1/runners/{RUNNER}/audit", server.url);
    let request = server.client.post(url).bearer_auth(token).json(batch);
    answer(request.send().unwrap())
}

fn audit(server: &Server, arguments: &[&str]) -> (Option<i32>, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = cli(server).arg("audit").args(arguments).output().unwrap();
    let said = String::from_utf8([stdout, stderr].concat()).unwrap();
    (status.code(), said)
}

/// Waits until what ran last is in the log: a runner sends its records when it has some.
fn settled(server: &Server) -> usize {
    let count = || export(server, &[]).lines().count();
    let mut before = count();
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = count();
        if now == before {
            return now;
        }
        before = now;
    }
}

fn export(server: &Server, arguments: &[&str]) -> String {
    let (code, said) = audit(server, &[&["export"], arguments].concat());
    assert_eq!(code, Some(0), "{said}");
    said
}

/// A server on which something happened: a workspace of four events, and four records of a runner.
fn with_records() -> (Fresh, String) {
    let server = fresh();
    let id = server.workspace("base", "standard");
    for verb in ["stop", "start", "stop"] {
        assert_eq!(
            server
                .post(&format!("/workspaces/{id}/{verb}"), &json!({}))
                .0,
            200
        );
    }
    let hosts = [
        "https://a.example",
        "https://b.example",
        "https://c.example",
        "https://d.example",
    ];
    let records: Vec<_> = hosts.iter().map(|host| denied(&id, host)).collect();
    let (status, head) = send(
        &server,
        &runner_token(&server),
        &batch(&AuditHead::default(), &records),
    );
    assert_eq!(
        (status.as_u16(), &head["sequence"]),
        (200, &json!(4)),
        "{head}"
    );
    settled(&server);
    (server, id)
}

#[test]
fn what_happens_to_a_workspace_is_recorded_with_who_and_when() {
    let (server, id) = with_records();
    let (status, page) = server.get(&format!("/audit?workspace={id}&kind=workspace.*"));
    assert_eq!(status, 200, "{page}");
    let kinds: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["kind"])
        .collect();
    assert_eq!(
        kinds,
        [
            "workspace.created",
            "workspace.stopped",
            "workspace.started",
            "workspace.stopped"
        ]
    );
    let first = &page["items"][0];
    assert_eq!(
        (&first["previous_hash"], &first["sequence"]),
        (&json!(""), &json!(1))
    );
    assert_eq!(page["items"][1]["previous_hash"], first["hash"]);
    assert!(first["actor"].is_string() && first["at"].is_string() && first["at_ms"].is_u64());
    // Without a filter, everything; `/events` knows what the app itself did.
    let (_, all) = server.get("/audit?limit=1000");
    let streams = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|item| item["stream"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(streams(&all).contains(&format!("audit:{RUNNER}")));
    let events = server
        .request(Method::GET, "/events?limit=1000")
        .header("accept", "application/json");
    let (_, events) = answer(events.send().unwrap());
    assert!(
        !streams(&events)
            .iter()
            .any(|stream| stream.starts_with("audit:"))
    );
    assert!(streams(&events).contains(&id));
}

#[test]
fn a_runners_records_are_taken_once_and_a_changed_one_never() {
    let server = fresh();
    let token = runner_token(&server);
    let id = server.workspace("base", "standard");
    let start = AuditHead::default();
    let two = [
        denied(&id, "https://a.example"),
        denied(&id, "https://b.example"),
    ];
    let first = batch(&start, &two);
    let (status, head) = send(&server, &token, &first);
    assert_eq!(status, 200, "{head}");
    assert_eq!(
        send(&server, &token, &first),
        (StatusCode::OK, head.clone())
    );
    let head_url = format!("{}/api/v1/runners/{RUNNER}/audit", server.url);
    let request = server.client.get(&head_url).bearer_auth(&token);
    assert_eq!(
        answer(request.send().unwrap()),
        (StatusCode::OK, head.clone())
    );
    let found = || {
        let (status, page) = server.get(&format!("/audit?workspace={id}&decision=deny"));
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().clone()
    };
    assert_eq!(found().len(), 2);
    assert_eq!(found()[1]["payload"]["rule"], "add it");

    // What was changed on its way, in the middle of a batch: nothing of it is taken.
    let head: AuditHead = serde_json::from_value(head).unwrap();
    let mut changed = batch(&head, &two);
    let payload = changed["entries"][1]["payload"]
        .as_str()
        .unwrap()
        .replace("deny", "allow");
    changed["entries"][1]["payload"] = payload.into();
    let (status, problem) = send(&server, &token, &changed);
    assert_eq!(
        (status.as_u16(), &problem["field"]),
        (400, &json!("entries[1].hash")),
        "{problem}"
    );
    // What is not a runner's to say.
    let forged = batch(&head, &[("workspace.deleted".to_owned(), "{}".to_owned())]);
    let (status, problem) = send(&server, &token, &forged);
    assert_eq!(
        (status.as_u16(), &problem["field"]),
        (400, &json!("entries[0].kind")),
        "{problem}"
    );
    // Another past.
    let other = batch(&start, &[denied(&id, "https://c.example")]);
    let (status, problem) = send(&server, &token, &other);
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (409, &json!("audit-diverged")),
        "{problem}"
    );
    // A user reads records and writes none; a runner writes its own and reads none.
    let next = batch(&head, &two);
    assert_eq!(send(&server, &server.token, &next).0, 403);
    assert_eq!(send(&server, "", &next).0, 401);
    let all = server.client.get(format!("{}/api/v1/audit", server.url));
    assert_eq!(all.bearer_auth(&token).send().unwrap().status(), 403);
    assert_eq!(found().len(), 2);
    assert_eq!(send(&server, &token, &next).0, 200);
    assert_eq!(found().len(), 4);
}

#[test]
fn records_are_found_by_what_they_are_about() {
    let (server, id) = with_records();
    let count = |query: &str| {
        let (status, page) = server.get(&format!("/audit?{query}"));
        assert_eq!(status, 200, "{page}");
        page["items"].as_array().unwrap().len()
    };
    let stream = format!("sandbox={SANDBOX}");
    for (query, expected) in [
        (stream.as_str(), 4),
        (&format!("{stream}&capability=http"), 4),
        (&format!("{stream}&capability=tcp"), 0),
        (&format!("{stream}&decision=allow"), 0),
        (
            &format!("workspace={id}&decision=deny&kind=decision.denied"),
            4,
        ),
        (&format!("{stream}&since=2026-01-31T23:59:59.001Z"), 3),
        (
            &format!("{stream}&since=2026-02-01T00:59:59%2B01:00&until=1769903999001"),
            1,
        ),
        (&format!("{stream}&limit=3"), 3),
        ("kind=workspace.created", 1),
        ("actor=nobody", 0),
    ] {
        assert_eq!(count(query), expected, "{query}");
    }
    let (_, page) = server.get(&format!("/audit?{stream}&limit=3"));
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(count(&format!("{stream}&cursor={cursor}")), 1);
    for (query, field) in [
        ("since=yesterday", "since"),
        ("until=", "until"),
        ("workspace=demo", "workspace"),
        ("sandbox=sb_1", "sandbox"),
        ("decision=denied", "decision"),
        ("capability=HTTP", "capability"),
        ("kind=a*b", "kind"),
        ("cursor=1", "cursor"),
        ("limit=0", "limit"),
        ("sort=id", "sort"),
    ] {
        let (status, problem) = server.get(&format!("/audit?{query}"));
        assert_eq!(
            (status.as_u16(), &problem["field"]),
            (400, &json!(field)),
            "{problem}"
        );
    }
}

#[test]
fn a_stream_goes_on_where_it_was_and_shows_what_comes() {
    let (server, id) = with_records();
    let (_, page) = server.get(&format!("/audit?workspace={id}&limit=1000"));
    let items = page["items"].as_array().unwrap();
    let before_last = items[items.len() - 2]["id"].to_string();
    let last = items[items.len() - 1]["id"].to_string();
    let answer = server
        .request(Method::GET, &format!("/audit?workspace={id}"))
        .header("accept", "text/event-stream")
        .header("last-event-id", before_last)
        .send()
        .unwrap();
    let mut ids = BufReader::new(answer)
        .lines()
        .map(Result::unwrap)
        .filter_map(|line| line.strip_prefix("id: ").map(str::to_owned));
    assert_eq!(ids.next(), Some(last.clone()));
    assert_eq!(
        server
            .post(&format!("/workspaces/{id}/start"), &json!({}))
            .0,
        200
    );
    let next: u64 = ids.next().unwrap().parse().unwrap();
    assert!(next > last.parse().unwrap());
    let (status, problem) = {
        let request = server
            .request(Method::GET, "/audit?limit=5")
            .header("accept", "text/event-stream");
        answer_of(request)
    };
    assert_eq!((status.as_u16(), &problem["field"]), (400, &json!("limit")));
}

fn answer_of(request: reqwest::blocking::RequestBuilder) -> (StatusCode, Value) {
    answer(request.send().unwrap())
}

#[test]
fn the_command_line_shows_records_and_those_to_come() {
    let (server, id) = with_records();
    let (code, shown) = audit(
        &server,
        &["list", "--workspace", "demo", "--decision", "deny"],
    );
    assert_eq!((code, shown.lines().count()), (Some(0), 4), "{shown}");
    assert!(shown.contains("http https://a.example; add it"), "{shown}");
    let (_, json) = audit(
        &server,
        &["list", "--workspace", &id, "--decision", "deny", "--json"],
    );
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 4);
    let (code, said) = audit(&server, &["list", "--decision", "denied"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("decision"), "{said}");

    let mut following = cli(&server)
        .args(["audit", "list", "--follow", "--kind", "workspace.*"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let seen: Vec<_> = lines.by_ref().take(4).map(Result::unwrap).collect();
    assert!(seen[3].contains("workspace.stopped"), "{seen:?}");
    assert_eq!(
        server
            .post(&format!("/workspaces/{id}/start"), &json!({}))
            .0,
        200
    );
    assert!(lines.next().unwrap().unwrap().contains("workspace.started"));
    following.kill().unwrap();
    following.wait().unwrap();
}

/// Verifies an export, as it is or as `change` leaves its lines.
fn verify(
    server: &Server,
    text: &str,
    flags: &[&str],
    change: fn(&mut Vec<String>),
) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.jsonl");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    change(&mut lines);
    std::fs::write(&path, lines.join("\n")).unwrap();
    audit(
        server,
        &[&["verify", path.to_str().unwrap()], flags].concat(),
    )
}

fn place(lines: &[String], text: &str) -> usize {
    lines.iter().position(|line| line.contains(text)).unwrap()
}

#[test]
fn an_export_verifies_and_one_that_was_changed_does_not() {
    let (server, id) = with_records();
    let text = export(&server, &[]);
    let (code, said) = verify(&server, &text, &[], |_| {});
    assert_eq!(code, Some(0), "{said}");
    let all = format!("{} records of ", text.lines().count());
    assert!(
        said.starts_with(&all) && said.ends_with("are right\n"),
        "{said}"
    );
    let (code, said) = audit(&server, &["verify"]);
    assert_eq!(code, Some(0), "{said}");

    for flags in [&["--offline"][..], &[]] {
        for (change, expected) in [
            (
                (|lines| {
                    let place = place(lines, "https://b.example");
                    lines[place] = lines[place].replace("b.example", "x.example");
                }) as fn(&mut Vec<String>),
                "edited: record",
            ),
            (
                |lines| {
                    let place = place(lines, "workspace.created");
                    lines[place] = lines[place].replacen("\"at\":\"2", "\"at\":\"1", 1);
                },
                "`at` is not `at_ms`",
            ),
            (
                |lines| drop(lines.remove(place(lines, "https://b.example"))),
                "removed: #2 of audit:second is missing",
            ),
            (
                |lines| drop(lines.remove(place(lines, "https://a.example"))),
                "removed: #1 of audit:second is missing",
            ),
            (
                |lines| {
                    let (b, c) = (
                        place(lines, "https://b.example"),
                        place(lines, "https://c.example"),
                    );
                    lines.swap(b, c);
                },
                "reordered: record",
            ),
            (
                |lines| {
                    let place = place(lines, "https://c.example");
                    lines[place].truncate(40);
                },
                "is not a record",
            ),
        ] {
            let (code, said) = verify(&server, &text, flags, change);
            assert_eq!(code, Some(1), "{expected}: {said}");
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
    // The end of a stream is in no chain; the server still has it.
    let end =
        |lines: &mut Vec<String>| drop(lines.remove(place(lines, "\"workspace.started\"") + 1));
    assert_eq!(verify(&server, &text, &["--offline"], end).0, Some(0));
    let (code, said) = verify(&server, &text, &[], end);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("#4 of {id}: the file lacks it")),
        "{said}"
    );

    // A part is verified as a part.
    let part = export(
        &server,
        &[
            "--workspace",
            &id,
            "--decision",
            "deny",
            "--until",
            "2026-02-01T00:00:00Z",
        ],
    );
    assert_eq!(part.lines().count(), 4);
    let every_second = |lines: &mut Vec<String>| drop(lines.remove(1));
    assert_eq!(verify(&server, &part, &[], every_second).0, Some(1));
    let (code, said) = verify(&server, &part, &["--part"], every_second);
    assert_eq!(code, Some(0), "{said}");
    let edit = |lines: &mut Vec<String>| lines[2] = lines[2].replace("deny", "damn");
    assert_eq!(verify(&server, &part, &["--part"], edit).0, Some(1));
}

/// What somebody does who has the database file and knows its triggers.
fn tamper(state: &Path, statements: &str) {
    let database = rusqlite::Connection::open(state.join("app.db")).unwrap();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    let guards = "DROP TRIGGER event_is_not_changed; DROP TRIGGER event_is_not_deleted;";
    database
        .execute_batch(&format!("BEGIN IMMEDIATE; {guards} {statements}; COMMIT"))
        .unwrap();
}

#[test]
fn tampering_in_the_database_itself_is_found() {
    if spin_cli().is_some() {
        return;
    }
    for (statements, on_server, with_file) in [
        (
            "UPDATE event SET payload = replace(payload, 'deny', 'allow') WHERE payload LIKE '%b.example%'",
            Some("edited: record"),
            "edited: record",
        ),
        (
            "DELETE FROM event WHERE payload LIKE '%b.example%'",
            Some("removed: #2 of audit:second is missing"),
            "#2 of audit:second: the server lacks it",
        ),
        (
            "UPDATE event SET hash = lower(hex(zeroblob(32))) WHERE payload LIKE '%b.example%'",
            Some("edited: record"),
            "file and server differ",
        ),
        // Ids cannot be swapped at once.
        (
            "UPDATE event SET id = 1000000 WHERE payload LIKE '%b.example%'",
            Some("reordered: record 1000000, #2 of audit:second"),
            "reordered: record 1000000",
        ),
        // The end of a stream: only who kept an export sees it.
        (
            "DELETE FROM event WHERE payload LIKE '%d.example%'",
            None,
            "#4 of audit:second: the server lacks it",
        ),
    ] {
        let (server, _) = with_records();
        let text = export(&server, &[]);
        assert_eq!(audit(&server, &["verify"]).0, Some(0));
        tamper(server.state.path(), statements);
        let (code, said) = audit(&server, &["verify"]);
        assert_eq!(
            code,
            Some(i32::from(on_server.is_some())),
            "{statements}: {said}"
        );
        assert!(
            said.contains(on_server.unwrap_or("are right")),
            "{statements}: {said}"
        );
        let (code, said) = verify(&server, &text, &[], |_| {});
        assert_eq!(code, Some(1), "{statements}: {said}");
        assert!(said.contains(with_file), "{statements}: {said}");
        // What was kept is right all the same.
        assert_eq!(verify(&server, &text, &["--offline"], |_| {}).0, Some(0));
    }
}

#[test]
fn a_request_that_was_denied_is_found_with_the_rule_that_would_allow_it() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let result = server.exec(&id, &["request", "GET", "https", "denied.example", "/"]);
    let said = result["stdout"].as_str().unwrap();
    assert!(said.starts_with("denied "), "{result}");
    let deadline = Instant::now() + Duration::from_secs(30);
    let items = loop {
        let (_, page) = server.get(&format!("/audit?workspace={id}&decision=deny"));
        let items = page["items"].as_array().unwrap().clone();
        if !items.is_empty() {
            break items;
        }
        assert!(Instant::now() < deadline, "the decision was not recorded");
        std::thread::sleep(Duration::from_millis(50));
    };
    let payload = &items[0]["payload"];
    assert_eq!(items[0]["kind"], "decision.denied", "{payload}");
    assert_eq!(
        (&payload["capability"], &payload["decision"]),
        (&json!("http"), &json!("deny")),
        "{payload}"
    );
    assert!(
        payload["rule"]
            .as_str()
            .is_some_and(|rule| rule.contains("denied.example") && rule.contains("network")),
        "{payload}"
    );
    assert_eq!(payload["sandbox"], result["sandbox"], "{result}");
    settled(&server);
    let (_, page) = server.get(&format!(
        "/audit?sandbox={}",
        payload["sandbox"].as_str().unwrap()
    ));
    let kinds: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["kind"])
        .collect();
    assert_eq!(kinds.first(), Some(&&json!("sandbox.started")), "{kinds:?}");
    assert_eq!(kinds.last(), Some(&&json!("sandbox.ended")), "{kinds:?}");
    let (code, said) = audit(&server, &["verify"]);
    assert_eq!(code, Some(0), "{said}");
}
