//! Nushell in a workspace, line by line as its own executable answers them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::{Value, json};
use swarm_flow_tests::artefact::root;
use swarm_flow_tests::server::fresh;

#[test]
fn nushell_answers_as_upstream_does() {
    let server = fresh();
    let id = server.workspace("nu", "standard");
    let lines = std::fs::read_to_string(root().join("programs/nu/tests/lines.json")).unwrap();
    let lines: Vec<Value> = serde_json::from_str(&lines).unwrap();
    assert!(lines.len() > 100);
    let mut wrong = Vec::new();
    for line in &lines {
        let code = line["code"].as_str().unwrap();
        let result = server.exec(&id, &["nu", "-c", code]);
        if result["stdout"] != line["stdout"] || result["exit_code"] != line["exit"] {
            wrong.push(format!("{code}\n  here:     {result}\n  upstream: {line}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nushell_starts_other_programs() {
    let server = fresh();
    let id = server.workspace("nu", "standard");
    for (code, stdout, exit) in [
        (
            "^family say 'from nu' | str trim | str upcase",
            "FROM NU\n",
            0,
        ),
        ("family exit 3", "", 3),
        ("do { family exit 3 } | complete | get exit_code", "3\n", 0),
        ("'abc' | ^family copy | ^family copy | str length", "3\n", 0),
        (
            "[1 2 3] | each { |n| ^family say $n | str trim } | str join ','",
            "1,2,3",
            0,
        ),
        ("^nothing-like-it", "", 1),
    ] {
        let result = server.exec(&id, &["nu", "-c", code]);
        assert_eq!(
            (&result["stdout"], &result["exit_code"]),
            (&json!(stdout), &json!(exit)),
            "{code}: {result}"
        );
    }
}

#[test]
fn what_nushell_cannot_do_here_it_says() {
    let server = fresh();
    let id = server.workspace("nu", "standard");
    for code in ["watch . {||}", "plugin list", "ps", "input", "sys mem"] {
        let result = server.exec(&id, &["nu", "-c", code]);
        assert_eq!(result["outcome"]["kind"], "exited", "{code}: {result}");
        assert_ne!(result["exit_code"], 0, "{code}: {result}");
        let stderr = result["stderr"].as_str().unwrap();
        assert!(stderr.contains("Error"), "{code}: {result}");
        assert!(!stderr.contains("panicked"), "{code}: {result}");
    }
}
