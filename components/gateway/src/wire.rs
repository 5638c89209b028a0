//! The edge to the host: a request comes in, an answer goes out.
//!
//! It calls the host as seldom as it can, because each call costs about as much as all the rest of a small
//! request: all headers in one, one token, one random number, the answer's headers in one, its body in one.

use crate::auth::{self, Tokens};
use crate::mcp;
use crate::origin;
use crate::problem::Problem;
use crate::request::{Body, Headers, Request};
use crate::respond::{Reply, Response};
use crate::route;
use crate::stream::{Events, Lines, Sink};
use spin_sdk::http::{
    Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use spin_sdk::{http_component, variables};
use std::cell::Cell;
use swarm_flow_wire::write_all;
use wasi::io::streams::{OutputStream, StreamError};

#[http_component]
async fn handle(incoming: IncomingRequest, out: ResponseOutparam) {
    let headers = Headers::new(incoming.headers().entries());
    let id = match headers.request_id() {
        Some(id) => id.to_owned(),
        None => format!("{:016x}", wasi::random::random::get_random_u64()),
    };
    match answer(incoming, headers, &id) {
        Ok(Reply::Whole(response)) => write(out, response, &id),
        Ok(Reply::Events(events)) => write_events(out, &id, Vec::new(), events),
        Ok(Reply::EventsWith(headers, events)) => write_events(out, &id, headers, events),
        Ok(Reply::Lines(lines)) => write_lines(out, &id, lines),
        Err(problem) => {
            if let Some(private) = &problem.private {
                eprintln!("request {id}: {private}");
            }
            write(out, Response::problem(&problem, &id), &id);
        }
    }
}

fn answer(incoming: IncomingRequest, mut headers: Headers, id: &str) -> Result<Reply, Problem> {
    let target = incoming.path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let method = incoming.method();
    if mcp::is_below(path) && headers.text("host").is_none() {
        // Some hosts tell it apart from the header fields.
        headers.add("host", incoming.authority().unwrap_or_default());
    }
    let matched = route::find(name(&method), path)?;
    auth::check(
        matched.route.access,
        headers.text("authorization"),
        &Variables,
    )
    .map_err(|problem| mcp::challenge(problem, path, &headers))?;
    check_origin(path, &headers, &incoming)?;
    let request = Request {
        id: id.to_owned(),
        parameters: matched.parameters,
        query: query.to_owned(),
        headers,
        body: Cell::new(Some(Box::new(Incoming(incoming)))),
    };
    (matched.route.call)(&request)
}

fn check_origin(path: &str, headers: &Headers, incoming: &IncomingRequest) -> Result<(), Problem> {
    let Some(origin) = headers.text("origin") else {
        return Ok(());
    };
    let authority = incoming.authority();
    // A page that rebinds a name has the host that it says. No page of this server's calls the MCP server.
    let host = match mcp::is_below(path) {
        true => None,
        false => headers.text("host").or(authority.as_deref()),
    };
    if origin::allowed(origin, host, || {
        variables::get("allowed_origins").unwrap_or_default()
    }) {
        return Ok(());
    }
    let detail = format!(
        "pages of `{origin}` may not call; the variable `allowed_origins` lists those that may"
    );
    Err(Problem::new("forbidden", detail))
}

fn name(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(other) => other,
    }
}

/// The users' token.
pub fn token() -> Result<String, Problem> {
    Variables.get("token")
}

pub fn random() -> [u8; 16] {
    let random = wasi::random::random::get_random_u64;
    let both = u128::from(random()) << 64 | u128::from(random());
    both.to_be_bytes()
}

struct Variables;

impl Tokens for Variables {
    fn get(&self, variable: &str) -> Result<String, Problem> {
        variables::get(variable)
            .map_err(|error| Problem::internal(format!("variable `{variable}`: {error}")))
    }
}

struct Incoming(IncomingRequest);

const READ_BYTES_MAX: u64 = 1 << 20;

impl Body for Incoming {
    fn read(&self, most: u64) -> Result<Vec<u8>, Problem> {
        let twice = || Problem::internal("the body was read twice".to_owned());
        let body = self.0.consume().map_err(|()| twice())?;
        let stream = body.stream().map_err(|()| twice())?;
        let mut bytes = Vec::new();
        loop {
            match stream.blocking_read(READ_BYTES_MAX) {
                Ok(mut piece) if bytes.len() as u64 + piece.len() as u64 <= most => {
                    bytes.append(&mut piece)
                }
                Ok(_) => return Err(Problem::too_large("body_bytes", most)),
                Err(StreamError::Closed) => return Ok(bytes),
                Err(StreamError::LastOperationFailed(error)) => {
                    let detail = format!("the body broke off: {}", error.to_debug_string());
                    return Err(Problem::new("invalid-request", detail));
                }
            }
        }
    }
}

fn write(out: ResponseOutparam, response: Response, id: &str) {
    let mut headers = common(id, response.content_type);
    headers.extend(
        response
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())),
    );
    if response.content_type.is_some() {
        headers.push((
            "content-length".to_owned(),
            response.body.len().to_string().into_bytes(),
        ));
    }
    if let Some((stream, body)) = begin(out, response.status, &headers) {
        // The caller may have left; nobody is there to be told.
        _ = write_all(&stream, &response.body);
        drop(stream);
        _ = OutgoingBody::finish(body, None);
    }
}

fn write_events(out: ResponseOutparam, id: &str, own: Vec<(&'static str, String)>, events: Events) {
    let mut headers = common(id, Some("text/event-stream"));
    headers.extend(
        own.into_iter()
            .map(|(name, value)| (name.to_owned(), value.into_bytes())),
    );
    // A proxy that collects what it passes on would hold events back.
    headers.push(("x-accel-buffering".to_owned(), b"no".to_vec()));
    if let Some((stream, body)) = begin(out, 200, &headers) {
        let mut sink = Outgoing(stream);
        events(&mut sink);
        drop(sink);
        _ = OutgoingBody::finish(body, None);
    }
}

/// A body that is dropped before it is finished reaches the caller as one that broke off.
fn write_lines(out: ResponseOutparam, id: &str, lines: Lines) {
    let headers = common(id, Some("application/x-ndjson"));
    if let Some((stream, body)) = begin(out, 200, &headers) {
        let mut sink = Outgoing(stream);
        let whole = lines(&mut sink);
        drop(sink);
        if whole {
            _ = OutgoingBody::finish(body, None);
        }
    }
}

fn common(id: &str, content_type: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let header = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    let mut headers = vec![
        header("x-request-id", id),
        header("x-content-type-options", "nosniff"),
        header("cache-control", "no-store"),
    ];
    headers.extend(content_type.map(|content_type| header("content-type", content_type)));
    headers
}

fn begin(
    out: ResponseOutparam,
    status: u16,
    headers: &[(String, Vec<u8>)],
) -> Option<(OutputStream, OutgoingBody)> {
    let headers = Fields::from_list(headers).unwrap_or_else(|error| {
        eprintln!("a header cannot be sent: {error:?}");
        Fields::new()
    });
    let response = OutgoingResponse::new(headers);
    _ = response.set_status_code(status);
    let body = response.body();
    out.set(response);
    let body = body.ok()?;
    let stream = body.write().ok()?;
    Some((stream, body))
}

struct Outgoing(OutputStream);

impl Sink for Outgoing {
    fn send(&mut self, bytes: &[u8]) -> bool {
        write_all(&self.0, bytes).is_ok()
    }

    fn is_open(&mut self) -> bool {
        self.0.check_write().is_ok()
    }

    fn sleep(&mut self, ms: u64) {
        std::thread::sleep(std::time::Duration::from_millis(ms));
    }
}
