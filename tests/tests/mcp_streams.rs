//! Streams of `/mcp`: progress, questions to people, tasks, subscriptions, and what becomes of a client that is gone.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use swarm_flow_tests::artefact::guest;
use swarm_flow_tests::mcp::{Era, Mcp, Messages, is_stream};
use swarm_flow_tests::server::{Server, answer, fresh};

const BOTH: [Era; 2] = [Era::Modern, Era::Legacy];

/// A swarm whose agents may ask, and what starts a run of it.
fn swarm(server: &Server) -> String {
    let request = server
        .request(Method::POST, "/agents?name=social")
        .header("content-type", "application/wasm")
        .body(std::fs::read(guest("social")).unwrap());
    assert_eq!(answer(request.send().unwrap()).0, 201);
    let workspace = server.workspace("base", "standard");
    let agents = json!([{"kind": "social", "count": 2}]);
    let body = json!({"name": "s", "agents": agents, "workspaces": [workspace]});
    let (status, made) = server.post("/swarms", &body);
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// The arguments of `run_start` for a run whose one agent asks.
fn asks(swarm: &str, question: &str) -> Value {
    let steps = json!([{"ask": question}]);
    json!({"swarm": swarm, "tasks": [{"id": "a", "context": {"steps": steps}}]})
}

fn start(mcp: &Mcp<'_>, swarm: &str, question: &str) -> String {
    let run = mcp.call("run_start", asks(swarm, question));
    run["id"].as_str().unwrap().to_owned()
}

fn call(mcp: &Mcp<'_>, name: &str, arguments: &Value) -> Value {
    mcp.message("tools/call", json!({"name": name, "arguments": arguments}))
}

/// Looks again and again, for what happens soon.
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it did not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_command_tells_what_it_puts_out_while_it_runs() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    for era in BOTH {
        let mcp = Mcp::new(&server, era, "");
        let script = "echo one; while [ ! -e go ]; do sleep 0.05; done; rm go; echo two";
        let command = json!({"workspace": workspace, "command": ["sh", "-c", script]});
        let params = json!({"name": "exec", "arguments": command, "_meta": {"progressToken": "p"}});
        let message = mcp.message("tools/call", params);
        let mut messages = Messages::new(mcp.post(&message));
        let (_, first) = messages.take();
        assert_eq!(first["method"], "notifications/progress");
        assert_eq!(
            first["params"],
            json!({"progressToken": "p", "progress": 1, "message": "one\n"})
        );
        // It waits for this file: so what it said came while it ran.
        server.put(&workspace, "go", "");
        let (_, second) = messages.take();
        assert_eq!(second["params"]["message"], "two\n");
        let (_, last) = messages.take();
        assert_eq!(last["id"], message["id"]);
        assert_eq!(last["result"]["structuredContent"]["stdout"], "one\ntwo\n");
        assert!(messages.is_over());
    }
}

#[test]
fn a_client_that_leaves_ends_its_command_and_nothing_else() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let mcp = Mcp::new(&server, Era::Modern, "");
    let script = "echo started; while true; do echo still >> log; sleep 0.05; done";
    let command = json!({"workspace": workspace, "command": ["sh", "-c", script]});
    let params = json!({"name": "exec", "arguments": command, "_meta": {"progressToken": 1}});
    let mut messages = Messages::new(mcp.post(&mcp.message("tools/call", params)));
    messages.take();
    drop(messages);
    until(|| {
        let request = server.request(Method::GET, &format!("/audit?workspace={workspace}"));
        let request = request.header("accept", "application/json");
        let (_, records) = answer(request.send().unwrap());
        let records = records["items"].as_array()?.iter();
        records
            .clone()
            .any(|record| record["kind"] == "sandbox.ended")
            .then_some(())
    });
    assert_eq!(
        server.exec(&workspace, &["sh", "-c", "echo on"])["stdout"],
        "on\n"
    );
}

#[test]
fn a_slow_reader_gets_all_of_it_and_holds_nobody_up() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    for era in BOTH {
        let mcp = Mcp::new(&server, era, "");
        // More than a socket and all that is between would hold.
        let script = "seq 600000";
        let command = json!({"workspace": workspace, "command": ["sh", "-c", script]});
        let params = json!({"name": "exec", "arguments": command, "_meta": {"progressToken": 1}});
        let message = mcp.message("tools/call", params);
        let mut messages = Messages::new(mcp.post(&message));
        // It has begun, and is not read on for a while.
        messages.take();
        for _ in 0..20 {
            mcp.call("workspace_get", json!({"workspace": workspace}));
        }
        let mut text = String::new();
        let last = loop {
            let (_, next) = messages.take();
            match next["params"]["message"].as_str() {
                Some(piece) => text.push_str(piece),
                None => break next,
            }
        };
        let result = &last["result"]["structuredContent"];
        assert_eq!(result["stdout"].as_str().unwrap().lines().count(), 600_000);
        assert!(
            result["stdout"]
                .as_str()
                .unwrap()
                .ends_with(&text[text.len() - 100..])
        );
    }
}

#[test]
fn a_person_is_asked_by_a_form_and_the_call_is_made_again_with_the_answer() {
    let server = fresh();
    let swarm = swarm(&server);
    let can_ask = json!({"elicitation": {}});
    let mcp = Mcp::with(&server, Era::Modern, "", can_ask);
    let run = start(&mcp, &swarm, "shall I?");
    let arguments = json!({"run": run});
    let (status, asked) = mcp.ask(
        "tools/call",
        json!({"name": "run_wait", "arguments": arguments}),
    );
    assert_eq!(status, 200);
    assert_eq!(asked["result"]["resultType"], "input_required", "{asked}");
    let requests = asked["result"]["inputRequests"].as_object().unwrap();
    let (question, request) = requests.iter().next().unwrap();
    assert_eq!(request["method"], "elicitation/create");
    assert_eq!(request["params"]["message"], "shall I?");
    let schema = &request["params"]["requestedSchema"];
    assert_eq!(schema["properties"]["answer"]["type"], "string");

    // Who declines leaves the question to others and is not asked again in the same call.
    let with = |response: Value, timeout_ms: u64| {
        let arguments = json!({"run": run, "timeout_ms": timeout_ms});
        json!({"name": "run_wait", "arguments": arguments, "inputResponses": {question: response}})
    };
    let declined = mcp.result("tools/call", with(json!({"action": "decline"}), 0));
    assert_eq!(declined["structuredContent"]["over"], false);
    // An answer that is none is said to be none.
    let wrong = mcp.result("tools/call", with(json!({"action": "accept"}), 0));
    assert_eq!(wrong["isError"], true, "{wrong}");
    let accepted = json!({"action": "accept", "content": {"answer": "yes"}});
    let done = mcp.result("tools/call", with(accepted, 30_000));
    assert_eq!(done["structuredContent"]["run"]["state"], "done", "{done}");
    let (_, answered) = server.get(&format!("/questions?run={run}"));
    assert_eq!(answered["items"][0]["answer"], "yes");

    // The twin: a client that shows no forms is given the question to read.
    let mcp = Mcp::new(&server, Era::Modern, "");
    let run = start(&mcp, &swarm, "and now?");
    let waited = mcp.call("run_wait", json!({"run": run}));
    assert_eq!(waited["questions"][0]["text"], "and now?");
}

#[test]
fn in_a_session_a_person_is_asked_over_the_stream_and_a_lost_one_is_taken_up() {
    let server = fresh();
    let swarm = swarm(&server);
    let mcp = Mcp::with(&server, Era::Legacy, "", json!({"elicitation": {}}));
    let run = start(&mcp, &swarm, "shall I?");
    let message = call(&mcp, "run_wait", &json!({"run": run}));
    let mut messages = Messages::new(mcp.post(&message));
    let (event, asked) = messages.take();
    assert_eq!(asked["method"], "elicitation/create");
    assert_eq!(asked["params"]["message"], "shall I?");
    let event = event.unwrap();
    drop(messages);

    // The connection is gone. Its last event is all that is needed to go on; the question is asked again.
    let again = |id: &str| {
        mcp.http(Method::GET)
            .header("last-event-id", id)
            .send()
            .unwrap()
    };
    let mut messages = Messages::new(again(&event));
    let (_, asked) = messages.take();
    let result = json!({"action": "accept", "content": {"answer": "yes"}});
    let response = json!({"jsonrpc": "2.0", "id": asked["id"], "result": result});
    assert_eq!(mcp.post(&response).status(), 202);
    let (_, done) = messages.take();
    assert_eq!(done["id"], message["id"]);
    assert_eq!(
        done["result"]["structuredContent"]["run"]["state"], "done",
        "{done}"
    );
    assert!(messages.is_over());
    assert_eq!(again("made-up").status(), 400);
    // An answer to what nobody asked changes nothing.
    let stray = json!({"jsonrpc": "2.0", "id": "other", "result": {}});
    assert_eq!(mcp.post(&stray).status(), 202);
}

#[test]
fn a_run_is_a_task_for_a_client_that_knows_tasks() {
    let server = fresh();
    let swarm = swarm(&server);
    let tasks = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    let mcp = Mcp::with(&server, Era::Modern, "", tasks);
    let start = |question: &str| {
        let params = json!({"name": "run_start", "arguments": asks(&swarm, question)});
        let (status, made) = mcp.ask("tools/call", params);
        assert_eq!(
            (status.as_u16(), &made["result"]["resultType"]),
            (200, &json!("task"))
        );
        made["result"]["taskId"].as_str().unwrap().to_owned()
    };
    let id = start("shall I?");
    assert_eq!(server.get(&format!("/runs/{id}")).0, 200);
    let of = json!({"taskId": id});
    let get = |status: &str| {
        until(|| {
            let task = mcp.result("tasks/get", of.clone());
            (task["status"] == status).then_some(task)
        })
    };
    let waiting = get("input_required");
    let (question, _) = waiting["inputRequests"]
        .as_object()
        .unwrap()
        .iter()
        .next()
        .unwrap();
    let answer = json!({"action": "accept", "content": {"answer": "yes"}});
    let responses = json!({question: answer, "unknown": {"action": "decline"}});
    mcp.result(
        "tasks/update",
        json!({"taskId": id, "inputResponses": responses}),
    );
    let done = get("completed");
    assert_eq!(done["result"]["structuredContent"]["state"], "done");
    assert_eq!(done["result"]["isError"], false);

    let id = start("and now?");
    mcp.result("tasks/cancel", json!({"taskId": id}));
    assert_eq!(server.get(&format!("/runs/{id}")).1["state"], "cancelled");
    let task = mcp.result("tasks/get", json!({"taskId": id}));
    assert_eq!(task["status"], "cancelled");
    let none = json!({"taskId": format!("run_{:032x}", 7)});
    assert_eq!(mcp.error("tasks/get", none).1["code"], -32602);
}

#[test]
fn a_subscription_brings_what_was_asked_for_and_nothing_else() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let mcp = Mcp::new(&server, Era::Modern, "");
    let uri = format!("swarm-flow://workspace/{workspace}");
    let wanted = json!({
        "resourcesListChanged": true,
        "promptsListChanged": true,
        "toolsListChanged": true,
        "resourceSubscriptions": [uri, "file:///etc/passwd"],
    });
    let message = mcp.message("subscriptions/listen", json!({"notifications": wanted}));
    let response = mcp.post(&message);
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let mut messages = Messages::new(response);
    let (_, first) = messages.take();
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    // What never changes, and what is no resource here, is not promised.
    assert_eq!(
        first["params"]["notifications"],
        json!({"resourcesListChanged": true, "resourceSubscriptions": [uri]})
    );
    server.post(&format!("/workspaces/{workspace}/stop"), &json!({}));
    let (_, updated) = messages.take();
    assert_eq!(updated["method"], "notifications/resources/updated");
    assert_eq!(updated["params"]["uri"], uri);
    let subscription = "io.modelcontextprotocol/subscriptionId";
    assert_eq!(updated["params"]["_meta"][subscription], message["id"]);
    server.workspace("base", "standard");
    let (_, changed) = messages.take();
    assert_eq!(changed["method"], "notifications/resources/list_changed");

    for wrong in [
        json!({}),
        json!({"notifications": {"resourceSubscriptions": "a"}}),
    ] {
        assert_eq!(mcp.error("subscriptions/listen", wrong).1["code"], -32602);
    }
    let of_task = json!({"notifications": {"taskIds": ["run_1"]}});
    assert_eq!(mcp.error("subscriptions/listen", of_task).1["code"], -32021);
}

#[test]
fn the_stream_of_a_session_goes_on_where_it_broke_off() {
    let server = fresh();
    let mcp = Mcp::new(&server, Era::Legacy, "");
    let open = |last: Option<&str>| {
        let mut request = mcp.http(Method::GET);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().unwrap();
        assert!(is_stream(&response), "{response:?}");
        Messages::new(response)
    };
    server.workspace("base", "standard");
    let mut messages = open(None);
    server.workspace("base", "standard");
    let (first, changed) = messages.take();
    assert_eq!(changed["method"], "notifications/resources/list_changed");
    drop(messages);
    // What happened while nobody listened comes first.
    server.workspace("base", "standard");
    let mut messages = open(first.as_deref());
    let (second, changed) = messages.take();
    assert_eq!(changed["method"], "notifications/resources/list_changed");
    let number = |id: Option<String>| id.unwrap().parse::<u64>().unwrap();
    assert!(number(second) > number(first));
    let request = mcp.http(Method::GET).header("last-event-id", "nothing");
    assert_eq!(request.send().unwrap().status(), 400);
}
