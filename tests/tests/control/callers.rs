//! Callers who are not who they should be, and what they must not reach of each other.

use super::{USER_ROUTE, status};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use swarm_flow_tests::artefact;
use swarm_flow_tests::raw::{self, authority};
use swarm_flow_tests::server::{Server, binary, free_port, fresh};

#[test]
fn only_the_right_token_in_the_right_place_opens_a_route() {
    let server = fresh();
    let runner_token = std::fs::read_to_string(server.state.path().join("runner-token")).unwrap();
    let (user, runner) = (server.token.as_str(), runner_token.trim());
    let join = "POST /api/v1/runners";
    let basic = "Basic dXNlcjp0b2tlbg==";
    for (line, headers, expected) in [
        (USER_ROUTE, format!("Authorization: Bearer {user}\r\n"), 200),
        (USER_ROUTE, format!("authorization: bearer {user}\r\n"), 200),
        (USER_ROUTE, String::new(), 401),
        (USER_ROUTE, "Authorization: \r\n".to_owned(), 401),
        (USER_ROUTE, "Authorization: Bearer\r\n".to_owned(), 401),
        (USER_ROUTE, format!("Authorization: {user}\r\n"), 401),
        (USER_ROUTE, format!("Authorization: {basic}\r\n"), 401),
        (
            USER_ROUTE,
            format!("Authorization: Bearer {user}x\r\n"),
            401,
        ),
        (
            USER_ROUTE,
            format!("Authorization: Bearer {}\r\n", &user[1..]),
            401,
        ),
        (
            USER_ROUTE,
            format!("Authorization: Bearer {}\r\n", user.to_uppercase()),
            401,
        ),
        // Only the first of two counts, so nothing is won by adding one.
        (
            USER_ROUTE,
            format!("Authorization: Bearer x\r\nAuthorization: Bearer {user}\r\n"),
            401,
        ),
        // Elsewhere it is none.
        (
            USER_ROUTE,
            format!("X-Authorization: Bearer {user}\r\n"),
            401,
        ),
        (USER_ROUTE, format!("Cookie: token={user}\r\n"), 401),
        (
            USER_ROUTE,
            format!("Proxy-Authorization: Bearer {user}\r\n"),
            401,
        ),
        (&format!("{USER_ROUTE}?token={user}"), String::new(), 401),
        (
            &format!("{USER_ROUTE}?access_token={user}"),
            String::new(),
            401,
        ),
        // Users are no runners and runners no users.
        (
            USER_ROUTE,
            format!("Authorization: Bearer {runner}\r\n"),
            403,
        ),
        (join, format!("Authorization: Bearer {user}\r\n"), 403),
        (join, String::new(), 401),
        // The twin: let in, and told that there is no body.
        (join, format!("Authorization: Bearer {runner}\r\n"), 415),
    ] {
        assert_eq!(
            status(&server, line, &headers),
            expected,
            "{line} {headers}"
        );
    }
}

#[test]
fn a_page_of_another_origin_may_not_call_even_with_the_token() {
    let state = tempfile::tempdir().unwrap();
    let allowed = [("SPIN_VARIABLE_ALLOWED_ORIGINS", "https://console.example")];
    let server = Server::start_with(state.path(), &allowed);
    let own = format!("http://{}", authority(&server));
    for (origin, expected) in [
        ("https://console.example", 200),
        (own.as_str(), 200),
        ("http://localhost:5173", 200),
        ("https://evil.example", 403),
        ("http://console.example", 403),
        ("https://console.example:8443", 403),
        ("https://console.example.evil.example", 403),
        ("https://evil.example/https://console.example", 403),
        ("http://localhost.evil.example", 403),
        ("http://127.0.0.1.evil.example", 403),
        ("http://user@localhost:80@evil.example", 403),
        ("null", 403),
        ("file://", 403),
        ("", 403),
    ] {
        let headers = format!("Origin: {origin}\r\n");
        assert_eq!(
            raw::status(&server, USER_ROUTE, &headers),
            expected,
            "{origin}"
        );
        // Without the token it does not matter who asks.
        assert_eq!(status(&server, USER_ROUTE, &headers), 401, "{origin}");
    }
}

/// A name that was made to lead here makes a page of that name one of our own, for the browser and for us. It still
/// lacks the token, which no browser sends by itself.
#[test]
fn a_name_that_was_bent_to_this_server_opens_nothing_without_the_token() {
    let server = fresh();
    let request = |line: &str, host: &str, more: &str| {
        let text = format!("{line} HTTP/1.1\r\n{host}Connection: close\r\n{more}\r\n");
        raw::send(authority(&server), text.as_bytes()).statuses()
    };
    let bent = "Host: evil.example\r\n";
    let origin = "Origin: http://evil.example\r\n";
    let token = format!("Authorization: Bearer {}\r\n", server.token);
    for line in [
        USER_ROUTE,
        "GET http://evil.example/api/v1/workspaces",
        "GET /api/v1/events",
    ] {
        assert_eq!(request(line, bent, origin), [401], "{line}");
        assert_eq!(request(line, bent, ""), [401], "{line}");
        assert_eq!(request(line, bent, "Cookie: a=b\r\n"), [401], "{line}");
    }
    // The twins: the token opens under every name, and what is open says nothing of workspaces.
    assert_eq!(request(USER_ROUTE, bent, &token), [200]);
    assert_eq!(request("GET /healthz", bent, origin), [200]);
    // A token and an origin that is neither the name nor allowed.
    let other = format!("{token}Origin: http://other.example\r\n");
    assert_eq!(request(USER_ROUTE, bent, &other), [403]);
}

#[test]
fn what_belongs_to_one_workspace_is_not_reached_by_the_id_of_another() {
    let server = fresh();
    let (own, other) = (
        server.workspace("base", "standard"),
        server.workspace("base", "standard"),
    );
    server.put(&own, "file", "own");
    assert_eq!(server.read(&own, "file").1, b"own");
    assert_eq!(server.read(&other, "file").0, 404);
    let (_, result) = server.post(
        &format!("/workspaces/{other}/exec"),
        &json!({"command": ["reach", "read", "/workspace/file"]}),
    );
    assert_eq!(result["stdout"], "denied\n");
    let gone = server.workspace("base", "standard");
    server.put(&gone, "file", "gone");
    assert_eq!(server.delete(&format!("/workspaces/{gone}")).0, 204);
    assert_eq!(server.read(&gone, "file").0, 404);
    assert_eq!(server.put(&gone, "file", "again").0, 404);
    let path = format!("/workspaces/{gone}/exec");
    assert_eq!(server.post(&path, &json!({"command": ["hello"]})).0, 404);
}

#[test]
fn a_guest_that_traps_ends_alone() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let run = |command: Value| {
        let (status, result) = server.post(
            &format!("/workspaces/{id}/exec"),
            &json!({"command": command}),
        );
        assert_eq!(status, 200, "{result}");
        result
    };
    std::thread::scope(|scope| {
        let beside: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| run(json!(["hungry", "nap"]))))
            .collect();
        for _ in 0..4 {
            let trapped = run(json!(["hungry", "recurse"]));
            assert_eq!(trapped["outcome"]["kind"], "trapped", "{trapped}");
            assert_eq!(trapped["exit_code"], 134);
        }
        for result in beside {
            assert_eq!(result.join().unwrap()["stdout"], "rested\n");
        }
    });
    assert_eq!(run(json!(["hello"]))["stdout"], "hello\n");
}

#[test]
fn a_runner_on_the_network_does_nothing_without_its_token() {
    let server = fresh();
    let state = tempfile::tempdir().unwrap();
    let token = std::fs::read_to_string(server.state.path().join("runner-token")).unwrap();
    let listen = format!("127.0.0.1:{}", free_port());
    let mut runner = Command::new(binary())
        .args([
            "runner",
            "--join",
            &server.url,
            "--listen",
            &listen,
            "--state",
        ])
        .arg(state.path())
        .arg("--compiled")
        .arg(artefact::compiled())
        .env("SWARM_FLOW_RUNNER_TOKEN", token.trim())
        .current_dir(artefact::root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(runner.stderr.take().unwrap()).lines();
    let joined = said.any(|line| line.unwrap().contains(" has joined "));
    let id = "ws_00000000000000000000000000000000";
    let ask = |method: Method, path: &str, token: Option<&str>| {
        let mut request = server
            .client
            .request(method, format!("http://{listen}{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        request.send().unwrap().status().as_u16()
    };
    let mut statuses = Vec::new();
    for (method, path) in [
        (Method::PUT, format!("/v1/workspaces/{id}")),
        (Method::POST, format!("/v1/workspaces/{id}/exec")),
        (Method::POST, format!("/v1/workspaces/{id}/stop")),
        (Method::GET, format!("/v1/workspaces/{id}/list")),
        (Method::GET, format!("/v1/workspaces/{id}/files/token")),
        (
            Method::PUT,
            format!("/v1/workspaces/{id}/files/x?disk_bytes=1"),
        ),
        (Method::POST, "/v1/wake".to_owned()),
    ] {
        for given in [None, Some(""), Some("wrong"), Some(server.token.as_str())] {
            statuses.push((
                ask(method.clone(), &path, given),
                format!("{method} {path} {given:?}"),
            ));
        }
    }
    let right = ask(Method::POST, "/v1/wake", Some(token.trim()));
    let above = ask(
        Method::PUT,
        "/v1/workspaces/..%2f..%2fx",
        Some(token.trim()),
    );
    _ = runner.kill();
    _ = runner.wait();
    assert!(joined);
    for (status, what) in statuses {
        assert_eq!(status, 401, "{what}");
    }
    assert_eq!(
        (right, above),
        (204, 400),
        "the twin, and an id that is a path"
    );
}
