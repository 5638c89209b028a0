//! How runners come by tasks: they report, ask, and keep their leases alive.
//!
//! Reading, deciding and appending are apart, and another writer may come between; then nothing was changed
//! and all three are done again.

mod report;

use crate::bindings::types::Error;
use crate::bindings::work::{Exchanged, Lease, LeaseId, Report};
use crate::convert;
use crate::decide::{self, Asking, LEASE_MS};
use crate::error::{internal, invalid};
use crate::event::Change;
use crate::store::{self, ATTEMPTS_MAX, Asked, Candidate};
use std::collections::{BTreeSet, HashMap, HashSet};
use swarm_flow_state::{Database, DatabaseError, NewEvent};

const LEASES_AT_ONCE_MAX: u32 = 64;
const SESSION_BYTES_MAX: usize = 63;
const RENEWALS_AT_ONCE_MAX: usize = 1024;

/// Takes reports and hands out leases. Gives the swarms, too, in which reports changed something.
pub fn exchange(
    database: &impl Database,
    (runner, session): (&str, &str),
    reports: Vec<Report>,
    most: u32,
    now_ms: u64,
) -> Result<(Exchanged, BTreeSet<String>), Error> {
    if most > LEASES_AT_ONCE_MAX {
        let message = format!("is {most}, must be 0 to {LEASES_AT_ONCE_MAX}");
        return Err(invalid("most", message));
    }
    if !(1..=SESSION_BYTES_MAX).contains(&session.len()) {
        let message = format!(
            "has {} bytes, must have 1 to {SESSION_BYTES_MAX}",
            session.len()
        );
        return Err(invalid("session", message));
    }
    let mut over = Vec::new();
    let (lost, changed) = report::take(database, (runner, session), reports, now_ms, &mut over)?;
    let leases = acquire(database, (runner, session), most, now_ms, &mut over)?;
    let ended_runs = if over.is_empty() {
        Vec::new()
    } else {
        let ended = store::ended_runs(database, &over).map_err(internal)?;
        ended.into_iter().map(convert::ended_run).collect()
    };
    let exchanged = Exchanged {
        lost,
        leases,
        ended_runs,
    };
    Ok((exchanged, changed))
}

/// Leases up to `most` tasks.
fn acquire(
    database: &impl Database,
    (runner, session): (&str, &str),
    most: u32,
    now_ms: u64,
    over: &mut Vec<String>,
) -> Result<Vec<Lease>, Error> {
    let mut taken: Vec<Taken> = Vec::new();
    for _ in 0..ATTEMPTS_MAX {
        let room = most.saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX));
        let asked = Asked {
            runner,
            session,
            runs_max: room,
            now_ms,
        };
        if room == 0 || take(database, asked, &mut taken, over)? {
            break;
        }
    }
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let tasks: Vec<(&str, u32)> = taken
        .iter()
        .map(|taken| (taken.lease.run_id.as_str(), taken.lease.index))
        .collect();
    let details = store::details(database, &tasks).map_err(internal)?;
    let mut taken: HashMap<(String, u32), Taken> = taken
        .into_iter()
        .map(|taken| ((taken.lease.run_id.clone(), taken.lease.index), taken))
        .collect();
    let leading: Vec<(&str, u32)> = details
        .iter()
        .filter(|details| details.is_needed)
        .map(|details| (details.run.as_str(), details.index))
        .filter(|(run, index)| {
            let taken = taken.get(&((*run).to_owned(), *index));
            taken.is_some_and(|taken| taken.leads)
        })
        .collect();
    let mut following = store::following(database, &leading).map_err(internal)?;
    let leases = details.into_iter().filter_map(|details| {
        let key = (details.run.clone(), details.index);
        let taken = taken.remove(&key)?;
        Some(convert::lease(
            details,
            taken.lease.fence,
            now_ms.saturating_add(LEASE_MS),
            following.remove(&key).unwrap_or_default(),
        ))
    });
    Ok(leases.collect())
}

/// A lease that was made.
struct Taken {
    lease: LeaseId,
    /// Whether the runner may go on with what follows.
    leads: bool,
}

/// Takes once what there is, of each run its share. False when another writer came between, or when there may be more.
fn take(
    database: &impl Database,
    asked: Asked<'_>,
    taken: &mut Vec<Taken>,
    over: &mut Vec<String>,
) -> Result<bool, Error> {
    let candidates = store::asked(database, asked).map_err(internal)?;
    let mut room = asked.runs_max;
    let runs = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    let share = room.div_ceil(runs.max(1));
    let mut complete = true;
    // Runs of one swarm share its agents, also within this one call.
    let mut leased_in: HashMap<String, u32> = HashMap::new();
    for candidate in candidates {
        let leased = leased_in.entry(candidate.swarm.clone()).or_default();
        let room_in_swarm = candidate.room.saturating_sub(*leased);
        let asking = Asking {
            runner: asked.runner,
            session: asked.session,
            room: room.min(share).min(room_in_swarm),
            now_ms: asked.now_ms,
        };
        if asking.room == 0 && !candidate.gives_up {
            continue;
        }
        let run = store::offered(database, asked, &candidate, asking.room).map_err(internal)?;
        let changes = match decide::lease(&run, asking) {
            Ok(changes) => changes,
            Err(exceeded) => {
                if exceed(database, &candidate.id, exceeded, asked)? {
                    over.push(candidate.id);
                } else {
                    complete = false;
                }
                continue;
            }
        };
        if changes.is_empty() {
            continue;
        }
        if !append(database, &candidate, &changes, asked)? {
            return Ok(false);
        }
        let before = taken.len();
        taken.extend(changes.into_iter().filter_map(|change| match change {
            Change::TaskLeased(leased) => Some(Taken {
                leads: decide::leads(&run, leased.index),
                lease: LeaseId {
                    run_id: candidate.id.clone(),
                    index: leased.index,
                    fence: leased.fence,
                },
            }),
            _ => None,
        }));
        let more = u32::try_from(taken.len() - before).unwrap_or(u32::MAX);
        *leased += more;
        room = room.saturating_sub(more);
        complete &= more < share || share >= asked.runs_max;
    }
    Ok(complete)
}

/// Ends a run that has used up what it may. False when another writer came between.
fn exceed(
    database: &impl Database,
    run: &str,
    exceeded: decide::Exceeded,
    asked: Asked<'_>,
) -> Result<bool, Error> {
    let Some(read) = store::read(database, run, &[], true).map_err(internal)? else {
        return Ok(true);
    };
    let events = events(&decide::exceed(&read.run, exceeded)).map_err(internal)?;
    let actor = actor(asked.runner);
    let appended = store::append(database, run, &read.head, &events, &actor, asked.now_ms)?;
    Ok(appended.is_some())
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

fn events(changes: &[Change]) -> Result<Vec<NewEvent>, DatabaseError> {
    changes.iter().map(Change::event).collect()
}

fn actor(runner: &str) -> String {
    format!("runner:{runner}")
}

#[cfg(test)]
mod going_on;
#[cfg(test)]
pub(crate) mod tests;
