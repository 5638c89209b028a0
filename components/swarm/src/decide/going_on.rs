//! Tasks that a runner begins without asking. It tells so with the end of the task before, and from then on holds a lease like any other.

use super::{LEASE_MS, LeaseLost, Run, State, looks};
use crate::event::{Change, Leased};
use crate::strategy::Strategy;

/// What a runner has gone on with, without asking.
#[derive(Clone, Copy, Debug)]
pub struct GoingOn<'a> {
    pub index: u32,
    pub fence: u64,
    pub runner: &'a str,
    pub session: &'a str,
    /// That of the task before.
    pub workspace: &'a str,
    /// Whether the swarm has one more, now that the task before is done.
    pub has_agent: bool,
    pub now_ms: u64,
}

/// Leases a task that became ready just now to the runner that has begun it. What was leased to it before changes nothing.
pub fn go_on(run: &Run, next: &GoingOn<'_>) -> Result<Vec<Change>, LeaseLost> {
    let task = run.task(next.index).ok_or(LeaseLost)?;
    match &task.state {
        State::Leased { runner, .. } if runner == next.runner && task.fence == next.fence => {
            Ok(Vec::new())
        }
        State::Queued { .. }
            if task.fence + 1 == next.fence
                && task.is_due(next.now_ms)
                && next.has_agent
                && !run.paused
                && !run.is_late(next.now_ms)
                && leads(run, next.index) =>
        {
            Ok(vec![Change::TaskLeased(Leased {
                accounts: None,
                index: next.index,
                fence: next.fence,
                runner: next.runner.to_owned(),
                session: next.session.to_owned(),
                workspace: next.workspace.to_owned(),
                expires_at_ms: next.now_ms.saturating_add(LEASE_MS),
            })])
        }
        _ => Err(LeaseLost),
    }
}

/// Whether who has leased this task may go on with what follows it, without asking. Not where its end may change what follows, and not
/// where CPU time has to be put aside before. A task whose lease was lost may be what ends its runners, and is told of by itself.
pub fn leads(run: &Run, index: u32) -> bool {
    !looks(run.strategy)
        && run.strategy != Strategy::Hierarchical
        && run.budget.cpu_time_ms.is_none()
        && run.task(index).is_some_and(|task| task.lost() == 0)
}
