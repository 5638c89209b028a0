//! Tasks that are begun without asking, over the real SQL.

use super::tests::{
    NOTHING, NOW, acquire, config, happen, started, success, tasks, tell, workspace,
};
use super::*;
use crate::bindings::NO_BUDGET;
use crate::bindings::swarm::{
    Budget, CoordinationStrategy, Run, RunConfig, RunState, TaskState, TaskState::*,
};
use crate::run::Wish;
use crate::{run, swarm};
use swarm_flow_state::events_after;
use swarm_flow_state::native::Memory;

/// A run whose tasks need those that are named by place.
fn of(plan: &[&[usize]], change: impl FnOnce(&mut RunConfig)) -> (Memory, String, Run) {
    let database = Memory::open().unwrap();
    let workspaces = [workspace(&database, 1, "a"), workspace(&database, 2, "a")];
    let config = config(CoordinationStrategy::Parallel, 8, &workspaces);
    let swarm = swarm::create(&database, config).unwrap();
    let mut run = tasks(plan.len());
    for (task, needs) in run.tasks.iter_mut().zip(plan) {
        task.needs = needs.iter().map(|need| format!("t{need}")).collect();
    }
    change(&mut run);
    let run = run::submit(&database, &swarm.id, run).unwrap();
    (database, swarm.id, run)
}

fn offered(lease: &Lease) -> Vec<u32> {
    lease.successors.iter().map(|next| next.id.index).collect()
}

/// What the first task's lease says may follow it.
fn following(plan: &[&[usize]], change: impl FnOnce(&mut RunConfig)) -> Vec<u32> {
    let (database, _, _) = of(plan, change);
    offered(&acquire(&database, "a", 1, NOW).unwrap()[0])
}

const CHAIN: &[&[usize]] = &[&[], &[0], &[1]];

fn told(lease: &Lease, outcome: bool, next: Option<&LeaseId>) -> Report {
    Report {
        lease: lease.id.clone(),
        outcome: success(outcome),
        usage: NOTHING,
        next: next.cloned(),
    }
}

fn send(database: &Memory, reports: Vec<Report>) -> Vec<LeaseId> {
    let (exchanged, _) = exchange(database, ("a", "s1"), reports, 0, NOW).unwrap();
    exchanged.lost
}

fn states(database: &Memory, run: &Run) -> (RunState, Vec<TaskState>) {
    let run = run::get(database, &run.id).unwrap();
    (run.state, run.tasks.iter().map(|task| task.state).collect())
}

#[test]
fn a_chain_is_told_at_once_and_reads_as_if_it_had_been_asked_for() {
    let (database, _, run) = started(CoordinationStrategy::Sequential, 1, 3);
    let lease = acquire(&database, "a", 64, NOW).unwrap().remove(0);
    assert_eq!(offered(&lease), [1, 2]);
    assert_eq!(
        states(&database, &run).1,
        [Leased, Pending, Pending],
        "nobody works on what follows"
    );
    assert!(tell(&database, &lease, 2).is_empty());
    assert_eq!(states(&database, &run).1, [Done, Done, Leased]);
    let last = told(
        &Lease {
            id: lease.successors[1].id.clone(),
            ..lease
        },
        true,
        None,
    );
    assert!(send(&database, vec![last]).is_empty());
    assert_eq!(states(&database, &run), (RunState::Done, vec![Done; 3]));
    let events = events_after(&database, 0, Some(&run.id), 100).unwrap();
    let kinds: Vec<String> = events.into_iter().map(|event| event.kind).collect();
    assert_eq!(
        kinds.join(" "),
        "run.submitted task.leased task.done task.leased task.done task.leased task.done run.done"
    );
}

#[test]
fn what_follows_needs_one_task_and_no_other_needs_that() {
    let nothing = |_: &mut RunConfig| {};
    assert_eq!(following(CHAIN, nothing), [1, 2]);
    assert_eq!(
        following(&[&[], &[0], &[0]], nothing),
        [0; 0],
        "two can be done at once"
    );
    assert_eq!(
        following(&[&[], &[], &[0, 1]], nothing),
        [0; 0],
        "it has other inputs too"
    );
    assert_eq!(following(&[&[], &[0], &[1], &[1]], nothing), [1]);
    let elsewhere = |run: &mut RunConfig| {
        run.tasks[0].workspace = Some(format!("ws_{:032x}", 1));
        run.tasks[2].workspace = Some(format!("ws_{:032x}", 2));
    };
    assert_eq!(
        following(CHAIN, elsewhere),
        [1],
        "it is in another workspace"
    );
    let same = |run: &mut RunConfig| {
        run.tasks[2].workspace = Some(format!("ws_{:032x}", 1));
    };
    assert_eq!(following(CHAIN, same), [1, 2]);
    let long: Vec<Vec<usize>> = (0..60_usize)
        .map(|at| (at.saturating_sub(1)..at).collect())
        .collect();
    let long: Vec<&[usize]> = long.iter().map(Vec::as_slice).collect();
    assert_eq!(following(&long, nothing), (1..49).collect::<Vec<u32>>());
}

#[test]
fn much_that_follows_is_asked_for() {
    let large = |run: &mut RunConfig| {
        for task in &mut run.tasks[1..] {
            task.task.context = Some("x".repeat(40 << 10));
        }
    };
    assert_eq!(following(CHAIN, large), [1]);
}

#[test]
fn what_has_to_be_decided_before_it_begins_is_asked_for() {
    let budget = |cpu_time_ms, wall_time_ms| {
        move |run: &mut RunConfig| {
            run.budget = Budget {
                cpu_time_ms,
                wall_time_ms,
                ..NO_BUDGET
            };
        }
    };
    assert_eq!(following(CHAIN, budget(Some(1000), None)), [0; 0]);
    assert_eq!(following(CHAIN, budget(None, Some(1_000_000))), [1, 2]);
    for strategy in [
        CoordinationStrategy::Hierarchical,
        CoordinationStrategy::Debate,
    ] {
        let (database, _, _) = started(strategy, 1, 3);
        assert_eq!(
            offered(&acquire(&database, "a", 1, NOW).unwrap()[0]),
            [0; 0]
        );
    }
}

#[test]
fn a_task_whose_lease_was_lost_is_told_of_by_itself() {
    let (database, _, _) = of(CHAIN, |_| {});
    assert_eq!(
        offered(&acquire(&database, "a", 1, NOW).unwrap()[0]),
        [1, 2]
    );
    let again = acquire(&database, "a", 1, NOW + LEASE_MS)
        .unwrap()
        .remove(0);
    assert_eq!((again.id.fence, offered(&again)), (2, vec![]));
    assert!(send(&database, vec![told(&again, true, None)]).is_empty());
    assert_eq!(offered(&acquire(&database, "a", 1, NOW).unwrap()[0]), [2]);
}

#[test]
fn a_paused_run_takes_what_is_done_and_not_what_was_gone_on_with() {
    let (database, _, run) = of(CHAIN, |_| {});
    let lease = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    run::change(&database, &run.id, Wish::Pause).unwrap();
    assert_eq!(
        tell(&database, &lease, 2),
        [1, 1, 2].map(|index| lease.successors[index - 1].id.clone()),
        "it is not leased, so its report counts nothing"
    );
    assert_eq!(
        states(&database, &run),
        (RunState::Paused, vec![Done, Ready, Pending])
    );
    assert!(acquire(&database, "a", 1, NOW).unwrap().is_empty());
    run::change(&database, &run.id, Wish::Resume).unwrap();
    let lease = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    assert_eq!((lease.id.index, lease.id.fence), (1, 1));
    assert!(tell(&database, &lease, 2).is_empty());
    assert_eq!(states(&database, &run), (RunState::Done, vec![Done; 3]));
}

#[test]
fn nothing_follows_what_was_cancelled_failed_or_lost() {
    let (database, _, run) = of(CHAIN, |_| {});
    let lease = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    run::change(&database, &run.id, Wish::Cancel).unwrap();
    assert_eq!(
        tell(&database, &lease, 1),
        [lease.id.clone(), lease.successors[0].id.clone()]
    );
    assert_eq!(
        states(&database, &run),
        (RunState::Cancelled, vec![Cancelled; 3])
    );

    let (database, _, run) = of(CHAIN, |_| {});
    let lease = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    let next = &lease.successors[0].id;
    assert_eq!(
        send(&database, vec![told(&lease, false, Some(next))]),
        std::slice::from_ref(next)
    );
    assert_eq!(
        states(&database, &run),
        (RunState::Failed, vec![Failed, Skipped, Skipped])
    );

    let (database, _, run) = of(CHAIN, |_| {});
    let old = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    let new = acquire(&database, "a", 1, NOW + LEASE_MS)
        .unwrap()
        .remove(0);
    assert_eq!(
        tell(&database, &old, 1),
        [old.id.clone(), old.successors[0].id.clone()]
    );
    assert!(send(&database, vec![told(&new, true, None)]).is_empty());
    // By now it is ready, and was not begun by whoever would tell of it.
    assert_eq!(
        tell(&database, &old, 1),
        [old.id.clone(), old.successors[0].id.clone()]
    );
    assert_eq!(states(&database, &run).1, [Done, Ready, Pending]);
}

#[test]
fn the_same_again_is_the_same_and_what_came_after_it_counts() {
    let (database, _, run) = of(CHAIN, |_| {});
    let lease = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    assert!(tell(&database, &lease, 1).is_empty());
    let before = events_after(&database, 0, Some(&run.id), 100)
        .unwrap()
        .len();
    assert!(tell(&database, &lease, 1).is_empty());
    let after = events_after(&database, 0, Some(&run.id), 100)
        .unwrap()
        .len();
    assert_eq!(before, after);
    // The answer to a call was lost, so it is told again, with what was done since.
    tell(&database, &lease, 3);
    assert_eq!(states(&database, &run), (RunState::Done, vec![Done; 3]));
}

#[test]
fn a_swarm_that_was_scaled_down_is_left_with_what_it_may_have() {
    let (database, swarm_id, run) = of(&[&[], &[], &[0], &[1]], |_| {});
    let leases = acquire(&database, "a", 2, NOW).unwrap();
    swarm::scale(&database, &swarm_id, 1).unwrap();
    assert_eq!(
        tell(&database, &leases[0], 1),
        [leases[0].successors[0].id.clone()],
        "the other one is at work"
    );
    assert!(
        tell(&database, &leases[1], 1).is_empty(),
        "the twin has an agent"
    );
    assert_eq!(states(&database, &run).1, [Done, Done, Ready, Leased]);
}

#[test]
fn a_workspace_that_was_stopped_gets_no_other_task() {
    let (database, _, run) = of(CHAIN, |_| {});
    let lease = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    happen(&database, &lease.workspace, "workspace.stopped", "{}");
    assert_eq!(tell(&database, &lease, 1), [lease.successors[0].id.clone()]);
    assert_eq!(states(&database, &run).1, [Done, Ready, Pending]);
}

#[test]
fn a_successor_of_another_run_is_refused_and_named() {
    let (database, swarm, _) = of(CHAIN, |_| {});
    run::submit(&database, &swarm, tasks(1)).unwrap();
    let leases = acquire(&database, "a", 2, NOW).unwrap();
    let report = told(&leases[0], true, Some(&leases[1].id));
    let refused = exchange(&database, ("a", "s1"), vec![report], 0, NOW).unwrap_err();
    assert!(matches!(refused, Error::Invalid(input) if input.field == "reports[0].next.run_id"));
}
