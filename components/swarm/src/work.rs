//! How runners come by tasks: they report, ask, and keep their leases alive.
//!
//! Reading, deciding and appending are apart, and another writer may come between; then nothing was changed
//! and all three are done again.

use crate::bindings::agent;
use crate::bindings::swarm::TaskFailure;
use crate::bindings::types::Error;
use crate::bindings::work::{Exchanged, Lease, LeaseId, Report};
use crate::budget::Usage;
use crate::convert;
use crate::decide::{self, Asking, LEASE_MS};
use crate::error::{contended, internal, invalid, parse_id};
use crate::event::{Change, Ended};
use crate::store::{self, ATTEMPTS_MAX, Asked, Candidate};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use swarm_flow_state::{Database, DatabaseError, Kind, NewEvent};

const LEASES_AT_ONCE_MAX: u32 = 64;
const SESSION_BYTES_MAX: usize = 63;
const REPORTS_AT_ONCE_MAX: usize = 64;
const RENEWALS_AT_ONCE_MAX: usize = 1024;
/// More is cut off: a run's tasks are read as a whole, and large results belong into files.
const OUTPUT_BYTES_MAX: usize = 1 << 20;
const MESSAGE_BYTES_MAX: usize = 16 << 10;
const ARTIFACTS_MAX: usize = 1000;

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
    let (lost, changed) = report(database, runner, reports, now_ms, &mut over)?;
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
    let mut taken: Vec<LeaseId> = Vec::new();
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

/// Takes once what there is, of each run its share. False when another writer came between, or when there may be more.
fn take(
    database: &impl Database,
    asked: Asked<'_>,
    taken: &mut Vec<LeaseId>,
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
            Change::TaskLeased(leased) => Some(LeaseId {
                run_id: candidate.id.clone(),
                index: leased.index,
                fence: leased.fence,
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

/// Takes what came of tasks, those of one run at once. Gives the leases that were lost, and the swarms in which something
/// changed.
fn report(
    database: &impl Database,
    runner: &str,
    reports: Vec<Report>,
    now_ms: u64,
    over: &mut Vec<String>,
) -> Result<(Vec<LeaseId>, BTreeSet<String>), Error> {
    if reports.len() > REPORTS_AT_ONCE_MAX {
        let message = format!(
            "has {} items, may have {REPORTS_AT_ONCE_MAX}",
            reports.len()
        );
        return Err(invalid("reports", message));
    }
    let mut runs: BTreeMap<String, Vec<(Ended, Usage)>> = BTreeMap::new();
    for (index, report) in reports.into_iter().enumerate() {
        let field = format!("reports[{index}]");
        let run = parse_id(
            Kind::Run,
            &format!("{field}.lease.run_id"),
            &report.lease.run_id,
        )?;
        let ended = ended(runner, &field, &report.lease, report.outcome)?;
        let usage = report.usage.into();
        runs.entry(run.into_string())
            .or_default()
            .push((ended, usage));
    }
    let (mut lost, mut changed) = (Vec::new(), BTreeSet::new());
    for (run, ended) in runs {
        let Some(reported) = report_run(database, runner, &run, &ended, now_ms, &mut lost)? else {
            continue;
        };
        changed.insert(reported.swarm);
        if reported.is_over {
            over.push(run);
        }
    }
    Ok((lost, changed))
}

/// Something was reported of a run.
struct Reported {
    swarm: String,
    is_over: bool,
}

fn report_run(
    database: &impl Database,
    runner: &str,
    run: &str,
    reports: &[(Ended, Usage)],
    now_ms: u64,
    lost: &mut Vec<LeaseId>,
) -> Result<Option<Reported>, Error> {
    let success = |(ended, _): &(Ended, Usage)| {
        let result = ended.result.as_ref();
        result.is_some_and(|result| result.success)
    };
    let all = !reports.iter().all(success);
    let indexes: Vec<u32> = reports.iter().map(|(ended, _)| ended.index).collect();
    for _ in 0..ATTEMPTS_MAX {
        let lease_id = |ended: &Ended| LeaseId {
            run_id: run.to_owned(),
            index: ended.index,
            fence: ended.fence,
        };
        let Some(mut read) = store::read(database, run, &indexes, all).map_err(internal)? else {
            lost.extend(reports.iter().map(|(ended, _)| lease_id(ended)));
            return Ok(None);
        };
        let (mut changes, mut lost_now) = (Vec::new(), Vec::new());
        for (ended, usage) in reports {
            let past = read.past.iter().find(|past| past.index == ended.index);
            match decide::report(&read.run, past, ended.clone(), *usage, now_ms) {
                Ok(more) => {
                    more.iter().for_each(|change| read.run.apply(change));
                    changes.extend(more);
                }
                Err(decide::LeaseLost) => lost_now.push(lease_id(ended)),
            }
        }
        let events = events(&changes).map_err(internal)?;
        let appended = store::append(database, run, &read.head, &events, &actor(runner), now_ms)?;
        if appended.is_some() {
            lost.extend(lost_now);
            let is_end =
                |change: &Change| matches!(change, Change::RunDone(_) | Change::RunFailed(_));
            return Ok((!changes.is_empty()).then(|| Reported {
                swarm: read.swarm,
                is_over: changes.iter().any(is_end),
            }));
        }
    }
    Err(contended())
}

/// The report in the form in which it is kept, so that the same report twice reads the same.
fn ended(
    runner: &str,
    field: &str,
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
                return Err(invalid(format!("{field}.outcome.artifacts"), message));
            }
            convert::cut(&mut result.output, OUTPUT_BYTES_MAX);
            (Some(convert::stored_result(result)), None)
        }
        Err(mut failure) => {
            convert::cut(&mut failure.message, MESSAGE_BYTES_MAX);
            (None, Some(convert::stored_failure(failure)))
        }
    };
    Ok(Ended {
        index: lease.index,
        fence: lease.fence,
        runner: Some(runner.to_owned()),
        result,
        failure,
        accounts: None,
    })
}

fn events(changes: &[Change]) -> Result<Vec<NewEvent>, DatabaseError> {
    changes.iter().map(Change::event).collect()
}

fn actor(runner: &str) -> String {
    format!("runner:{runner}")
}

#[cfg(test)]
pub(crate) mod tests;
