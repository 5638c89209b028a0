use super::*;
use crate::ids::{ByRun, Ids, span_of_attempt, span_of_run, trace_of};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler, SdkTracerProvider, ShouldSample, SpanData,
};

const RUN: &str = "run_0198f0c2a1b27c3d8e4f5a6b7c8d9e0f";

/// With a sampler, into memory.
fn telemetry(sampler: impl Into<Box<dyn ShouldSample>>) -> (&'static Telemetry, Told) {
    let exporter = InMemorySpanExporter::default();
    let traces = SdkTracerProvider::builder()
        .with_id_generator(Ids::default())
        .with_sampler(ByRun(sampler.into()))
        .with_simple_exporter(exporter.clone())
        .build();
    let metrics = SdkMeterProvider::builder().build();
    let routes = [
        "/api/v1/workspaces/{id}",
        "/api/v1/workspaces/{id}/files/{path}",
        "/api/v1/runners/{id}/work",
    ];
    let telemetry = Telemetry::new(&traces, &metrics, routes.map(str::to_owned).to_vec());
    (
        Box::leak(Box::new(telemetry)),
        Told {
            exporter,
            _traces: traces,
        },
    )
}

struct Told {
    exporter: InMemorySpanExporter,
    _traces: SdkTracerProvider,
}

impl Told {
    fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap()
    }
}

fn attempt(run: &str) -> Attempt {
    Attempt {
        run: run.to_owned(),
        task: "task_1".to_owned(),
        index: 3,
        attempt: 2,
        agent: "script".to_owned(),
        workspace: "ws_1".to_owned(),
    }
}

fn called(run: &str) -> Called<'_> {
    Called {
        run,
        index: 3,
        attempt: 2,
        agent: "script",
        tool: "exec",
        key: "key",
    }
}

fn said(span: &SpanData, name: &str) -> Option<String> {
    let mut found = span
        .attributes
        .iter()
        .filter(|one| one.key.as_str() == name);
    let value = found.next().map(|one| one.value.to_string());
    assert!(found.next().is_none(), "{name} twice");
    value
}

#[test]
fn a_run_is_the_trace_of_its_id() {
    assert_eq!(trace_of(RUN).to_string(), &RUN[4..]);
    let others = [
        "run_00000000000000000000000000000000",
        "run_1",
        "",
        "run_+198f0c2a1b27c3d8e4f5a6b7c8d9e0f",
    ];
    for run in others {
        assert_ne!(trace_of(run), TraceId::INVALID, "{run}");
        assert_eq!(trace_of(run), trace_of(run));
    }
    let spans = [
        span_of_run(RUN),
        span_of_attempt(RUN, 0, 1),
        span_of_attempt(RUN, 0, 2),
        span_of_attempt(RUN, 1, 1),
    ];
    for (index, span) in spans.iter().enumerate() {
        assert_ne!(*span, SpanId::INVALID);
        assert!(!spans[..index].contains(span));
    }
}

#[test]
fn what_is_done_for_a_run_is_one_trace() {
    let (telemetry, told) = telemetry(Sampler::AlwaysOn);
    telemetry.tool(called(RUN)).end(ToolEnded {
        error: None,
        exit_code: Some(0),
    });
    let mut span = telemetry.attempt(attempt(RUN));
    span.began(1_000, "digest");
    span.end(Ok(true));
    telemetry.run_ended(RunEnded {
        run: RUN,
        swarm: "team",
        strategy: "parallel",
        started_at_ms: 1_000,
        ended_at_ms: 3_000,
        outcome: "done",
    });
    let spans = told.spans();
    let names: Vec<_> = spans.iter().map(|span| span.name.as_ref()).collect();
    assert_eq!(
        names,
        [
            "execute_tool exec",
            "invoke_agent script",
            "invoke_workflow team"
        ]
    );
    assert!(
        spans
            .iter()
            .all(|span| span.span_context.trace_id() == trace_of(RUN))
    );
    let [tool, agent, run] = &spans[..] else {
        panic!("{names:?}")
    };
    assert_eq!(run.parent_span_id, SpanId::INVALID);
    assert_eq!(agent.parent_span_id, run.span_context.span_id());
    assert_eq!(tool.parent_span_id, agent.span_context.span_id());
    assert_eq!(
        agent.start_time,
        SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1)
    );
    assert!(spans.iter().all(|span| span.status == Status::Unset));
    let expected = [
        (agent, names::OPERATION_NAME, "invoke_agent"),
        (agent, names::AGENT_NAME, "script"),
        (agent, names::RUN_ID, RUN),
        (agent, names::TASK_INDEX, "3"),
        (agent, names::TASK_ATTEMPT, "2"),
        (agent, names::AGENT_DIGEST, "digest"),
        (tool, names::TOOL_NAME, "exec"),
        (tool, names::TOOL_CALL_ID, "key"),
        (tool, names::EXIT_CODE, "0"),
        (run, names::WORKFLOW_NAME, "team"),
        (run, names::STRATEGY, "parallel"),
    ];
    for (span, name, value) in expected {
        assert_eq!(
            said(span, name).as_deref(),
            Some(value),
            "{}: {name}",
            span.name
        );
    }
}

#[test]
fn what_failed_says_why() {
    let (telemetry, told) = telemetry(Sampler::AlwaysOn);
    telemetry.attempt(attempt(RUN)).end(Err("timeout"));
    telemetry.attempt(attempt(RUN)).end(Ok(false));
    let error = Some("denied".to_owned());
    telemetry.tool(called(RUN)).end(ToolEnded {
        error,
        exit_code: None,
    });
    for (span, code) in told.spans().iter().zip(["timeout", "failed", "denied"]) {
        assert_eq!(said(span, names::ERROR_TYPE).as_deref(), Some(code));
        assert_eq!(span.status, Status::error(code.to_owned()));
    }
}

#[test]
fn what_is_given_up_is_told_by_who_goes_on_with_it() {
    let (telemetry, told) = telemetry(Sampler::AlwaysOn);
    drop(telemetry.attempt(attempt(RUN)));
    drop(telemetry.tool(called(RUN)));
    assert!(told.spans().is_empty());
    drop(telemetry.exec(&http::HeaderMap::new(), "ws_1"));
    assert_eq!(
        said(&told.spans()[0], names::ERROR_TYPE).as_deref(),
        Some("cancelled")
    );
}

#[test]
fn a_run_is_sampled_as_a_whole_and_about_as_often_as_was_asked_for() {
    let ratio = || Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(0.25)));
    let ((one, first), (other, second)) = (telemetry(ratio()), telemetry(ratio()));
    let run = |number: u32| format!("run_0198f0c2a1b27c3d8e4f{number:012x}");
    for run in (0..400).map(run) {
        one.attempt(attempt(&run)).end(Ok(true));
        other.tool(called(&run)).end(ToolEnded::default());
    }
    let traces = |told: &Told| -> Vec<_> {
        told.spans()
            .iter()
            .map(|span| span.span_context.trace_id())
            .collect()
    };
    assert_eq!(traces(&first), traces(&second));
    let sampled = traces(&first).len();
    assert!((50..150).contains(&sampled), "{sampled} of 400");
    let (never, told) = telemetry(Sampler::AlwaysOff);
    never.attempt(attempt(RUN)).end(Ok(true));
    assert!(told.spans().is_empty());
}

#[test]
fn a_request_is_named_by_its_route_and_hands_itself_on() {
    let (telemetry, told) = telemetry(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = |path: &str| {
        let request = http::Request::get(path).header("traceparent", caller);
        request.body(()).unwrap()
    };
    let mut span = telemetry.request(&request("/api/v1/workspaces/ws_1/files/secret/name"));
    let mut headers = http::HeaderMap::new();
    span.caller().unwrap().tell(&mut headers);
    span.answered(500);
    let mut answer = http::HeaderMap::new();
    answer.insert("mcp-name", "exec".parse().unwrap());
    span.told(&answer);
    drop(span);
    drop(telemetry.request(&request("/elsewhere")));
    drop(telemetry.request(&request("/api/v1/runners/local/work")));
    let spans = told.spans();
    let [request, elsewhere] = &spans[..] else {
        panic!("{spans:?}")
    };
    assert_eq!(request.name, "GET /api/v1/workspaces/{id}/files/{path}");
    assert_eq!(request.span_context.trace_id().to_string(), caller[3..35]);
    assert_eq!(request.parent_span_id.to_string(), caller[36..52]);
    assert_eq!(said(request, names::STATUS).as_deref(), Some("500"));
    assert_eq!(said(request, names::ERROR_TYPE).as_deref(), Some("500"));
    assert_eq!(said(request, names::TOOL_NAME).as_deref(), Some("exec"));
    assert_eq!(said(elsewhere, names::TOOL_NAME), None);
    assert!(!format!("{request:?}").contains("secret"));
    assert_eq!(elsewhere.name, "GET");
    let handed_on = request::parent(&headers);
    assert_eq!(
        handed_on.span().span_context().span_id(),
        request.span_context.span_id()
    );
}

#[test]
fn a_caller_that_does_not_sample_is_followed() {
    let (telemetry, told) = telemetry(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
    let mut headers = http::HeaderMap::new();
    headers.insert("traceparent", caller.parse().unwrap());
    telemetry.exec(&headers, "ws_1").end(ToolEnded::default());
    assert!(told.spans().is_empty());
}
