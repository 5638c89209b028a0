//! One command on one run, in tables.

use super::*;
use crate::event::TaskResult;

fn open(index: u32, fence: u64, state: State) -> Open {
    Open {
        index,
        fence,
        state,
        place: Place::Here,
    }
}

fn leased(runner: &str, expires_at_ms: u64) -> State {
    State::Leased {
        runner: runner.to_owned(),
        expires_at_ms,
    }
}

fn run(strategy: Strategy, open: Vec<Open>) -> Run {
    Run {
        strategy,
        failed: false,
        open,
    }
}

fn asking(room: u32) -> Asking<'static> {
    Asking {
        runner: "b",
        room,
        now_ms: 100,
    }
}

/// `leased 0/1` is task 0 under fence 1.
fn shown(changes: &[Change]) -> String {
    let shown: Vec<String> = changes
        .iter()
        .map(|change| match change {
            Change::TaskReady { index } => format!("ready {index}"),
            Change::TaskLeased { index, fence, .. } => format!("leased {index}/{fence}"),
            Change::TaskDone(ended) => format!("done {}", ended.index),
            Change::TaskFailed(Ended {
                index,
                failure: Some(failure),
                ..
            }) => {
                format!("failed {index} {}", failure.code)
            }
            Change::TaskFailed(ended) => format!("failed {}", ended.index),
            Change::TaskSkipped { index } => format!("skipped {index}"),
            Change::RunDone => "run done".to_owned(),
            Change::RunFailed => "run failed".to_owned(),
        })
        .collect();
    shown.join(", ")
}

fn reported(index: u32, fence: u64, runner: &str, success: bool) -> Ended {
    let result = TaskResult {
        success,
        output: "said".to_owned(),
        artifacts: Vec::new(),
        metrics: None,
    };
    Ended {
        index,
        fence,
        runner: Some(runner.to_owned()),
        result: Some(result),
        failure: None,
    }
}

#[test]
fn ready_tasks_are_leased_as_far_as_there_is_room() {
    let three = || (0..3).map(|index| open(index, 0, State::Ready)).collect();
    for (room, expected) in [
        (0, ""),
        (1, "leased 0/1"),
        (2, "leased 0/1, leased 1/1"),
        (9, "leased 0/1, leased 1/1, leased 2/1"),
    ] {
        assert_eq!(
            shown(&lease(&run(Strategy::Parallel, three()), asking(room))),
            expected,
            "room {room}"
        );
    }
}

#[test]
fn a_lease_lasts_until_its_end_and_not_longer() {
    for (expires_at_ms, expected) in [(101, ""), (100, "leased 0/4"), (99, "leased 0/4")] {
        let run = run(
            Strategy::Parallel,
            vec![open(0, 3, leased("a", expires_at_ms))],
        );
        assert_eq!(shown(&lease(&run, asking(1))), expected, "{expires_at_ms}");
    }
    let changes = lease(
        &run(Strategy::Parallel, vec![open(0, 0, State::Ready)]),
        asking(1),
    );
    assert!(
        matches!(&changes[0], Change::TaskLeased { expires_at_ms, runner, .. }
        if *expires_at_ms == 100 + LEASE_MS && runner == "b")
    );
}

#[test]
fn a_task_whose_leases_were_lost_is_given_up_even_without_room() {
    let task = |fence| vec![open(0, fence, leased("a", 50)), open(1, 0, State::Pending)];
    for (strategy, fence, expected) in [
        (Strategy::Sequential, LEASES_MAX - 1, "leased 0/5"),
        (
            Strategy::Sequential,
            LEASES_MAX,
            "failed 0 lost, skipped 1, run failed",
        ),
    ] {
        assert_eq!(
            shown(&lease(&run(strategy, task(fence)), asking(1))),
            expected
        );
    }
    let parallel = run(
        Strategy::Parallel,
        vec![
            open(0, LEASES_MAX, leased("a", 50)),
            open(1, 0, State::Ready),
        ],
    );
    assert_eq!(shown(&lease(&parallel, asking(0))), "failed 0 lost");
    assert_eq!(
        shown(&lease(&parallel, asking(1))),
        "failed 0 lost, leased 1/1"
    );
}

#[test]
fn only_what_is_here_is_handed_out_and_what_is_gone_is_given_up() {
    for (place, expected) in [
        (Place::Here, "leased 0/1"),
        (Place::Elsewhere, ""),
        (Place::Gone, "failed 0 lost, run failed"),
    ] {
        let mut task = open(0, 0, State::Ready);
        task.place = place;
        assert_eq!(
            shown(&lease(&run(Strategy::Parallel, vec![task]), asking(1))),
            expected,
            "{place:?}"
        );
    }
}

#[test]
fn a_report_ends_the_task_and_moves_the_run_on() {
    let first = || open(0, 2, leased("b", 500));
    let (pending, ready) = (|| open(1, 0, State::Pending), || open(1, 0, State::Ready));
    use Strategy::{Parallel, Sequential};
    for (strategy, rest, success, expected) in [
        (Sequential, vec![pending()], true, "done 0, ready 1"),
        (
            Sequential,
            vec![pending()],
            false,
            "failed 0, skipped 1, run failed",
        ),
        (Sequential, vec![], true, "done 0, run done"),
        (Parallel, vec![ready()], true, "done 0"),
        (Parallel, vec![ready()], false, "failed 0"),
        (Parallel, vec![], true, "done 0, run done"),
        (Parallel, vec![], false, "failed 0, run failed"),
    ] {
        let run = run(strategy, [vec![first()], rest].concat());
        let changes = report(&run, None, reported(0, 2, "b", success)).unwrap();
        assert_eq!(shown(&changes), expected, "{strategy:?}");
    }
}

#[test]
fn a_parallel_run_with_one_failure_ends_as_failed() {
    let mut run = run(Strategy::Parallel, vec![open(1, 1, leased("b", 500))]);
    run.failed = true;
    let changes = report(&run, None, reported(1, 1, "b", true)).unwrap();
    assert_eq!(shown(&changes), "done 1, run failed");
}

#[test]
fn a_late_report_counts_until_someone_else_has_the_task() {
    let expired = run(Strategy::Parallel, vec![open(0, 1, leased("a", 1))]);
    assert_eq!(
        shown(&report(&expired, None, reported(0, 1, "a", true)).unwrap()),
        "done 0, run done"
    );
    let taken = run(Strategy::Parallel, vec![open(0, 2, leased("b", 500))]);
    for (fence, runner) in [(1, "a"), (2, "a"), (1, "b"), (3, "b")] {
        assert_eq!(
            report(&taken, None, reported(0, fence, runner, true)),
            Err(LeaseLost),
            "{fence} {runner}"
        );
    }
    let ready = run(Strategy::Parallel, vec![open(0, 0, State::Ready)]);
    assert_eq!(
        report(&ready, None, reported(0, 0, "a", true)),
        Err(LeaseLost)
    );
}

#[test]
fn the_same_report_twice_is_one() {
    let ended = run(Strategy::Parallel, vec![]);
    let past = reported(0, 1, "a", true);
    assert_eq!(report(&ended, Some(&past), past.clone()), Ok(Vec::new()));
    for other in [
        reported(0, 2, "a", true),
        reported(0, 1, "b", true),
        reported(0, 1, "a", false),
    ] {
        assert_eq!(report(&ended, Some(&past), other), Err(LeaseLost));
    }
}
