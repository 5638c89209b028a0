//! How runners come by tasks: they ask, keep their leases alive, and report.
//!
//! Reading, deciding and appending are apart, and another writer may come between; then nothing was changed
//! and all three are done again.

use crate::bindings::agent;
use crate::bindings::swarm::TaskFailure;
use crate::bindings::types::Error;
use crate::bindings::work::{Lease, LeaseId};
use crate::convert;
use crate::decide::{self, Asking, LEASE_MS};
use crate::error::{contended, internal, invalid, missing, parse_id};
use crate::event::{Change, Ended};
use crate::store::{self, ATTEMPTS_MAX, Asked, Candidate};
use std::collections::{HashMap, HashSet};
use swarm_flow_state::{Database, DatabaseError, Kind, NewEvent};

const LEASES_AT_ONCE_MAX: u32 = 64;
const RENEWALS_AT_ONCE_MAX: usize = 1024;
/// More is cut off: a run's tasks are read as a whole, and large results belong into files.
const OUTPUT_BYTES_MAX: usize = 1 << 20;
const MESSAGE_BYTES_MAX: usize = 16 << 10;
const ARTIFACTS_MAX: usize = 1000;

/// Leases up to `most` tasks, those of the oldest runs first.
pub fn acquire(
    database: &impl Database,
    runner: &str,
    most: u32,
    now_ms: u64,
) -> Result<Vec<Lease>, Error> {
    if !(1..=LEASES_AT_ONCE_MAX).contains(&most) {
        return Err(invalid(
            "most",
            format!("is {most}, must be 1 to {LEASES_AT_ONCE_MAX}"),
        ));
    }
    let mut taken: Vec<LeaseId> = Vec::new();
    for _ in 0..ATTEMPTS_MAX {
        let room = most.saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX));
        if room == 0
            || take(
                database,
                Asked {
                    runner,
                    runs_max: room,
                    now_ms,
                },
                &mut taken,
            )?
        {
            break;
        }
    }
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let tasks: Vec<(&str, u32)> = taken
        .iter()
        .map(|lease| (lease.run_id.as_str(), lease.index))
        .collect();
    let details = store::details(database, &tasks).map_err(internal)?;
    let mut fences: HashMap<(String, u32), u64> = taken
        .into_iter()
        .map(|lease| ((lease.run_id, lease.index), lease.fence))
        .collect();
    let leases = details.into_iter().filter_map(|details| {
        let fence = fences.remove(&(details.run.clone(), details.index))?;
        Some(convert::lease(
            details,
            fence,
            now_ms.saturating_add(LEASE_MS),
        ))
    });
    Ok(leases.collect())
}

/// Takes once what there is. False when another writer came between, or when there may be more.
fn take(
    database: &impl Database,
    asked: Asked<'_>,
    taken: &mut Vec<LeaseId>,
) -> Result<bool, Error> {
    let mut room = asked.runs_max;
    // Runs of one swarm share its agents, also within this one call.
    let mut leased_in: HashMap<String, u32> = HashMap::new();
    for candidate in store::asked(database, asked).map_err(internal)? {
        let leased = leased_in.entry(candidate.swarm.clone()).or_default();
        let asking = Asking {
            runner: asked.runner,
            room: room.min(candidate.room.saturating_sub(*leased)),
            now_ms: asked.now_ms,
        };
        let changes = decide::lease(&candidate.run, asking);
        if changes.is_empty() {
            continue;
        }
        if !append(database, &candidate, &changes, asked)? {
            return Ok(false);
        }
        for change in changes {
            if let Change::TaskLeased { index, fence, .. } = change {
                taken.push(LeaseId {
                    run_id: candidate.id.clone(),
                    index,
                    fence,
                });
                *leased += 1;
                room = room.saturating_sub(1);
            }
        }
    }
    Ok(true)
}

fn append(
    database: &impl Database,
    candidate: &Candidate,
    changes: &[Change],
    asked: Asked<'_>,
) -> Result<bool, Error> {
    let events = events(changes).map_err(internal)?;
    let actor = actor(asked.runner);
    store::append(
        database,
        &candidate.id,
        &candidate.head,
        &events,
        &actor,
        asked.now_ms,
    )
    .map(|head| head.is_some())
}

/// Keeps leases from expiring; gives back those that are lost.
pub fn renew(
    database: &impl Database,
    runner: &str,
    leases: Vec<LeaseId>,
    now_ms: u64,
) -> Result<Vec<LeaseId>, Error> {
    if leases.len() > RENEWALS_AT_ONCE_MAX {
        let message = format!(
            "has {} items, may have {RENEWALS_AT_ONCE_MAX}",
            leases.len()
        );
        return Err(invalid("leases", message));
    }
    if leases.is_empty() {
        return Ok(leases);
    }
    let given: Vec<(&str, u32, u64)> = leases
        .iter()
        .map(|lease| (lease.run_id.as_str(), lease.index, lease.fence))
        .collect();
    let kept = store::renew(database, runner, &given, now_ms.saturating_add(LEASE_MS))
        .map_err(internal)?;
    let kept: HashSet<_> = kept.into_iter().collect();
    let lost = |lease: &LeaseId| !kept.contains(&(lease.run_id.clone(), lease.index, lease.fence));
    Ok(leases.into_iter().filter(lost).collect())
}

/// Takes what came of a task. Gives the swarm when that changed anything.
pub fn report(
    database: &impl Database,
    runner: &str,
    lease: &LeaseId,
    outcome: Result<agent::TaskResult, TaskFailure>,
    now_ms: u64,
) -> Result<Option<String>, Error> {
    let run = parse_id(Kind::Run, "lease.run_id", &lease.run_id)?;
    let ended = ended(runner, lease, outcome)?;
    let success = ended.result.as_ref().is_some_and(|result| result.success);
    let others_max = if success { 1 } else { u32::MAX };
    for _ in 0..ATTEMPTS_MAX {
        let reported =
            store::reported(database, run.as_str(), lease.index, others_max).map_err(internal)?;
        let Some(reported) = reported else {
            return Err(missing("run", format!("{run}, task {}", lease.index)));
        };
        let changes = decide::report(&reported.run, reported.past.as_ref(), ended.clone())
            .map_err(|decide::LeaseLost| Error::Conflict("the lease was lost".to_owned()))?;
        if changes.is_empty() {
            return Ok(None);
        }
        let events = events(&changes).map_err(internal)?;
        let appended = store::append(
            database,
            run.as_str(),
            &reported.head,
            &events,
            &actor(runner),
            now_ms,
        )?;
        if appended.is_some() {
            return Ok(Some(reported.swarm));
        }
    }
    Err(contended())
}

/// The report in the form in which it is kept, so that the same report twice reads the same.
fn ended(
    runner: &str,
    lease: &LeaseId,
    outcome: Result<agent::TaskResult, TaskFailure>,
) -> Result<Ended, Error> {
    let (result, failure) = match outcome {
        Ok(mut result) => {
            if result.artifacts.len() > ARTIFACTS_MAX {
                let message = format!(
                    "has {} items, may have {ARTIFACTS_MAX}",
                    result.artifacts.len()
                );
                return Err(invalid("outcome.artifacts", message));
            }
            cut(&mut result.output, OUTPUT_BYTES_MAX);
            (Some(convert::stored_result(result)), None)
        }
        Err(mut failure) => {
            cut(&mut failure.message, MESSAGE_BYTES_MAX);
            (None, Some(convert::stored_failure(failure)))
        }
    };
    Ok(Ended {
        index: lease.index,
        fence: lease.fence,
        runner: Some(runner.to_owned()),
        result,
        failure,
    })
}

fn cut(text: &mut String, bytes_max: usize) {
    if text.len() > bytes_max {
        let all = text.len();
        text.truncate(text.floor_char_boundary(bytes_max));
        text.push_str(&format!("\n[cut off after {bytes_max} of {all} bytes]\n"));
    }
}

fn events(changes: &[Change]) -> Result<Vec<NewEvent>, DatabaseError> {
    changes.iter().map(Change::event).collect()
}

fn actor(runner: &str) -> String {
    format!("runner:{runner}")
}

#[cfg(test)]
mod tests;
