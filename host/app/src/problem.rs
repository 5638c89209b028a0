//! Answers of the host itself, as RFC 9457 problem details.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use crate::body::{Body, full};

/// Names a request in the log and in a problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(u64);

impl RequestId {
    pub fn next() -> Self {
        static PROCESS: LazyLock<u64> =
            LazyLock::new(|| RandomState::new().build_hasher().finish());
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        // An odd factor keeps the numbers apart and spreads them.
        let count = COUNTER
            .fetch_add(1, Ordering::Relaxed)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(PROCESS.wrapping_add(count))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "req_{:016x}", self.0)
    }
}

pub(crate) fn internal(id: RequestId) -> Response<Body> {
    problem(
        id,
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Internal error",
        "the component failed; the log says why under this request id",
    )
}

pub(crate) fn not_found(id: RequestId) -> Response<Body> {
    problem(
        id,
        StatusCode::NOT_FOUND,
        "not-found",
        "Not found",
        "no route of the application matches the path",
    )
}

pub(crate) fn busy(id: RequestId) -> Response<Body> {
    let detail = "no instance could be made in time; try again";
    let mut response = problem(id, StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", detail);
    response
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn problem(
    id: RequestId,
    status: StatusCode,
    code: &str,
    title: &str,
    detail: &str,
) -> Response<Body> {
    let problem = json!({
        "type": format!("https://swarm-flow.dev/problems/{code}"),
        "title": title,
        "status": status.as_u16(),
        "detail": detail,
        "code": code,
        "request_id": id.to_string(),
    });
    let mut response = Response::new(full(problem.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}
