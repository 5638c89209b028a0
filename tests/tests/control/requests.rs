//! Requests that no client would send.

use super::{USER_ROUTE, status};
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};
use swarm_flow_tests::raw::{self, authority};
use swarm_flow_tests::server::{answer, fresh, spin_cli};

/// A head that says twice how long the body is, or says it in a way that another server might read otherwise.
#[test]
fn a_request_that_could_be_read_in_two_ways_is_not_answered_twice() {
    if spin_cli().is_some() {
        return;
    }
    let server = fresh();
    let body = "{\"name\":\"x\"}";
    let head = format!(
        "POST /api/v1/workspaces HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\n",
        authority(&server),
        server.token
    );
    let chunked = format!("c\r\n{body}\r\n0\r\n\r\n");
    let hidden = format!(
        "GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n",
        authority(&server)
    );
    let send = |headers: &str, body: &str| {
        raw::send(
            authority(&server),
            format!("{head}{headers}\r\n{body}").as_bytes(),
        )
    };
    for (headers, body) in [
        ("Content-Length: 12\r\nContent-Length: 5\r\n", body),
        ("Content-Length: 12, 12\r\n", body),
        ("Content-Length: +12\r\n", body),
        ("Content-Length: -1\r\n", body),
        ("Content-Length: 0xc\r\n", body),
        ("Content-Length: 99999999999999999999999\r\n", body),
        ("Content-Length : 12\r\n", body),
        ("Transfer-Encoding: xchunked\r\n", &chunked),
        ("Transfer-Encoding: chunked, identity\r\n", &chunked),
        ("Transfer-Encoding : chunked\r\n", &chunked),
        ("Transfer-Encoding:\r\n chunked\r\n", &chunked),
        ("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"),
        (
            "Transfer-Encoding: chunked\r\n",
            "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        ),
        ("Transfer-Encoding: chunked\r\n", "2\n{}\n0\n\n"),
        ("X-A: b\r\n c\r\nContent-Length: 12\r\n", body),
        ("X A: b\r\nContent-Length: 12\r\n", body),
        ("X-A: b\rX-B: c\r\nContent-Length: 12\r\n", body),
        ("X-A: b\0\r\nContent-Length: 12\r\n", body),
        (": b\r\nContent-Length: 12\r\n", body),
        ("X-A\r\nContent-Length: 12\r\n", body),
        ("X-A: \u{1b}[31m\r\nContent-Length: 12\r\n", body),
    ] {
        let answered = send(headers, &format!("{body}{hidden}"));
        assert_eq!(
            answered.statuses(),
            [400],
            "{headers:?} {body:?}: {}",
            answered.text
        );
        assert!(answered.closed, "{headers:?}");
    }
    // The one reading that HTTP knows, and then the connection ends: what was hidden in the body is never a request.
    for headers in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let answered = send(headers, &format!("0\r\n\r\n{hidden}"));
        assert_eq!(answered.statuses(), [400], "{headers:?}: {}", answered.text);
        assert!(answered.closed, "{headers:?}");
    }
    assert_eq!(server.get("/workspaces").1["items"], json!([]));
    // The twins: a request whose length is said once, and another behind it on the same connection.
    for (headers, body) in [
        ("Content-Length: 12\r\n", body),
        ("Transfer-Encoding: chunked\r\n", &chunked),
    ] {
        let answered = send(headers, &format!("{body}{hidden}"));
        assert_eq!(
            answered.statuses(),
            [201, 200],
            "{headers:?}: {}",
            answered.text
        );
    }
}

#[test]
fn what_is_asked_of_a_proxy_is_not_done() {
    if spin_cli().is_some() {
        return;
    }
    let server = fresh();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let elsewhere = listener.local_addr().unwrap();
    for (line, expected) in [
        (format!("CONNECT {elsewhere}"), 404),
        ("CONNECT evil.example:443".to_owned(), 404),
        (format!("GET http://{elsewhere}/"), 404),
        (format!("GET http://{elsewhere}/v1/health"), 404),
        ("OPTIONS *".to_owned(), 404),
        ("TRACE /api/v1/workspaces".to_owned(), 405),
        ("DEBUG /api/v1/workspaces".to_owned(), 405),
        // The whole URL is as good as its path.
        (
            format!("GET http://{}/api/v1/workspaces", authority(&server)),
            200,
        ),
    ] {
        assert_eq!(raw::status(&server, &line, ""), expected, "{line}");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "the server called someone");
}

#[test]
fn a_request_that_is_too_large_is_refused_before_it_is_kept() {
    let server = fresh();
    let many: String = (0..200).map(|index| format!("x-{index}: a\r\n")).collect();
    // The server reads in large pieces, so what is a little over its limit may be in the last one.
    let long = format!("x: {}\r\n", "a".repeat(2_000_000));
    for (headers, expected) in [
        (many.as_str(), 431),
        (long.as_str(), 431),
        ("x: a\r\n", 200),
    ] {
        assert_eq!(raw::status(&server, USER_ROUTE, headers), expected);
    }
    let path = format!("GET /api/v1/{}", "a".repeat(70_000));
    assert_eq!(raw::status(&server, &path, ""), 414);
    // A length that is only said is not waited for, and one that is not said is counted.
    let post = "POST /api/v1/workspaces";
    let json = "Content-Type: application/json\r\n";
    let started = Instant::now();
    let said = format!("{json}Content-Length: 9999999999\r\n");
    assert_eq!(raw::status(&server, post, &said), 413);
    assert!(started.elapsed() < Duration::from_secs(5));
    let body = format!("{{\"name\":\"{}\"}}", "a".repeat(2 << 20));
    let sent = server
        .request(Method::POST, "/workspaces")
        .header("content-type", "application/json");
    let sent = sent
        .body(reqwest::blocking::Body::new(std::io::Cursor::new(body)))
        .send();
    assert_eq!(answer(sent.unwrap()).0, 413);
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let sent = server
        .request(Method::POST, "/workspaces")
        .header("content-type", "application/json");
    assert_eq!(answer(sent.body(deep).send().unwrap()).0, 400);
    assert_eq!(server.get("/healthz").0, 200);
}

#[test]
fn a_path_is_compared_as_it_came_so_no_spelling_goes_round_the_token() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    for path in [
        "/healthz/../api/v1/workspaces",
        "/healthz%2f..%2fapi%2fv1%2fworkspaces",
        "/api/v1/healthz/../workspaces",
        "/api/v1/healthz/%2e%2e/workspaces",
        "/api/v1//workspaces",
        "//api/v1/workspaces",
        "/api/v1/./workspaces",
        "/api/v1/%77orkspaces",
        "/api/v1/workspaces;a=b",
        "/api/v1/workspaces%00",
        "/api/v1/workspaces%20",
        "/api/v1/workspaces/",
        "/API/v1/workspaces",
        "/api/v1\\workspaces",
        "/api/v1/openapi.json/../workspaces",
        // The runner's own routes are not the app's.
        &format!("/v1/workspaces/{id}/list"),
        "/v1/health",
        "/internal/workspaces",
        "/.well-known/spin/health/../../../api/v1/workspaces",
    ] {
        for (status, who) in [
            (status(&server, &format!("GET {path}"), ""), "nobody"),
            (raw::status(&server, &format!("GET {path}"), ""), "a user"),
        ] {
            assert_eq!(status, 404, "{path} of {who}");
        }
    }
    // An id is an id: what it might do as a path is never tried.
    for id in [
        "..",
        "%2e%2e",
        "ws_..%2f..%2fx",
        "ws_0;x",
        "ws_%00",
        "ws_%0a",
        "%2e",
    ] {
        let line = format!("GET /api/v1/workspaces/{id}");
        assert_eq!(raw::status(&server, &line, ""), 400, "{id}");
    }
    // The twin.
    let line = format!("GET /api/v1/workspaces/{id}");
    assert_eq!(raw::status(&server, &line, ""), 200);
}
