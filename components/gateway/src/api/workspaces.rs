//! `/workspaces`

use crate::api::{no_query, page, policies};
use crate::bindings::workspace as wit;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, Response, json, no_content, ok};
use crate::route::PREFIX;
use crate::shape::policy::SetPolicy;
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
    let policy = policies::choose(&create.policy)?;
    let workspace = wit::create(&create.into_wit(policy, request.idempotency_key()))?;
    let location = format!("{PREFIX}/workspaces/{}", workspace.id);
    Ok(Reply::Whole(
        whole(201, workspace)?.with_header("location", location),
    ))
}

pub fn get(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    whole(200, wit::get(request.parameter(0))?).map(Reply::Whole)
}

pub fn delete(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    wit::delete(request.parameter(0))?;
    Ok(no_content())
}

pub fn start(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    whole(200, wit::start(request.parameter(0))?).map(Reply::Whole)
}

pub fn stop(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    whole(200, wit::stop(request.parameter(0))?).map(Reply::Whole)
}

/// What the workspace's policy makes of an action.
pub fn explain(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let workspace = wit::get(request.parameter(0))?;
    policies::decide(request, &workspace.policy.into())
}

/// Another policy, for what starts and for what runs.
pub fn set_policy(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let expected_revision = request.if_match()?;
    let SetPolicy { policy } = request.json()?;
    let chosen = policies::choose(&policy)?;
    let change = wit::PolicyChange {
        policy_name: chosen.name,
        policy_version: chosen.version,
        policy: chosen.policy.into(),
        expected_revision,
    };
    whole(200, wit::set_policy(request.parameter(0), &change)?).map(Reply::Whole)
}

/// A workspace, with its revision as `ETag`.
fn whole(status: u16, workspace: wit::Workspace) -> Result<Response, Problem> {
    let revision = workspace.revision;
    Ok(json(status, &Workspace::from(workspace))?.with_etag(revision))
}
