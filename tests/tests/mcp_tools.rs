//! Every tool of `/mcp` acts, in both eras: what it does is seen by the HTTP API, and so is what it says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use swarm_flow_tests::artefact::guest;
use swarm_flow_tests::mcp::{Era, Mcp};
use swarm_flow_tests::server::{Server, answer, fresh};

#[test]
fn every_tool_does_what_its_route_does() {
    for era in [Era::Modern, Era::Legacy] {
        let server = fresh();
        let mcp = Mcp::new(&server, era, "?groups=all");
        let workspace = workspaces(&mcp);
        files(&mcp, &workspace);
        commands(&mcp, &workspace);
        programs(&mcp);
        policies(&mcp, &workspace);
        agents(&mcp, &workspace);
        swarms(&mcp, &workspace);
        records(&mcp, &workspace);
        let listed: BTreeSet<_> = mcp.tools().into_iter().map(|(name, _)| name).collect();
        assert_eq!(listed, mcp.called.take(), "a tool was not tried");
    }
}

fn workspaces(mcp: &Mcp<'_>) -> String {
    let server = mcp.server;
    let made = mcp.call(
        "workspace_create",
        json!({"name": "m", "environment": "base", "idempotency_key": "one"}),
    );
    let workspace = made["id"].as_str().unwrap().to_owned();
    let path = format!("/workspaces/{workspace}");
    assert_eq!(server.get(&path).1, made);
    let again = mcp.call(
        "workspace_create",
        json!({"name": "m", "environment": "base", "idempotency_key": "one"}),
    );
    assert_eq!(again["id"], made["id"]);
    assert_eq!(
        mcp.call("workspace_get", json!({"workspace": workspace})),
        made
    );
    let listed = mcp.call("workspace_list", json!({"limit": 1}));
    assert_eq!(listed["items"][0]["id"], made["id"]);

    mcp.call("workspace_stop", json!({"workspace": workspace}));
    assert_eq!(server.get(&path).1["state"], "stopped");
    mcp.call("workspace_start", json!({"workspace": workspace}));
    assert_eq!(server.get(&path).1["state"], "started");

    let other = server.workspace("base", "standard");
    let deleted = mcp.call("workspace_delete", json!({"workspace": other}));
    assert_eq!(deleted, json!({"deleted": true}));
    assert_eq!(server.get(&format!("/workspaces/{other}")).0, 404);
    workspace
}

fn files(mcp: &Mcp<'_>, workspace: &str) {
    let server = mcp.server;
    let of = |path: &str| json!({"workspace": workspace, "path": path});
    let with = |path: &str, name: &str, value: Value| {
        let mut of = of(path);
        of[name] = value;
        of
    };
    let written = mcp.call("file_write", with("d/a b.txt", "text", "häuser".into()));
    assert_eq!(written["size_bytes"], 7);
    assert_eq!(server.read(workspace, "d/a%20b.txt").1, "häuser".as_bytes());
    let read = mcp.call("file_read", of("d/a b.txt"));
    assert_eq!(
        (&read["text"], &read["size_bytes"]),
        (&json!("häuser"), &json!(7))
    );
    // A character that a piece would cut in two is left for the next one.
    let piece = mcp.call("file_read", with("d/a b.txt", "length", 2.into()));
    assert_eq!(
        (&piece["text"], &piece["size_bytes"]),
        (&json!("h"), &json!(7))
    );
    mcp.call("file_write", with("bytes", "base64", "/wD/".into()));
    assert_eq!(server.read(workspace, "bytes").1, [0xff, 0, 0xff]);
    assert_eq!(mcp.call("file_read", of("bytes"))["base64"], "/wD/");
    mcp.call("file_write", with("empty", "text", "".into()));
    assert_eq!(mcp.call("file_read", of("empty"))["text"], "");

    let listed = mcp.call(
        "file_list",
        json!({"workspace": workspace, "recursive": true}),
    );
    let listed = listed["items"].as_array().unwrap();
    assert!(
        listed.iter().any(|file| file["path"] == "d/a b.txt"),
        "{listed:?}"
    );
    mcp.call("file_delete", of("d"));
    assert_eq!(server.read(workspace, "d/a%20b.txt").0, 404);
    assert!(
        mcp.refusal("file_read", of("d/a b.txt"))
            .contains("not-found")
    );
    let both = json!({"workspace": workspace, "path": "a", "text": "", "base64": ""});
    assert!(
        mcp.refusal("file_write", both)
            .contains("\"field\":\"base64\"")
    );
}

fn commands(mcp: &Mcp<'_>, workspace: &str) {
    let run = |script: &str| {
        let command = json!(["sh", "-c", script]);
        json!({"workspace": workspace, "command": command})
    };
    let ran = mcp.call(
        "exec",
        run("echo out; echo err >&2; echo made > made.txt; exit 3"),
    );
    assert_eq!(
        (&ran["stdout"], &ran["stderr"], &ran["exit_code"]),
        (&json!("out\n"), &json!("err\n"), &json!(3))
    );
    assert_eq!(mcp.server.read(workspace, "made.txt").1, b"made\n");
    // The policy holds here as anywhere: what is denied says what would allow it.
    let denied = mcp.call("exec", run("cat < /etc/passwd"));
    assert_ne!(denied["exit_code"], 0, "{denied}");
    let refused = mcp.refusal("exec", json!({"workspace": workspace, "command": "ls"}));
    assert!(refused.contains("\"field\":\"command\""), "{refused}");
}

fn programs(mcp: &Mcp<'_>) {
    let server = mcp.server;
    add(server, "programs", "mine", "hello");
    let listed = mcp.call("program_list", json!({}));
    assert_eq!(listed, server.get("/programs").1);
    assert_eq!(
        mcp.call("program_get", json!({"name": "mine"}))["name"],
        "mine"
    );
    mcp.call("program_remove", json!({"name": "mine"}));
    assert_eq!(server.get("/programs/mine").0, 404);
}

fn policies(mcp: &Mcp<'_>, workspace: &str) {
    let server = mcp.server;
    let policy = json!({"preset": "isolated"});
    let kept = mcp.call("policy_put", json!({"name": "strict", "policy": policy}));
    assert_eq!(server.get("/policies/strict").1, kept);
    assert_eq!(mcp.call("policy_get", json!({"name": "strict"})), kept);
    assert_eq!(
        mcp.call("policy_list", json!({})),
        server.get("/policies").1
    );
    let versions = mcp.call("policy_versions", json!({"name": "strict"}));
    assert_eq!(versions["items"].as_array().unwrap().len(), 1);
    let write = json!({"name": "strict", "write": {"path": "/workspace/a"}});
    let decided = mcp.call("policy_explain", write);
    assert_eq!(decided["decision"], "deny", "{decided}");

    let explain = json!({"workspace": workspace, "write": {"path": "/workspace/a"}});
    assert_eq!(
        mcp.call("workspace_explain", explain.clone())["decision"],
        "allow"
    );
    mcp.call(
        "workspace_policy_set",
        json!({"workspace": workspace, "policy": "strict"}),
    );
    let (_, changed) = server.get(&format!("/workspaces/{workspace}"));
    assert_eq!(changed["policy"]["name"], "strict");
    assert_eq!(mcp.call("workspace_explain", explain)["decision"], "deny");
    mcp.call(
        "workspace_policy_set",
        json!({"workspace": workspace, "policy": "standard"}),
    );
    mcp.call("policy_delete", json!({"name": "strict"}));
    assert_eq!(server.get("/policies/strict").0, 404);
}

fn agents(mcp: &Mcp<'_>, workspace: &str) {
    let server = mcp.server;
    add(server, "agents", "social", "social");
    add(server, "agents", "other", "social");
    assert_eq!(mcp.call("agent_list", json!({})), server.get("/agents").1);
    assert_eq!(
        mcp.call("agent_get", json!({"name": "social"})),
        server.get("/agents/social").1
    );
    mcp.call("agent_remove", json!({"name": "other"}));
    assert_eq!(server.get("/agents/other").0, 404);
    let task = json!({
        "id": "t1", "description": "say it", "requirements": [],
        "context": {"command": ["sh", "-c", "echo said | tee said.txt"]},
    });
    let done = mcp.call(
        "agent_task",
        json!({"name": "script", "workspace": workspace, "task": task}),
    );
    assert_eq!(done["success"], true, "{done}");
    assert_eq!(server.read(workspace, "said.txt").1, b"said\n");
}

fn swarms(mcp: &Mcp<'_>, workspace: &str) {
    let server = mcp.server;
    let swarm = mcp.call(
        "swarm_create",
        json!({"name": "s", "agents": [{"kind": "social", "count": 1}], "workspaces": [workspace]}),
    );
    let swarm = swarm["id"].as_str().unwrap();
    let of = json!({"swarm": swarm});
    assert_eq!(
        mcp.call("swarm_get", of.clone()),
        server.get(&format!("/swarms/{swarm}")).1
    );
    assert_eq!(mcp.call("swarm_list", json!({}))["items"][0]["id"], swarm);
    mcp.call("swarm_scale", json!({"swarm": swarm, "target_size": 2}));
    let (_, scaled) = server.get(&format!("/swarms/{swarm}"));
    assert_eq!(scaled["agents"][0]["count"], 2);

    let start = |steps: Value| {
        let tasks = json!([{"id": "a", "context": {"steps": steps}}]);
        let run = mcp.call("run_start", json!({"swarm": swarm, "tasks": tasks}));
        run["id"].as_str().unwrap().to_owned()
    };
    let run = start(json!([{"ask": "shall I?"}]));
    let of_run = json!({"run": run});
    let waited = mcp.call("run_wait", of_run.clone());
    assert_eq!(waited["over"], false);
    let question = waited["questions"][0]["id"].as_str().unwrap();
    assert_eq!(waited["questions"][0]["text"], "shall I?");
    let listed = mcp.call("question_list", json!({"state": "open"}));
    assert_eq!(listed["items"][0]["id"], question);
    mcp.call("run_pause", of_run.clone());
    assert_eq!(server.get(&format!("/runs/{run}")).1["state"], "paused");
    mcp.call("run_resume", of_run.clone());
    assert_eq!(server.get(&format!("/runs/{run}")).1["state"], "running");
    mcp.call(
        "question_answer",
        json!({"question": question, "answer": "yes"}),
    );
    let waited = mcp.call("run_wait", of_run.clone());
    assert_eq!(
        (&waited["over"], &waited["run"]["state"]),
        (&json!(true), &json!("done"))
    );
    assert_eq!(
        mcp.call("run_get", of_run.clone()),
        server.get(&format!("/runs/{run}")).1
    );
    assert_eq!(mcp.call("run_replay", of_run)["diverged"], 0);
    assert_eq!(
        mcp.call("memory_list", of),
        server.get(&format!("/swarms/{swarm}/memory")).1
    );

    let run = start(json!([{"exec": ["sleep", "60"]}]));
    mcp.call("run_cancel", json!({"run": run}));
    assert_eq!(server.get(&format!("/runs/{run}")).1["state"], "cancelled");
    assert_eq!(
        mcp.call("run_list", json!({"swarm": swarm}))["items"][0]["id"],
        run.as_str()
    );
}

fn records(mcp: &Mcp<'_>, workspace: &str) {
    let server = mcp.server;
    let events = mcp.call("event_list", json!({"stream": workspace, "limit": 1}));
    assert_eq!(events["items"][0]["kind"], "workspace.created");
    let audit = mcp.call("audit_query", json!({"workspace": workspace, "limit": 1}));
    assert_eq!(audit["items"].as_array().unwrap().len(), 1);
    let runners = mcp.call("runner_list", json!({}));
    assert_eq!(
        runners["items"][0]["id"],
        server.get("/runners").1["items"][0]["id"]
    );
}

/// Adds a guest as a program or an agent.
fn add(server: &Server, kind: &str, name: &str, file: &str) {
    let request = server
        .request(Method::POST, &format!("/{kind}?name={name}"))
        .header("content-type", "application/wasm")
        .body(std::fs::read(guest(file)).unwrap());
    let (status, added) = answer(request.send().unwrap());
    assert_eq!(status, 201, "{added}");
}

#[test]
fn programs_of_a_workspace_are_tools_under_its_policy() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let closed = server.workspace("base", "isolated");
    server.put(
        &workspace,
        "bin/greet.wasm",
        std::fs::read(guest("hello")).unwrap(),
    );
    for era in [Era::Modern, Era::Legacy] {
        let query = format!("?workspace={workspace}&tools=tee,cat,/workspace/bin/greet.wasm");
        let mcp = Mcp::new(&server, era, &query);
        let names: Vec<_> = mcp.tools().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["cat", "greet", "tee"]);
        let teed = mcp.call(
            "tee",
            json!({"arguments": ["/workspace/t.txt"], "stdin": "text"}),
        );
        assert_eq!(
            (&teed["stdout"], &teed["exit_code"]),
            (&json!("text"), &json!(0))
        );
        assert_eq!(server.read(&workspace, "t.txt").1, b"text");
        assert_eq!(mcp.call("greet", json!({}))["exit_code"], 0);
        // What the address does not name is not there, not even what is usual.
        let (_, error) = mcp.error("tools/call", json!({"name": "exec", "arguments": {}}));
        assert_eq!(error["code"], -32602);

        // The twin: the same program where the policy lets nothing be written.
        let query = format!("?workspace={closed}&tools=tee");
        let mcp = Mcp::new(&server, era, &query);
        let teed = mcp.call(
            "tee",
            json!({"arguments": ["/workspace/t.txt"], "stdin": "text"}),
        );
        assert_ne!(teed["exit_code"], 0, "{teed}");
        assert_eq!(server.read(&closed, "t.txt").0, 404);
    }
    let mcp = Mcp::new(
        &server,
        Era::Modern,
        &format!("?workspace={workspace}&tools=nothing"),
    );
    let (_, error) = mcp.error("tools/list", json!({}));
    assert_eq!(error["data"]["code"], "program-not-found", "{error}");
    let mcp = Mcp::new(
        &server,
        Era::Modern,
        &format!("?workspace={workspace}&tools=*&groups=exec"),
    );
    let tools = mcp.tools();
    assert!(
        tools.contains_key("exec") && tools.contains_key("jq"),
        "{tools:?}"
    );
}
