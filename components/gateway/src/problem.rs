//! What went wrong, as RFC 9457 problem details with a stable code.
//!
//! A problem says what the caller can act on. A fault of ours is only named; its text goes to the log with
//! the request's id.

use crate::bindings::types::Error;
use serde_json::{Map, Value};

/// A problem before it is written.
#[derive(Debug, PartialEq)]
pub struct Problem {
    pub status: u16,
    pub code: &'static str,
    pub detail: String,
    /// `field`, `limit`, `known`, `rule`, `retry_after_ms` and others.
    members: Map<String, Value>,
    pub headers: Vec<(&'static str, String)>,
    /// For the log alone.
    pub private: Option<String>,
}

/// Every code, its status and its title.
pub const CODES: &[(&str, u16, &str)] = &[
    ("invalid-request", 400, "The request is not valid"),
    ("invalid-json", 400, "The body is not JSON"),
    ("invalid-id", 400, "The id is not valid"),
    ("unauthorized", 401, "A valid token is needed"),
    ("forbidden", 403, "The token does not allow this"),
    ("policy-denied", 403, "The policy denies this"),
    ("not-found", 404, "There is no such thing"),
    ("program-not-found", 404, "There is no such program"),
    ("method-not-allowed", 405, "The method is not allowed"),
    ("conflict", 409, "The state forbids this"),
    (
        "idempotency-conflict",
        409,
        "The idempotency key was used otherwise",
    ),
    ("workspace-stopped", 409, "The workspace is stopped"),
    ("stdin-closed", 409, "The command takes no more input"),
    ("audit-diverged", 409, "The audit logs differ"),
    ("lease-lost", 409, "The lease was lost"),
    ("revision-conflict", 409, "The key has another revision"),
    ("question-closed", 409, "The question is closed"),
    ("not-held", 409, "The lock is not held"),
    ("ended", 409, "The task has ended"),
    ("timeout", 409, "It took too long"),
    ("budget-exceeded", 409, "The run may not use so much"),
    ("version-mismatch", 412, "Another version is the last"),
    (
        "revision-mismatch",
        412,
        "The workspace has another revision",
    ),
    ("body-too-large", 413, "The request is too large"),
    (
        "unsupported-media-type",
        415,
        "The content type is not supported",
    ),
    ("range-not-satisfiable", 416, "The range is not in the file"),
    ("busy", 429, "Everything is busy"),
    ("stdin-full", 429, "The command does not read"),
    ("internal", 500, "A fault of the server"),
    ("runner-unavailable", 503, "The runner is not available"),
    ("no-runner", 503, "No runner is alive"),
];

impl Problem {
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        let status = CODES
            .iter()
            .find(|(known, ..)| *known == code)
            .map_or(500, |(_, status, _)| *status);
        Self {
            status,
            code,
            detail: detail.into(),
            members: Map::new(),
            headers: Vec::new(),
            private: None,
        }
    }

    pub fn invalid(field: &str, message: &str) -> Self {
        let code = if field == "id" {
            "invalid-id"
        } else {
            "invalid-request"
        };
        Self::new(code, format!("{field}: {message}")).with("field", field)
    }

    pub fn no_route(path: &str) -> Self {
        Self::new(
            "not-found",
            format!("there is no route `{path}`; `/openapi.json` lists them"),
        )
        .with("kind", "route")
    }

    pub fn method_not_allowed(method: &str, allowed: &[&str]) -> Self {
        let allowed = allowed.join(", ");
        let mut problem = Self::new(
            "method-not-allowed",
            format!("`{method}` is not allowed here; {allowed} is"),
        );
        problem.headers.push(("allow", allowed));
        problem
    }

    pub fn too_large(name: &str, allowed: u64) -> Self {
        Self::new("body-too-large", format!("{name} is larger than {allowed}"))
            .with("limit", name)
            .with("allowed", allowed)
    }

    pub fn not_found(kind: &str, id: &str, known: Vec<String>) -> Self {
        let code = if kind == "program" {
            "program-not-found"
        } else {
            "not-found"
        };
        let there = if known.is_empty() {
            String::new()
        } else {
            format!("; there are {}", known.join(", "))
        };
        let problem = Self::new(code, format!("there is no {kind} `{id}`{there}"))
            .with("kind", kind)
            .with("id", id);
        if known.is_empty() {
            problem
        } else {
            problem.with("known", known)
        }
    }

    pub fn internal(private: String) -> Self {
        let mut problem = Self::new("internal", "the fault is in the log, under the request_id");
        problem.private = Some(private);
        problem
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The same about a field that the caller knows by another name.
    pub fn renamed(mut self, field: &str, name: &str) -> Self {
        if self.member("field").and_then(Value::as_str) != Some(field) {
            return self;
        }
        if let Some(rest) = self.detail.strip_prefix(&format!("{field}: ")) {
            self.detail = format!("{name}: {rest}");
        }
        self.with("field", name)
    }

    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The problem as JSON.
    pub fn json(&self, request_id: &str) -> Value {
        let title = CODES
            .iter()
            .find(|(known, ..)| *known == self.code)
            .map_or("", |(_, _, title)| *title);
        let mut json = Map::new();
        json.insert(
            "type".to_owned(),
            format!("https://swarm-flow.dev/problems/{}", self.code).into(),
        );
        json.insert("title".to_owned(), title.into());
        json.insert("status".to_owned(), self.status.into());
        json.insert("detail".to_owned(), self.detail.as_str().into());
        json.insert("code".to_owned(), self.code.into());
        json.extend(self.members.clone());
        json.insert("request_id".to_owned(), request_id.into());
        Value::Object(json)
    }

    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(input) => Self::invalid(&input.field, &input.message),
            Error::NotFound(missing) => Self::not_found(&missing.kind, &missing.id, missing.known),
            Error::Conflict(text) => coded(
                &[
                    "workspace-stopped",
                    "idempotency-conflict",
                    "stdin-closed",
                    "audit-diverged",
                    "lease-lost",
                    "revision-conflict",
                    "question-closed",
                    "not-held",
                    "ended",
                    "timeout",
                    "budget-exceeded",
                    "version-mismatch",
                    "revision-mismatch",
                ],
                "conflict",
                text,
            ),
            Error::Denied(denial) => {
                let detail = format!(
                    "{} of `{}` is denied; {} would allow it",
                    denial.capability, denial.resource, denial.rule
                );
                Self::new("policy-denied", detail)
                    .with("capability", denial.capability)
                    .with("resource", denial.resource)
                    .with("rule", denial.rule)
            }
            Error::TooLarge(limit) => Self::too_large(&limit.name, limit.allowed),
            Error::Busy(retry_after_ms) => {
                Self::new("busy", format!("try again in {retry_after_ms} ms"))
                    .with("retry_after_ms", retry_after_ms)
                    .with_header("retry-after", retry_after_ms.div_ceil(1000).to_string())
            }
            Error::Unavailable(text) => coded(&["no-runner"], "runner-unavailable", text),
            Error::Internal(text) => Self::internal(text),
        }
    }
}

/// Some texts start with their code: see `types.error`.
fn coded(codes: &[&'static str], otherwise: &'static str, text: String) -> Problem {
    let found = codes
        .iter()
        .find_map(|code| Some((*code, text.strip_prefix(*code)?.strip_prefix(": ")?)));
    match found {
        Some((code, detail)) => Problem::new(code, detail),
        None => Problem::new(otherwise, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::types::{Denial, InvalidInput, Limit, Missing};

    #[test]
    fn every_error_has_its_code_and_status() {
        let text = str::to_owned;
        for (error, code, status) in [
            (
                Error::Invalid(InvalidInput {
                    field: text("name"),
                    message: text("x"),
                }),
                "invalid-request",
                400,
            ),
            (
                Error::Invalid(InvalidInput {
                    field: text("id"),
                    message: text("x"),
                }),
                "invalid-id",
                400,
            ),
            (
                Error::NotFound(Missing {
                    kind: text("workspace"),
                    id: text("a"),
                    known: vec![],
                }),
                "not-found",
                404,
            ),
            (
                Error::NotFound(Missing {
                    kind: text("program"),
                    id: text("a"),
                    known: vec![],
                }),
                "program-not-found",
                404,
            ),
            (Error::Conflict(text("x")), "conflict", 409),
            (
                Error::Conflict(text("workspace-stopped: x")),
                "workspace-stopped",
                409,
            ),
            (
                Error::Conflict(text("idempotency-conflict: x")),
                "idempotency-conflict",
                409,
            ),
            (
                Error::Conflict(text("stdin-closed: x")),
                "stdin-closed",
                409,
            ),
            (
                Error::Conflict(text("audit-diverged: x")),
                "audit-diverged",
                409,
            ),
            (
                Error::Conflict(text("version-mismatch: x")),
                "version-mismatch",
                412,
            ),
            (
                Error::Conflict(text("revision-mismatch: x")),
                "revision-mismatch",
                412,
            ),
            (
                Error::Denied(Denial {
                    capability: text("a"),
                    resource: text("b"),
                    rule: text("c"),
                }),
                "policy-denied",
                403,
            ),
            (
                Error::TooLarge(Limit {
                    name: text("file_bytes"),
                    allowed: 5,
                }),
                "body-too-large",
                413,
            ),
            (Error::Busy(1500), "busy", 429),
            (Error::Unavailable(text("x")), "runner-unavailable", 503),
            (Error::Unavailable(text("no-runner: x")), "no-runner", 503),
            (Error::Internal(text("secret")), "internal", 500),
        ] {
            let problem = Problem::from(error);
            assert_eq!((problem.code, problem.status), (code, status));
            let json = problem.json("r1");
            assert_eq!(
                json["type"],
                format!("https://swarm-flow.dev/problems/{code}")
            );
            assert_eq!(json["request_id"], "r1");
            assert!(!json.to_string().contains("secret"));
            assert!(!json["detail"].as_str().unwrap().starts_with(code));
        }
    }

    #[test]
    fn busy_says_when_to_try_again() {
        let problem = Problem::from(Error::Busy(1500));
        assert_eq!(problem.headers, [("retry-after", "2".to_owned())]);
        assert_eq!(problem.member("retry_after_ms"), Some(&1500.into()));
    }
}
