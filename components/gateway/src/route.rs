//! Every route: method, template, who may call it, and what does it.
//!
//! `{name}` stands for one part of a path, `{name...}` for one or more at the end; both are
//! percent-decoded. `openapi.json` describes the same routes, and a test holds the two together.

use crate::api::{
    agents, audit, events, exec, files, meta, policies, programs, questions, runners, secrets,
    stdin, swarms, workspaces,
};
use crate::encoding;
use crate::mcp;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::Reply;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone; also found at the root, without `/api/v1`.
    Open,
    User,
    Runner,
}

pub struct Route {
    pub method: &'static str,
    pub template: &'static str,
    pub access: Access,
    pub call: fn(&Request) -> Result<Reply, Problem>,
}

use Access::{Open, Runner, User};

const fn route(
    method: &'static str,
    template: &'static str,
    access: Access,
    call: fn(&Request) -> Result<Reply, Problem>,
) -> Route {
    Route {
        method,
        template,
        access,
        call,
    }
}

pub static ROUTES: &[Route] = &[
    route("GET", "/healthz", Open, meta::health),
    route("GET", "/readyz", Open, meta::ready),
    route("GET", "/openapi.json", Open, meta::document),
    route("GET", "/workspaces", User, workspaces::list),
    route("POST", "/workspaces", User, workspaces::create),
    route("GET", "/workspaces/{id}", User, workspaces::get),
    route("DELETE", "/workspaces/{id}", User, workspaces::delete),
    route("POST", "/workspaces/{id}/start", User, workspaces::start),
    route("POST", "/workspaces/{id}/stop", User, workspaces::stop),
    route(
        "POST",
        "/workspaces/{id}/explain",
        User,
        workspaces::explain,
    ),
    route(
        "PUT",
        "/workspaces/{id}/policy",
        User,
        workspaces::set_policy,
    ),
    route("POST", "/workspaces/{id}/exec", User, exec::exec),
    route(
        "POST",
        "/workspaces/{id}/exec/{exec}/stdin",
        User,
        stdin::write,
    ),
    route("GET", "/workspaces/{id}/files", User, files::list),
    route("GET", "/workspaces/{id}/files/{path...}", User, files::read),
    route(
        "PUT",
        "/workspaces/{id}/files/{path...}",
        User,
        files::write,
    ),
    route(
        "DELETE",
        "/workspaces/{id}/files/{path...}",
        User,
        files::delete,
    ),
    route("GET", "/workspaces/{id}/secrets", User, secrets::list),
    route("PUT", "/workspaces/{id}/secrets/{name}", User, secrets::put),
    route(
        "DELETE",
        "/workspaces/{id}/secrets/{name}",
        User,
        secrets::delete,
    ),
    route("GET", "/programs", User, programs::list),
    route("POST", "/programs", User, programs::add),
    route("GET", "/programs/{name}", User, programs::get),
    route("DELETE", "/programs/{name}", User, programs::remove),
    route("GET", "/policies", User, policies::list),
    route("GET", "/policies/{name}", User, policies::get),
    route("PUT", "/policies/{name}", User, policies::put),
    route("DELETE", "/policies/{name}", User, policies::delete),
    route("GET", "/policies/{name}/versions", User, policies::versions),
    route("POST", "/policies/{name}/explain", User, policies::explain),
    route("GET", "/events", User, events::after),
    route("GET", "/audit", User, audit::query),
    route("GET", "/agents", User, agents::list),
    route("POST", "/agents", User, agents::add),
    route("GET", "/agents/{name}", User, agents::get),
    route("DELETE", "/agents/{name}", User, agents::remove),
    route("POST", "/agents/{name}/tasks", User, agents::execute),
    route("GET", "/swarms", User, swarms::list),
    route("POST", "/swarms", User, swarms::create),
    route("GET", "/swarms/{id}", User, swarms::get),
    route("POST", "/swarms/{id}/scale", User, swarms::scale),
    route("POST", "/swarms/{id}/runs", User, swarms::submit),
    route("GET", "/swarms/{id}/memory", User, swarms::memory),
    route("GET", "/runs", User, swarms::runs),
    route("GET", "/runs/{id}", User, swarms::run),
    route("POST", "/runs/{id}/cancel", User, swarms::cancel),
    route("POST", "/runs/{id}/pause", User, swarms::pause),
    route("POST", "/runs/{id}/resume", User, swarms::resume),
    route("POST", "/runs/{id}/replay", User, swarms::replay),
    route("GET", "/questions", User, questions::list),
    route("POST", "/questions/{id}/answer", User, questions::answer),
    route("GET", "/runners", User, runners::list),
    route("POST", "/runners", Runner, runners::join),
    route("DELETE", "/runners/{id}", Runner, runners::leave),
    route(
        "POST",
        "/runners/{id}/heartbeat",
        Runner,
        runners::heartbeat,
    ),
    route(
        "GET",
        "/runners/{id}/workspaces",
        Runner,
        runners::workspaces,
    ),
    route("GET", "/runners/{id}/audit", Runner, runners::audit_head),
    route("POST", "/runners/{id}/audit", Runner, runners::audit),
    route("POST", "/runners/{id}/work", Runner, runners::work),
    route("POST", "/runners/{id}/memory", Runner, runners::memory),
    route("POST", "/runners/{id}/calls", Runner, runners::call),
    route("POST", "/runners/{id}/leases/renew", Runner, runners::renew),
];

/// What is found at the root and is no part of the API.
static ROOT: &[Route] = &[
    route("POST", mcp::PATH, User, mcp::post),
    route("GET", mcp::PATH, User, mcp::get),
    route("DELETE", mcp::PATH, User, mcp::delete),
    route("GET", mcp::METADATA, Open, mcp::metadata),
    route("GET", mcp::METADATA_OF_PATH, Open, mcp::metadata),
];

/// Where the API lives.
pub const PREFIX: &str = "/api/v1";

/// A route, and the parts of the path that its template left open, in order.
pub struct Matched {
    pub route: &'static Route,
    pub parameters: Vec<String>,
}

/// Finds the route of a request.
pub fn find(method: &str, path: &str) -> Result<Matched, Problem> {
    let (rest, at_root) = match path.strip_prefix(PREFIX) {
        Some(rest) if rest.starts_with('/') => (rest, false),
        _ => (path, true),
    };
    let mut allowed = Vec::new();
    let of_api = ROUTES
        .iter()
        .filter(|route| !at_root || route.access == Open);
    let root = if at_root { ROOT } else { &[] };
    for route in of_api.chain(root) {
        let Some(parameters) = parameters(route.template, rest) else {
            continue;
        };
        if route.method == method {
            let parameters = parameters
                .into_iter()
                .map(decode)
                .collect::<Result<_, _>>()?;
            return Ok(Matched { route, parameters });
        }
        allowed.push(route.method);
    }
    Err(if allowed.is_empty() {
        Problem::no_route(path)
    } else {
        Problem::method_not_allowed(method, &allowed)
    })
}

/// The raw text of each parameter, when the path fits the template.
fn parameters<'a>(template: &str, path: &'a str) -> Option<Vec<&'a str>> {
    let mut found = Vec::new();
    let mut rest = path.strip_prefix('/')?;
    let mut parts = template.strip_prefix('/')?.split('/').peekable();
    while let Some(part) = parts.next() {
        if part.ends_with("...}") {
            if rest.is_empty() {
                return None;
            }
            found.push(rest);
            return Some(found);
        }
        let (segment, after) = match (rest.split_once('/'), parts.peek()) {
            (Some((segment, after)), Some(_)) => (segment, after),
            (None, None) => (rest, ""),
            _ => return None,
        };
        if part.starts_with('{') {
            if segment.is_empty() {
                return None;
            }
            found.push(segment);
        } else if part != segment {
            return None;
        }
        rest = after;
    }
    Some(found)
}

/// Decodes each part by itself: an encoded `/` would otherwise silently become a separator.
fn decode(raw: &str) -> Result<String, Problem> {
    let parts: Result<Vec<_>, _> = raw
        .split('/')
        .map(|part| match encoding::percent_decode(part, false) {
            Some(decoded) if !decoded.contains('/') => Ok(decoded),
            _ => Err(Problem::invalid(
                "path",
                "must be UTF-8, percent-encoded part by part, without `%2F`",
            )),
        })
        .collect();
    Ok(parts?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &str, path: &str) -> Result<(&'static str, Vec<String>), Problem> {
        find(method, path).map(|matched| (matched.route.template, matched.parameters))
    }

    #[test]
    fn a_path_finds_its_route_and_parameters() {
        for (method, path, template, parameters) in [
            ("GET", "/healthz", "/healthz", vec![]),
            ("GET", "/api/v1/healthz", "/healthz", vec![]),
            ("GET", "/api/v1/workspaces", "/workspaces", vec![]),
            (
                "GET",
                "/api/v1/workspaces/ws_1",
                "/workspaces/{id}",
                vec!["ws_1"],
            ),
            (
                "POST",
                "/api/v1/workspaces/ws_1/exec",
                "/workspaces/{id}/exec",
                vec!["ws_1"],
            ),
            (
                "POST",
                "/api/v1/workspaces/ws_1/exec/ex_1/stdin",
                "/workspaces/{id}/exec/{exec}/stdin",
                vec!["ws_1", "ex_1"],
            ),
            (
                "GET",
                "/api/v1/workspaces/ws_1/files",
                "/workspaces/{id}/files",
                vec!["ws_1"],
            ),
            (
                "PUT",
                "/api/v1/workspaces/w/files/a/b%20c.py",
                "/workspaces/{id}/files/{path...}",
                vec!["w", "a/b c.py"],
            ),
            (
                "PUT",
                "/api/v1/workspaces/w/files/%C3%BC",
                "/workspaces/{id}/files/{path...}",
                vec!["w", "ü"],
            ),
            (
                "POST",
                "/api/v1/runners/home/leases/renew",
                "/runners/{id}/leases/renew",
                vec!["home"],
            ),
        ] {
            let parameters: Vec<_> = parameters.into_iter().map(str::to_owned).collect();
            assert_eq!(
                found(method, path).unwrap(),
                (template, parameters),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn what_is_no_route_is_not_found() {
        for path in [
            "",
            "/",
            "/workspaces",
            "/api/v1",
            "/api/v1/",
            "/api/v1/workspaces/",
            "/api/v1/workspaces//exec",
            "/api/v1/workspaces/a/files/",
            "/api/v1/workspaces/a/exec/",
            "/api/v2/workspaces",
            "/api/v1x/workspaces",
        ] {
            assert_eq!(found("GET", path).unwrap_err().status, 404, "{path}");
        }
    }

    #[test]
    fn another_method_is_told_which_there_are() {
        let problem = found("PATCH", "/api/v1/workspaces/ws_1").unwrap_err();
        assert_eq!(problem.status, 405);
        assert_eq!(problem.headers, [("allow", "GET, DELETE".to_owned())]);
    }

    #[test]
    fn a_path_that_is_not_utf_8_or_hides_a_separator_is_refused() {
        for part in ["%FF", "%", "%4", "%zz", "a%2Fb"] {
            let path = format!("/api/v1/workspaces/w/files/{part}");
            assert_eq!(found("GET", &path).unwrap_err().status, 400, "{part}");
        }
    }
}
