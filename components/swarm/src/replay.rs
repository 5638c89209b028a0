//! Has the runners make the tasks of a run again, from the journals that lie beside the workspaces.

use crate::bindings::swarm::{Replayed, TaskFailure};
use crate::bindings::types::Error;
use crate::error::{internal, missing, parse_id};
use crate::store::{self, Tried};
use std::collections::BTreeMap;
use swarm_flow_protocol::{Replay, ReplayTask, Replays, path::REPLAY};
use swarm_flow_state::{Database, DatabaseError, Kind};
use swarm_flow_wire::{Call, Method, Wire};

/// All tasks of a run, one after the other; each takes milliseconds.
const SILENCE_MS_MAX: u64 = 10 * 60 * 1000;

/// In the order of the run. Tasks that were never tried are left out.
pub fn replay(
    database: &impl Database,
    wire: &impl Wire,
    run_id: &str,
) -> Result<Vec<Replayed>, Error> {
    let id = parse_id(Kind::Run, "id", run_id)?;
    let tried = store::tried(database, id.as_str()).map_err(internal)?;
    let Some(tried) = tried else {
        return Err(missing(Kind::Run.name(), id.into_string()));
    };
    let mut by_runner: BTreeMap<Option<String>, Vec<Tried>> = BTreeMap::new();
    for task in tried {
        by_runner.entry(task.url.clone()).or_default().push(task);
    }
    let mut replayed = Vec::new();
    for (url, tasks) in by_runner {
        match url {
            Some(url) => replayed.extend(on_runner(wire, &url, id.as_str(), &tasks)?),
            None => replayed.extend(tasks.iter().map(|task| away(task, "its runner has left"))),
        }
    }
    replayed.sort_by_key(|replayed| replayed.index);
    Ok(replayed)
}

fn on_runner(
    wire: &impl Wire,
    url: &str,
    run: &str,
    tasks: &[Tried],
) -> Result<Vec<Replayed>, Error> {
    let asked = tasks.iter().map(|task| ReplayTask {
        workspace: task.workspace.clone(),
        run_id: run.to_owned(),
        index: task.index,
    });
    let asked = Replay {
        tasks: asked.collect(),
    };
    let body = serde_json::to_vec(&asked)
        .map_err(|error| internal(DatabaseError(format!("cannot write a request: {error}"))))?;
    let answer = wire.call(Call {
        method: Method::Post,
        url: format!("{url}{REPLAY}"),
        body: Some(("application/json", body)),
        silence_ms_max: SILENCE_MS_MAX,
    });
    let reason = match answer {
        Ok(answer) if answer.status == 200 => {
            match serde_json::from_slice::<Replays>(&answer.body) {
                Ok(Replays { replays }) => {
                    return Ok(replays.into_iter().map(Into::into).collect());
                }
                Err(error) => format!("its runner answered nonsense: {error}"),
            }
        }
        Ok(answer) => format!("its runner answered {}", answer.status),
        Err(_) => "its runner does not answer".to_owned(),
    };
    Ok(tasks.iter().map(|task| away(task, &reason)).collect())
}

fn away(task: &Tried, reason: &str) -> Replayed {
    Replayed {
        index: task.index,
        attempt: 0,
        steps: 0,
        divergence: None,
        failure: Some(TaskFailure {
            code: "unavailable".to_owned(),
            message: reason.to_owned(),
        }),
    }
}
