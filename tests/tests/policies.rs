//! What a policy makes of an action, over the API and from the command line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "policies/kept.rs"]
mod kept;

use serde_json::{Value, json};
use std::process::{Command, Output};
use swarm_flow_tests::server::{binary, fresh};

#[test]
fn the_api_says_what_a_policy_makes_of_an_action() {
    let server = fresh();
    let ask = |path: &str, action: Value| {
        let (status, decision) = server.post(&format!("{path}/explain"), &action);
        assert_eq!(status, 200, "{decision}");
        decision
    };
    let write = json!({"write": {"path": "/workspace/a"}});
    let denied = ask("/policies/isolated", write.clone());
    assert_eq!(
        (&denied["decision"], &denied["reason"]),
        (&json!("deny"), &json!("read_only"))
    );
    assert!(
        denied["grants"]
            .as_array()
            .is_some_and(|grants| !grants.is_empty()),
        "{denied}"
    );
    assert_eq!(
        ask("/policies/standard", write.clone())["decision"],
        "allow"
    );

    // The same of a workspace with a policy of its own.
    let mut policy = server.get("/policies/isolated").1;
    policy.as_object_mut().unwrap().remove("name");
    policy["network"] = json!({"public": ["GET https://api.example.com/v1/"]});
    let body = json!({"name": "own", "environment": "base", "policy": policy});
    let (status, workspace) = server.post("/workspaces", &body);
    assert_eq!(status, 201, "{workspace}");
    let own = format!("/workspaces/{}", workspace["id"].as_str().unwrap());
    let http = |method: &str, url: &str| json!({"http": {"method": method, "url": url}});
    for (method, url, expected) in [
        ("GET", "https://api.example.com/v1/users", json!("allow")),
        ("POST", "https://api.example.com/v1/users", json!("deny")),
        ("GET", "https://api.example.com/v2", json!("deny")),
        (
            "GET",
            "https://api.example.com@evil.example/v1/",
            json!("deny"),
        ),
    ] {
        let decision = ask(&own, http(method, url));
        assert_eq!(decision["decision"], expected, "{method} {url}: {decision}");
    }

    let (status, problem) = server.post("/policies/standard/explain", &json!({"fly": {}}));
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (400, &json!("invalid-request")),
        "{problem}"
    );
    let (status, problem) = server.post("/policies/none/explain", &write);
    assert_eq!(
        (status.as_u16(), &problem["code"]),
        (404, &json!("not-found")),
        "{problem}"
    );
}

/// Without a server, in a folder with nothing but these files.
fn policy(arguments: &[&str], files: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Command::new(binary())
        .arg("policy")
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap()
}

#[test]
fn a_policy_is_held_to_a_table() {
    let own = "preset = \"isolated\"\nnetwork = { public = [\"https://api.example.com\"] }\n";
    let table = |expected: &str| {
        format!(
            "[[test]]\nname = \"reads its API\"\naction.http = {{ url = \"https://api.example.com/v1\" }}\n\
             expect = \"{expected}\"\n"
        )
    };
    let run = |expected: &str| {
        let table = table(expected);
        policy(
            &["test", "own.toml", "table.toml"],
            &[("own.toml", own), ("table.toml", &table)],
        )
    };
    let good = run("allow");
    assert!(good.status.success(), "{good:?}");
    let bad = run("deny");
    assert_eq!(bad.status.code(), Some(1));
    let shown = String::from_utf8(bad.stdout).unwrap();
    assert!(
        shown.contains("FAILED") && shown.contains("network.public[0]"),
        "{shown}"
    );
}

#[test]
fn a_policy_file_that_is_wrong_is_refused_with_its_place() {
    let wrong = "preset = \"isolated\"\n[limits]\nmemory_byte = 5\n";
    let said = policy(
        &[
            "explain",
            "wrong.toml",
            "{\"read\": {\"path\": \"/workspace\"}}",
        ],
        &[("wrong.toml", wrong)],
    );
    assert_eq!(said.status.code(), Some(1));
    let error = String::from_utf8(said.stderr).unwrap();
    assert!(
        error.contains("line 3") && error.contains("memory_bytes"),
        "{error}"
    );
}
