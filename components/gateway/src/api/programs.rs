//! `/programs`: what `exec` finds, and users' own among it.

use crate::api::no_query;
use crate::bindings::{programs as wit, runners};
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, json, no_content, ok};
use crate::shape::program::{Details, offers};
use swarm_flow_protocol::PROGRAM_BYTES_MAX;

pub fn list(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let mut all = offers(runners::list()?);
    all.retain(|program| !program.is_agent());
    ok(&Page::whole(all))
}

pub fn get(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Details::from(wit::get(request.parameter(0))?))
}

/// Adds a program, or replaces one that was added.
pub fn add(request: &Request) -> Result<Reply, Problem> {
    let added = taken(request, false)?;
    let status = if added.created { 201 } else { 200 };
    json(status, &Details::from(added)).map(Reply::Whole)
}

/// What a request adds.
pub fn taken(request: &Request, agent: bool) -> Result<wit::Added, Problem> {
    let query = request.query(&["name", "version", "digest"])?;
    let name = query
        .text("name")
        .ok_or_else(|| Problem::invalid("name", "is missing; what is added has a name"))?;
    check_content_type(request.headers.text("content-type"))?;
    let bytes = request.bytes(PROGRAM_BYTES_MAX)?;
    let (version, digest) = (query.text("version"), query.text("digest"));
    Ok(wit::add(name, version, digest, agent, &bytes)?)
}

pub fn remove(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    wit::remove(request.parameter(0))?;
    Ok(no_content())
}

/// A form or a JSON text that comes by mistake is told so, before it is read.
fn check_content_type(content_type: Option<&str>) -> Result<(), Problem> {
    let essence = content_type.map(|text| text.split(';').next().unwrap_or_default().trim());
    match essence {
        Some(other) if !TYPES.iter().any(|known| other.eq_ignore_ascii_case(known)) => {
            let detail = format!(
                "the content type must be `{}`, is `{other}`",
                TYPES.join("` or `")
            );
            Err(Problem::new("unsupported-media-type", detail))
        }
        _ => Ok(()),
    }
}

const TYPES: [&str; 2] = ["application/wasm", "application/octet-stream"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::testing::request;

    #[test]
    fn a_program_comes_as_webassembly_or_as_bytes() {
        for (content_type, right) in [
            (None, true),
            (Some("application/wasm"), true),
            (Some("Application/Octet-Stream; x=y"), true),
            (Some("application/json"), false),
            (Some("application/x-www-form-urlencoded"), false),
            (Some(""), false),
        ] {
            assert_eq!(
                check_content_type(content_type).is_ok(),
                right,
                "{content_type:?}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_said_before_the_body_is_read() {
        let refused = |query: &str, headers: &[(&str, &str)]| {
            let mut request = request(headers, b"");
            query.clone_into(&mut request.query);
            add(&request)
                .err()
                .map(|problem| (problem.status, problem.code))
        };
        let length = ("content-length", "2147483648");
        assert_eq!(refused("", &[]), Some((400, "invalid-request")));
        assert_eq!(refused("name=a&nam=b", &[]), Some((400, "invalid-request")));
        assert_eq!(
            refused("name=a", &[("content-type", "text/plain")]),
            Some((415, "unsupported-media-type"))
        );
        assert_eq!(refused("name=a", &[length]), Some((413, "body-too-large")));
    }
}
