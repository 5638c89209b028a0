use super::server::{Reply, Server};
use super::{HEADER, KEY, ask, saying, with_tool};
use crate::caller::Spent;
use crate::{BadAnswer, JsonSchema, ModelError, Request, ResponseFormat};
use serde_json::{Value, json};
use std::time::Duration;

fn whole(value: &Value) -> Reply {
    Reply::Whole(200, "", value.to_string())
}

fn good() -> Reply {
    whole(&json!({"choices": [{"message": {"content": "ok"}, "finish_reason": "stop"}]}))
}

fn saying_content(text: &str) -> String {
    format!(
        "data: {}\n\n",
        json!({"choices": [{"delta": {"content": text}}]})
    )
}

#[tokio::test]
async fn each_refusal_has_a_name_and_is_tried_again_when_it_passes() {
    let refusal = |status, headers| Reply::Whole(status, headers, "{}".to_owned());
    for (reply, code, sent) in [
        (refusal(400, ""), "invalid", 1),
        (refusal(401, ""), "unauthorized", 1),
        (refusal(403, ""), "forbidden", 1),
        (refusal(404, ""), "unknown_model", 1),
        (refusal(429, ""), "rate_limited", 5),
        (refusal(429, "retry-after: 0\r\n"), "rate_limited", 5),
        (refusal(429, "retry-after: 3600\r\n"), "rate_limited", 1),
        (refusal(500, ""), "unavailable", 5),
        (refusal(529, ""), "unavailable", 5),
        (Reply::Close, "unavailable", 5),
    ] {
        for dialect in ["openai", "anthropic"] {
            let server = Server::start(vec![reply.clone()]).await;
            let (asked, ledger) = ask(dialect, &server, "", &saying("tigers?")).await;
            let error = asked.result.unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            assert_eq!(server.requests().len(), sent, "{error}");
            assert_eq!(ledger.spent(), vec![Spent::Nothing; sent]);
            if let ModelError::RateLimited { retry_ms, .. } = error {
                assert!([0, 1_000, 3_600_000].contains(&retry_ms));
            }
        }
    }
}

#[tokio::test]
async fn what_passes_is_not_seen() {
    let limited = Reply::Whole(429, "retry-after: 0\r\n", String::new());
    let broken = Reply::Whole(500, "", "<html>".to_owned());
    let server = Server::start(vec![limited, broken, Reply::Close, good()]).await;
    let (asked, ledger) = ask("openai", &server, "", &saying("tigers?")).await;
    assert!(asked.result.is_ok());
    assert_eq!((asked.attempts, ledger.spent().len()), (4, 4));
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_unavailable() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let mut server = Server::start(vec![good()]).await;
    server.url = format!("http://127.0.0.1:{port}");
    let (asked, _) = ask("openai", &server, "", &saying("tigers?")).await;
    let error = asked.result.unwrap_err();
    assert_eq!((error.code(), asked.attempts), ("unavailable", 5));
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn silence_ends_at_its_limit_and_is_not_asked_for_twice() {
    for reply in [
        Reply::Silent,
        Reply::Stuck(saying_content("they ")),
        Reply::Stuck(String::new()),
    ] {
        let server = Server::start(vec![reply]).await;
        let (asked, ledger) = ask("openai", &server, "", &saying("tigers?")).await;
        let error = asked.result.unwrap_err();
        assert_eq!(error.code(), "timed_out", "{error}");
        assert!(
            error.to_string().contains("nothing came for 200 ms"),
            "{error}"
        );
        assert_eq!(ledger.spent(), [Spent::Bound]);
    }
}

#[tokio::test]
async fn an_answer_that_is_none_says_what_is_wrong_with_it() {
    use BadAnswer::{CutOff, Empty, NotJson, NotUnderstood, TooLarge, UnknownTool};
    let calling = |name: &str, arguments: &str| {
        whole(
            &json!({"choices": [{"message": {"tool_calls": [{"id": "1", "function": {"name": name, "arguments": arguments}}]}, "finish_reason": "tool_calls"}]}),
        )
    };
    let cases = [
        (Reply::Stream(saying_content("they ")), CutOff),
        (Reply::Broken(saying_content("they ")), CutOff),
        (Reply::Stream(String::new()), CutOff),
        (
            Reply::Stream("data: {\"choices\": rubbish}\n\n".to_owned()),
            NotUnderstood,
        ),
        (
            Reply::Stream("data: {\"choices\": 7}\n\n".to_owned()),
            NotUnderstood,
        ),
        (
            Reply::Whole(200, "", "<html>hello</html>".to_owned()),
            NotUnderstood,
        ),
        (Reply::Whole(200, "", String::new()), NotUnderstood),
        (
            Reply::Endless("data: {\"choices\": [{\"delta\": {\"content\": \"tiger \"}}]}\n\n"),
            TooLarge,
        ),
        (Reply::Endless("data: tiger"), TooLarge),
        (whole(&json!({"choices": []})), Empty),
        (
            whole(&json!({"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]})),
            Empty,
        ),
        (calling("rm", "{}"), UnknownTool),
        (calling("exec", "{\"a\": "), NotJson),
        (calling("exec", "[1]"), NotJson),
    ];
    for (index, (reply, expected)) in cases.into_iter().enumerate() {
        let server = Server::start(vec![reply]).await;
        let (asked, ledger) = ask("openai", &server, "", &with_tool("tigers?")).await;
        let Err(ModelError::BadAnswer { reason, message }) = asked.result else {
            panic!("{index}: {:?}", asked.result)
        };
        assert_eq!(reason, expected, "{index}: {message}");
        assert_eq!(
            (server.requests().len(), ledger.spent().len()),
            (1, 1),
            "{index}"
        );
        assert_ne!(ledger.spent()[0], Spent::Nothing, "{index}");
    }
    let mut request = saying("tigers?");
    request.response_format = ResponseFormat::JsonSchema(JsonSchema {
        name: "answer".to_owned(),
        schema: "{}".to_owned(),
    });
    let server = Server::start(vec![good()]).await;
    let (asked, _) = ask("openai", &server, "", &request).await;
    assert!(matches!(
        asked.result,
        Err(ModelError::BadAnswer {
            reason: NotJson,
            ..
        })
    ));
}

#[tokio::test]
async fn an_error_in_the_stream_is_the_providers() {
    let overloaded =
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}});
    let limited = json!({"error": {"code": "rate_limit_exceeded", "message": "slow down"}});
    let long = json!({"error": {"code": "context_length_exceeded", "message": "x"}});
    for (dialect, event, code) in [
        (
            "anthropic",
            format!("event: error\ndata: {overloaded}\n\n"),
            "unavailable",
        ),
        (
            "openai",
            format!("{}data: {limited}\n\n", saying_content("a")),
            "rate_limited",
        ),
        ("openai", format!("data: {long}\n\n"), "context_too_long"),
    ] {
        let server = Server::start(vec![Reply::Stream(event)]).await;
        let (asked, _) = ask(dialect, &server, "", &saying("tigers?")).await;
        assert_eq!(asked.result.unwrap_err().code(), code);
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_refusal_is_no_answer() {
    let openai = json!({"choices": [{"message": {"refusal": "I would rather not"}, "finish_reason": "stop"}]});
    let filtered =
        json!({"choices": [{"message": {"content": null}, "finish_reason": "content_filter"}]});
    let anthropic = json!({"content": [], "stop_reason": "refusal"});
    for (dialect, answer) in [
        ("openai", openai),
        ("openai", filtered),
        ("anthropic", anthropic),
    ] {
        let server = Server::start(vec![whole(&answer)]).await;
        let (asked, _) = ask(dialect, &server, "", &saying("tigers?")).await;
        assert_eq!(asked.result.unwrap_err().code(), "refused");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(vec![good()]).await;
    let location = format!("location: {}/base/chat/completions\r\n", elsewhere.url);
    let redirect = Reply::Whole(307, location.leak(), String::new());
    let server = Server::start(vec![redirect]).await;
    let (asked, _) = ask("openai", &server, "", &saying("tigers?")).await;
    let error = asked.result.unwrap_err();
    assert!(error.to_string().contains("redirect"), "{error}");
    assert_eq!(
        (server.requests().len(), elsewhere.requests().len()),
        (1, 0)
    );
}

#[tokio::test]
async fn a_server_that_says_the_key_back_tells_nobody() {
    let echo = format!("you sent Bearer {KEY}");
    let error = json!({"error": {"message": echo}}).to_string();
    let answer =
        json!({"choices": [{"message": {"content": echo}, "finish_reason": "stop"}], "model": KEY});
    let rubbish = format!("data: \"{KEY}\"\n\n");
    for reply in [
        Reply::Whole(401, "", error.clone()),
        Reply::Whole(400, "", echo.clone()),
        Reply::Stream(format!("data: {error}\n\n")),
        Reply::Stream(rubbish),
        whole(&answer),
    ] {
        let server = Server::start(vec![reply]).await;
        let (asked, _) = ask("openai", &server, "", &saying("tigers?")).await;
        assert!(server.requests()[0].contains(KEY));
        assert!(!format!("{asked:?}").contains(KEY), "{asked:?}");
    }
}

#[tokio::test]
async fn a_header_by_reference_is_as_secret_as_a_key() {
    let reply = Reply::Whole(403, "", format!("not with {HEADER}"));
    let server = Server::start(vec![reply]).await;
    let more = "headers = { x-extra = { env = \"HEADER\" } }";
    let (asked, _) = ask("openai", &server, more, &saying("tigers?")).await;
    assert!(server.requests()[0].contains(&format!("Token {HEADER}")));
    let error = asked.result.unwrap_err().to_string();
    assert!(error.contains("not with ***"), "{error}");
}

#[tokio::test]
async fn who_leaves_ends_the_request() {
    let server = Server::start(vec![Reply::Silent]).await;
    let request = saying("tigers?");
    let text = super::provider("p", "openai", &server, "").replace(
        "first_byte_timeout_ms = 200",
        "first_byte_timeout_ms = 60000",
    );
    let (models, ledger) = (super::models(&text), super::Ledger::default());
    let asking = models.chat(&request, &ledger);
    tokio::select! {
        asked = asking => panic!("{asked:?}"),
        () = until(|| server.requests().len() == 1) => {}
    }
    until(|| server.closed() == 1).await;
    // Nobody settled it: it counts at its bound when the call is made again.
    assert_eq!(
        (ledger.reserved.lock().unwrap().len(), ledger.spent().len()),
        (1, 0)
    );
}

async fn until(done: impl Fn() -> bool) {
    while !done() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_not_sent() {
    let server = Server::start(vec![good()]).await;
    let with = |change: &dyn Fn(&mut Request)| {
        let mut request = with_tool("tigers?");
        change(&mut request);
        request
    };
    let cases = [
        (with(&|request| request.messages.clear()), "messages"),
        (
            with(&|request| request.messages[0].parts.clear()),
            "messages[0].parts",
        ),
        (
            with(&|request| request.tools[0].name = "a b".to_owned()),
            "tools[0].name",
        ),
        (
            with(&|request| request.tools[0].parameters = "{".to_owned()),
            "tools[0].parameters",
        ),
        (
            with(&|request| request.tools.push(request.tools[0].clone())),
            "tools[1].name",
        ),
        (
            with(&|request| request.tool_choice = crate::ToolChoice::Named("x".to_owned())),
            "tool-choice",
        ),
        (
            with(&|request| request.temperature = Some(f32::NAN)),
            "temperature",
        ),
        (
            with(&|request| request.max_output_tokens = Some(0)),
            "max-output-tokens",
        ),
        (
            with(&|request| request.max_output_tokens = Some(101)),
            "max-output-tokens",
        ),
        (with(&|request| request.stop = vec![String::new()]), "stop"),
    ];
    for (request, expected) in cases {
        let (asked, _) = ask("openai", &server, "", &request).await;
        let Err(ModelError::Invalid { field, .. }) = asked.result else {
            panic!("{expected}")
        };
        assert_eq!(field, expected);
    }
    assert_eq!(server.requests().len(), 0);
}
