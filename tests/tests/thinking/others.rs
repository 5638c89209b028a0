//! `judge` and `researcher`.

use super::{DIALECTS, ended, output, says, start, submit, uses};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use swarm_flow_tests::aimock::Aimock;

#[test]
fn three_judges_find_a_consensus_in_both_dialects() {
    let Some(mock) = Aimock::start(&[uses(
        "tabs or spaces",
        0,
        None,
        "judgement",
        json!({"vote": "tabs", "reason": "they are one byte"}),
    )]) else {
        return;
    };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    let workspace = server.workspace("base", "standard");
    for dialect in DIALECTS {
        let context = json!({"mode": "vote", "options": ["tabs", "spaces"], "model": format!("by-{dialect}")});
        let tasks = json!([{"description": "tabs or spaces?", "context": context}]);
        let run = ended(
            &server,
            &submit(&server, &[("judge", 3)], "consensus", &workspace, tasks),
        );
        assert_eq!(
            (&run["state"], &run["outcome"]["answer"]),
            (&json!("done"), &json!("tabs")),
            "{run}"
        );
        // With the second vote it is over, and the third judge may not be asked any more.
        let tasks = run["tasks"].as_array().unwrap();
        let voted = tasks.iter().filter(|task| task["state"] == "done");
        let said: Vec<Value> = voted
            .map(|task| serde_json::from_str(task["result"]["output"].as_str().unwrap()).unwrap())
            .collect();
        assert!(said.len() >= 2, "{run}");
        for judgement in said {
            assert_eq!(judgement["reason"], "they are one byte");
        }
    }
}

/// Serves one page, again and again.
fn site() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/tigers", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The request is one piece, and its content does not matter.
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let body = "<html><p>Tigers are striped.</p></html>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn a_researcher_reads_what_is_granted_and_says_what_is_denied() {
    let page = site();
    let report = format!("They are striped [{page}].");
    let Some(mock) = Aimock::start(&[
        uses("look of tigers", 0, None, "fetch", json!({"url": page})),
        says("look of tigers", 1, Some("Tigers are striped."), &report),
        says(
            "look of tigers",
            1,
            Some("denied by the policy of the workspace"),
            "I could not find out.",
        ),
    ]) else {
        return;
    };
    let state = tempfile::tempdir().unwrap();
    let server = start(state.path(), &mock);
    for granted in [true, false] {
        let network = if granted {
            json!("localhost")
        } else {
            json!("none")
        };
        let policy = json!({"preset": "standard", "network": network});
        let (status, made) = server.post(
            "/workspaces",
            &json!({"name": "w", "environment": "base", "policy": policy}),
        );
        assert_eq!(status, 201, "{made}");
        let tasks = json!([{"description": "find out the look of tigers"}]);
        let path = submit(
            &server,
            &[("researcher", 1)],
            "parallel",
            made["id"].as_str().unwrap(),
            tasks,
        );
        let run = ended(&server, &path);
        assert_eq!(run["state"], "done", "{run}");
        let said = output(&run, 0);
        assert_eq!(
            said.starts_with(&report) && said.contains(&format!("fetched: {page}\n")),
            granted,
            "{said}"
        );
        assert_eq!(said.contains("denied: http on "), !granted, "{said}");
    }
}
