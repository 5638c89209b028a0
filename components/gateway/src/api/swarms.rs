//! `/swarms` and `/runs`

use crate::api::{no_query, page};
use crate::bindings::swarm as wit;
use crate::bindings::types::PageRequest;
use crate::problem::Problem;
use crate::request::Request;
use crate::respond::{Page, Reply, json, ok};
use crate::route::PREFIX;
use crate::shape::swarm::{Create, MemoryEntry, Replay, Run, RunSummary, Scale, Submit, Swarm};

/// Its tasks have 4 MiB together; written as JSON that may be six times as long.
const RUN_BYTES_MAX: u64 = 25 << 20;

pub fn list(request: &Request) -> Result<Reply, Problem> {
    let page = wit::list_swarms(&page(request)?)?;
    ok(&Page::<Swarm> {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next,
    })
}

pub fn create(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let create: Create = request.json()?;
    let swarm = wit::create_swarm(&create.into_wit(request.idempotency_key()))?;
    let location = format!("{PREFIX}/swarms/{}", swarm.id);
    Ok(Reply::Whole(
        json(201, &Swarm::from(swarm))?.with_header("location", location),
    ))
}

pub fn get(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Swarm::from(wit::get_swarm(request.parameter(0))?))
}

pub fn scale(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let scale: Scale = request.json()?;
    ok(&Swarm::from(wit::scale_swarm(
        request.parameter(0),
        scale.target_size,
    )?))
}

/// Starts a run and answers at once; the run goes on.
pub fn submit(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let submit: Submit = request.json_up_to(RUN_BYTES_MAX)?;
    let config = submit.into_wit(request.idempotency_key());
    let run = Run::from(wit::submit_run(request.parameter(0), &config)?);
    let location = format!("{PREFIX}/runs/{}", run.id);
    Ok(Reply::Whole(
        json(202, &run)?.with_header("location", location),
    ))
}

pub fn memory(request: &Request) -> Result<Reply, Problem> {
    let page = wit::list_memory(request.parameter(0), &page(request)?)?;
    ok(&Page::<MemoryEntry> {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next,
    })
}

/// Of one swarm, or of all.
pub fn runs(request: &Request) -> Result<Reply, Problem> {
    let query = request.query(&["cursor", "limit", "swarm"])?;
    let page = PageRequest {
        cursor: query.text("cursor").map(str::to_owned),
        limit: query.limit()?,
    };
    let page = wit::list_runs(query.text("swarm"), &page)?;
    ok(&Page::<RunSummary> {
        items: page.items.into_iter().map(Into::into).collect(),
        next_cursor: page.next,
    })
}

pub fn cancel(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Run::from(wit::cancel_run(request.parameter(0))?))
}

pub fn pause(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Run::from(wit::pause_run(request.parameter(0))?))
}

pub fn replay(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    let tasks = wit::replay_run(request.parameter(0))?;
    ok(&Replay::from(tasks))
}

pub fn resume(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Run::from(wit::resume_run(request.parameter(0))?))
}

pub fn run(request: &Request) -> Result<Reply, Problem> {
    no_query(request)?;
    ok(&Run::from(wit::get_run(request.parameter(0))?))
}
