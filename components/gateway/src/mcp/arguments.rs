//! From a tool's arguments to a request for its route.

use super::tool::{Body, Tool};
use crate::problem::Problem;
use crate::request::{self, Headers, Request};
use crate::respond::Reply;
use crate::route::ROUTES;
use serde_json::{Map, Value};
use std::cell::Cell;

/// A request of our own, for a route.
pub struct Inner<'a> {
    /// That of the request which it is for.
    pub id: &'a str,
    pub method: &'static str,
    /// The path, as `openapi.json` has it.
    pub template: &'static str,
    pub parameters: Vec<String>,
    pub query: Vec<(&'static str, String)>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl<'a> Inner<'a> {
    pub fn new(
        id: &'a str,
        method: &'static str,
        template: &'static str,
        parameters: &[&str],
    ) -> Self {
        Self {
            id,
            method,
            template,
            parameters: parameters.iter().map(|part| (*part).to_owned()).collect(),
            query: Vec::new(),
            headers: vec![("accept", "application/json".to_owned())],
            body: Vec::new(),
        }
    }

    pub fn with_json(mut self, body: &Value) -> Self {
        self.headers
            .push(("content-type", "application/json".to_owned()));
        self.body = body.to_string().into_bytes();
        self
    }

    pub fn with_query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Has the route's own function answer.
    pub fn answer(self) -> Result<Reply, Problem> {
        let route = ROUTES.iter().find(|route| {
            route.method == self.method && route.template.replace("...}", "}") == self.template
        });
        let route = route.ok_or_else(|| {
            Problem::internal(format!("no route {} {}", self.method, self.template))
        })?;
        let headers = self
            .headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into_bytes()));
        let query: Vec<_> = self
            .query
            .iter()
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
        (route.call)(&Request {
            id: self.id.to_owned(),
            parameters: self.parameters,
            query: query.join("&"),
            headers: Headers::new(headers.collect()),
            body: Cell::new(Some(Box::new(Bytes(self.body)))),
        })
    }
}

struct Bytes(Vec<u8>);

impl request::Body for Bytes {
    fn read(&self, most: u64) -> Result<Vec<u8>, Problem> {
        if self.0.len() as u64 > most {
            Err(Problem::too_large("body_bytes", most))
        } else {
            Ok(self.0.clone())
        }
    }
}

/// The request that a call of a tool stands for.
pub fn request<'a>(
    id: &'a str,
    tool: &Tool,
    arguments: &Map<String, Value>,
) -> Result<Inner<'a>, Problem> {
    check(tool, arguments)?;
    let mut inner = Inner::new(id, tool.method, tool.template, &[]);
    for name in tool.path {
        inner.parameters.push(text(arguments, name)?.to_owned());
    }
    for name in tool.query {
        match arguments.get(*name) {
            None | Some(Value::Null) => {}
            Some(value) => inner.query.push((name, plain(name, value)?)),
        }
    }
    for (name, header) in tool.headers {
        if arguments.contains_key(*name) {
            inner
                .headers
                .push((header, text(arguments, name)?.to_owned()));
        }
    }
    Ok(match &tool.body {
        Body::None => inner,
        Body::Whole(name) => {
            let body = arguments.get(*name);
            inner.with_json(body.ok_or_else(|| missing(name))?)
        }
        Body::Fields(fields) => {
            let body = arguments
                .iter()
                .filter(|(name, _)| fields.contains(&name.as_str()));
            let body: Map<_, _> = body
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            inner.with_json(&body.into())
        }
    })
}

/// An argument that must be there and a string.
pub fn text<'a>(arguments: &'a Map<String, Value>, name: &str) -> Result<&'a str, Problem> {
    match arguments.get(name) {
        None => Err(missing(name)),
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) => Err(Problem::invalid(name, "must be a string that is not empty")),
    }
}

/// A whole number, in bounds.
pub fn number(
    arguments: &Map<String, Value>,
    name: &str,
    otherwise: u64,
    least: u64,
    most: u64,
) -> Result<u64, Problem> {
    match arguments.get(name).map(Value::as_u64) {
        None => Ok(otherwise),
        Some(Some(number)) if (least..=most).contains(&number) => Ok(number),
        Some(_) => Err(Problem::invalid(
            name,
            &format!("must be a whole number from {least} to {most}"),
        )),
    }
}

/// Refuses arguments that are not among these.
pub fn only(arguments: &Map<String, Value>, known: &[&str]) -> Result<(), Problem> {
    match arguments
        .keys()
        .find(|name| !known.contains(&name.as_str()))
    {
        None => Ok(()),
        Some(name) => {
            let message = match known {
                [] => "is not an argument of this tool, which has none".to_owned(),
                known => format!(
                    "is not an argument of this tool; there are {}",
                    known.join(", ")
                ),
            };
            Err(Problem::invalid(name, &message))
        }
    }
}

fn missing(name: &str) -> Problem {
    Problem::invalid(name, "is missing")
}

fn check(tool: &Tool, arguments: &Map<String, Value>) -> Result<(), Problem> {
    let mut known: Vec<&str> = tool.path.to_vec();
    known.extend(tool.query);
    known.extend(tool.headers.iter().map(|(name, _)| *name));
    match &tool.body {
        Body::None => {}
        Body::Fields(fields) => known.extend(*fields),
        Body::Whole(name) => known.push(name),
    }
    only(arguments, &known)
}

/// A value as a query has it.
fn plain(name: &str, value: &Value) -> Result<String, Problem> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(Problem::invalid(
            name,
            "must be a string, a number or a boolean",
        )),
    }
}

fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::super::tool::TOOLS;
    use super::*;
    use serde_json::json;

    fn of(name: &str, arguments: Value) -> Result<Inner<'static>, Problem> {
        let tool = TOOLS.iter().find(|tool| tool.name == name).unwrap();
        request("r1", tool, arguments.as_object().unwrap())
    }

    #[test]
    fn each_argument_goes_where_the_route_has_it() {
        let inner = of(
            "workspace_create",
            json!({"name": "a", "policy": "isolated", "idempotency_key": "k"}),
        )
        .unwrap();
        assert!(inner.parameters.is_empty());
        assert!(inner.headers.contains(&("idempotency-key", "k".to_owned())));
        let body: Value = serde_json::from_slice(&inner.body).unwrap();
        assert_eq!(body, json!({"name": "a", "policy": "isolated"}));

        let inner = of(
            "file_list",
            json!({"workspace": "ws_1", "path": "a b", "recursive": true, "limit": 5}),
        )
        .unwrap();
        assert_eq!(inner.parameters, ["ws_1"]);
        assert!(inner.query.contains(&("recursive", "true".to_owned())));
        assert_eq!(encode("a b/ü"), "a%20b%2F%C3%BC");
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (tool, arguments, field) in [
            ("exec", json!({"command": ["ls"]}), "workspace"),
            (
                "exec",
                json!({"workspace": 1, "command": ["ls"]}),
                "workspace",
            ),
            (
                "exec",
                json!({"workspace": "w", "command": ["ls"], "stdin_stream": true}),
                "stdin_stream",
            ),
            ("run_get", json!({"id": "run_1"}), "id"),
            ("workspace_list", json!({"limit": [1]}), "limit"),
            ("policy_put", json!({"name": "a"}), "policy"),
        ] {
            let problem = of(tool, arguments).err().unwrap();
            assert_eq!(problem.member("field"), Some(&field.into()), "{tool}");
        }
    }
}
