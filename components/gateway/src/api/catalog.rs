//! `/programs` and `/policies`: what one can choose from.

use crate::api::no_query;
use crate::bindings::runners;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, ok};
use crate::shape::policy::Named;
use crate::shape::runner;
use swarm_flow_policy::{Action, Policy, Preset, Surroundings};

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
    ok(&Named::from(preset(request.parameter(0))?))
}

/// What a preset makes of an action.
pub fn explain_policy(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let preset = preset(request.parameter(0))?;
    explain(request, &preset.policy())
}

/// The decision about the action in a request's body. What only a runner knows, the hosts of a group for one, is not in it.
pub fn explain(request: &Request, policy: &Policy) -> Result<Reply, Problem> {
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

fn preset(name: &str) -> Result<Preset, Problem> {
    let known = || {
        Preset::ALL
            .iter()
            .map(|preset| preset.name().to_owned())
            .collect()
    };
    name.parse()
        .map_err(|_| Problem::not_found("policy", name, known()))
}
