//! `/policies`: the presets, and the policies that are kept under a name, in versions.
//!
//! Who names a policy means its last version, or with `strict@3` that one. The name becomes a policy here, once: a
//! workspace keeps the version that it was made with. A version is what `ETag` says of it, so `If-Match` and
//! `If-None-Match: *` make a change that was decided on another one a problem.

use crate::api::{no_query, page};
use crate::bindings::policies as wit;
use crate::bindings::types::PageRequest;
use crate::json;
use crate::problem::Problem;
use crate::request::{JSON_BYTES_MAX, Request};
use crate::respond::{Page, Reply, json as written, no_content, ok};
use crate::shape::policy::{Choice, Named, Reference, whole, within};
use serde::de::IgnoredAny;
use swarm_flow_policy::{Action, Policy, Preset, Surroundings};

/// The presets, then the kept policies by name.
pub fn list(request: &Request) -> Result<Reply, Problem> {
    let page = page(request)?;
    let (mut items, rest) = presets(&page)?;
    let next_cursor = match rest {
        Rest::Presets(cursor) => Some(cursor),
        Rest::Kept(page) => {
            let kept = wit::list(&page)?;
            items.extend(kept.items.into_iter().map(Named::from));
            kept.next
        }
    };
    ok(&Page { items, next_cursor })
}

pub fn get(request: &Request) -> Result<Reply, Problem> {
    let mut reference = Reference::parse("name", request.parameter(0))?;
    if let Some(version) = request.query(&["version"])?.number("version")? {
        // A version beyond the numbers is as little there as the last of them.
        reference.version = Some(u32::try_from(version).unwrap_or(u32::MAX));
    }
    reply(200, &find(&reference)?)
}

/// Keeps a policy; as a new version when it is another.
pub fn put(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let expected = expected_version(request)?;
    json::check_content_type(request.headers.text("content-type"))?;
    let body = request.bytes(JSON_BYTES_MAX)?;
    json::parse::<IgnoredAny>(&body)?;
    let policy = whole(&String::from_utf8_lossy(&body))?;
    let (stored, made) = wit::put(request.parameter(0), &policy.into(), expected)?;
    reply(if made { 201 } else { 200 }, &stored.into())
}

pub fn versions(request: &Request) -> Result<Reply, Problem> {
    let page = page(request)?;
    let name = request.parameter(0);
    if let Ok(preset) = name.parse::<Preset>() {
        return ok(&Page::whole(vec![Named::from(preset)]));
    }
    let found = wit::versions(name, &page)?;
    ok(&Page {
        items: found.items.into_iter().map(Named::from).collect(),
        next_cursor: found.next,
    })
}

pub fn delete(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    wit::delete(request.parameter(0))?;
    Ok(no_content())
}

/// What a policy makes of an action.
pub fn explain(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let reference = Reference::parse("name", request.parameter(0))?;
    decide(request, &find(&reference)?.policy)
}

/// The decision about the action in a request's body. What only a runner knows, the hosts of a group for one, is not in it.
pub fn decide(request: &Request, policy: &Policy) -> Result<Reply, Problem> {
    let action: Action = request.json()?;
    let decision = swarm_flow_policy::explain(policy, &action, &Surroundings::default());
    match decision {
        Ok(decision) => ok(&decision),
        Err(invalid) => Err(Problem::invalid(
            &format!("policy.{}", invalid.field),
            &invalid.message,
        )),
    }
}

/// The policy that a body's field `policy` asks for.
pub fn choose(choice: &Choice) -> Result<Named, Problem> {
    match choice {
        Choice::Named(name) => find(&Reference::parse("policy", name)?),
        Choice::Own(text) => within("policy", text.get()).map(Named::custom),
    }
}

fn find(reference: &Reference) -> Result<Named, Problem> {
    let Reference { name, version } = reference;
    match (name.parse::<Preset>(), version) {
        (Ok(preset), None) => Ok(preset.into()),
        (Ok(preset), Some(version)) => {
            let known = vec![preset.name().to_owned()];
            let asked = format!("{name}@{version}");
            Err(Problem::not_found("policy", &asked, known))
        }
        (Err(_), version) => Ok(wit::get(name, *version)?.into()),
    }
}

fn reply(status: u16, named: &Named) -> Result<Reply, Problem> {
    let response = written(status, named)?;
    Ok(Reply::Whole(match named.version {
        0 => response,
        version => response.with_etag(version.into()),
    }))
}

/// The version that has to be the last one; 0 where there must be none yet.
fn expected_version(request: &Request) -> Result<Option<u32>, Problem> {
    let absent = request.headers.text("if-none-match");
    match (request.if_match()?, absent.map(str::trim)) {
        (expected, None) => Ok(expected.map(|version| u32::try_from(version).unwrap_or(u32::MAX))),
        (None, Some("*")) => Ok(Some(0)),
        (None, Some(_)) => Err(Problem::invalid("If-None-Match", "must be `*` here")),
        (Some(_), Some(_)) => Err(Problem::invalid(
            "If-None-Match",
            "is given with If-Match; give one of them",
        )),
    }
}

/// What of a list comes after the presets that are on a page.
enum Rest {
    /// More presets, or whatever follows them: the page was full.
    Presets(String),
    /// This page of the kept policies.
    Kept(PageRequest),
}

/// Before a number of presets, the cursor of a page that starts with them.
const PRESETS: &str = "presets-";
/// How many items a page has when nobody says.
const PAGE_ITEMS: u32 = 100;

/// The presets of a page, and what else is on it.
fn presets(page: &PageRequest) -> Result<(Vec<Named>, Rest), Problem> {
    let passed = match page.cursor.as_deref() {
        None => 0,
        Some(cursor) => match cursor.strip_prefix(PRESETS) {
            Some(passed) => match passed.parse() {
                Ok(passed @ 1..=3) => passed,
                _ => return Err(Problem::invalid("cursor", "is not a cursor of this list")),
            },
            None => return Ok((Vec::new(), Rest::Kept(page.clone()))),
        },
    };
    let limit = page.limit.unwrap_or(PAGE_ITEMS) as usize;
    let presets = Preset::ALL.into_iter().skip(passed).take(limit);
    let items: Vec<_> = presets.map(Named::from).collect();
    let rest = match limit - items.len() {
        0 => Rest::Presets(format!("{PRESETS}{}", passed + items.len())),
        room => Rest::Kept(PageRequest {
            cursor: None,
            limit: u32::try_from(room).ok(),
        }),
    };
    Ok((items, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::testing::request;

    #[test]
    fn presets_are_listed_before_what_is_kept_whatever_the_page() {
        for limit in 1..=4 {
            let (mut cursor, mut found) = (None, Vec::new());
            let room = loop {
                let page = PageRequest {
                    cursor: cursor.take(),
                    limit: Some(limit),
                };
                let (items, rest) = presets(&page).unwrap();
                found.extend(items.into_iter().map(|item| item.name));
                match rest {
                    Rest::Presets(next) => cursor = Some(next),
                    Rest::Kept(page) => break page.limit.unwrap(),
                }
            };
            assert_eq!(found, Preset::ALL.map(|preset| preset.name().to_owned()));
            assert!((1..=limit).contains(&room), "{limit}: {room}");
        }
        let page = |cursor: &str| PageRequest {
            cursor: Some(cursor.to_owned()),
            limit: None,
        };
        let (items, rest) = presets(&page("policies-5")).unwrap();
        assert!(items.is_empty());
        assert!(matches!(rest, Rest::Kept(page) if page.cursor.as_deref() == Some("policies-5")));
        for cursor in ["presets-0", "presets-4", "presets-", "presets-x"] {
            assert!(presets(&page(cursor)).is_err(), "{cursor}");
        }
    }

    #[test]
    fn a_condition_is_a_version_or_that_there_is_none() {
        let expected = |headers: &[(&str, &str)]| expected_version(&request(headers, b""));
        assert_eq!(expected(&[]), Ok(None));
        assert_eq!(expected(&[("if-match", "\"3\"")]), Ok(Some(3)));
        assert_eq!(expected(&[("if-none-match", "*")]), Ok(Some(0)));
        for headers in [
            &[("if-none-match", "\"3\"")][..],
            &[("if-match", "\"3\""), ("if-none-match", "*")],
            &[("if-match", "*")],
            &[("if-match", "W/\"3\"")],
            &[("if-match", "3")],
            &[("if-match", "\"1\", \"2\"")],
            &[("if-match", "\"+1\"")],
        ] {
            assert!(expected(headers).is_err(), "{headers:?}");
        }
    }
}
