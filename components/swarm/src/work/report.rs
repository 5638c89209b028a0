//! What came of tasks, told by the runner that had them, and with what it has gone on meanwhile.
//!
//! A runner need not ask before it begins a successor; that it has is told with the end of the task before, and leases it. So all that
//! holds for leases holds for it from then on. Where it does not hold, the runner leaves the successor, and whatever it did for it
//! is in the journal of who leases it next.

use super::{actor, events};
use crate::bindings::agent;
use crate::bindings::swarm::TaskFailure;
use crate::bindings::types::Error;
use crate::bindings::work::{LeaseId, Report};
use crate::budget::Usage;
use crate::convert;
use crate::decide::{self, GoingOn, Run};
use crate::error::{contended, internal, invalid, parse_id};
use crate::event::{Change, Ended};
use crate::store::{self, ATTEMPTS_MAX, Read, Succession};
use std::collections::{BTreeMap, BTreeSet};
use swarm_flow_protocol::{OUTPUT_BYTES_MAX, cut};
use swarm_flow_state::{Database, Kind};

const REPORTS_AT_ONCE_MAX: usize = 64;
const MESSAGE_BYTES_MAX: usize = 16 << 10;
const ARTIFACTS_MAX: usize = 1000;

/// Takes what came of tasks, those of one run at once. Gives the leases that were lost, and the swarms in which something
/// changed.
pub(super) fn take(
    database: &impl Database,
    (runner, session): (&str, &str),
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
    let mut runs: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    for (index, report) in reports.into_iter().enumerate() {
        let field = format!("reports[{index}]");
        let run = parse_id(
            Kind::Run,
            &format!("{field}.lease.run_id"),
            &report.lease.run_id,
        )?;
        let next = report.next;
        if next
            .as_ref()
            .is_some_and(|next| next.run_id != report.lease.run_id)
        {
            let message = "is another run than that of `lease`; a successor is of the same one";
            return Err(invalid(format!("{field}.next.run_id"), message));
        }
        runs.entry(run.into_string()).or_default().push(Told {
            ended: ended(runner, &field, &report.lease, report.outcome)?,
            usage: report.usage.into(),
            next,
        });
    }
    let (mut lost, mut changed) = (Vec::new(), BTreeSet::new());
    for (run, told) in runs {
        let of = Of {
            database,
            runner,
            session,
            run: &run,
            now_ms,
        };
        let Some(reported) = of.take(&told, &mut lost)? else {
            continue;
        };
        changed.insert(reported.swarm);
        if reported.is_over {
            over.push(run);
        }
    }
    Ok((lost, changed))
}

/// What was told of a task.
struct Told {
    ended: Ended,
    usage: Usage,
    /// The successor that the runner has gone on with.
    next: Option<LeaseId>,
}

/// Something was reported of a run.
struct Reported {
    swarm: String,
    is_over: bool,
}

/// A runner tells of tasks of a run.
struct Of<'a, D> {
    database: &'a D,
    runner: &'a str,
    session: &'a str,
    run: &'a str,
    now_ms: u64,
}

impl<D: Database> Of<'_, D> {
    fn take(&self, told: &[Told], lost: &mut Vec<LeaseId>) -> Result<Option<Reported>, Error> {
        let success = |told: &Told| {
            let result = told.ended.result.as_ref();
            result.is_some_and(|result| result.success)
        };
        let all = !told.iter().all(success);
        let next = told.iter().filter_map(|told| told.next.as_ref());
        let indexes = told.iter().map(|told| told.ended.index);
        let indexes: Vec<u32> = indexes.chain(next.map(|next| next.index)).collect();
        for attempt in 1..=ATTEMPTS_MAX {
            let read = store::read(self.database, self.run, &indexes, all).map_err(internal)?;
            let Some(read) = read else {
                for told in told {
                    lost.push(self.lease_id(&told.ended));
                    lost.extend(told.next.clone());
                }
                return Ok(None);
            };
            // What others lease meanwhile is no reason to take no report.
            let going_on = attempt < ATTEMPTS_MAX && indexes.len() > told.len();
            let succession = if going_on {
                let asked = (self.runner, self.session, self.now_ms);
                store::succession(self.database, asked, self.run, &indexes).map_err(internal)?
            } else {
                Succession::default()
            };
            let (head, swarm) = (read.head.clone(), read.swarm.clone());
            let decided = self.decide(read, succession, told);
            let events = events(&decided.changes).map_err(internal)?;
            let (actor, now_ms) = (actor(self.runner), self.now_ms);
            if store::append(self.database, self.run, &head, &events, &actor, now_ms)?.is_some() {
                lost.extend(decided.lost);
                let is_end =
                    |change: &Change| matches!(change, Change::RunDone(_) | Change::RunFailed(_));
                return Ok((!decided.changes.is_empty()).then(|| Reported {
                    swarm,
                    is_over: decided.changes.iter().any(is_end),
                }));
            }
        }
        Err(contended())
    }

    /// Each of them in turn, and after it what the runner has gone on with.
    fn decide(&self, mut read: Read, mut succession: Succession, told: &[Told]) -> Decided {
        let mut decided = Decided::default();
        for told in told {
            let index = told.ended.index;
            let had_agent = read.run.has_agent(index, self.now_ms);
            let past = read.past.iter().find(|past| past.index == index);
            let ended = told.ended.clone();
            match decide::report(&read.run, past, ended, told.usage, self.now_ms) {
                Ok(changes) => decided.make(&mut read.run, changes),
                Err(decide::LeaseLost) => {
                    decided.lost.push(self.lease_id(&told.ended));
                    decided.lost.extend(told.next.clone());
                    continue;
                }
            }
            succession.agents += i64::from(had_agent);
            let Some(next) = &told.next else { continue };
            let going_on = succession
                .workspace(index, next.index)
                .map(|workspace| GoingOn {
                    index: next.index,
                    fence: next.fence,
                    runner: self.runner,
                    session: self.session,
                    workspace,
                    has_agent: succession.agents > 0,
                    now_ms: self.now_ms,
                });
            match going_on.map_or(Err(decide::LeaseLost), |going_on| {
                decide::go_on(&read.run, &going_on)
            }) {
                Ok(changes) => {
                    succession.agents -= i64::from(!changes.is_empty());
                    succession.follow(index, next.index);
                    decided.make(&mut read.run, changes);
                }
                Err(decide::LeaseLost) => decided.lost.push(next.clone()),
            }
        }
        decided
    }

    fn lease_id(&self, ended: &Ended) -> LeaseId {
        LeaseId {
            run_id: self.run.to_owned(),
            index: ended.index,
            fence: ended.fence,
        }
    }
}

#[derive(Default)]
struct Decided {
    changes: Vec<Change>,
    lost: Vec<LeaseId>,
}

impl Decided {
    fn make(&mut self, run: &mut Run, changes: Vec<Change>) {
        changes.iter().for_each(|change| run.apply(change));
        self.changes.extend(changes);
    }
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
        accounts: None,
    })
}
