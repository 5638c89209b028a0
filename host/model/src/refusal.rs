//! What a provider's refusal means: its status, its code and its text, as an error of ours. Pure.

use crate::error::{BadAnswer, ModelError};
use crate::key::Secrets;
use http::StatusCode;
use serde_json::Value;
use std::time::Duration;
use swarm_flow_policy::printable;

/// So much of what a provider says about an error is passed on.
pub(crate) const TEXT_BYTES_MAX: usize = 2 << 10;

/// An answer that is none, and what can be done.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: ModelError,
    /// It may be different a moment later.
    pub(crate) is_passing: bool,
    pub(crate) retry_after: Option<Duration>,
}

/// Of what a provider said about an error.
struct Said {
    code: String,
    message: String,
}

pub(crate) fn of_status(
    status: StatusCode,
    body: &[u8],
    retry_after: Option<Duration>,
    secrets: &Secrets,
    model: &str,
) -> Refusal {
    let said = said(body, secrets);
    let message = format!("{}: {}", status.as_u16(), said.message);
    let error = of_code(&said, &message).unwrap_or_else(|| match status.as_u16() {
        300..=399 => ModelError::bad(
            BadAnswer::NotUnderstood,
            format!(
                "{} is a redirect, which is not followed; correct `base_url`",
                status.as_u16()
            ),
        ),
        401 => ModelError::Unauthorized { message },
        402 | 403 => ModelError::Forbidden { message },
        404 => ModelError::UnknownModel {
            name: model.to_owned(),
            known: Vec::new(),
            message: format!("its provider does not know it, or `base_url` is wrong: {message}"),
        },
        408 => ModelError::TimedOut { message },
        409 | 425 | 500.. => ModelError::Unavailable { message },
        429 => ModelError::RateLimited {
            retry_ms: retry_after.map_or(1_000, |after| {
                u64::try_from(after.as_millis()).unwrap_or(u64::MAX)
            }),
            message,
        },
        _ => ModelError::invalid("request", message),
    });
    let is_passing = matches!(status.as_u16(), 408 | 409 | 425 | 429 | 500..)
        && !matches!(error, ModelError::Forbidden { .. });
    Refusal {
        error,
        is_passing,
        retry_after,
    }
}

/// An error that came in the middle of a stream.
pub(crate) fn in_stream(value: &Value, secrets: &Secrets) -> ModelError {
    let said = said(value.to_string().as_bytes(), secrets);
    let message = said.message.clone();
    of_code(&said, &message).unwrap_or(match said.code.as_str() {
        "rate_limit_error" | "rate_limit_exceeded" => ModelError::RateLimited {
            retry_ms: 1_000,
            message,
        },
        "invalid_request_error" => ModelError::invalid("request", message),
        _ => ModelError::Unavailable { message },
    })
}

/// What the code or the text says better than the status.
fn of_code(said: &Said, message: &str) -> Option<ModelError> {
    let message = message.to_owned();
    let text = said.message.to_ascii_lowercase();
    let tells = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match said.code.as_str() {
        "context_length_exceeded" | "exceed_context_size_error" => {
            Some(ModelError::ContextTooLong { message })
        }
        "insufficient_quota" | "billing_error" => Some(ModelError::Forbidden { message }),
        "content_filter" | "content_policy_violation" => Some(ModelError::Refused { message }),
        _ if tells(&[
            "maximum context length",
            "prompt is too long",
            "context window",
            "exceeds the available context size",
        ]) =>
        {
            Some(ModelError::ContextTooLong { message })
        }
        _ => None,
    }
}

/// The forms in which providers say what is wrong; else the text as it is.
fn said(body: &[u8], secrets: &Secrets) -> Said {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = if value["error"].is_null() {
        &value
    } else {
        &value["error"]
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let message = text(&error["message"])
        .or_else(|| text(error))
        .or_else(|| text(&error["detail"]))
        .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let code = text(&error["code"]).or_else(|| text(&error["type"]));
    Said {
        code: code.unwrap_or_default(),
        message: shown(message, secrets),
    }
}

/// Without the key, short, and harmless on a terminal.
pub(crate) fn shown(text: String, secrets: &Secrets) -> String {
    let mut text = secrets.mask(text);
    let end = (0..=TEXT_BYTES_MAX.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.truncate(end.unwrap_or(0));
    let text = printable(text.trim()).into_owned();
    if text.is_empty() {
        "it says nothing more".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use zeroize::Zeroizing;

    #[test]
    fn a_status_and_what_it_says_are_one_error() {
        let openai = |code: &str, message: &str| {
            format!(r#"{{"error": {{"message": "{message}", "type": "x", "code": "{code}"}}}}"#)
        };
        let long = openai("context_length_exceeded", "too long");
        let quota = openai("insufficient_quota", "pay");
        let anthropic = r#"{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}}"#;
        for (status, body, code, is_passing) in [
            (400, openai("x", "temperature"), "invalid", false),
            (400, long, "context_too_long", false),
            (400, anthropic.to_owned(), "context_too_long", false),
            (401, String::new(), "unauthorized", false),
            (402, String::new(), "forbidden", false),
            (403, "<html>".to_owned(), "forbidden", false),
            (404, String::new(), "unknown_model", false),
            (408, String::new(), "timed_out", true),
            (409, String::new(), "unavailable", true),
            (302, String::new(), "bad_answer", false),
            (413, String::new(), "invalid", false),
            (429, String::new(), "rate_limited", true),
            (429, quota, "forbidden", false),
            (500, String::new(), "unavailable", true),
            (
                529,
                r#"{"error": "overloaded"}"#.to_owned(),
                "unavailable",
                true,
            ),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let refusal = of_status(status, body.as_bytes(), None, &Secrets::default(), "m");
            assert_eq!(refusal.error.code(), code, "{status} {body}");
            assert_eq!(refusal.is_passing, is_passing, "{status} {body}");
        }
    }

    #[test]
    fn what_is_passed_on_is_short_and_has_no_key_in_it() {
        let key = Key::new(Zeroizing::new("sk-tiger-tiger".to_owned())).unwrap();
        let body = format!("no such key sk-tiger-tiger\x1b[31m {}", "ü".repeat(5_000));
        let status = StatusCode::UNAUTHORIZED;
        let refusal = of_status(status, body.as_bytes(), None, &Secrets(vec![key]), "m");
        let text = refusal.error.to_string();
        assert!(
            text.contains("no such key ***") && !text.contains("tiger"),
            "{text}"
        );
        assert!(!text.contains('\x1b') && text.len() < 3 * TEXT_BYTES_MAX);
    }
}
