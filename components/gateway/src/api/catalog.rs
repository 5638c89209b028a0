//! `/programs`: what `exec` finds.

use crate::api::no_query;
use crate::bindings::runners;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, ok};
use crate::shape::runner;

pub fn programs(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Page::whole(runner::programs(runners::list()?)))
}
