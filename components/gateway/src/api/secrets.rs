//! `/workspaces/{id}/secrets`

use crate::api::no_query;
use crate::bindings::secrets as wit;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, json, no_content, ok};
use crate::shape::secret::{Put, Secret};

pub fn list(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let secrets = wit::list(request.parameter(0))?;
    ok(&Page::<Secret>::whole(
        secrets.into_iter().map(Into::into).collect(),
    ))
}

pub fn put(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let put: Put = request.private_json(Put::FIELDS)?;
    let (binding, value) = put.into_wit()?;
    let (secret, new) = wit::put(request.parameter(0), request.parameter(1), &binding, &value)?;
    json(if new { 201 } else { 200 }, &Secret::from(secret)).map(Reply::Whole)
}

pub fn delete(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    wit::delete(request.parameter(0), request.parameter(1))?;
    Ok(no_content())
}
