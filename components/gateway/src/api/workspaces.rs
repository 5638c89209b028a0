//! `/workspaces`

use crate::api::{catalog, no_query, page};
use crate::bindings::workspace as wit;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, json, no_content, ok};
use crate::route::PREFIX;
use crate::shape::workspace::{Create, Workspace};

pub fn list(request: &Request) -> Result<Reply, Problem> {
    let page = wit::list(&page(request)?)?;
    ok(&Page::<Workspace> {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next,
    })
}

pub fn create(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let create: Create = request.json()?;
    let workspace = wit::create(&create.into_wit(request.idempotency_key()))?;
    let location = format!("{PREFIX}/workspaces/{}", workspace.id);
    Ok(Reply::Whole(
        json(201, &Workspace::from(workspace))?.with_header("location", location),
    ))
}

pub fn get(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Workspace::from(wit::get(request.parameter(0))?))
}

pub fn delete(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    wit::delete(request.parameter(0))?;
    Ok(no_content())
}

pub fn start(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Workspace::from(wit::start(request.parameter(0))?))
}

pub fn stop(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Workspace::from(wit::stop(request.parameter(0))?))
}

/// What the workspace's policy makes of an action.
pub fn explain(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let workspace = wit::get(request.parameter(0))?;
    catalog::explain(request, &workspace.policy.into())
}
