//! Swarms, runs and leases over the real SQL, in a database in memory.

use super::*;
use crate::bindings::NO_BUDGET;
use crate::bindings::agent::{PerformanceMetrics, Task, TaskResult};
use crate::bindings::swarm as bound;
use crate::bindings::swarm::{
    AgentGroup, CoordinationStrategy, PlannedTask, PlatformType, RetryPolicy, Run, RunConfig,
    RunState, SwarmConfig, TaskFailure, TaskState,
};
use crate::event::Leased;
use crate::run::Wish;
use crate::{run, swarm};
use std::cell::Cell;
use std::iter::once;
use swarm_flow_protocol::OUTPUT_BYTES_MAX;
use swarm_flow_state::native::Memory;
use swarm_flow_state::{Head, Row, Value, events_after, head};

pub(crate) const NOW: u64 = 1_000_000;

/// A workspace on a runner, started.
pub(crate) fn workspace(database: &impl Database, number: u32, runner: &str) -> String {
    let id = format!("ws_{number:032x}");
    let payload = serde_json::json!({
        "name": "demo", "environment": {"name": "python"}, "policy_name": "standard",
        "policy": swarm_flow_policy::Preset::Standard.policy(), "runner": runner,
    });
    happen(database, &id, "workspace.created", &payload.to_string());
    id
}

pub(crate) fn happen(database: &impl Database, stream: &str, kind: &'static str, payload: &str) {
    let before = head(database, stream).unwrap();
    let event = NewEvent {
        kind,
        payload: payload.to_owned(),
    };
    swarm_flow_state::append(database, stream, &before, &[event], "test", NOW).unwrap();
}

pub(crate) fn config(
    strategy: CoordinationStrategy,
    count: u32,
    workspaces: &[String],
) -> SwarmConfig {
    SwarmConfig {
        name: "demo".to_owned(),
        agents: vec![AgentGroup {
            kind: "script".to_owned(),
            count,
            retry: None,
        }],
        coordination_strategy: strategy,
        platform: PlatformType::Local,
        workspaces: workspaces.to_vec(),
        budget: NO_BUDGET,
        idempotency_key: None,
    }
}

pub(crate) fn tasks(count: usize) -> RunConfig {
    let task = |index| PlannedTask {
        task: Task {
            id: format!("t{index}"),
            description: "do".to_owned(),
            requirements: vec!["exec".to_owned()],
            context: Some(r#"{"command":["true"]}"#.to_owned()),
        },
        needs: Vec::new(),
        agent: None,
        workspace: None,
        priority: None,
        timeout_ms: None,
        cpu_time_ms: None,
        retry: None,
        optional: false,
        weight: None,
    };
    RunConfig {
        tasks: (0..count).map(task).collect(),
        strategy: None,
        items: Vec::new(),
        rounds: None,
        quorum: None,
        trust: None,
        budget: NO_BUDGET,
        idempotency_key: None,
    }
}

fn keyed(count: usize, key: &str) -> RunConfig {
    RunConfig {
        idempotency_key: Some(key.to_owned()),
        ..tasks(count)
    }
}

pub(crate) const NOTHING: bound::Usage = bound::Usage {
    cpu_time_us: 0,
    input_tokens: 0,
    output_tokens: 0,
    cost_microusd: 0,
};

/// Of a runner that was never started again.
pub(crate) fn acquire(
    database: &impl Database,
    runner: &str,
    most: u32,
    now_ms: u64,
) -> Result<Vec<Lease>, Error> {
    acquire_in(database, (runner, "s1"), most, now_ms)
}

fn acquire_in(
    database: &impl Database,
    runner: (&str, &str),
    most: u32,
    now_ms: u64,
) -> Result<Vec<Lease>, Error> {
    super::acquire(database, runner, most, now_ms, &mut Vec::new())
}

/// One report by itself. Gives the swarm when it changed something.
pub(crate) fn report(
    database: &impl Database,
    runner: &str,
    lease: &LeaseId,
    outcome: Result<TaskResult, TaskFailure>,
    now_ms: u64,
) -> Result<Option<String>, Error> {
    let report = Report {
        lease: lease.clone(),
        outcome,
        usage: NOTHING,
        next: None,
    };
    let (exchanged, changed) = exchange(database, (runner, "s1"), vec![report], 0, now_ms)?;
    if exchanged.lost.is_empty() {
        Ok(changed.into_iter().next())
    } else {
        Err(Error::Conflict("lost".to_owned()))
    }
}

/// All that a runner can have gone on with, in one call: `count` tasks are done. Gives what was lost.
pub(crate) fn tell(database: &impl Database, lease: &Lease, count: usize) -> Vec<LeaseId> {
    let ids = once(&lease.id).chain(lease.successors.iter().map(|next| &next.id));
    let ids: Vec<&LeaseId> = ids.collect();
    let report = |(place, lease): (usize, &&LeaseId)| Report {
        lease: (*lease).clone(),
        outcome: success(true),
        usage: NOTHING,
        next: ids.get(place + 1).map(|next| (*next).clone()),
    };
    let reports = ids.iter().enumerate().take(count).map(report).collect();
    let (exchanged, _) = exchange(database, ("a", "s1"), reports, 0, NOW).unwrap();
    exchanged.lost
}

/// One workspace on runner `a`, a swarm in it, and a run.
pub(crate) fn started(
    strategy: CoordinationStrategy,
    agents: u32,
    count: usize,
) -> (Memory, String, Run) {
    let database = Memory::open().unwrap();
    let workspaces = [workspace(&database, 1, "a")];
    let swarm = swarm::create(&database, config(strategy, agents, &workspaces)).unwrap();
    let run = run::submit(&database, &swarm.id, tasks(count)).unwrap();
    (database, swarm.id, run)
}

pub(crate) fn success(success: bool) -> Result<TaskResult, TaskFailure> {
    let metrics = PerformanceMetrics {
        execution_time: 5,
        memory_usage: 65536,
        cpu_usage: 0.1,
    };
    Ok(TaskResult {
        success,
        output: "said".to_owned(),
        artifacts: vec![],
        metrics: Some(metrics),
    })
}

fn id(lease: &Lease) -> LeaseId {
    lease.id.clone()
}

fn indexes(leases: &[Lease]) -> Vec<u32> {
    leases.iter().map(|lease| lease.id.index).collect()
}

fn states(database: &impl Database, run: &Run) -> (RunState, Vec<TaskState>) {
    let run = run::get(database, &run.id).unwrap();
    (run.state, run.tasks.iter().map(|task| task.state).collect())
}

#[test]
fn a_sequence_goes_on_task_by_task_until_it_is_done() {
    let (database, _, run) = started(CoordinationStrategy::Sequential, 4, 3);
    for index in 0..3 {
        let leases = acquire(&database, "a", 64, NOW).unwrap();
        assert_eq!(indexes(&leases), [index]);
        assert_eq!(
            (leases[0].environment.as_str(), leases[0].agent.as_str()),
            ("python", "script")
        );
        assert_eq!(
            (leases[0].id.fence, leases[0].expires_at_ms),
            (1, NOW + LEASE_MS)
        );
        assert!(acquire(&database, "a", 64, NOW).unwrap().is_empty());
        assert!(
            report(&database, "a", &id(&leases[0]), success(true), NOW + 5)
                .unwrap()
                .is_some()
        );
    }
    assert_eq!(
        states(&database, &run),
        (RunState::Done, vec![TaskState::Done; 3])
    );
    let kinds: Vec<String> = events_after(&database, 0, Some(&run.id), 100)
        .unwrap()
        .into_iter()
        .map(|event| event.kind)
        .collect();
    assert_eq!(
        kinds.join(" "),
        "run.submitted task.leased task.done task.leased task.done task.leased task.done run.done"
    );
    let task = run::get(&database, &run.id).unwrap().tasks.remove(0);
    assert_eq!(
        (task.started_at_ms, task.ended_at_ms, task.attempt),
        (Some(NOW), Some(NOW + 5), 1)
    );
    assert_eq!(
        (task.runner.as_deref(), task.task_result),
        (Some("a"), success(true).ok())
    );
}

#[test]
fn a_sequence_ends_with_the_first_failure() {
    let (database, _, run) = started(CoordinationStrategy::Sequential, 1, 3);
    let leases = acquire(&database, "a", 1, NOW).unwrap();
    let failure = TaskFailure {
        code: "trapped".to_owned(),
        message: "unreachable".to_owned(),
    };
    report(&database, "a", &id(&leases[0]), Err(failure.clone()), NOW).unwrap();
    let expected = vec![TaskState::Failed, TaskState::Skipped, TaskState::Skipped];
    assert_eq!(states(&database, &run), (RunState::Failed, expected));
    assert_eq!(
        run::get(&database, &run.id).unwrap().tasks[0].failure,
        Some(failure)
    );
    assert!(acquire(&database, "a", 1, NOW).unwrap().is_empty());
}

#[test]
fn a_parallel_run_goes_on_after_a_failure_and_ends_as_failed() {
    let (database, _, run) = started(CoordinationStrategy::Parallel, 2, 3);
    let leases = acquire(&database, "a", 64, NOW).unwrap();
    assert_eq!(indexes(&leases), [0, 1]);
    report(&database, "a", &id(&leases[0]), success(false), NOW).unwrap();
    let more = acquire(&database, "a", 64, NOW).unwrap();
    assert_eq!(indexes(&more), [2]);
    report(&database, "a", &id(&leases[1]), success(true), NOW).unwrap();
    assert_eq!(states(&database, &run).0, RunState::Running);
    report(&database, "a", &id(&more[0]), success(true), NOW).unwrap();
    let expected = vec![TaskState::Failed, TaskState::Done, TaskState::Done];
    assert_eq!(states(&database, &run), (RunState::Failed, expected));
}

#[test]
fn agents_are_shared_by_all_runs_of_a_swarm_and_scaling_takes_effect_at_once() {
    let (database, swarm, _) = started(CoordinationStrategy::Parallel, 3, 2);
    run::submit(&database, &swarm, tasks(9)).unwrap();
    let leases = acquire(&database, "a", 64, NOW).unwrap();
    assert_eq!(leases.len(), 3);
    assert!(acquire(&database, "a", 64, NOW).unwrap().is_empty());
    swarm::scale(&database, &swarm, 5).unwrap();
    assert_eq!(acquire(&database, "a", 64, NOW).unwrap().len(), 2);
    swarm::scale(&database, &swarm, 1).unwrap();
    for lease in &leases {
        report(&database, "a", &id(lease), success(true), NOW).unwrap();
        assert!(
            acquire(&database, "a", 64, NOW).unwrap().is_empty(),
            "there are more agents at work than one"
        );
    }
    swarm::scale(&database, &swarm, 3).unwrap();
    assert_eq!(acquire(&database, "a", 64, NOW).unwrap().len(), 1);
}

#[test]
fn a_runner_gets_what_lies_in_its_started_workspaces_only() {
    let database = Memory::open().unwrap();
    let workspaces = [workspace(&database, 1, "a"), workspace(&database, 2, "b")];
    let config = config(CoordinationStrategy::Parallel, 8, &workspaces);
    let swarm = swarm::create(&database, config).unwrap();
    let mut four = tasks(4);
    for (index, task) in four.tasks.iter_mut().enumerate() {
        task.workspace = Some(workspaces[index % 2].clone());
    }
    let run = run::submit(&database, &swarm.id, four.clone()).unwrap();
    assert!(acquire(&database, "c", 64, NOW).unwrap().is_empty());
    assert_eq!(indexes(&acquire(&database, "b", 64, NOW).unwrap()), [1, 3]);
    happen(&database, &workspaces[0], "workspace.stopped", "{}");
    assert!(acquire(&database, "a", 64, NOW).unwrap().is_empty());
    let refused = run::submit(&database, &swarm.id, four).unwrap_err();
    assert!(
        matches!(refused, Error::Conflict(message) if message.starts_with("workspace-stopped: "))
    );
    happen(&database, &workspaces[0], "workspace.started", "{}");
    assert_eq!(indexes(&acquire(&database, "a", 1, NOW).unwrap()), [0]);
    // Whoever asks next finds out that a workspace is gone.
    happen(&database, &workspaces[0], "workspace.deleted", "{}");
    assert!(acquire(&database, "c", 64, NOW).unwrap().is_empty());
    use TaskState::{Dead, Leased};
    assert_eq!(
        states(&database, &run),
        (RunState::Running, vec![Leased, Leased, Dead, Leased])
    );
    acquire(&database, "c", 64, NOW + LEASE_MS).unwrap();
    let lost = run::get(&database, &run.id).unwrap().tasks.remove(0);
    let lost = lost.failure.unwrap();
    assert_eq!(
        (lost.code.as_str(), lost.message.as_str()),
        ("lost", "its workspace was deleted")
    );
}

#[test]
fn a_task_that_names_no_workspace_goes_where_there_is_room() {
    let database = Memory::open().unwrap();
    let workspaces = [
        workspace(&database, 1, "a"),
        workspace(&database, 2, "a"),
        workspace(&database, 3, "b"),
    ];
    let config = config(CoordinationStrategy::Parallel, 8, &workspaces);
    let swarm = swarm::create(&database, config).unwrap();
    let run = run::submit(&database, &swarm.id, tasks(6)).unwrap();
    assert!(run.tasks.iter().all(|task| task.workspace.is_none()));
    let on = |leases: &[Lease]| -> Vec<String> {
        leases.iter().map(|lease| lease.workspace.clone()).collect()
    };
    let first = acquire(&database, "a", 3, NOW).unwrap();
    assert_eq!(
        on(&first),
        [&workspaces[0], &workspaces[1], &workspaces[0]].map(Clone::clone)
    );
    // Whoever has room takes what there is; what was taken stays where it is.
    let second = acquire(&database, "b", 2, NOW).unwrap();
    assert_eq!(
        (indexes(&second), on(&second)),
        (vec![3, 4], vec![workspaces[2].clone(); 2])
    );
    let third = acquire(&database, "a", 9, NOW).unwrap();
    assert_eq!(on(&third), [workspaces[1].clone()]);
    assert!(
        acquire(&database, "b", 9, NOW + LEASE_MS)
            .unwrap()
            .iter()
            .all(|lease| lease.workspace == workspaces[2])
    );
}

#[test]
fn a_task_that_needs_another_follows_it_and_gets_its_result() {
    let database = Memory::open().unwrap();
    let workspaces = [workspace(&database, 1, "a"), workspace(&database, 2, "a")];
    let config = config(CoordinationStrategy::Parallel, 8, &workspaces);
    let swarm = swarm::create(&database, config).unwrap();
    let mut plan = tasks(4);
    plan.tasks[2].needs = vec!["t1".to_owned(), "t0".to_owned()];
    plan.tasks[3].needs = vec!["t2".to_owned()];
    let run = run::submit(&database, &swarm.id, plan).unwrap();
    assert_eq!(run.tasks[2].needs, ["t0", "t1"]);
    assert_eq!(run.tasks[2].state, TaskState::Pending);
    let leases = acquire(&database, "a", 64, NOW).unwrap();
    assert_eq!(indexes(&leases), [0, 1]);
    report(&database, "a", &id(&leases[1]), success(true), NOW).unwrap();
    assert!(acquire(&database, "a", 64, NOW).unwrap().is_empty());
    report(&database, "a", &id(&leases[0]), success(true), NOW).unwrap();
    let lease = acquire(&database, "a", 64, NOW).unwrap().remove(0);
    assert_eq!(
        (lease.id.index, &lease.workspace),
        (2, &leases[0].workspace)
    );
    let inputs: Vec<_> = lease
        .inputs
        .iter()
        .map(|input| (input.task.as_str(), input.success, input.output.as_str()))
        .collect();
    assert_eq!(inputs, [("t0", true, "said"), ("t1", true, "said")]);
    report(&database, "a", &id(&lease), success(false), NOW).unwrap();
    use TaskState::{Done, Failed, Skipped};
    assert_eq!(
        states(&database, &run),
        (RunState::Failed, vec![Done, Done, Failed, Skipped])
    );
}

#[test]
fn a_task_that_may_fail_is_an_input_that_failed() {
    let (database, swarm, _) = started(CoordinationStrategy::Parallel, 8, 1);
    let lease = acquire(&database, "a", 64, NOW).unwrap().remove(0);
    report(&database, "a", &id(&lease), success(true), NOW).unwrap();
    let mut plan = tasks(2);
    plan.tasks[0].optional = true;
    plan.tasks[1].needs = vec!["t0".to_owned()];
    let run = run::submit(&database, &swarm, plan).unwrap();
    let lease = acquire(&database, "a", 64, NOW).unwrap().remove(0);
    report(&database, "a", &id(&lease), success(false), NOW).unwrap();
    let lease = acquire(&database, "a", 64, NOW).unwrap().remove(0);
    assert!(!lease.inputs[0].success);
    report(&database, "a", &id(&lease), success(true), NOW).unwrap();
    assert_eq!(
        states(&database, &run),
        (RunState::Done, vec![TaskState::Failed, TaskState::Done])
    );
}

#[test]
fn a_failed_attempt_is_made_again_after_its_pause_and_then_it_is_dead() {
    let (database, swarm, _) = started(CoordinationStrategy::Parallel, 8, 1);
    let first = acquire(&database, "a", 64, NOW).unwrap().remove(0);
    report(&database, "a", &id(&first), success(true), NOW).unwrap();
    let mut plan = tasks(1);
    plan.tasks[0].retry = Some(RetryPolicy {
        max_attempts: 2,
        initial_interval_ms: 1000,
        max_interval_ms: 1000,
    });
    let run = run::submit(&database, &swarm, plan).unwrap();
    let lease = acquire(&database, "a", 64, NOW).unwrap().remove(0);
    for _ in 0..2 {
        report(&database, "a", &id(&lease), success(false), NOW).unwrap();
    }
    let task = run::get(&database, &run.id).unwrap().tasks.remove(0);
    assert_eq!((task.state, task.failures), (TaskState::Ready, 1));
    let due = task.not_before_ms.unwrap();
    assert!(due > NOW && due <= NOW + 1000);
    assert!(acquire(&database, "a", 64, due - 1).unwrap().is_empty());
    let again = acquire(&database, "a", 64, due).unwrap().remove(0);
    assert_eq!(again.id.fence, 2);
    report(&database, "a", &id(&again), success(false), due).unwrap();
    let task = run::get(&database, &run.id).unwrap().tasks.remove(0);
    assert_eq!((task.state, task.attempt), (TaskState::Dead, 2));
    assert_eq!(states(&database, &run).0, RunState::Failed);
}

#[test]
fn a_cancelled_run_takes_no_report_and_a_paused_one_leases_nothing() {
    let (database, _, run) = started(CoordinationStrategy::Parallel, 1, 2);
    let lease = acquire(&database, "a", 64, NOW).unwrap().remove(0);
    for _ in 0..2 {
        let paused = run::change(&database, &run.id, Wish::Pause).unwrap();
        assert_eq!(paused.state, RunState::Paused);
    }
    assert!(
        report(&database, "a", &id(&lease), success(true), NOW)
            .unwrap()
            .is_some()
    );
    assert!(acquire(&database, "a", 64, NOW).unwrap().is_empty());
    run::change(&database, &run.id, Wish::Resume).unwrap();
    let lease = acquire(&database, "a", 64, NOW).unwrap().remove(0);
    assert_eq!(renew(&database, "a", vec![id(&lease)], NOW).unwrap(), []);
    for _ in 0..2 {
        run::change(&database, &run.id, Wish::Cancel).unwrap();
    }
    let expected = vec![TaskState::Done, TaskState::Cancelled];
    assert_eq!(states(&database, &run), (RunState::Cancelled, expected));
    assert_eq!(
        renew(&database, "a", vec![id(&lease)], NOW).unwrap(),
        [id(&lease)]
    );
    assert!(report(&database, "a", &id(&lease), success(true), NOW).is_err());
    let resumed = run::change(&database, &run.id, Wish::Resume).unwrap();
    assert_eq!(resumed.state, RunState::Cancelled);
}

#[test]
fn higher_priority_goes_first_and_swarms_take_turns() {
    let database = Memory::open().unwrap();
    let workspaces = [workspace(&database, 1, "a")];
    let swarm = |count| {
        let config = config(CoordinationStrategy::Parallel, count, &workspaces);
        swarm::create(&database, config).unwrap().id
    };
    let (large, small) = (swarm(100), swarm(100));
    let first = run::submit(&database, &large, tasks(50)).unwrap();
    let second = run::submit(&database, &small, tasks(4)).unwrap();
    let leases = acquire(&database, "a", 4, NOW).unwrap();
    let of = |leases: &[Lease], run: &Run| {
        leases
            .iter()
            .filter(|lease| lease.id.run_id == run.id)
            .count()
    };
    assert_eq!((of(&leases, &first), of(&leases, &second)), (2, 2));
    let mut urgent = tasks(3);
    urgent.tasks[2].priority = Some(9);
    let urgent = run::submit(&database, &large, urgent).unwrap();
    let leases = acquire(&database, "a", 1, NOW).unwrap();
    assert_eq!((of(&leases, &urgent), leases[0].id.index), (1, 2));
}

#[test]
fn a_full_queue_says_so() {
    let (database, swarm, _) = started(CoordinationStrategy::Parallel, 1, 1);
    for _ in 0..4 {
        run::submit(&database, &swarm, tasks(2048)).unwrap();
    }
    run::submit(&database, &swarm, tasks(1807)).unwrap();
    assert!(matches!(
        run::submit(&database, &swarm, tasks(1)),
        Err(Error::Busy(1000))
    ));
}

#[test]
fn runs_are_listed_the_newest_first() {
    let (database, swarm, first) = started(CoordinationStrategy::Parallel, 1, 2);
    let second = run::submit(&database, &swarm, tasks(1)).unwrap();
    let page = |cursor, limit| crate::bindings::types::PageRequest { cursor, limit };
    let newest = run::list(&database, Some(&swarm), page(None, Some(1))).unwrap();
    assert_eq!(
        (&newest.items[0].id, newest.items[0].tasks),
        (&second.id, 1)
    );
    let rest = run::list(&database, None, page(newest.next, None)).unwrap();
    assert_eq!(
        (rest.items.len(), &rest.items[0].id, rest.next),
        (1, &first.id, None)
    );
    assert!(run::list(&database, Some("sw_1"), page(None, None)).is_err());
}

#[test]
fn a_lost_lease_is_leased_again_and_the_old_one_is_refused() {
    let (database, _, run) = started(CoordinationStrategy::Parallel, 1, 1);
    let old = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    assert!(
        acquire(&database, "a", 1, NOW + LEASE_MS - 1)
            .unwrap()
            .is_empty()
    );
    let new = acquire(&database, "a", 1, NOW + LEASE_MS)
        .unwrap()
        .remove(0);
    assert_eq!(new.id.fence, 2);
    assert!(matches!(
        report(&database, "a", &id(&old), success(true), NOW),
        Err(Error::Conflict(_))
    ));
    assert_eq!(
        renew(&database, "a", vec![id(&old), id(&new)], NOW + LEASE_MS).unwrap(),
        [id(&old)]
    );
    for _ in 0..2 {
        report(&database, "a", &id(&new), success(true), NOW).unwrap();
    }
    assert!(matches!(
        report(&database, "a", &id(&new), success(false), NOW),
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        report(&database, "b", &id(&new), success(true), NOW),
        Err(Error::Conflict(_))
    ));
    assert_eq!(
        states(&database, &run),
        (RunState::Done, vec![TaskState::Done])
    );
    assert_eq!(run::get(&database, &run.id).unwrap().tasks[0].attempt, 2);
    assert_eq!(
        renew(&database, "a", vec![id(&new)], NOW).unwrap(),
        [id(&new)]
    );
}

#[test]
fn a_runner_that_starts_again_gets_back_at_once_what_it_had() {
    let (database, _, run) = started(CoordinationStrategy::Parallel, 2, 3);
    let before = acquire_in(&database, ("a", "s1"), 9, NOW).unwrap();
    assert_eq!(indexes(&before), [0, 1]);
    let after = acquire_in(&database, ("a", "s2"), 9, NOW).unwrap();
    assert_eq!((indexes(&after), after[0].id.fence), (vec![0, 1], 2));
    assert!(
        acquire_in(&database, ("a", "s2"), 9, NOW)
            .unwrap()
            .is_empty()
    );
    assert!(report(&database, "a", &id(&before[0]), success(true), NOW).is_err());
    report(&database, "a", &id(&after[0]), success(true), NOW).unwrap();
    assert_eq!(states(&database, &run).1[0], TaskState::Done);
}

#[test]
fn a_task_that_loses_every_lease_fails_as_lost() {
    let (database, _, run) = started(CoordinationStrategy::Sequential, 1, 2);
    for attempt in 0..decide::LEASES_MAX {
        assert_eq!(
            acquire(&database, "a", 1, NOW + attempt * LEASE_MS)
                .unwrap()
                .len(),
            1
        );
    }
    assert!(
        acquire(&database, "a", 1, NOW + decide::LEASES_MAX * LEASE_MS)
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        states(&database, &run),
        (RunState::Failed, vec![TaskState::Dead, TaskState::Skipped])
    );
    let failure = run::get(&database, &run.id)
        .unwrap()
        .tasks
        .remove(0)
        .failure
        .unwrap();
    assert_eq!(
        (failure.code.as_str(), failure.message.as_str()),
        ("lost", "its lease was lost 5 times")
    );
}

#[test]
fn a_report_of_what_there_is_not_is_refused() {
    let (database, _, run) = started(CoordinationStrategy::Parallel, 1, 1);
    let lease = |run_id: &str, index, fence| LeaseId {
        run_id: run_id.to_owned(),
        index,
        fence,
    };
    let refused = |lease| report(&database, "a", &lease, success(true), NOW).unwrap_err();
    assert!(matches!(
        refused(lease("nonsense", 0, 1)),
        Error::Invalid(_)
    ));
    assert!(matches!(
        refused(lease(&format!("run_{:032x}", 7), 0, 1)),
        Error::Conflict(_)
    ));
    assert!(matches!(refused(lease(&run.id, 9, 1)), Error::Conflict(_)));
    assert!(matches!(refused(lease(&run.id, 0, 0)), Error::Conflict(_)));
    assert!(matches!(
        exchange(&database, ("a", "s1"), Vec::new(), 65, NOW),
        Err(Error::Invalid(_))
    ));
}

#[test]
fn a_large_output_is_cut_off_and_still_the_same_report() {
    let (database, _, run) = started(CoordinationStrategy::Parallel, 1, 1);
    let lease = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    let result = TaskResult {
        success: true,
        output: "ä".repeat(OUTPUT_BYTES_MAX),
        artifacts: vec!["a".to_owned()],
        metrics: Some(PerformanceMetrics {
            execution_time: 1,
            memory_usage: 1,
            cpu_usage: f32::NAN,
        }),
    };
    for _ in 0..2 {
        report(&database, "a", &id(&lease), Ok(result.clone()), NOW).unwrap();
    }
    let output = run::get(&database, &run.id)
        .unwrap()
        .tasks
        .remove(0)
        .task_result
        .unwrap()
        .output;
    assert!(output.ends_with("\n[cut off after 1048576 of 2097152 bytes]\n"));
}

#[test]
fn a_key_submits_one_run_and_makes_one_swarm() {
    let (database, swarm_id, _) = started(CoordinationStrategy::Parallel, 1, 1);
    let first = run::submit(&database, &swarm_id, keyed(2, "key")).unwrap();
    swarm::scale(&database, &swarm_id, 7).unwrap();
    assert_eq!(
        run::submit(&database, &swarm_id, keyed(2, "key"))
            .unwrap()
            .id,
        first.id
    );
    let other = run::submit(&database, &swarm_id, keyed(3, "key")).unwrap_err();
    assert!(
        matches!(other, Error::Conflict(message) if message.starts_with("idempotency-conflict: "))
    );
    let workspaces = swarm::get(&database, &swarm_id).unwrap().config.workspaces;
    let keyed = |count| {
        let config = config(CoordinationStrategy::Parallel, count, &workspaces);
        swarm::create(
            &database,
            SwarmConfig {
                idempotency_key: Some("key".to_owned()),
                ..config
            },
        )
    };
    assert_eq!(keyed(1).unwrap().id, keyed(1).unwrap().id);
    assert!(
        matches!(keyed(2), Err(Error::Conflict(message)) if message.starts_with("idempotency-conflict: "))
    );
}

#[test]
fn swarms_are_listed_in_pages_and_scaled_within_limits() {
    let database = Memory::open().unwrap();
    let workspaces = [workspace(&database, 1, "a")];
    let unknown = config(
        CoordinationStrategy::Parallel,
        1,
        &[format!("ws_{:032x}", 9)],
    );
    assert!(matches!(
        swarm::create(&database, unknown),
        Err(Error::NotFound(_))
    ));
    let create = || {
        swarm::create(
            &database,
            config(CoordinationStrategy::Parallel, 1, &workspaces),
        )
        .unwrap()
        .id
    };
    let made = [create(), create(), create()];
    let page = |cursor, limit| {
        swarm::list(
            &database,
            crate::bindings::types::PageRequest { cursor, limit },
        )
    };
    let first = page(None, Some(2)).unwrap();
    let second = page(first.next.clone(), Some(2)).unwrap();
    let listed: Vec<_> = first
        .items
        .into_iter()
        .chain(second.items)
        .map(|swarm| swarm.id)
        .collect();
    assert_eq!((listed.as_slice(), second.next), (made.as_slice(), None));
    assert!(page(None, Some(0)).is_err() && page(Some("x".to_owned()), None).is_err());
    for size in [0, 1001] {
        assert!(matches!(
            swarm::scale(&database, &made[0], size),
            Err(Error::Invalid(_))
        ));
    }
    assert_eq!(
        swarm::scale(&database, &made[0], 1).unwrap().revision,
        1,
        "nothing changed"
    );
    assert_eq!(swarm::scale(&database, &made[0], 2).unwrap().revision, 2);
    assert!(matches!(
        swarm::get(&database, &made[0].replace('0', "1")),
        Err(Error::NotFound(_))
    ));
    assert!(matches!(
        swarm::get(&database, "run_1"),
        Err(Error::Invalid(_))
    ));
}

/// Lets someone else do something just before the first write, where another instance would come between.
struct Interrupted<'a, F: Fn()> {
    database: &'a Memory,
    interruption: F,
    done: Cell<bool>,
}

impl<F: Fn()> Database for Interrupted<'_, F> {
    fn execute(&self, statement: &str, parameters: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        if statement.starts_with("INSERT INTO event") && !self.done.replace(true) {
            (self.interruption)();
        }
        self.database.execute(statement, parameters)
    }
}

fn interrupted<F: Fn()>(database: &Memory, interruption: F) -> Interrupted<'_, F> {
    Interrupted {
        database,
        interruption,
        done: Cell::new(false),
    }
}

#[test]
fn two_that_ask_at_once_never_get_the_same_task() {
    let (database, _, _) = started(CoordinationStrategy::Parallel, 9, 3);
    let slower = interrupted(&database, || {
        assert_eq!(acquire(&database, "a", 2, NOW).unwrap().len(), 2)
    });
    assert_eq!(indexes(&acquire(&slower, "a", 2, NOW).unwrap()), [2]);
}

#[test]
fn two_runs_leased_at_once_do_not_take_more_agents_than_there_are() {
    let (database, swarm, first) = started(CoordinationStrategy::Parallel, 1, 1);
    let second = run::submit(&database, &swarm, tasks(1)).unwrap();
    // The other writer leases in the second run: no conflict of streams, only of agents.
    let slower = interrupted(&database, || {
        let leased = Change::TaskLeased(Leased {
            index: 0,
            fence: 1,
            runner: "a".to_owned(),
            session: "s1".to_owned(),
            workspace: format!("ws_{:032x}", 1),
            expires_at_ms: NOW + LEASE_MS,
            accounts: None,
        });
        let before = head(&database, &second.id).unwrap();
        swarm_flow_state::append(
            &database,
            &second.id,
            &before,
            &[leased.event().unwrap()],
            "test",
            NOW,
        )
        .unwrap();
    });
    assert!(acquire(&slower, "a", 64, NOW).unwrap().is_empty());
    assert_eq!(states(&database, &first).1, [TaskState::Ready]);
}

#[test]
fn a_lease_that_is_renewed_while_someone_decides_to_take_it_stays() {
    for (lost_before, expected) in [
        (1, TaskState::Leased),
        (decide::LEASES_MAX, TaskState::Leased),
    ] {
        let (database, _, run) = started(CoordinationStrategy::Parallel, 1, 1);
        let mut now = NOW;
        let mut lease = acquire(&database, "a", 1, now).unwrap().remove(0);
        for _ in 1..lost_before {
            now += LEASE_MS;
            lease = acquire(&database, "a", 1, now).unwrap().remove(0);
        }
        now += LEASE_MS;
        let slower = interrupted(&database, || {
            assert!(
                renew(&database, "a", vec![id(&lease)], now)
                    .unwrap()
                    .is_empty()
            );
        });
        assert!(acquire(&slower, "a", 1, now).unwrap().is_empty());
        assert_eq!(states(&database, &run).1, [expected]);
        assert!(
            report(&database, "a", &id(&lease), success(true), now)
                .unwrap()
                .is_some()
        );
    }
}

#[test]
fn two_reports_at_once_end_the_run_once() {
    let (database, _, run) = started(CoordinationStrategy::Parallel, 2, 2);
    let leases = acquire(&database, "a", 2, NOW).unwrap();
    let slower = interrupted(&database, || {
        report(&database, "a", &id(&leases[0]), success(true), NOW).unwrap();
    });
    report(&slower, "a", &id(&leases[1]), success(true), NOW).unwrap();
    assert_eq!(
        states(&database, &run),
        (RunState::Done, vec![TaskState::Done; 2])
    );
}

#[test]
fn each_step_costs_few_statements() {
    let (database, swarm, _) = started(CoordinationStrategy::Sequential, 1, 2);
    database.take_statements();
    run::submit(&database, &swarm, tasks(2)).unwrap();
    assert_eq!(
        database.take_statements(),
        5,
        "swarm, workspaces, open tasks, insert, run"
    );
    let lease = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    assert_eq!(
        database.take_statements(),
        6,
        "ask, tasks, workspaces, insert, details, what follows"
    );
    assert!(acquire(&database, "b", 1, NOW).unwrap().is_empty());
    assert_eq!(database.take_statements(), 1, "nothing to do");
    report(&database, "a", &id(&lease), success(true), NOW).unwrap();
    assert_eq!(database.take_statements(), 2, "read, insert");
    let (chain, _, _) = started(CoordinationStrategy::Sequential, 1, 18);
    let first = acquire(&chain, "a", 1, NOW).unwrap().remove(0);
    chain.take_statements();
    tell(&chain, &first, 17);
    assert_eq!(
        chain.take_statements(),
        3,
        "read, where they can be, insert: for seventeen tasks"
    );
    renew(&database, "a", vec![id(&lease)], NOW).unwrap();
    assert_eq!(database.take_statements(), 1);
    assert_eq!(head(&database, "none").unwrap(), Head::default());
}

#[test]
fn runners_with_something_to_do_are_woken() {
    let (database, swarm, run) = started(CoordinationStrategy::Sequential, 1, 2);
    let joined = r#"{"id":"a","url":"http://a","programs":[],"environments":[]}"#;
    happen(&database, "runner:a", "runner.joined", joined);
    let awake = |except| store::runners_with_work(&database, &swarm, except, NOW, NOW - 1).unwrap();
    assert_eq!(awake(None), ["http://a"]);
    assert!(awake(Some("a")).is_empty());
    let lease = acquire(&database, "a", 1, NOW).unwrap().remove(0);
    assert!(awake(None).is_empty());
    report(&database, "a", &id(&lease), success(true), NOW).unwrap();
    assert_eq!(awake(None), ["http://a"]);
    assert!(
        store::runners_with_work(&database, &swarm, None, NOW, NOW + 1)
            .unwrap()
            .is_empty(),
        "it is dead"
    );
    assert_eq!(
        states(&database, &run).1,
        [TaskState::Done, TaskState::Ready]
    );
}

#[test]
fn agents_know_what_others_of_their_swarm_wrote_and_write_once() {
    use crate::bindings::memory::Scope;
    use crate::bindings::work::{MemoryAnswer, MemoryCall, MemoryKey, MemoryList, MemoryWrite};
    let (database, swarm, _) = started(CoordinationStrategy::Parallel, 2, 2);
    let leases = acquire(&database, "a", 2, NOW).unwrap();
    let ask = |lease: &Lease, step: &str, call| {
        let step = format!("{}/{step}", lease.id.index);
        crate::memory::call(&database, "a", &lease.id, &step, call, NOW)
    };
    let write = |scope, key: &str, value: &str, expected| MemoryWrite {
        scope,
        key: key.to_owned(),
        value: value.to_owned(),
        expected,
    };
    let put = |lease: &Lease, step: &str, value: &str, expected| {
        let call = MemoryCall::Put(write(Scope::Shared, "k", value, expected));
        ask(lease, step, call)
    };
    let revision = |answer| match answer {
        Ok(MemoryAnswer::Revision(revision)) => revision,
        other => panic!("{other:?}"),
    };
    assert_eq!(revision(put(&leases[0], "1", "a", Some(0))), 1);
    let refused = put(&leases[1], "1", "b", Some(0)).unwrap_err();
    assert!(
        matches!(refused, Error::Conflict(message) if message == "revision-conflict: `k` is at revision 1, not 0")
    );
    assert_eq!(revision(put(&leases[1], "2", "b", Some(1))), 2);
    assert_eq!(revision(put(&leases[0], "2", "c", None)), 3);
    // Started again, a task makes its last call once more, whoever wrote since.
    let again = acquire_in(&database, ("a", "s2"), 2, NOW).unwrap();
    assert_eq!(again[0].id.fence, 2);
    assert_eq!(revision(put(&again[0], "1", "a", Some(0))), 1);
    assert_eq!(revision(put(&again[0], "2", "c", None)), 3);
    assert!(
        put(&leases[0], "3", "d", None).is_err(),
        "the lease was lost"
    );
    let get = |scope| {
        let key = MemoryKey {
            scope,
            key: "k".to_owned(),
        };
        match ask(&again[1], "9", MemoryCall::Get(key)) {
            Ok(MemoryAnswer::Entries(entries)) => entries
                .first()
                .map(|entry| (entry.value.clone(), entry.revision)),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(get(Scope::Shared), Some(("c".to_owned(), 3)));
    assert_eq!(get(Scope::Agent), None);
    let delete = MemoryCall::Delete(write(Scope::Shared, "k", "", Some(3)));
    assert_eq!(revision(ask(&again[1], "10", delete)), 4);
    assert_eq!(get(Scope::Shared), None);
    assert_eq!(revision(put(&again[1], "11", "e", Some(0))), 5);
    let own = MemoryCall::Put(write(Scope::Agent, "mine", "x", None));
    assert_eq!(revision(ask(&again[1], "12", own)), 1);
    let list = MemoryCall::List(MemoryList {
        scope: Scope::Shared,
        prefix: String::new(),
        after: None,
    });
    assert!(
        matches!(ask(&again[1], "13", list), Ok(MemoryAnswer::Entries(entries)) if entries.len() == 1)
    );
    let page = crate::bindings::types::PageRequest {
        cursor: None,
        limit: None,
    };
    let all = crate::memory::list(&database, &swarm, page).unwrap().items;
    let shown: Vec<_> = all
        .iter()
        .map(|entry| (entry.agent.as_deref(), entry.key.as_str(), entry.revision))
        .collect();
    assert_eq!(shown, [(None, "k", 5), (Some("script"), "mine", 1)]);
    for key in ["", "a\nb", &"k".repeat(257)] {
        let call = MemoryCall::Put(write(Scope::Shared, key, "", None));
        assert!(matches!(ask(&again[1], "14", call), Err(Error::Invalid(_))));
    }
}
