//! Runs: submitted, found, paused, cancelled. What becomes of them otherwise is decided in `decide`, when runners ask
//! and report.

use crate::bindings::swarm::{Run, RunConfig, RunPage};
use crate::bindings::types::{Error, PageRequest};
use crate::config::SHIPPED;
use crate::convert;
use crate::decide;
use crate::error::{
    contended, idempotency_conflict, internal, missing, parse_id, queue_full, stopped,
};
use crate::event::{Change, RunSubmitted};
use crate::page::Page;
use crate::plan::Asked;
use crate::store::{self, ATTEMPTS_MAX, StoredSwarm};
use std::collections::HashMap;
use swarm_flow_state::{Database, Head, Id, Kind, NewEvent, now_ms};

const LIST: &str = "runs";
/// With more open tasks a swarm takes no run.
const OPEN_TASKS_MAX: u64 = 10_000;

/// Starts a run. Its workspaces must exist and be started; one that is stopped later holds its tasks up.
pub fn submit(database: &impl Database, swarm_id: &str, config: RunConfig) -> Result<Run, Error> {
    let swarm_id = parse_id(Kind::Swarm, "id", swarm_id)?;
    let key = config.idempotency_key.clone();
    let asked = Asked::new(swarm_id.as_str(), config)?;
    let request = asked.digest();
    let id = Id::new(Kind::Run, key.as_deref());
    // Asked first, because what the swarm was then and is now may differ.
    if key.is_some() && already_submitted(database, &id, &request)? {
        return find(database, &id);
    }
    let swarm = store::swarm(database, swarm_id.as_str()).map_err(internal)?;
    let Some(swarm) = swarm else {
        return Err(missing(Kind::Swarm.name(), swarm_id.into_string()));
    };
    let submitted = asked.plan(&swarm, &capabilities(database, &swarm)?)?;
    check_workspaces(database, &swarm, &submitted)?;
    let open = store::open_tasks(database, swarm_id.as_str()).map_err(internal)?;
    if open + submitted.tasks.len() as u64 > OPEN_TASKS_MAX {
        return Err(queue_full());
    }
    let event = NewEvent::new("run.submitted", &submitted).map_err(internal)?;
    if store::append(
        database,
        id.as_str(),
        &Head::default(),
        &[event],
        "user",
        now_ms(),
    )?
    .is_none()
    {
        already_submitted(database, &id, &request)?;
    }
    find(database, &id)
}

pub fn get(database: &impl Database, run_id: &str) -> Result<Run, Error> {
    find(database, &parse_id(Kind::Run, "id", run_id)?)
}

/// The newest first.
pub fn list(
    database: &impl Database,
    swarm_id: Option<&str>,
    page: PageRequest,
) -> Result<RunPage, Error> {
    let page = Page::of(LIST, page)?;
    let swarm_id = swarm_id.map(|id| parse_id(Kind::Swarm, "swarm", id));
    let swarm_id = swarm_id.transpose()?;
    let before = page.before()?;
    let swarm_id = swarm_id.as_ref().map(Id::as_str);
    let found = store::runs_before(database, swarm_id, before, page.wanted());
    let (found, next) = page.cut(found.map_err(internal)?, |found| found.position);
    Ok(RunPage {
        items: found.into_iter().map(convert::run_summary).collect(),
        next,
    })
}

/// What a user can ask of a run that goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    Cancel,
    Pause,
    Resume,
}

/// Does what was asked; what is so already, or is over, stays as it is. The same request twice is one.
pub fn change(database: &impl Database, run_id: &str, wish: Wish) -> Result<Run, Error> {
    let id = parse_id(Kind::Run, "id", run_id)?;
    for _ in 0..ATTEMPTS_MAX {
        let read = store::read(database, id.as_str(), &[], true).map_err(internal)?;
        let Some(read) = read else {
            return Err(missing(Kind::Run.name(), id.into_string()));
        };
        let changes = match wish {
            Wish::Cancel => decide::cancel(&read.run),
            Wish::Pause => decide::pause(&read.run),
            Wish::Resume => decide::resume(&read.run),
        };
        let events: Result<Vec<_>, _> = changes.iter().map(Change::event).collect();
        let events = events.map_err(internal)?;
        if store::append(database, id.as_str(), &read.head, &events, "user", now_ms())?.is_some() {
            return find(database, &id);
        }
    }
    Err(contended())
}

fn find(database: &impl Database, id: &Id) -> Result<Run, Error> {
    let found = store::run(database, id.as_str()).map_err(internal)?;
    found
        .map(convert::run)
        .ok_or_else(|| missing(Kind::Run.name(), id.as_str()))
}

/// Whether the key made this run before; a conflict when it made another.
fn already_submitted(database: &impl Database, id: &Id, request: &str) -> Result<bool, Error> {
    let first: Option<RunSubmitted> =
        store::first_payload(database, id.as_str()).map_err(internal)?;
    match first {
        None => Ok(false),
        Some(first) if first.request == request => Ok(true),
        Some(_) => Err(idempotency_conflict()),
    }
}

/// What the swarm's kinds of agents say that they can.
pub fn capabilities(
    database: &impl Database,
    swarm: &StoredSwarm,
) -> Result<HashMap<String, Vec<String>>, Error> {
    let shipped = (SHIPPED.to_owned(), vec!["exec".to_owned()]);
    let mut known = HashMap::from([shipped]);
    if swarm.agents.iter().any(|group| group.kind != SHIPPED) {
        known.extend(store::capabilities(database).map_err(internal)?);
    }
    Ok(known)
}

/// All that its tasks name, or one at least where they name none.
fn check_workspaces(
    database: &impl Database,
    swarm: &StoredSwarm,
    submitted: &RunSubmitted,
) -> Result<(), Error> {
    let named = |task: &crate::event::SubmittedTask| task.workspace.clone();
    let mut used: Vec<String> = submitted.tasks.iter().filter_map(named).collect();
    let unbound = used.len() < submitted.tasks.len();
    used.sort_unstable();
    used.dedup();
    let named = if used.is_empty() {
        Vec::new()
    } else {
        store::workspaces(database, &used).map_err(internal)?
    };
    for workspace in named {
        match workspace.started {
            Some(true) => {}
            Some(false) => return Err(stopped(&workspace.id)),
            None => return Err(missing(Kind::Workspace.name(), workspace.id)),
        }
    }
    if !unbound {
        return Ok(());
    }
    let all = store::workspaces(database, &swarm.workspaces).map_err(internal)?;
    if all.iter().any(|workspace| workspace.started == Some(true)) {
        return Ok(());
    }
    let stopped_one = all.iter().find(|workspace| workspace.started.is_some());
    Err(match (stopped_one, all.first()) {
        (Some(workspace), _) => stopped(&workspace.id),
        (None, first) => missing(
            Kind::Workspace.name(),
            first.map_or_else(String::new, |workspace| workspace.id.clone()),
        ),
    })
}
