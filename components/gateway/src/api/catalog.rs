//! `/programs` and `/policies`: what one can choose from.

use crate::api::no_query;
use crate::bindings::runners;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, ok};
use crate::shape::policy::Named;
use crate::shape::runner;
use swarm_flow_policy::Preset;

pub fn programs(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Page::whole(runner::programs(runners::list()?)))
}

pub fn policies(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Page::whole(Preset::ALL.map(Named::from).into()))
}

pub fn policy(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let name = request.parameter(0);
    let known = || {
        Preset::ALL
            .iter()
            .map(|preset| preset.name().to_owned())
            .collect()
    };
    let preset: Preset = name
        .parse()
        .map_err(|_| Problem::not_found("policy", name, known()))?;
    ok(&Named::from(preset))
}
