//! Calls of models: a span each, numbers, and what is said only for who asks for it.

use super::collector::Collector;
use super::{ENDPOINT, ended, named, of_run, said};
use reqwest::Method;
use serde_json::json;
use swarm_flow_tests::aimock::Aimock;
use swarm_flow_tests::artefact::guest;
use swarm_flow_tests::server::{Server, answer};

const QUESTION: &str = "hello-of-the-question";
const ANSWER: &str = "hello-of-the-answer";
const CONTENT: &str = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

/// A run whose one task asks once; gives its id.
fn run(mock: &Aimock, collector: &Collector, content: &str) -> String {
    let state = tempfile::tempdir().unwrap();
    mock.settings(state.path());
    let variables = [
        (ENDPOINT, collector.url.as_str()),
        ("MOCK_KEY", "sk-hunter22"),
        (CONTENT, content),
    ];
    let server = Server::start_with(state.path(), &variables);
    let request = server
        .request(Method::POST, "/agents?name=thinker")
        .header("content-type", "application/wasm")
        .body(std::fs::read(guest("thinker")).unwrap());
    assert_eq!(answer(request.send().unwrap()).0, 201);
    let workspace = server.workspace("base", "standard");
    let body = json!({"name": "s", "agents": [{"kind": "thinker", "count": 1}], "workspaces": [workspace]});
    let (_, swarm) = server.post("/swarms", &body);
    let path = format!("/swarms/{}/runs", swarm["id"].as_str().unwrap());
    let tasks = json!({"tasks": [{"context": {"ask": [QUESTION]}}]});
    let (status, run) = server.post(&path, &tasks);
    assert_eq!(status, 202, "{run}");
    let id = run["id"].as_str().unwrap().to_owned();
    assert_eq!(ended(&server, &id)["state"], "done");
    assert!(server.stop().success());
    id
}

fn holds(collector: &Collector, text: &str) -> bool {
    let bodies = collector.bodies();
    let holds = |body: &[u8]| body.windows(text.len()).any(|part| part == text.as_bytes());
    bodies.iter().any(|(_, body)| holds(body))
}

#[test]
fn a_call_of_a_model_is_a_span_of_the_attempt_without_what_was_said() {
    let fixture = json!({"match": {"userMessage": QUESTION}, "response": {"content": ANSWER}});
    let Some(mock) = Aimock::start(&[fixture]) else {
        return;
    };
    let collector = Collector::start();
    let id = run(&mock, &collector, "false");
    let spans = of_run(&collector, &id);
    let [attempt] = named(&spans, "invoke_agent thinker")[..] else {
        panic!("{spans:?}")
    };
    let [chat] = named(&spans, "chat tiger-1")[..] else {
        panic!("{spans:?}")
    };
    // A client's.
    assert_eq!((chat.kind, &chat.parent_span_id), (3, &attempt.span_id));
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai-mock"),
        ("gen_ai.request.model", "tiger-1"),
        ("gen_ai.response.model", "tiger-1"),
        ("gen_ai.agent.name", "thinker"),
    ] {
        assert_eq!(said(chat, name).as_deref(), Some(value), "{name}");
    }
    for name in ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"] {
        let count: u64 = said(chat, name).unwrap().parse().unwrap();
        assert!(count > 0, "{name}");
    }
    assert!(named(&spans, "execute_tool model.chat").is_empty());
    let metrics = collector.metrics();
    for name in [
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
    ] {
        assert!(metrics.iter().any(|metric| metric.name == name), "{name}");
    }
    for text in [QUESTION, ANSWER, "hunter22"] {
        assert!(!holds(&collector, text), "{text}");
    }

    // The twin: who asks for it gets it, and no key even then.
    let collector = Collector::start();
    run(&mock, &collector, "true");
    assert!(holds(&collector, QUESTION) && holds(&collector, ANSWER));
    assert!(!holds(&collector, "hunter22"));
}
