//! What telemetry is told of attempts, calls and commands: names and codes, and nothing of what is in them.

use crate::journal::Header;
use http::HeaderMap;
use serde_json::{Value, json};
use swarm_flow_model::{Asked, Request};
use swarm_flow_protocol::{AgentError, EndedRun, Error, ExecResult, Lease, TaskResult};
use swarm_flow_telemetry as telemetry;
use swarm_flow_telemetry::{AttemptSpan, Called, ChatSpan, ToolEnded, ToolSpan};

/// An attempt that this runner begins or goes on with.
pub(crate) fn attempt(lease: &Lease) -> Option<AttemptSpan> {
    let on = telemetry::on()?;
    Some(on.attempt(telemetry::Attempt {
        run: lease.id.run_id.clone(),
        task: lease.task.id.clone(),
        index: lease.id.index,
        attempt: lease.attempt,
        agent: lease.agent.clone(),
        workspace: lease.workspace.clone(),
    }))
}

pub(crate) fn attempted(span: Option<AttemptSpan>, outcome: &Result<TaskResult, AgentError>) {
    if let Some(span) = span {
        let outcome = outcome.as_ref();
        span.end(
            outcome
                .map(|result| result.success)
                .map_err(|error| error.code.as_str()),
        );
    }
}

/// Told to the runner whose report ended it.
pub(crate) fn run_ended(run: &EndedRun) {
    if let Some(on) = telemetry::on() {
        on.run_ended(telemetry::RunEnded {
            run: &run.id,
            swarm: &run.swarm,
            strategy: &run.strategy,
            started_at_ms: run.created_at_ms,
            ended_at_ms: run.ended_at_ms,
            outcome: &run.state,
        });
    }
}

/// A call that is not in the journal. What an agent asks about its own task is no tool, and a model has
/// a span of its own.
pub(crate) fn call(
    header: &Header,
    call: &'static str,
    key: impl FnOnce() -> String,
) -> Option<ToolSpan> {
    let on =
        telemetry::on().filter(|_| !call.starts_with("inputs.") && !call.starts_with("model."))?;
    Some(on.tool(Called {
        run: &header.run,
        index: header.index,
        attempt: header.attempt,
        agent: &header.agent,
        tool: call.strip_prefix("tools.").unwrap_or(call),
        key: &key(),
    }))
}

/// Of what the journal keeps.
pub(crate) fn ended(result: &Value) -> ToolEnded {
    ToolEnded {
        error: result["Err"]["error"].as_str().map(str::to_owned),
        exit_code: result["Ok"]["exit_code"].as_i64(),
    }
}

/// A call of a model.
pub(crate) fn chat(header: &Header, call: String, request: &Request) -> Option<ChatSpan> {
    Some(telemetry::on()?.chat(telemetry::Chat {
        run: header.run.clone(),
        index: header.index,
        attempt: header.attempt,
        agent: header.agent.clone(),
        call,
        max_tokens: request.max_output_tokens,
        temperature: request.temperature,
    }))
}

pub(crate) fn chatted(span: Option<ChatSpan>, request: &Request, asked: &Asked) {
    let Some(span) = span else { return };
    let answered = asked.result.as_ref().ok();
    let model = asked.model.as_ref();
    span.end(telemetry::Chatted {
        provider: model.map(|(_, _, provider)| provider.clone()),
        model: model
            .map(|(_, id, _)| id.clone())
            .or_else(|| request.model.clone()),
        answered_by: answered.map(|response| response.provider_model.clone()),
        tokens: answered.map(|response| telemetry::Tokens {
            input: response.usage.input,
            cached_input: response.usage.cached_input,
            output: response.usage.output,
            reasoning: response.usage.reasoning,
        }),
        finish_reason: answered.map(|response| response.finish_reason.name()),
        error: asked.result.as_ref().err().map(|error| error.code()),
        content: telemetry::with_content().then(|| {
            let said =
                answered.map(|response| json!({"role": "assistant", "parts": response.parts}));
            (
                json!(request.messages).to_string(),
                json!(Vec::from_iter(said)).to_string(),
            )
        }),
    });
}

/// A command over HTTP.
pub(crate) fn exec<F>(
    headers: &HeaderMap,
    workspace: &str,
    running: F,
) -> impl Future<Output = Result<ExecResult, Error>> + use<F>
where
    F: Future<Output = Result<ExecResult, Error>>,
{
    let span = telemetry::on().map(|on| on.exec(headers, workspace));
    async move {
        let result = running.await;
        if let Some(span) = span {
            span.end(match &result {
                Ok(result) => ToolEnded {
                    error: None,
                    exit_code: Some(i64::from(result.exit_code)),
                },
                Err(error) => ended(&json!({"Err": serde_json::to_value(error).ok()})),
            });
        }
        result
    }
}
