//! Resources: workspaces and their files, runs and what happened in them.
//!
//! | address | what it is |
//! |---|---|
//! | `swarm-flow://workspace/{workspace}` | the workspace, as JSON |
//! | `swarm-flow://workspace/{workspace}/{path}` | a file; with `/` at its end the entries of a directory, as JSON |
//! | `swarm-flow://run/{run}` | the run with its tasks and results, as JSON |
//! | `swarm-flow://run/{run}/events` | what happened in it, as JSON |

use super::arguments::Inner;
use super::call::structured;
use super::file;
use super::platform::Platform;
use crate::encoding::percent_decode;
use crate::problem::Problem;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use swarm_flow_mcp::{Era, Fault, Listed, Outcome};

const SCHEME: &str = "swarm-flow://";

/// So much of a file is a resource; the tool `file_read` reads on.
const RESOURCE_BYTES_MAX: u64 = 1 << 20;

/// What is meant by an address.
#[derive(Debug, PartialEq)]
pub enum Address {
    Workspace(String),
    File(String, String),
    Directory(String, String),
    Run(String),
    Events(String),
}

impl Address {
    pub fn parse(uri: &str) -> Option<Self> {
        let mut parts = uri.strip_prefix(SCHEME)?.splitn(3, '/');
        let kind = parts.next()?;
        let id = parts.next().filter(|id| !id.is_empty())?.to_owned();
        Some(match (kind, parts.next()) {
            ("workspace", None) => Self::Workspace(id),
            ("workspace", Some("")) => Self::Directory(id, String::new()),
            ("workspace", Some(path)) => match percent_decode(path, false)? {
                path if path.ends_with('/') => {
                    Self::Directory(id, path.trim_end_matches('/').to_owned())
                }
                path => Self::File(id, path),
            },
            ("run", None) => Self::Run(id),
            ("run", Some("events")) => Self::Events(id),
            _ => return None,
        })
    }

    /// The stream of events that a change of it is in.
    pub fn stream(&self) -> Option<&str> {
        match self {
            Self::Workspace(id) | Self::Run(id) | Self::Events(id) => Some(id),
            // Which files change, the app does not know.
            Self::File(..) | Self::Directory(..) => None,
        }
    }
}

/// Workspaces, then runs.
pub fn list(platform: &Platform, cursor: Option<&str>) -> Result<Listed, Problem> {
    let (kind, cursor) = match cursor {
        None => ("workspaces", ""),
        Some(cursor) => cursor
            .split_once(':')
            .ok_or_else(|| Problem::invalid("cursor", "is not a cursor of this list"))?,
    };
    let template = match kind {
        "workspaces" => "/workspaces",
        "runs" => "/runs",
        _ => return Err(Problem::invalid("cursor", "is not a cursor of this list")),
    };
    let mut inner = Inner::new(&platform.request_id, "GET", template, &[]);
    if !cursor.is_empty() {
        inner = inner.with_query("cursor", cursor);
    }
    let page = structured(inner, None)?;
    let items = page["items"].as_array().into_iter().flatten();
    let next_cursor = match page["next_cursor"].as_str() {
        Some(next) => Some(format!("{kind}:{next}")),
        None if kind == "workspaces" => Some("runs:".to_owned()),
        None => None,
    };
    let item = if kind == "workspaces" { workspace } else { run };
    Ok(Listed {
        items: items.map(item).collect(),
        next_cursor,
        ttl_ms: 0,
        is_public: false,
    })
}

fn workspace(found: &Value) -> Value {
    let id = found["id"].as_str().unwrap_or_default();
    json!({
        "uri": format!("{SCHEME}workspace/{id}"),
        "name": id,
        "title": format!("Workspace {}", found["name"].as_str().unwrap_or_default()),
        "mimeType": "application/json",
    })
}

fn run(found: &Value) -> Value {
    let id = found["id"].as_str().unwrap_or_default();
    json!({
        "uri": format!("{SCHEME}run/{id}"),
        "name": id,
        "title": format!("Run, {}", found["state"].as_str().unwrap_or_default()),
        "mimeType": "application/json",
    })
}

pub fn templates() -> Vec<Value> {
    let template = |rest: &str, name: &str, title: &str, kind: Option<&str>| {
        let mut template = json!({
            "uriTemplate": format!("{SCHEME}{rest}"),
            "name": name,
            "title": title,
        });
        if let Some(kind) = kind {
            template["mimeType"] = kind.into();
        }
        template
    };
    let json = Some("application/json");
    vec![
        template("workspace/{workspace}", "workspace", "A workspace", json),
        template(
            "workspace/{workspace}/{+path}",
            "file",
            "A file of a workspace, or with `/` at its end the entries of a directory",
            None,
        ),
        template("run/{run}", "run", "A run with its tasks and results", json),
        template("run/{run}/events", "events", "What happened in a run", json),
    ]
}

pub fn read(platform: &Platform, era: Era, uri: &str) -> Result<Outcome, Fault> {
    let address = Address::parse(uri).ok_or_else(|| Fault::no_resource(era, uri))?;
    let contents = contents(platform, uri, &address).map_err(|problem| match problem.status {
        404 => Fault::no_resource(era, uri),
        400 if problem.code == "invalid-id" => Fault::no_resource(era, uri),
        400..=499 => {
            Fault::invalid_params(problem.detail.clone()).with(problem.json(&platform.request_id))
        }
        _ => {
            if let Some(private) = &problem.private {
                eprintln!("request {}: {private}", platform.request_id);
            }
            Fault::internal(problem.detail.clone()).with(problem.json(&platform.request_id))
        }
    })?;
    Ok(Outcome::Complete(json!({"contents": [contents]})))
}

fn contents(platform: &Platform, uri: &str, address: &Address) -> Result<Value, Problem> {
    let id = &platform.request_id;
    let inner = match address {
        Address::Workspace(workspace) => Inner::new(id, "GET", "/workspaces/{id}", &[workspace]),
        Address::Run(run) => Inner::new(id, "GET", "/runs/{id}", &[run]),
        Address::Directory(workspace, path) => {
            Inner::new(id, "GET", "/workspaces/{id}/files", &[workspace]).with_query("path", path)
        }
        Address::Events(run) => {
            // Of a run that is not there, there are no events: that it is there is asked first.
            structured(Inner::new(id, "GET", "/runs/{id}", &[run]), None)?;
            Inner::new(id, "GET", "/events", &[])
                .with_query("stream", run)
                .with_query("limit", "1000")
        }
        Address::File(workspace, path) => {
            let (bytes, size) = file::piece(id, workspace, path, 0, RESOURCE_BYTES_MAX)?;
            if size > bytes.len() as u64 {
                return Err(Problem::too_large("resource_bytes", RESOURCE_BYTES_MAX)
                    .with("size_bytes", size));
            }
            return Ok(match String::from_utf8(bytes) {
                Ok(text) => json!({"uri": uri, "mimeType": "text/plain", "text": text}),
                Err(error) => json!({
                    "uri": uri,
                    "mimeType": "application/octet-stream",
                    "blob": STANDARD.encode(error.as_bytes()),
                }),
            });
        }
    };
    let found = structured(inner, None)?;
    Ok(json!({"uri": uri, "mimeType": "application/json", "text": found.to_string()}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_is_of() {
        let text = str::to_owned;
        for (uri, address) in [
            (
                "swarm-flow://workspace/w",
                Some(Address::Workspace(text("w"))),
            ),
            (
                "swarm-flow://workspace/w/a/b%20c",
                Some(Address::File(text("w"), text("a/b c"))),
            ),
            (
                "swarm-flow://workspace/w/a/",
                Some(Address::Directory(text("w"), text("a"))),
            ),
            (
                "swarm-flow://workspace/w/",
                Some(Address::Directory(text("w"), String::new())),
            ),
            ("swarm-flow://run/r", Some(Address::Run(text("r")))),
            (
                "swarm-flow://run/r/events",
                Some(Address::Events(text("r"))),
            ),
            ("swarm-flow://run/r/other", None),
            ("swarm-flow://run/", None),
            ("swarm-flow://workspace/w/%FF", None),
            ("file:///etc/passwd", None),
            ("", None),
        ] {
            assert_eq!(Address::parse(uri), address, "{uri}");
        }
    }
}
