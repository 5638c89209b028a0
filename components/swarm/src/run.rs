//! Runs: submitted and found. What becomes of them is decided in `decide`, when runners ask and report.

use crate::bindings::agent::Task;
use crate::bindings::swarm::Run;
use crate::bindings::types::Error;
use crate::config;
use crate::convert;
use crate::error::{idempotency_conflict, internal, missing, parse_id, stopped};
use crate::event::{self, FirstState, RunSubmitted, Strategy, SubmittedTask};
use crate::store::{self, StoredSwarm};
use swarm_flow_state::{Database, Head, Id, Kind, NewEvent, now_ms};

/// Starts a run. Its workspaces must exist and be started; one that is stopped later holds its tasks up.
pub fn submit(
    database: &impl Database,
    swarm_id: &str,
    tasks: Vec<Task>,
    idempotency_key: Option<&str>,
) -> Result<Run, Error> {
    let swarm_id = parse_id(Kind::Swarm, "id", swarm_id)?;
    let tasks = config::tasks(tasks)?;
    let id = Id::new(Kind::Run, idempotency_key);
    // Asked first, because what the swarm was then and is now may differ.
    if idempotency_key.is_some() && already_submitted(database, &id, &swarm_id, &tasks)? {
        return find(database, &id);
    }
    let swarm = store::swarm(database, swarm_id.as_str()).map_err(internal)?;
    let Some(swarm) = swarm else {
        return Err(missing(Kind::Swarm.name(), swarm_id.into_string()));
    };
    let submitted = assign(&swarm, tasks);
    check_workspaces(database, &submitted)?;
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
        let tasks: Vec<_> = submitted
            .tasks
            .into_iter()
            .map(|submitted| submitted.task)
            .collect();
        already_submitted(database, &id, &swarm_id, &tasks)?;
    }
    find(database, &id)
}

pub fn get(database: &impl Database, run_id: &str) -> Result<Run, Error> {
    find(database, &parse_id(Kind::Run, "id", run_id)?)
}

fn find(database: &impl Database, id: &Id) -> Result<Run, Error> {
    let found = store::run(database, id.as_str()).map_err(internal)?;
    found
        .map(convert::run)
        .ok_or_else(|| missing(Kind::Run.name(), id.as_str()))
}

/// Whether the key made this run before; a conflict when it made another.
fn already_submitted(
    database: &impl Database,
    id: &Id,
    swarm_id: &Id,
    tasks: &[event::Task],
) -> Result<bool, Error> {
    let first: Option<RunSubmitted> =
        store::first_payload(database, id.as_str()).map_err(internal)?;
    let Some(first) = first else { return Ok(false) };
    let same = first.swarm == swarm_id.as_str()
        && first
            .tasks
            .iter()
            .map(|submitted| &submitted.task)
            .eq(tasks);
    if same {
        Ok(true)
    } else {
        Err(idempotency_conflict())
    }
}

/// Gives each task an agent's kind and a workspace: task n goes to agent and workspace n modulo their number.
fn assign(swarm: &StoredSwarm, tasks: Vec<event::Task>) -> RunSubmitted {
    let agents = swarm
        .agents
        .iter()
        .flat_map(|group| (0..group.count).map(|_| &group.kind))
        .cycle();
    let workspaces = swarm.workspaces.iter().cycle();
    let assigned = tasks.into_iter().zip(agents).zip(workspaces).enumerate();
    let tasks = assigned
        .map(|(index, ((task, agent), workspace))| SubmittedTask {
            task,
            agent: agent.clone(),
            workspace: workspace.clone(),
            state: if index == 0 || swarm.strategy == Strategy::Parallel {
                FirstState::Ready
            } else {
                FirstState::Pending
            },
        })
        .collect();
    RunSubmitted {
        swarm: swarm.id.clone(),
        strategy: swarm.strategy,
        tasks,
    }
}

fn check_workspaces(database: &impl Database, submitted: &RunSubmitted) -> Result<(), Error> {
    let mut used: Vec<String> = submitted
        .tasks
        .iter()
        .map(|task| task.workspace.clone())
        .collect();
    used.sort_unstable();
    used.dedup();
    for workspace in store::workspaces(database, &used).map_err(internal)? {
        match workspace.started {
            Some(true) => {}
            Some(false) => return Err(stopped(&workspace.id)),
            None => return Err(missing(Kind::Workspace.name(), workspace.id)),
        }
    }
    Ok(())
}
