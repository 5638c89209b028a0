//! The header fields that repeat what is in a message of the modern era. What they say must be what the message says, or
//! two who look at different ones would decide about different things.

use crate::fault::Fault;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The header fields of a request.
pub trait Headers {
    /// The value of the field of that name, which is in lower case.
    fn text(&self, name: &str) -> Option<&str>;
}

pub const VERSION: &str = "mcp-protocol-version";
pub const METHOD: &str = "mcp-method";
pub const NAME: &str = "mcp-name";

/// Whether the caller takes this media type. Who says nothing takes all.
pub fn accepts(headers: &dyn Headers, media_type: &str) -> bool {
    let Some(accept) = headers.text("accept") else {
        return true;
    };
    let kind = media_type.split('/').next().unwrap_or_default();
    accept.split(',').any(|part| {
        let part = part.split(';').next().unwrap_or_default().trim();
        part == "*/*"
            || part.eq_ignore_ascii_case(media_type)
            || part
                .strip_suffix("/*")
                .is_some_and(|part| part.eq_ignore_ascii_case(kind))
    })
}

/// Checks `Mcp-Method` and `Mcp-Name`.
pub fn check(
    headers: &dyn Headers,
    method: &str,
    params: &Map<String, Value>,
) -> Result<(), Fault> {
    same(headers, METHOD, "method", method)?;
    let field = match method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return Ok(()),
    };
    match params.get(field).and_then(Value::as_str) {
        Some(value) => same(headers, NAME, field, value),
        // That it is missing is said of the message.
        None => Ok(()),
    }
}

fn same(headers: &dyn Headers, header: &str, field: &str, value: &str) -> Result<(), Fault> {
    let Some(found) = headers.text(header) else {
        let message = format!("the header `{header}` is missing; it must be `{value}`");
        return Err(Fault::header(message));
    };
    match decoded(found) {
        Some(found) if found == value => Ok(()),
        _ => Err(Fault::header(format!(
            "the header `{header}` is `{found}` and `{field}` is `{value}`; make them the same"
        ))),
    }
}

/// The text that a value stands for: itself, or what is between `=?base64?` and `?=`.
fn decoded(value: &str) -> Option<Cow<'_, str>> {
    let inner = value
        .strip_prefix("=?base64?")
        .and_then(|rest| rest.strip_suffix("?="));
    match inner {
        None => Some(value.trim().into()),
        Some(inner) => {
            let bytes = STANDARD.decode(inner).ok()?;
            String::from_utf8(bytes).ok().map(Cow::from)
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;

    pub struct Fixed(pub Vec<(&'static str, String)>);

    impl Headers for Fixed {
        fn text(&self, name: &str) -> Option<&str> {
            let found = self.0.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| value.as_str())
        }
    }

    #[test]
    fn headers_say_what_the_message_says() {
        let params = json!({"name": "ü"});
        let params = params.as_object().unwrap();
        for (method, name, ok) in [
            (Some("tools/call"), Some("=?base64?w7w=?="), true),
            (Some("tools/call"), Some("ü"), true),
            (Some("tools/call"), Some("=?base64?w7x=?="), false),
            (Some("tools/call"), Some("u"), false),
            (Some("tools/call"), None, false),
            (Some("Tools/Call"), Some("ü"), false),
            (None, Some("ü"), false),
        ] {
            let mut headers = Vec::new();
            headers.extend(method.map(|method| (METHOD, method.to_owned())));
            headers.extend(name.map(|name| (NAME, name.to_owned())));
            let found = check(&Fixed(headers), "tools/call", params);
            assert_eq!(found.is_ok(), ok, "{method:?} {name:?}");
            if let Err(fault) = found {
                assert_eq!(fault.code, -32020);
            }
        }
    }

    #[test]
    fn a_media_type_is_taken_by_name_or_by_a_star() {
        for (accept, ok) in [
            (None, true),
            (Some("application/json, text/event-stream"), true),
            (Some("text/*"), true),
            (Some("*/*;q=0.1"), true),
            (Some("application/json"), false),
            (Some(""), false),
        ] {
            let headers = Fixed(
                accept
                    .map(|accept| ("accept", accept.to_owned()))
                    .into_iter()
                    .collect(),
            );
            assert_eq!(accepts(&headers, "text/event-stream"), ok, "{accept:?}");
        }
    }
}
