//! The protocol at `/mcp`, in both eras: what is refused, and what it is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use swarm_flow_tests::mcp::{Era, LEGACY, MODERN, Mcp};
use swarm_flow_tests::server::{answer, fresh};

const BOTH: [Era; 2] = [Era::Modern, Era::Legacy];

#[test]
fn who_has_no_token_or_comes_from_elsewhere_is_refused() {
    let server = fresh();
    for era in BOTH {
        let mcp = Mcp::new(&server, era, "");
        let message = mcp.message("tools/list", json!({}));
        let from = |origin: &str| {
            let request = mcp.http(Method::POST).header("mcp-method", "tools/list");
            request
                .header("origin", origin)
                .json(&message)
                .send()
                .unwrap()
        };
        assert_eq!(from("https://evil.example").status(), 403);
        assert_eq!(from("http://localhost:8080").status(), 200);
    }
    for (method, token, status) in [
        (Method::POST, None, 401),
        (Method::GET, None, 401),
        (Method::POST, Some("wrong"), 401),
    ] {
        let mut request = server.client.request(method, format!("{}/mcp", server.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().unwrap();
        assert_eq!(response.status(), status);
        let challenge = response.headers()["www-authenticate"].to_str().unwrap();
        let (_, metadata) = challenge.split_once("resource_metadata=\"").unwrap();
        let metadata = metadata.trim_end_matches('"');
        let (status, said) = answer(server.client.get(metadata).send().unwrap());
        assert_eq!(status, 200);
        assert_eq!(said["resource"], format!("{}/mcp", server.url));
        assert_eq!(said["bearer_methods_supported"], json!(["header"]));
    }
    let root = format!("{}/.well-known/oauth-protected-resource", server.url);
    assert_eq!(server.client.get(root).send().unwrap().status(), 200);
}

#[test]
fn a_request_of_2026_says_in_its_headers_what_its_body_says() {
    let server = fresh();
    let mcp = Mcp::new(&server, Era::Modern, "");
    let call = json!({"name": "workspace_list", "arguments": {}});
    let message = mcp.message("tools/call", call.clone());
    let good = [
        ("mcp-protocol-version", MODERN),
        ("mcp-method", "tools/call"),
        ("mcp-name", "workspace_list"),
    ];
    let send = |headers: &[(&str, &str)], message: &Value| {
        let mut request = mcp.plain(Method::POST).json(message);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(request.send().unwrap())
    };
    assert_eq!(send(&good, &message).0, 200);
    let mut encoded = good;
    encoded[2].1 = "=?base64?d29ya3NwYWNlX2xpc3Q=?=";
    assert_eq!(send(&encoded, &message).0, 200);
    for wrong in 0..good.len() {
        let mut other = good;
        other[wrong].1 = "other";
        let mut missing = good.to_vec();
        missing.remove(wrong);
        for headers in [&other[..], &missing] {
            let (status, said) = send(headers, &message);
            assert_eq!(
                (status, &said["error"]["code"], &said["id"]),
                (StatusCode::BAD_REQUEST, &json!(-32020), &message["id"]),
                "{headers:?}"
            );
        }
    }
    // A version that nobody speaks, and a message that lacks what stands for a handshake.
    let mut unknown = message.clone();
    unknown["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "1900-01-01".into();
    let mut headers = good;
    headers[0].1 = "1900-01-01";
    let (status, said) = send(&headers, &unknown);
    assert_eq!(
        (status, &said["error"]["code"]),
        (StatusCode::BAD_REQUEST, &json!(-32022))
    );
    assert_eq!(said["error"]["data"]["requested"], "1900-01-01");
    assert_eq!(said["error"]["data"]["supported"][0], MODERN);
    for field in ["protocolVersion", "clientCapabilities"] {
        let mut bare = message.clone();
        let meta = bare["params"]["_meta"].as_object_mut().unwrap();
        meta.remove(&format!("io.modelcontextprotocol/{field}"));
        let (status, said) = send(&good, &bare);
        assert_eq!(
            (status, &said["error"]["code"]),
            (StatusCode::BAD_REQUEST, &json!(-32602))
        );
    }
    for method in ["initialize", "ping", "logging/setLevel", "nothing/here"] {
        let (status, error) = mcp.error(method, json!({}));
        assert_eq!(
            (status, &error["code"]),
            (StatusCode::NOT_FOUND, &json!(-32601)),
            "{method}"
        );
    }
    let (status, error) = mcp.error("tasks/get", json!({"taskId": "run_1"}));
    assert_eq!(
        (status, &error["code"]),
        (StatusCode::BAD_REQUEST, &json!(-32021))
    );
    // There are no sessions to open a stream in, or to end.
    assert_eq!(mcp.http(Method::GET).send().unwrap().status(), 405);
}

#[test]
fn a_session_is_asked_for_and_one_that_is_unknown_is_not_there() {
    let server = fresh();
    let mcp = Mcp::new(&server, Era::Legacy, "");
    let message = mcp.message("tools/list", json!({}));
    let session = mcp.session.clone().unwrap();
    let send = |headers: &[(&str, &str)]| {
        let mut request = mcp.plain(Method::POST).json(&message);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().unwrap().status()
    };
    let forged = session.replace(LEGACY, "2025-06-18");
    for (headers, status) in [
        (&[("mcp-session-id", session.as_str())][..], 200),
        (
            &[
                ("mcp-session-id", &session),
                ("mcp-protocol-version", LEGACY),
            ],
            200,
        ),
        (&[], 400),
        (&[("mcp-protocol-version", LEGACY)], 400),
        (&[("mcp-session-id", "made-up")], 404),
        (&[("mcp-session-id", &forged)], 404),
        (
            &[
                ("mcp-session-id", &session),
                ("mcp-protocol-version", "1900-01-01"),
            ],
            400,
        ),
    ] {
        assert_eq!(send(headers), status, "{headers:?}");
    }
    assert_eq!(mcp.http(Method::DELETE).send().unwrap().status(), 405);
    assert_eq!(mcp.plain(Method::GET).send().unwrap().status(), 400);
    let (status, error) = mcp.error("nothing/here", json!({}));
    assert_eq!((status, &error["code"]), (StatusCode::OK, &json!(-32601)));
}

#[test]
fn what_is_no_message_is_refused_and_says_why() {
    let server = fresh();
    for era in BOTH {
        let mcp = Mcp::new(&server, era, "");
        let good = mcp.message("tools/list", json!({}));
        let doubled = good.to_string().replacen('{', "{\"id\":9,", 1);
        for (body, code) in [
            ("{".to_owned(), -32700),
            (String::new(), -32700),
            (json!([good]).to_string(), -32600),
            ("[]".to_owned(), -32600),
            ("1".to_owned(), -32600),
            (json!({"id": 1, "method": "tools/list"}).to_string(), -32600),
            (doubled, -32600),
        ] {
            let request = mcp.http(Method::POST).header("mcp-method", "tools/list");
            let request = request
                .header("content-type", "application/json")
                .body(body.clone());
            let (status, said) = answer(request.send().unwrap());
            assert_eq!(
                (status, &said["error"]["code"]),
                (StatusCode::BAD_REQUEST, &json!(code)),
                "{body}: {said}"
            );
        }
        let send = |kind: &str, accept: &str, body: Vec<u8>| {
            let url = format!("{}/mcp", server.url);
            let request = server.client.post(url).bearer_auth(&server.token);
            let request = request
                .header("content-type", kind)
                .header("accept", accept);
            request.body(body).send().unwrap().status()
        };
        assert_eq!(send("text/plain", "*/*", b"{}".to_vec()), 415);
        assert_eq!(send("application/json", "text/html", b"{}".to_vec()), 406);
        let huge = vec![b' '; (24 << 20) + 1];
        assert_eq!(send("application/json", "*/*", huge), 413);
        // A server that was told nonsense goes on.
        assert!(!mcp.tools().is_empty());
    }
}

#[test]
fn arguments_that_break_a_schema_get_a_result_that_says_what_to_change() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    for era in BOTH {
        let mcp = Mcp::new(&server, era, "?groups=all");
        for (tool, arguments, field) in [
            ("workspace_create", json!({}), "name"),
            ("workspace_create", json!({"name": 1}), "name"),
            (
                "workspace_create",
                json!({"name": "a", "color": "red"}),
                "color",
            ),
            (
                "workspace_create",
                json!({"name": "a", "policy": {"preset": "x"}}),
                "policy.preset",
            ),
            (
                "workspace_get",
                json!({"workspace": "nothing"}),
                "workspace",
            ),
            ("workspace_list", json!({"limit": 0}), "limit"),
            (
                "exec",
                json!({"workspace": workspace, "command": []}),
                "command",
            ),
            (
                "file_read",
                json!({"workspace": workspace, "path": "a", "length": 0}),
                "length",
            ),
            (
                "run_wait",
                json!({"run": "run_1", "timeout_ms": -1}),
                "timeout_ms",
            ),
            ("question_list", json!({"state": "other"}), "state"),
        ] {
            let said = mcp.refusal(tool, arguments.clone());
            let named = format!("\"field\":\"{field}\"");
            assert!(said.contains(&named), "{tool} {arguments}: {said}");
        }
        let params = json!({"name": "workspace_list", "arguments": []});
        let (_, error) = mcp.error("tools/call", params);
        assert_eq!(error["code"], -32602);
    }
}
