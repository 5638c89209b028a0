//! `/agents`: the agents that the app itself has, and a task for one of them.

use crate::api::no_query;
use crate::bindings::{agent, binding};
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, ok};
use crate::shape::agent::{Agent, Execute, problem};
use swarm_flow_protocol::TaskResult;

pub fn list(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Page::whole(vec![shipped()]))
}

pub fn get(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    known(request.parameter(0))?;
    ok(&shipped())
}

/// Has the agent do a task, and waits for what comes of it.
pub fn execute(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    known(request.parameter(0))?;
    let Execute { workspace, task } = request.json()?;
    binding::bind(&workspace)?;
    let result = agent::execute_task(&task.into_wit(0));
    binding::unbind();
    ok(&TaskResult::from(result.map_err(problem)?))
}

fn shipped() -> Agent {
    Agent::new(agent::get_capabilities(), agent::health_check())
}

fn known(name: &str) -> Result<(), Problem> {
    let there = agent::get_capabilities().name;
    if there == name {
        Ok(())
    } else {
        Err(Problem::not_found("agent", name, vec![there]))
    }
}
