//! The protocol at `/mcp`, in both eras: what a server says of itself, and what it has.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use swarm_flow_tests::mcp::{Era, LEGACY, MODERN, Mcp};
use swarm_flow_tests::server::{answer, cli, fresh};

const BOTH: [Era; 2] = [Era::Modern, Era::Legacy];

#[test]
fn a_server_says_what_it_has_and_for_how_long() {
    let server = fresh();
    let mcp = Mcp::new(&server, Era::Modern, "");
    let said = mcp.result("server/discover", json!({}));
    assert_eq!(said["supportedVersions"][0], MODERN);
    assert!(
        said["supportedVersions"]
            .as_array()
            .unwrap()
            .contains(&LEGACY.into())
    );
    assert_eq!(
        said["_meta"]["io.modelcontextprotocol/serverInfo"]["name"],
        "swarm-flow"
    );
    for (method, list) in [
        ("server/discover", "supportedVersions"),
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ] {
        let found = mcp.result(method, json!({}));
        assert!(found[list].is_array(), "{method}");
        assert!(found["ttlMs"].is_u64(), "{method}: {found}");
        let scope = found["cacheScope"].as_str().unwrap();
        assert!(matches!(scope, "public" | "private"), "{method}");
        // What is kept is dated in the era of 2026 alone.
        if method != "server/discover" {
            let legacy = Mcp::new(&server, Era::Legacy, "").result(method, json!({}));
            assert!(
                legacy[list].is_array() && legacy.get("ttlMs").is_none(),
                "{method}"
            );
        }
    }
    assert_eq!(
        Mcp::new(&server, Era::Legacy, "").result("ping", json!({})),
        json!({})
    );
}

#[test]
fn an_older_version_is_agreed_on_and_an_unknown_one_gets_the_newest() {
    let server = fresh();
    let mcp = Mcp::new(&server, Era::Modern, "");
    for (asked, agreed) in [
        (LEGACY, LEGACY),
        ("2025-06-18", "2025-06-18"),
        ("2024-11-05", LEGACY),
        ("1900-01-01", LEGACY),
    ] {
        let params = json!({"protocolVersion": asked, "capabilities": {}, "clientInfo": {}});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        let (status, said) = answer(mcp.plain(Method::POST).json(&message).send().unwrap());
        assert_eq!(
            (status, &said["result"]["protocolVersion"]),
            (StatusCode::OK, &json!(agreed))
        );
    }
}

#[test]
fn tools_are_listed_by_group_in_a_few_thousand_tokens() {
    let server = fresh();
    for era in BOTH {
        let tools = Mcp::new(&server, era, "").tools();
        assert!(tools.contains_key("exec") && !tools.contains_key("policy_put"));
        let size = Value::from(tools).to_string().len();
        assert!(size / 4 < 7000, "{size} bytes");
        let tools = Mcp::new(&server, era, "?groups=policies,audit").tools();
        assert!(tools.contains_key("policy_put") && !tools.contains_key("exec"));
        for (name, tool) in tools {
            for schema in ["inputSchema", "outputSchema"] {
                assert_eq!(tool[schema]["type"], "object", "{name}");
            }
            assert!(tool["annotations"]["readOnlyHint"].is_boolean(), "{name}");
        }
        // What is not listed cannot be called, and the error says where it is.
        let mcp = Mcp::new(&server, era, "?groups=files");
        let call = json!({"name": "exec", "arguments": {}});
        let (_, error) = mcp.error("tools/call", call);
        assert_eq!(error["code"], -32602);
        assert!(
            error["message"].as_str().unwrap().contains("?groups=exec"),
            "{error}"
        );
    }
    let mcp = Mcp::new(&server, Era::Modern, "?groups=exec,nothing");
    let message = mcp.message("tools/list", json!({}));
    let (status, problem) = answer(mcp.post(&message));
    assert_eq!(
        (status, &problem["field"]),
        (StatusCode::BAD_REQUEST, &json!("groups"))
    );
}

#[test]
fn resources_are_workspaces_files_and_runs() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    server.put(&workspace, "d/a.txt", "text");
    server.put(&workspace, "bytes", vec![0xff, 0]);
    for era in BOTH {
        let mcp = Mcp::new(&server, era, "");
        let mut cursor = json!({});
        let mut uris = Vec::new();
        loop {
            let page = mcp.result("resources/list", cursor);
            let found = page["resources"].as_array().unwrap().iter();
            uris.extend(found.map(|found| found["uri"].as_str().unwrap().to_owned()));
            match page.get("nextCursor") {
                Some(next) => cursor = json!({"cursor": next}),
                None => break,
            }
        }
        let whole = format!("swarm-flow://workspace/{workspace}");
        assert_eq!(uris, [whole.as_str()]);
        let read =
            |uri: &str| mcp.result("resources/read", json!({"uri": uri}))["contents"][0].clone();
        assert!(read(&whole)["text"].as_str().unwrap().contains(&workspace));
        assert_eq!(read(&format!("{whole}/d/a.txt"))["text"], "text");
        assert_eq!(read(&format!("{whole}/bytes"))["blob"], "/wA=");
        assert!(
            read(&format!("{whole}/d/"))["text"]
                .as_str()
                .unwrap()
                .contains("d/a.txt")
        );
        let code = match era {
            Era::Modern => -32602,
            Era::Legacy => -32002,
        };
        for uri in [
            format!("{whole}/none"),
            "swarm-flow://run/none".to_owned(),
            "file:///etc/passwd".to_owned(),
        ] {
            let (_, error) = mcp.error("resources/read", json!({"uri": uri}));
            assert_eq!(
                (&error["code"], &error["data"]["uri"]),
                (&json!(code), &json!(uri))
            );
        }
        let reference =
            json!({"type": "ref/resource", "uri": "swarm-flow://workspace/{workspace}"});
        let argument = json!({"name": "workspace", "value": "ws_"});
        let found = mcp.result(
            "completion/complete",
            json!({"ref": reference, "argument": argument}),
        );
        assert_eq!(found["completion"]["values"], json!([workspace]));
    }
}

#[test]
fn prompts_take_arguments_and_say_which_they_lack() {
    let server = fresh();
    for era in BOTH {
        let mcp = Mcp::new(&server, era, "");
        let prompts = mcp.result("prompts/list", json!({}));
        assert!(prompts["prompts"].as_array().unwrap().len() > 2);
        let got = mcp.result(
            "prompts/get",
            json!({"name": "review_run", "arguments": {"run": "run_7"}}),
        );
        let text = got["messages"][0]["content"]["text"].as_str().unwrap();
        assert!(text.contains("run_7"), "{text}");
        let (_, error) = mcp.error("prompts/get", json!({"name": "review_run"}));
        assert!(
            error["message"].as_str().unwrap().contains("arguments.run"),
            "{error}"
        );
        let (_, error) = mcp.error("prompts/get", json!({"name": "none"}));
        assert_eq!(error["code"], -32602);
    }
}

#[test]
fn the_configuration_that_is_printed_is_of_this_server_and_keeps_the_token_to_itself() {
    let server = fresh();
    for (client, servers) in [
        ("claude", "mcpServers"),
        ("vscode", "servers"),
        ("cursor", "mcpServers"),
    ] {
        let install = |more: &[&str]| {
            let arguments = ["mcp", "install", client, "--groups", "exec,files"];
            let output = cli(&server).args(arguments).args(more).output().unwrap();
            assert!(output.status.success(), "{output:?}");
            serde_json::from_slice::<Value>(&output.stdout).unwrap()
        };
        let printed = install(&[]);
        assert!(!printed.to_string().contains(&server.token));
        let entry = install(&["--with-token"])[servers]["swarm-flow"].clone();
        let params = json!({"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {}});
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
        let request = server.client.post(entry["url"].as_str().unwrap());
        let token = entry["headers"]["Authorization"].as_str().unwrap();
        let request = request.header("authorization", token).json(&message);
        assert_eq!(request.send().unwrap().status(), 200);
    }
    let wrong = cli(&server)
        .args(["mcp", "install", "nothing"])
        .output()
        .unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
