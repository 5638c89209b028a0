use super::server::{Reply, Server};
use super::{KEY, Ledger, ask, models, provider, saying, with_tool};
use crate::caller::Spent;
use crate::{
    FinishReason, Image, JsonSchema, Message, ModelError, Part, Request, ResponseFormat, Role,
    ToolCall, ToolResult, Usage,
};
use async_openai::types::chat::{
    ChatCompletionRequestMessage as Theirs, CreateChatCompletionRequest,
};
use serde_json::{Value, json};

fn data(events: &[Value]) -> String {
    let lines = events.iter().map(|event| format!("data: {event}\n\n"));
    lines.collect()
}

fn openai_stream() -> String {
    let mut text = data(&[
        json!({"choices": [{"delta": {"role": "assistant", "content": ""}, "finish_reason": null}], "model": "tiger-1-0131"}),
        json!({"choices": [{"delta": {"content": "they are "}}]}),
        json!({"choices": [{"delta": {"content": "stripéd"}}]}),
        json!({"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "c1", "type": "function", "function": {"name": "exec", "arguments": "{\"a\""}}]}}]}),
        json!({"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": ": 1}"}}]}}]}),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 10}, "completion_tokens_details": {"reasoning_tokens": 5}}}),
    ]);
    text.push_str("data: [DONE]\n\n");
    text
}

fn anthropic_stream() -> String {
    let events = [
        json!({"type": "message_start", "message": {"model": "tiger-1-0131", "usage": {"input_tokens": 25, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 10, "output_tokens": 1}}}),
        json!({"type": "ping"}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "they are "}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "stripéd"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "c1", "name": "exec", "input": {}}}),
        json!({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"a\": 1}"}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 20}}),
        json!({"type": "message_stop"}),
    ];
    let lines = events.iter().map(|event| {
        let name = event["type"].as_str().unwrap();
        format!("event: {name}\ndata: {event}\n\n")
    });
    lines.collect()
}

fn openai_whole() -> String {
    json!({"model": "tiger-1-0131", "choices": [{"message": {"content": "they are stripéd",
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "exec", "arguments": "{\"a\": 1}"}}]},
        "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 40, "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 10}}})
    .to_string()
}

fn anthropic_whole() -> String {
    json!({"type": "message", "model": "tiger-1-0131", "stop_reason": "tool_use",
        "content": [{"type": "text", "text": "they are stripéd"}, {"type": "tool_use", "id": "c1", "name": "exec", "input": {"a": 1}}],
        "usage": {"input_tokens": 30, "cache_read_input_tokens": 10, "output_tokens": 20}})
    .to_string()
}

#[tokio::test]
async fn both_dialects_answer_streamed_and_whole() {
    for (dialect, stream, reply) in [
        ("openai", true, Reply::Stream(openai_stream())),
        ("openai", false, Reply::Whole(200, "", openai_whole())),
        // A server that does not stream answers all the same.
        ("openai", true, Reply::Whole(200, "", openai_whole())),
        ("anthropic", true, Reply::Stream(anthropic_stream())),
        ("anthropic", false, Reply::Whole(200, "", anthropic_whole())),
    ] {
        let server = Server::start(vec![reply]).await;
        let more = format!("stream = {stream}\nheaders = {{ x-team = \"cats\" }}");
        let (asked, ledger) = ask(dialect, &server, &more, &with_tool("tigers?")).await;
        let response = asked.result.unwrap();
        let call = ToolCall {
            id: "c1".to_owned(),
            name: "exec".to_owned(),
            arguments: response.parts[1..].iter().map(arguments).collect(),
        };
        let text = Part::Text("they are stripéd".to_owned());
        assert_eq!(response.parts, [text, Part::ToolCall(call)], "{dialect}");
        assert_eq!(response.finish_reason, FinishReason::ToolCalls);
        let Usage {
            input,
            cached_input,
            output,
            is_estimated,
            ..
        } = response.usage;
        assert_eq!(
            (input, cached_input, output, is_estimated),
            (40, 10, 20, false)
        );
        assert_eq!(response.cost_microusd, Some(240));
        let names = (response.model, response.provider_model, response.provider);
        assert_eq!(names, ("p-m".into(), "tiger-1-0131".into(), "p".into()));
        assert!(matches!(
            ledger.spent()[..],
            [Spent::Used {
                cost_microusd: Some(240),
                ..
            }]
        ));
        assert!(ledger.reserved.lock().unwrap()[0].bound.cost_microusd >= Some(1_000));

        let request = server.requests()[0].to_lowercase();
        let (path, key) = match dialect {
            "openai" => (
                "post /base/chat/completions ",
                format!("authorization: bearer {KEY}"),
            ),
            _ => ("post /base/v1/messages ", format!("x-api-key: {KEY}")),
        };
        assert!(
            request.starts_with(path) && request.contains(&key),
            "{request}"
        );
        assert!(request.contains("x-team: cats"));
        assert_eq!(server.body(0)["max_tokens"], 100);
    }
}

fn arguments(part: &Part) -> String {
    let Part::ToolCall(call) = part else {
        panic!("{part:?}")
    };
    assert_eq!(
        serde_json::from_str::<Value>(&call.arguments).unwrap(),
        json!({"a": 1})
    );
    call.arguments.clone()
}

#[tokio::test]
async fn text_is_heard_while_it_comes() {
    for (dialect, events) in [
        ("openai", openai_stream()),
        ("anthropic", anthropic_stream()),
    ] {
        let server = Server::start(vec![Reply::Stream(events)]).await;
        let (_, ledger) = ask(dialect, &server, "", &with_tool("tigers?")).await;
        assert_eq!(*ledger.heard.lock().unwrap(), "they are stripéd");
    }
}

/// All that a request can have.
fn everything() -> Request {
    let text = |text: &str| Part::Text(text.to_owned());
    let message = |role, parts| Message { role, parts };
    let call = |id: &str| {
        Part::ToolCall(ToolCall {
            id: id.to_owned(),
            name: "exec".to_owned(),
            arguments: r#"{"a": 1}"#.to_owned(),
        })
    };
    let result = |id: &str, is_error| {
        Part::ToolResult(ToolResult {
            id: id.to_owned(),
            content: "out".to_owned(),
            is_error,
        })
    };
    let image = Part::Image(Image {
        media_type: "image/png".to_owned(),
        data: "AAAA".to_owned(),
    });
    Request {
        messages: vec![
            message(Role::System, vec![text("be kind")]),
            message(Role::User, vec![text("look"), image]),
            message(Role::Assistant, vec![text("hm"), call("1"), call("2")]),
            message(Role::Tool, vec![result("1", false), result("2", true)]),
            message(Role::User, vec![text("and?")]),
        ],
        response_format: ResponseFormat::JsonSchema(JsonSchema {
            name: "answer".to_owned(),
            schema: r#"{"type": "object"}"#.to_owned(),
        }),
        max_output_tokens: Some(50),
        temperature: Some(0.2),
        stop: vec!["END".to_owned()],
        ..with_tool("")
    }
}

#[tokio::test]
async fn what_is_sent_is_what_the_dialect_says() {
    let answer = json!({"choices": [{"message": {"content": "{}"}, "finish_reason": "stop"}]});
    let server = Server::start(vec![Reply::Whole(200, "", answer.to_string())]).await;
    let (asked, _) = ask(
        "openai",
        &server,
        "output_limit = \"max_completion_tokens\"",
        &everything(),
    )
    .await;
    asked.result.unwrap();
    let sent = server.body(0);
    let theirs: CreateChatCompletionRequest = serde_json::from_value(sent.clone()).unwrap();
    assert_eq!(
        (theirs.max_completion_tokens, theirs.temperature),
        (Some(50), Some(0.2))
    );
    assert_eq!(theirs.stream, Some(true));
    let [
        _,
        Theirs::User(_),
        Theirs::Assistant(said),
        Theirs::Tool(_),
        Theirs::Tool(_),
        Theirs::User(_),
    ] = &theirs.messages[..]
    else {
        panic!("{sent}")
    };
    assert_eq!(said.tool_calls.as_ref().unwrap().len(), 2);
    // It lost nothing: what their types do not know they leave out.
    let mut again = serde_json::to_value(&theirs).unwrap();
    again["temperature"] = json!(0.2);
    assert_eq!(again, sent);

    let answer = json!({"content": [{"type": "text", "text": "{\"answer\":\"ok\"}"}], "stop_reason": "end_turn"});
    let server = Server::start(vec![Reply::Whole(200, "", answer.to_string())]).await;
    let (asked, _) = ask("anthropic", &server, "", &everything()).await;
    let response = asked.result.unwrap();
    assert_eq!(
        response.parts,
        [Part::Text(r#"{"answer":"ok"}"#.to_owned())]
    );
    assert_eq!(response.finish_reason, FinishReason::Stop);
    let sent = server.body(0);
    assert_eq!(sent["system"], json!([{"type": "text", "text": "be kind"}]));
    let roles: Vec<_> = sent["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["role"])
        .collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert_eq!(sent["messages"][2]["content"][1]["is_error"], true);
    assert_eq!(sent["messages"][2]["content"][2]["text"], "and?");
    assert_eq!(sent["tools"].as_array().unwrap().len(), 1);
    assert_eq!(sent["tool_choice"], json!({"type": "auto"}));
    let format = json!({"type": "json_schema", "schema": {"type": "object"}});
    assert_eq!(sent["output_config"], json!({"format": format}));
    assert_eq!(
        (&sent["stop_sequences"], &sent["temperature"]),
        (&json!(["END"]), &json!(0.2))
    );
}

#[tokio::test]
async fn a_provider_that_claims_too_little_is_not_believed() {
    let said = "they are striped, and they sleep a lot. ".repeat(50);
    let answer = |usage: Value| {
        let answer = json!({"choices": [{"message": {"content": said}, "finish_reason": "stop"}], "usage": usage});
        Reply::Whole(200, "", answer.to_string())
    };
    for (usage, is_estimated) in [
        (json!({"prompt_tokens": 0, "completion_tokens": 0}), true),
        (
            json!({"prompt_tokens": 100, "completion_tokens": 500}),
            false,
        ),
        (Value::Null, true),
    ] {
        let server = Server::start(vec![answer(usage)]).await;
        let (asked, ledger) = ask("openai", &server, "", &saying(&"tigers? ".repeat(10))).await;
        let usage = asked.result.unwrap().usage;
        assert_eq!(usage.is_estimated, is_estimated);
        assert!(usage.input > 0 && usage.output > 100, "{usage:?}");
        let [
            Spent::Used {
                cost_microusd: Some(cost),
                ..
            },
        ] = ledger.spent()[..]
        else {
            panic!()
        };
        assert!(cost > 1_000);
    }
}

#[tokio::test]
async fn another_model_answers_when_the_first_cannot() {
    let away = Server::start(vec![Reply::Whole(503, "", String::new())]).await;
    let there = Server::start(vec![Reply::Whole(200, "", openai_whole())]).await;
    let route = "[[route]]\nkinds = [\"plan\"]\nmodels = [\"one-m\", \"two-m\"]\n";
    let text =
        provider("one", "openai", &away, "") + &provider("two", "openai", &there, "") + route;
    let (models, ledger) = (models(&text), Ledger::default());
    let mut request = with_tool("tigers?");
    request.kind = Some("plan".to_owned());
    let asked = models.chat(&request, &ledger).await;
    assert_eq!(asked.result.unwrap().model, "two-m");
    assert_eq!((asked.attempts, away.requests().len()), (6, 5));
    // The twin: who names a model gets that one or none.
    request.model = Some("one-m".to_owned());
    let asked = models.chat(&request, &ledger).await;
    assert_eq!(asked.result.unwrap_err().code(), "unavailable");
    assert_eq!(there.requests().len(), 1);
}

#[tokio::test]
async fn what_is_not_granted_or_not_left_is_refused_before_it_is_sent() {
    let server = Server::start(vec![Reply::Whole(200, "", openai_whole())]).await;
    let models = models(&provider("p", "openai", &server, ""));
    let request = with_tool("tigers?");
    let denied = Ledger {
        denied: vec!["p-m"],
        ..Ledger::default()
    };
    let Err(ModelError::Denied { denied }) = models.chat(&request, &denied).await.result else {
        panic!()
    };
    assert_eq!(denied.rule, "add \"p-m\" to models");
    let poor = Ledger {
        left: Some(99),
        ..Ledger::default()
    };
    let Err(ModelError::BudgetExceeded { exceeded }) = models.chat(&request, &poor).await.result
    else {
        panic!()
    };
    assert!(exceeded.message.starts_with("99 tokens are left"));
    assert_eq!(server.requests().len(), 0);
    let rich = Ledger {
        left: Some(1_000),
        ..Ledger::default()
    };
    assert!(models.chat(&request, &rich).await.result.is_ok());
}
