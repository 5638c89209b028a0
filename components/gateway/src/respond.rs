//! An answer before it is written.

use crate::problem::Problem;
use crate::stream;
use serde::Serialize;
use std::borrow::Cow;

/// What a route gives back: an answer in one go, or one that goes on.
pub enum Reply {
    Whole(Response),
    Events(stream::Events),
    /// The same, with header fields of its own.
    EventsWith(Vec<(&'static str, String)>, stream::Events),
    /// JSON, one value a line.
    Lines(stream::Lines),
}

pub struct Response {
    pub status: u16,
    /// None where there is no body.
    pub content_type: Option<&'static str>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Cow<'static, [u8]>,
}

impl Response {
    pub fn bytes(
        status: u16,
        content_type: &'static str,
        body: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        Self {
            status,
            content_type: Some(content_type),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Says which version or revision this is.
    pub fn with_etag(self, number: u64) -> Self {
        self.with_header("etag", format!("\"{number}\""))
    }

    pub fn problem(problem: &Problem, request_id: &str) -> Self {
        let body = problem.json(request_id).to_string().into_bytes();
        let headers = problem.headers.clone();
        Self {
            headers,
            ..Self::bytes(problem.status, "application/problem+json", body)
        }
    }
}

/// JSON with a status.
pub fn json(status: u16, value: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(value)
        .map_err(|error| Problem::internal(format!("cannot write JSON: {error}")))?;
    Ok(Response::bytes(status, "application/json", body))
}

/// JSON with status 200.
pub fn ok(value: &impl Serialize) -> Result<Reply, Problem> {
    json(200, value).map(Reply::Whole)
}

/// Status 204, without a body.
pub fn no_content() -> Reply {
    Reply::Whole(Response {
        status: 204,
        content_type: None,
        headers: Vec::new(),
        body: Cow::Borrowed(&[]),
    })
}

/// A part of a list.
#[derive(Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A list that is whole.
    pub fn whole(items: Vec<T>) -> Self {
        Self {
            items,
            next_cursor: None,
        }
    }
}
