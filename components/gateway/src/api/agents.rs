//! `/agents`: the one that the app itself has, those that runners have, and a task for one of them.

use crate::api::{no_query, programs};
use crate::bindings::{agent, binding, programs as wit, runners};
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, json, no_content, ok};
use crate::shape::agent::{Added, Agent, Execute, problem};
use crate::shape::program::offers;
use swarm_flow_protocol::TaskResult;

pub fn list(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Page::whole(all()?))
}

pub fn get(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let name = request.parameter(0);
    let all = all()?;
    match all.iter().find(|agent| agent.is_named(name)) {
        Some(agent) => ok(agent),
        None => Err(missing(name, &all)),
    }
}

/// Adds an agent, or replaces one that was added: tasks that run end with the one that they have.
pub fn add(request: &Request) -> Result<Reply, Problem> {
    let added = programs::taken(request, true)?;
    let status = if added.created { 201 } else { 200 };
    json(status, &Added::from(added)).map(Reply::Whole)
}

pub fn remove(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let name = request.parameter(0);
    let all = all()?;
    let Some(agent) = all.iter().find(|agent| agent.is_named(name)) else {
        return Err(missing(name, &all));
    };
    if agent.is_shipped() {
        let detail = format!("`{name}` comes with the platform and is not removed");
        return Err(Problem::new("conflict", detail));
    }
    wit::remove(name)?;
    Ok(no_content())
}

/// Has the agent do a task, and waits for what comes of it.
pub fn execute(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let name = request.parameter(0);
    if name != shipped().name() {
        let all = all()?;
        if !all.iter().any(|agent| agent.is_named(name)) {
            return Err(missing(name, &all));
        }
        let detail = format!(
            "only runners run the agent `{name}`: give it tasks by a swarm whose `agents` name it"
        );
        return Err(Problem::new("conflict", detail));
    }
    let Execute { workspace, task } = request.json()?;
    binding::bind(&workspace)?;
    let result = agent::execute_task(&task.into_wit(0));
    binding::unbind();
    ok(&TaskResult::from(result.map_err(problem)?))
}

fn shipped() -> Agent {
    Agent::new(agent::get_capabilities(), agent::health_check())
}

fn all() -> Result<Vec<Agent>, Problem> {
    let added = offers(runners::list()?).into_iter();
    let mut all = vec![shipped()];
    all.extend(added.filter_map(Agent::of_program));
    Ok(all)
}

fn missing(name: &str, all: &[Agent]) -> Problem {
    let known = all.iter().map(|agent| agent.name().to_owned()).collect();
    Problem::not_found("agent", name, known)
}
