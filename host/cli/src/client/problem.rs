//! RFC 9457 problem details as an error: `title: detail`, then what the server adds as a hint.

use reqwest::StatusCode;
use serde_json::{Map, Value};

/// What the server said was wrong.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Problem {
    pub status: StatusCode,
    text: String,
}

/// Said elsewhere, or of no use to a person.
const NOT_HINTS: [&str; 7] = [
    "type",
    "title",
    "status",
    "detail",
    "code",
    "instance",
    "request_id",
];

impl Problem {
    pub fn read(status: StatusCode, body: &[u8]) -> Self {
        let text = match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => said(status, &members),
            _ => plain(status, body),
        };
        Self { status, text }
    }
}

fn said(status: StatusCode, members: &Map<String, Value>) -> String {
    let text = |name| members.get(name).and_then(Value::as_str);
    let title = text("title").map_or_else(|| status.to_string(), str::to_owned);
    let mut said = match text("detail") {
        Some(detail) if detail != title => format!("{title}: {detail}"),
        _ => title,
    };
    let hints: Vec<String> = members
        .iter()
        .filter(|(name, value)| !NOT_HINTS.contains(&name.as_str()) && !value.is_null())
        .map(|(name, value)| (name, hint(value)))
        // The sentence often says it already.
        .filter(|(_, hint)| !said.contains(hint.as_str()))
        .map(|(name, hint)| format!("{}: {hint}", name.replace('_', " ")))
        .collect();
    if !hints.is_empty() {
        said.push_str(&format!(" ({})", hints.join("; ")));
    }
    // Only a fault of the server is looked up in its log.
    if let Some(id) = text("request_id").filter(|_| status.is_server_error()) {
        said.push_str(&format!(" [request {id}]"));
    }
    crate::output::harmless(&said)
}

fn hint(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(hint).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// An answer that is not from our server, but from something between.
fn plain(status: StatusCode, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let start: String = body.trim().chars().take(200).collect();
    let text = if start.is_empty() {
        status.to_string()
    } else {
        format!("{status}: {start}")
    };
    crate::output::harmless(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_said_with_its_hints() {
        for (status, body, expected) in [
            (
                404,
                r#"{"type":"t","title":"Program not found","status":404,"detail":"there is no `nod`","code":"program-not-found","known":["python","sh"],"request_id":"r"}"#,
                "Program not found: there is no `nod` (known: python, sh)",
            ),
            (
                500,
                r#"{"title":"Internal","code":"internal","request_id":"r1"}"#,
                "Internal [request r1]",
            ),
            (
                429,
                r#"{"title":"Busy","detail":"Busy","retry_after_ms":50}"#,
                "Busy (retry after ms: 50)",
            ),
            (
                502,
                "<html>\u{1b}bad</html>",
                "502 Bad Gateway: <html>\u{fffd}bad</html>",
            ),
            (401, "", "401 Unauthorized"),
            (400, "{}", "400 Bad Request"),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(Problem::read(status, body.as_bytes()).to_string(), expected);
        }
    }
}
