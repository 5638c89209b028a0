//! Traces and metrics as a collector gets them: what was done for a run is one trace, nothing secret is in it, and nothing is
//! sent that was not asked for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "telemetry/collector.rs"]
mod collector;
#[path = "telemetry/models.rs"]
mod models;

use collector::{Collector, hex, text};
use opentelemetry_proto::tonic::trace::v1::Span;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use swarm_flow_tests::runner::{join_with, with_second_and};
use swarm_flow_tests::server::{Server, answer, free_port, spin_cli};

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const SECRET: &str = "hunter22-tiger";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

/// Begins a run of commands, one after the other, with secrets in all that they are given.
fn submit(server: &Server, workspace: &str, commands: &[&[&str]]) -> String {
    let body = json!({"name": "team", "agents": [{"kind": "script", "count": 1}],
        "coordination_strategy": "sequential", "platform": "local", "workspaces": [workspace]});
    let (status, swarm) = server.post("/swarms", &body);
    assert_eq!(status, 201, "{swarm}");
    let task = |command: &&[&str]| {
        let context = json!({"command": command, "env": {"TOKEN": SECRET}, "stdin": SECRET});
        json!({"description": SECRET, "context": context.to_string()})
    };
    let tasks: Vec<Value> = commands.iter().map(task).collect();
    let path = format!("/swarms/{}/runs", swarm["id"].as_str().unwrap());
    let (status, run) = server.post(&path, &json!({"tasks": tasks}));
    assert_eq!(status, 202, "{run}");
    run["id"].as_str().unwrap().to_owned()
}

fn ended(server: &Server, run: &str) -> Value {
    let state = || server.get(&format!("/runs/{run}")).1;
    wait_for("the run to end", || state()["state"] != "running");
    state()
}

/// Two tasks, of which the second fails.
fn run(server: &Server, workspace: &str) -> Value {
    let written = format!("/workspace/{SECRET}");
    let commands: [&[&str]; 2] = [&["reach", "write", &written], &["hungry", "nothing"]];
    ended(server, &submit(server, workspace, &commands))
}

fn wait_for(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !done() {
        assert!(Instant::now() < deadline, "waited for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn of_run(collector: &Collector, run: &str) -> Vec<(String, Span)> {
    let mut spans = collector.spans();
    spans.retain(|(_, span)| format!("run_{}", hex(&span.trace_id)) == run);
    spans
}

/// A command of which everything but the program is secret.
fn exec(server: &Server, workspace: &str, stream: bool) {
    let path = format!("/workspaces/{workspace}/exec");
    let body = json!({"command": ["hello", SECRET], "env": {"TOKEN": SECRET}, "stdin": SECRET});
    let accepted = if stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    let request = server
        .request(Method::POST, &path)
        .header("accept", accepted)
        .header("traceparent", format!("00-{TRACE}-{CALLER}-01"))
        .header("tracestate", format!("vendor={SECRET}"))
        .header("x-api-key", SECRET)
        .header("baggage", format!("key={SECRET}"))
        .json(&body);
    let response = request.send().unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.text().unwrap().contains("hello"));
}

fn said(span: &Span, name: &str) -> Option<String> {
    text(&span.attributes, name)
}

fn named<'a>(spans: &'a [(String, Span)], name: &str) -> Vec<&'a Span> {
    let spans = spans.iter().map(|(_, span)| span);
    spans.filter(|span| span.name == name).collect()
}

#[test]
fn what_is_done_for_a_run_is_the_trace_of_its_id() {
    let collector = Collector::start();
    let state = tempfile::tempdir().unwrap();
    let soon = ("OTEL_BSP_SCHEDULE_DELAY", "50");
    let server = Server::start_with(state.path(), &[(ENDPOINT, &collector.url), soon]);
    let workspace = server.workspace("base", "standard");
    let run = run(&server, &workspace);
    assert_eq!(run["state"], "failed", "{run}");
    // The runner is told of the end when the run shows it already.
    wait_for("the run as a whole", || {
        !named(&collector.spans(), "invoke_workflow team").is_empty()
    });
    assert!(server.stop().success());

    let id = run["id"].as_str().unwrap();
    let spans = of_run(&collector, id);
    let mut attempts = named(&spans, "invoke_agent script");
    attempts.sort_by_key(|span| said(span, "swarm_flow.task.index"));
    let [first, second] = attempts[..] else {
        panic!("{spans:?}")
    };
    for (attempt, index) in [(first, "0"), (second, "1")] {
        let expected = [
            ("gen_ai.operation.name", "invoke_agent"),
            ("gen_ai.agent.name", "script"),
            ("gen_ai.conversation.id", id),
            ("swarm_flow.run.id", id),
            ("swarm_flow.task.index", index),
            ("swarm_flow.task.attempt", "1"),
            ("swarm_flow.workspace.id", &workspace),
        ];
        for (name, value) in expected {
            assert_eq!(said(attempt, name).as_deref(), Some(value), "{name}");
        }
    }
    assert_eq!(said(first, "error.type"), None);
    assert_eq!(said(second, "error.type").as_deref(), Some("failed"));
    assert_eq!(second.status.as_ref().unwrap().code, 2);
    let tools = named(&spans, "execute_tool exec");
    for (attempt, exit_code) in [(first, "0"), (second, "1")] {
        let mut below = tools
            .iter()
            .filter(|span| span.parent_span_id == attempt.span_id);
        let tool = below.next().unwrap();
        assert!(below.next().is_none());
        assert_eq!(said(tool, "gen_ai.tool.name").as_deref(), Some("exec"));
        assert_eq!(said(tool, "process.exit.code").as_deref(), Some(exit_code));
        assert!(said(tool, "gen_ai.tool.call.id").unwrap().starts_with(id));
        assert!(attempt.start_time_unix_nano <= tool.start_time_unix_nano);
        assert!(tool.end_time_unix_nano <= attempt.end_time_unix_nano);
    }
    assert_eq!(first.parent_span_id, second.parent_span_id);
    let [workflow] = named(&spans, "invoke_workflow team")[..] else {
        panic!("{spans:?}")
    };
    assert_eq!(workflow.span_id, first.parent_span_id);
    assert!(workflow.parent_span_id.is_empty());
    assert_eq!(said(workflow, "error.type").as_deref(), Some("failed"));
    assert!(workflow.start_time_unix_nano <= first.start_time_unix_nano);

    let metrics = collector.metrics();
    for name in [
        "gen_ai.invoke_agent.duration",
        "gen_ai.execute_tool.duration",
        "swarm_flow.tasks",
        "swarm_flow.sandboxes.live",
    ] {
        assert!(metrics.iter().any(|metric| metric.name == name), "{name}");
    }
}

#[test]
fn what_a_crash_cut_off_is_told_once_and_as_one() {
    let collector = Collector::start();
    let state = tempfile::tempdir().unwrap();
    let variables = [
        (ENDPOINT, collector.url.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ];
    let server = Server::start_with(state.path(), &variables);
    let workspace = server.workspace("base", "standard");
    let waits = "echo > started; until [ -e go ]; do sleep 0.05; done";
    let id = submit(&server, &workspace, &[&["hello"], &["sh", "-c", waits]]);
    wait_for("the second task", || {
        server.read(&workspace, "started").0 == 200
    });
    wait_for("the first task to be told", || {
        !named(&of_run(&collector, &id), "invoke_agent script").is_empty()
    });
    server.kill();
    let killed_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();

    let server = Server::start_with(state.path(), &variables);
    assert_eq!(server.put(&workspace, "go", "").0, 201);
    assert_eq!(ended(&server, &id)["state"], "done");
    assert!(server.stop().success());
    let spans = of_run(&collector, &id);
    let mut attempts = named(&spans, "invoke_agent script");
    attempts.sort_by_key(|span| said(span, "swarm_flow.task.index"));
    let indices: Vec<_> = attempts
        .iter()
        .map(|span| said(span, "swarm_flow.task.index").unwrap())
        .collect();
    assert_eq!(indices, ["0", "1"], "{spans:?}");
    let cut = attempts[1];
    assert_eq!(said(cut, "swarm_flow.task.attempt").as_deref(), Some("1"));
    let killed_at = u64::try_from(killed_at.as_nanos()).unwrap();
    assert!((cut.start_time_unix_nano..cut.end_time_unix_nano).contains(&killed_at));
    let tools = named(&spans, "execute_tool exec");
    assert_eq!(tools.len(), 2);
    let below = |span: &&&Span| span.parent_span_id == cut.span_id;
    assert_eq!(tools.iter().filter(below).count(), 1);
}

#[test]
fn a_command_is_beneath_the_request_of_its_caller_on_whichever_runner() {
    if spin_cli().is_some() {
        // Then the requests are Spin's to trace.
        return;
    }
    let collector = Collector::start();
    let state = tempfile::tempdir().unwrap();
    let (server, port, token) = with_second_and(state.path(), &[(ENDPOINT, &collector.url)]);
    let second_state = tempfile::tempdir().unwrap();
    let variables = [
        (ENDPOINT, collector.url.as_str()),
        ("OTEL_SERVICE_NAME", "second"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
    ];
    let second = join_with(
        &server.url,
        second_state.path(),
        port,
        &token,
        &[],
        &variables,
    );
    wait_for("the runner to join", || {
        server.get("/runners").1.to_string().contains(r#""second""#)
    });
    // They are spread.
    for stream in [false, true] {
        for _ in 0..2 {
            exec(&server, &server.workspace("base", "standard"), stream);
        }
    }
    let of_trace = |name: &str| -> Vec<(String, Span)> {
        let mut spans = collector.spans();
        spans.retain(|(_, span)| hex(&span.trace_id) == TRACE && span.name == name);
        spans
    };
    wait_for("the spans of the second runner", || {
        let of_second = |(service, _): &&(String, Span)| service == "second";
        of_trace("execute_tool exec")
            .iter()
            .filter(of_second)
            .count()
            == 2
    });
    assert!(server.stop().success());
    drop(second);
    let requests = of_trace("POST /api/v1/workspaces/{id}/exec");
    let commands = of_trace("execute_tool exec");
    assert_eq!((requests.len(), commands.len()), (4, 4));
    for (service, request) in &requests {
        assert_eq!(service, "swarm-flow");
        assert_eq!(hex(&request.parent_span_id), CALLER);
        assert_eq!(
            said(request, "http.response.status_code").as_deref(),
            Some("200")
        );
        let below = commands
            .iter()
            .filter(|(_, span)| span.parent_span_id == request.span_id);
        assert_eq!(below.count(), 1);
    }
    let here = commands
        .iter()
        .filter(|(service, _)| service == "swarm-flow");
    assert_eq!(here.count(), 2);
}

#[test]
fn nothing_secret_is_told() {
    let collector = Collector::start();
    let state = tempfile::tempdir().unwrap();
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=let-me-in");
    let server = Server::start_with(state.path(), &[(ENDPOINT, &collector.url), headers]);
    let workspace = server.workspace("base", "standard");
    run(&server, &workspace);
    exec(&server, &workspace, false);
    let file = format!("{SECRET}.txt");
    assert_eq!(server.put(&workspace, &file, SECRET).0, 201);
    assert_eq!(server.read(&workspace, &file).0, 200);
    let path = format!("/workspaces/{workspace}/secrets/NAMED");
    let secret = json!({"hosts": ["http://localhost:1"], "value": SECRET,
        "header": {"name": "Authorization", "format": "Bearer {}"}});
    let request = server.request(Method::PUT, &path).json(&secret);
    let (status, kept) = answer(request.send().unwrap());
    assert!(status.is_success(), "{kept}");
    let tokens = ["token", "runner-token"].map(|name| {
        let token = std::fs::read_to_string(state.path().join(name)).unwrap();
        token.trim().to_owned()
    });
    assert!(server.stop().success());
    assert!(!named(&collector.spans(), "execute_tool exec").is_empty());
    let secrets = [SECRET, "let-me-in", &tokens[0], &tokens[1]];
    for (path, body) in collector.bodies() {
        let body = String::from_utf8_lossy(&body);
        for secret in secrets {
            assert!(!body.contains(secret), "{secret} in {path}: {body}");
        }
    }
    assert_eq!(collector.keys(), ["let-me-in"], "the collector's own key");
}

#[test]
fn nothing_is_sent_unless_it_is_asked_for() {
    let collector = Collector::start();
    let at = (ENDPOINT, collector.url.as_str());
    let cases: [&[(&str, &str)]; 4] = [
        &[],
        &[("OTEL_SERVICE_NAME", "named")],
        &[at, ("OTEL_SDK_DISABLED", "true")],
        &[
            at,
            ("OTEL_TRACES_EXPORTER", "none"),
            ("OTEL_METRICS_EXPORTER", "none"),
        ],
    ];
    for variables in cases {
        let state = tempfile::tempdir().unwrap();
        let server = Server::start_with(state.path(), variables);
        let workspace = server.workspace("base", "standard");
        exec(&server, &workspace, false);
        assert!(server.stop().success());
        assert!(collector.bodies().is_empty(), "{variables:?}");
    }
    let state = tempfile::tempdir().unwrap();
    let unsampled = ("OTEL_TRACES_SAMPLER", "always_off");
    let server = Server::start_with(state.path(), &[at, unsampled]);
    run(&server, &server.workspace("base", "standard"));
    assert!(server.stop().success());
    assert!(collector.spans().is_empty());
    assert!(!collector.metrics().is_empty());
}

#[test]
fn a_collector_that_is_not_there_is_in_nobodys_way() {
    let state = tempfile::tempdir().unwrap();
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let variables = [
        (ENDPOINT, nowhere.as_str()),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
    ];
    let server = Server::start_with(state.path(), &variables);
    let workspace = server.workspace("base", "standard");
    for _ in 0..3 {
        assert_eq!(run(&server, &workspace)["state"], "failed");
        exec(&server, &workspace, true);
    }
    assert!(server.stop().success());
}
