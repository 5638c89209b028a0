//! A JSON body, taken strictly: the field that is wrong is named, and nothing unknown or doubled is let pass.

use crate::problem::Problem;
use serde::de::{self, Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, error::Category};
use std::fmt;

/// Refuses a body that does not say it is JSON.
pub fn check_content_type(content_type: Option<&str>) -> Result<(), Problem> {
    let essence = content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    match essence {
        Some(essence) if essence.eq_ignore_ascii_case("application/json") => Ok(()),
        _ => {
            let got = content_type.map_or("none".to_owned(), |content_type| {
                format!("`{content_type}`")
            });
            let detail = format!("the content type must be `application/json`, is {got}");
            Err(Problem::new("unsupported-media-type", detail))
        }
    }
}

/// Reads a body of a known shape.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Problem::new(
            "invalid-json",
            format!("the body is not UTF-8 from byte {} on", error.valid_up_to()),
        )
    })?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| problem(&error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| problem(".", &error))?;
    Ok(value)
}

/// A problem of [`parse`] that names a field of these at most: serde quotes what it finds, and so do names that are unknown.
pub fn without_the_body(problem: Problem, fields: &[&str]) -> Problem {
    if problem.code != "invalid-request" {
        return problem;
    }
    let named = problem
        .member("field")
        .and_then(Value::as_str)
        .unwrap_or_default();
    // Of an array, without the place.
    let named = named.split('[').next().unwrap_or_default();
    let above = named.rsplit_once('.').map_or(named, |(above, _)| above);
    let field = fields
        .iter()
        .find(|field| **field == named || **field == above);
    let known: Vec<_> = fields.iter().map(|field| format!("`{field}`")).collect();
    let message = format!(
        "is missing, twice there, of another type, or has something in it that does not belong there; there are {}",
        known.join(", ")
    );
    Problem::invalid(field.copied().unwrap_or("body"), &message)
}

fn problem(path: &str, error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    if error.classify() != Category::Data {
        return Problem::new("invalid-json", text);
    }
    // The place in the text adds nothing to the field's name.
    let message = text.split(" at line ").next().unwrap_or(&text);
    Problem::invalid(&field(path, message), &without_rust(message))
}

/// What serde expected, in JSON's words instead of Rust's.
fn without_rust(message: &str) -> String {
    let Some((found, expected)) = message.split_once(", expected ") else {
        return message.to_owned();
    };
    let expected = match expected.split_once(' ').map_or(expected, |(word, _)| word) {
        "struct" | "map" => "an object",
        "a" if expected == "a sequence" => "an array",
        "u32" | "u64" => "a whole number of at least 0",
        "f32" | "f64" => "a number",
        "unit" => "null",
        _ => expected,
    };
    format!("{found}, expected {expected}")
}

/// The path that serde gives ends above a field that is missing or too many.
fn field(path: &str, message: &str) -> String {
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next());
    let path = if path == "." { "" } else { path };
    match named {
        Some(name) if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        Some(name) if path.is_empty() => name.to_owned(),
        Some(name) => format!("{path}.{name}"),
        None if path.is_empty() => "body".to_owned(),
        None => path.to_owned(),
    }
}

/// Any JSON, in which no key is given twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Any(pub Value);

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Any;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Any, E> {
        Ok(Any(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Any, E> {
        Ok(Any(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Any, E> {
        Ok(Any(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Any, E> {
        Ok(Any(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Any, E> {
        Ok(Any(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Any, E> {
        Ok(Any(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Any, A::Error> {
        let mut items = Vec::new();
        while let Some(Any(item)) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Any(Value::Array(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
        let mut found = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if found.contains_key(&key) {
                return Err(de::Error::custom(format_args!("duplicate field `{key}`")));
            }
            let Any(value) = map.next_value()?;
            found.insert(key, value);
        }
        Ok(Any(Value::Object(found)))
    }
}

/// An object whose values are strings, in the order in which it is written, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringsVisitor;

        impl<'de> Visitor<'de> for StringsVisitor {
            type Value = Strings;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Strings, A::Error> {
                let mut found = Vec::new();
                let mut names = std::collections::BTreeSet::new();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    if !names.insert(name.clone()) {
                        return Err(de::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    found.push((name, value));
                }
                Ok(Strings(found))
            }
        }

        deserializer.deserialize_map(StringsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shape {
        #[allow(dead_code, reason = "only whether it parses is tested")]
        command: Vec<String>,
        #[serde(default)]
        env: Strings,
        #[serde(default)]
        #[allow(dead_code, reason = "only whether it parses is tested")]
        limits: Option<Limits>,
        #[serde(default)]
        context: Option<Any>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Limits {
        #[allow(dead_code, reason = "only whether it parses is tested")]
        memory_bytes: u64,
    }

    #[test]
    fn the_field_that_is_wrong_is_named() {
        for (body, code, field, said) in [
            (
                r#"{"command":["a",5]}"#,
                "invalid-request",
                "command[1]",
                "expected a string",
            ),
            (r#"{}"#, "invalid-request", "command", "missing field"),
            (r#"[]"#, "invalid-request", "body", "expected an object"),
            (
                r#"{"command":[],"comand":1}"#,
                "invalid-request",
                "comand",
                "unknown field",
            ),
            (
                r#"{"command":[],"command":[]}"#,
                "invalid-request",
                "command",
                "duplicate field",
            ),
            (
                r#"{"command":[],"limits":{"memory_bytes":-1}}"#,
                "invalid-request",
                "limits.memory_bytes",
                "expected a whole number",
            ),
            (
                r#"{"command":[],"limits":{"memory":1}}"#,
                "invalid-request",
                "limits.memory",
                "unknown field",
            ),
            (
                r#"{"command":[],"limits":{}}"#,
                "invalid-request",
                "limits.memory_bytes",
                "missing field",
            ),
            (
                r#"{"command":[],"env":{"A":1}}"#,
                "invalid-request",
                "env.A",
                "expected a string",
            ),
            (
                r#"{"command":[],"env":{"A":"","A":""}}"#,
                "invalid-request",
                "env.A",
                "duplicate field",
            ),
            (
                r#"{"command":[],"context":{"a":1,"a":2}}"#,
                "invalid-request",
                "context.a",
                "duplicate field",
            ),
        ] {
            let problem = parse::<Shape>(body.as_bytes()).unwrap_err();
            assert_eq!(problem.code, code, "{body}: {}", problem.detail);
            assert_eq!(
                problem.member("field"),
                Some(&field.into()),
                "{body}: {}",
                problem.detail
            );
            assert!(problem.detail.contains(said), "{body}: {}", problem.detail);
        }
    }

    #[test]
    fn what_is_not_json_says_where() {
        for body in [
            &b"{"[..],
            b"",
            b"{\"command\":[]} x",
            b"{'command':[]}",
            b"\xff{}",
            b"{\"command\":[\"\xff\"]}",
        ] {
            assert_eq!(parse::<Shape>(body).unwrap_err().code, "invalid-json");
        }
        let deep = format!("{{\"command\":[],\"context\":{}", "[".repeat(100_000));
        assert_eq!(
            parse::<Shape>(deep.as_bytes()).unwrap_err().code,
            "invalid-json"
        );
    }

    #[test]
    fn order_and_values_are_kept() {
        let shape: Shape =
            parse(br#"{"command":[],"env":{"B":"1","A":"2"},"context":{"x":[null,1.5,"y"]}}"#)
                .unwrap();
        let env = [("B", "1"), ("A", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(shape.env.0, env);
        assert_eq!(
            shape.context.unwrap().0,
            serde_json::json!({"x": [null, 1.5, "y"]})
        );
    }

    #[test]
    fn only_json_is_taken_for_json() {
        for (content_type, ok) in [
            (Some("application/json"), true),
            (Some("Application/JSON; charset=utf-8"), true),
            (Some("text/plain"), false),
            (Some("application/jsonp"), false),
            (None, false),
        ] {
            assert_eq!(
                check_content_type(content_type).is_ok(),
                ok,
                "{content_type:?}"
            );
        }
    }
}
