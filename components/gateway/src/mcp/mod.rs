//! `/mcp`: the platform's tools, resources and prompts for models, by the Model Context Protocol.
//!
//! A tool does what a route of the API does, by the very function that answers the route: same checks, same problems.
//! `tools.toml` says which tools there are, `swarm_flow_mcp` speaks the protocol. What differs from a route is only what
//! a model needs to be different: pieces of files, waiting for a run, programs as tools of their own.

mod arguments;
mod call;
mod exec;
mod feed;
mod file;
mod platform;
mod program;
mod prompt;
mod resource;
mod selection;
mod task;
mod tool;
mod wait;

use crate::json::{self, Any};
use crate::problem::Problem;
use crate::request::{Headers, Request};
use crate::respond::{Reply, Response, ok};
use crate::stream::Sink;
use platform::Platform;
use selection::Selection;
use serde_json::Value;
use std::borrow::Cow;
use std::rc::Rc;
use swarm_flow_mcp::{Answer, Fault, Http, Out, Server, Whole};

/// The endpoint.
pub const PATH: &str = "/mcp";
/// Where the metadata of RFC 9728 lies.
pub const METADATA: &str = "/.well-known/oauth-protected-resource";
/// The same, for a client that puts the endpoint's path behind it.
pub const METADATA_OF_PATH: &str = "/.well-known/oauth-protected-resource/mcp";

/// Whether a path is of the endpoint or of what is said about it.
pub fn is_below(path: &str) -> bool {
    path == PATH || path.starts_with(METADATA)
}

/// As large as the largest body of a route: a command with its standard input.
const MESSAGE_BYTES_MAX: u64 = 24 << 20;

pub fn post(request: &Request) -> Result<Reply, Problem> {
    json::check_content_type(request.headers.text("content-type"))?;
    let server = server(request)?;
    let bytes = request.bytes(MESSAGE_BYTES_MAX)?;
    let http = Http {
        headers: &request.headers,
        body: message(&bytes),
    };
    Ok(reply(swarm_flow_mcp::post(&server, http)))
}

pub fn get(request: &Request) -> Result<Reply, Problem> {
    let server = server(request)?;
    Ok(reply(swarm_flow_mcp::get(&server, &request.headers)))
}

pub fn delete(_: &Request) -> Result<Reply, Problem> {
    Ok(reply(swarm_flow_mcp::delete()))
}

/// What protects the endpoint, for clients that look for it: a bearer token in a header. Tokens are given out by the
/// operator, so no authorization server is named.
pub fn metadata(request: &Request) -> Result<Reply, Problem> {
    ok(&serde_json::json!({
        "resource": format!("{}{PATH}", origin(&request.headers)),
        "bearer_methods_supported": ["header"],
        "resource_name": "Swarm Flow",
    }))
}

/// Says to who came without a token where the metadata lies.
pub fn challenge(mut problem: Problem, path: &str, headers: &Headers) -> Problem {
    if path == PATH && problem.code == "unauthorized" {
        let metadata = format!("{}{METADATA_OF_PATH}", origin(headers));
        for (_, value) in &mut problem.headers {
            value.push_str(&format!(", resource_metadata=\"{metadata}\""));
        }
    }
    problem
}

/// The scheme and authority by which a caller came.
fn origin(headers: &Headers) -> String {
    let scheme = match headers.text("x-forwarded-proto") {
        Some("https") => "https",
        _ => "http",
    };
    let host = headers.text("host").unwrap_or("localhost");
    format!("{scheme}://{host}")
}

fn server(request: &Request) -> Result<Rc<dyn Server>, Problem> {
    #[cfg(feature = "conformance")]
    if request.query == "fixtures" {
        let key = crate::wire::token()?.into_bytes();
        return Ok(Rc::new(mcp_fixtures::Fixtures { key }));
    }
    Ok(Rc::new(Platform {
        request_id: request.id.clone(),
        selection: Rc::new(Selection::parse(request)?),
    }))
}

/// The body as JSON in which no key is given twice: of two, another reader might take the other.
fn message(bytes: &[u8]) -> Result<Value, Fault> {
    let read = json::parse::<Any>(bytes).map(|Any(value)| value);
    read.map_err(|problem| match problem.code {
        "invalid-json" => Fault::parse(problem.detail),
        _ => Fault::invalid_request(problem.detail),
    })
}

fn reply(answer: Answer) -> Reply {
    match answer {
        Answer::Whole(Whole {
            status,
            headers,
            body,
        }) => Reply::Whole(Response {
            status,
            content_type: body.is_some().then_some("application/json"),
            headers,
            body: Cow::Owned(
                body.map(|body| body.to_string().into_bytes())
                    .unwrap_or_default(),
            ),
        }),
        Answer::Stream { headers, run } => {
            Reply::EventsWith(headers, Box::new(move |sink| run(&mut Through(sink))))
        }
    }
}

struct Through<'a>(&'a mut dyn Sink);

impl Out for Through<'_> {
    fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.send(bytes)
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn sleep(&mut self, ms: u64) {
        self.0.sleep(ms);
    }
}

impl swarm_flow_mcp::Headers for crate::request::Headers {
    fn text(&self, name: &str) -> Option<&str> {
        self.text(name)
    }
}
