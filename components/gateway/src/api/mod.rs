//! What each route does: read what it needs, call the component that can do it, shape the answer.

pub mod agents;
pub mod audit;
pub mod events;
pub mod exec;
pub mod files;
pub mod meta;
pub mod policies;
pub mod programs;
pub mod questions;
pub mod runners;
pub mod secrets;
pub mod stdin;
pub mod swarms;
pub mod workspaces;

use crate::bindings::types::PageRequest;
use crate::problem::Problem;
use crate::request::Request;

/// `limit` and `cursor`, and nothing else.
fn page(request: &Request) -> Result<PageRequest, Problem> {
    let query = request.query(&["limit", "cursor"])?;
    Ok(PageRequest {
        cursor: query.text("cursor").map(str::to_owned),
        limit: query.limit()?,
    })
}

/// A route without a query refuses one.
fn no_query(request: &Request) -> Result<(), Problem> {
    request.query(&[]).map(drop)
}
