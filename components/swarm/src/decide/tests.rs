//! One command on one run, in tables.

use super::*;
use crate::event::TaskResult;

pub(super) fn open(index: u32, fence: u64, state: State) -> Open {
    Open {
        index,
        fence,
        failures: 0,
        waits: 0,
        parent: None,
        worked_ms: 0,
        leased_at_ms: 0,
        retry: Retry {
            max_attempts: 1,
            initial_interval_ms: 0,
            max_interval_ms: 0,
        },
        cpu_time_ms: None,
        account: TaskAccount::default(),
        optional: false,
        needs: Vec::new(),
        state,
        place: Place::Here {
            workspace: "ws".to_owned(),
        },
    }
}

pub(super) const READY: State = State::Queued { until_ms: 0 };

/// A task that needs the first one.
fn pending(index: u32) -> Open {
    Open {
        needs: vec![0],
        ..open(index, 0, READY)
    }
}

fn leased(runner: &str, expires_at_ms: u64) -> State {
    State::Leased {
        runner: runner.to_owned(),
        expires_at_ms,
    }
}

pub(super) fn run(open: Vec<Open>) -> Run {
    Run {
        strategy: Strategy::Parallel,
        failed: false,
        paused: false,
        open,
        seen: Vec::new(),
        options: Options::default(),
        budget: Budget::default(),
        account: Account::default(),
        ends_at_ms: None,
        locks: Table::default(),
        names: BTreeMap::new(),
    }
}

fn handed_out(run: &Run, asking: Asking<'_>) -> Vec<Change> {
    lease(run, asking).unwrap()
}

fn asking(room: u32) -> Asking<'static> {
    Asking {
        runner: "b",
        session: "s",
        room,
        now_ms: 100,
    }
}

/// `leased 0/1` is task 0 under fence 1.
fn shown(changes: &[Change]) -> String {
    let failure = |ended: &Ended| match &ended.failure {
        Some(failure) => format!("{} {}", ended.index, failure.code),
        None => ended.index.to_string(),
    };
    let shown = changes.iter().map(|change| match change {
        Change::TaskLeased(leased) => format!("leased {}/{}", leased.index, leased.fence),
        Change::TaskDone(ended) => format!("done {}", ended.index),
        Change::TaskRetried(retried) => format!("retried {}", failure(&retried.ended)),
        Change::TaskFailed(ended) => format!("failed {}", failure(ended)),
        Change::TaskDead(ended) => format!("dead {}", failure(ended)),
        Change::TaskSkipped(Index { index, .. }) => format!("skipped {index}"),
        Change::TaskCancelled(Index { index, .. }) => format!("cancelled {index}"),
        Change::TaskWaiting(waiting) => format!("waiting {}", waiting.index),
        Change::TaskDelegated(delegated) => format!("delegated {}", delegated.first),
        Change::LocksChanged(changed) => format!("locks {}", changed.index),
        Change::MessageSent(sent) => format!("sent {}", sent.index),
        Change::MessageReceived(received) => format!("received {}", received.message),
        Change::QuestionAsked(asked) => format!("asked {}", asked.index),
        Change::QuestionAnswered(closed) => format!("answered {}", closed.index),
        Change::QuestionExpired(closed) => format!("expired {}", closed.index),
        Change::TaskReserved(reserved) => format!("reserved {}", reserved.index),
        Change::TaskProgressed(progressed) => format!("progressed {}", progressed.index),
        Change::RunPaused => "run paused".to_owned(),
        Change::RunResumed => "run resumed".to_owned(),
        Change::RunDone(_) => "run done".to_owned(),
        Change::RunFailed(_) => "run failed".to_owned(),
        Change::RunCancelled => "run cancelled".to_owned(),
    });
    shown.collect::<Vec<_>>().join(", ")
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
        accounts: None,
    }
}

/// A report at the time of [`asking`].
fn take(run: &Run, past: Option<&Ended>, ended: Ended) -> Result<Vec<Change>, LeaseLost> {
    report(run, past, ended, Usage::default(), 100)
}

#[test]
fn ready_tasks_are_leased_as_far_as_there_is_room() {
    let three = || (0..3).map(|index| open(index, 0, READY)).collect();
    for (room, expected) in [
        (0, ""),
        (1, "leased 0/1"),
        (2, "leased 0/1, leased 1/1"),
        (9, "leased 0/1, leased 1/1, leased 2/1"),
    ] {
        assert_eq!(
            shown(&handed_out(&run(three()), asking(room))),
            expected,
            "room {room}"
        );
    }
    let mut paused = run(three());
    paused.paused = true;
    assert_eq!(shown(&handed_out(&paused, asking(9))), "");
}

#[test]
fn what_waits_for_others_or_for_its_time_is_not_leased() {
    let later = open(2, 1, State::Queued { until_ms: 101 });
    let due = open(3, 1, State::Queued { until_ms: 100 });
    let run = run(vec![open(0, 1, leased("a", 500)), pending(1), later, due]);
    assert_eq!(shown(&handed_out(&run, asking(9))), "leased 3/2");
}

#[test]
fn a_lease_lasts_until_its_end_and_not_longer() {
    for (expires_at_ms, expected) in [(101, ""), (100, "leased 0/4"), (99, "leased 0/4")] {
        let run = run(vec![open(0, 3, leased("a", expires_at_ms))]);
        assert_eq!(
            shown(&handed_out(&run, asking(1))),
            expected,
            "{expires_at_ms}"
        );
    }
    let changes = lease(&run(vec![open(0, 0, READY)]), asking(1)).unwrap();
    let expected = Change::TaskLeased(Leased {
        index: 0,
        fence: 1,
        runner: "b".to_owned(),
        session: "s".to_owned(),
        workspace: "ws".to_owned(),
        expires_at_ms: 100 + LEASE_MS,
        accounts: None,
    });
    assert_eq!(changes, [expected]);
}

#[test]
fn a_task_whose_leases_were_lost_is_given_up_even_without_room() {
    let task = |fence| vec![open(0, fence, leased("a", 50)), pending(1)];
    for (fence, expected) in [
        (LEASES_MAX - 1, "leased 0/5"),
        (LEASES_MAX, "dead 0 lost, skipped 1, run failed"),
    ] {
        assert_eq!(shown(&handed_out(&run(task(fence)), asking(1))), expected);
    }
    let apart = run(vec![
        open(0, LEASES_MAX, leased("a", 50)),
        open(1, 0, READY),
    ]);
    assert_eq!(shown(&handed_out(&apart, asking(0))), "dead 0 lost");
    assert_eq!(
        shown(&handed_out(&apart, asking(1))),
        "dead 0 lost, leased 1/1"
    );
}

#[test]
fn only_what_is_here_is_handed_out_and_what_is_gone_is_given_up() {
    let here = Place::Here {
        workspace: "ws".to_owned(),
    };
    for (place, expected) in [
        (here, "leased 0/1"),
        (Place::Elsewhere, ""),
        (Place::Gone, "dead 0 lost, run failed"),
    ] {
        let mut task = open(0, 0, READY);
        task.place = place.clone();
        let changes = lease(&run(vec![task]), asking(1)).unwrap();
        assert_eq!(shown(&changes), expected, "{place:?}");
    }
}

#[test]
fn a_report_ends_the_task_and_what_cannot_be_done_any_more() {
    let first = || open(0, 2, leased("b", 500));
    let chain = || {
        let mut last = open(2, 0, READY);
        last.needs = vec![1];
        vec![pending(1), last, open(3, 0, READY)]
    };
    for (rest, success, expected) in [
        (chain(), true, "done 0"),
        (chain(), false, "failed 0, skipped 1, skipped 2"),
        (vec![pending(1)], false, "failed 0, skipped 1, run failed"),
        (vec![], true, "done 0, run done"),
        (vec![], false, "failed 0, run failed"),
    ] {
        let run = run([vec![first()], rest].concat());
        let changes = take(&run, None, reported(0, 2, "b", success)).unwrap();
        assert_eq!(shown(&changes), expected);
    }
}

#[test]
fn what_is_optional_may_fail() {
    let mut first = open(0, 1, leased("b", 500));
    first.optional = true;
    let mut run = run(vec![first, pending(1)]);
    let changes = take(&run, None, reported(0, 1, "b", false)).unwrap();
    assert_eq!(shown(&changes), "failed 0");
    changes.iter().for_each(|change| run.apply(change));
    assert_eq!(shown(&handed_out(&run, asking(1))), "leased 1/1");
    assert!(!run.failed);
}

#[test]
fn a_run_with_one_failure_ends_as_failed() {
    let mut run = run(vec![open(1, 1, leased("b", 500))]);
    run.failed = true;
    let changes = take(&run, None, reported(1, 1, "b", true)).unwrap();
    assert_eq!(shown(&changes), "done 1, run failed");
}

#[test]
fn a_task_is_tried_as_often_as_it_says_with_longer_and_longer_pauses() {
    let retry = Retry {
        max_attempts: 4,
        initial_interval_ms: 1000,
        max_interval_ms: 3000,
    };
    let mut run = run(vec![Open {
        retry,
        ..open(0, 1, leased("b", 500))
    }]);
    for (attempt, least, most) in [(1, 500, 1000), (2, 1000, 2000), (3, 1500, 3000)] {
        let changes = take(&run, None, reported(0, attempt, "b", false)).unwrap();
        let [Change::TaskRetried(retried)] = changes.as_slice() else {
            panic!("{}", shown(&changes));
        };
        let pause = retried.ready_at_ms - 100;
        assert!((least..=most).contains(&pause), "{attempt}: {pause}");
        run.apply(&changes[0]);
        assert_eq!(shown(&handed_out(&run, asking(1))), "", "before its time");
        run.open[0].fence = attempt + 1;
        run.open[0].state = leased("b", 500);
    }
    let changes = take(&run, None, reported(0, 4, "b", false)).unwrap();
    assert_eq!(shown(&changes), "dead 0, run failed");
}

#[test]
fn what_can_pass_is_tried_again_and_what_is_impossible_is_not() {
    for (code, attempts, expected) in [
        ("tool_unavailable", 1, "retried 0 tool_unavailable"),
        ("unavailable", 1, "retried 0 unavailable"),
        ("timeout", 1, "failed 0 timeout, run failed"),
        ("timeout", 2, "retried 0 timeout"),
        ("denied", 9, "failed 0 denied, run failed"),
        ("invalid_task", 9, "failed 0 invalid_task, run failed"),
    ] {
        let mut task = open(0, 1, leased("b", 500));
        task.retry.max_attempts = attempts;
        let ended = Ended {
            result: None,
            failure: Some(Failure {
                code: code.to_owned(),
                message: String::new(),
            }),
            ..reported(0, 1, "b", false)
        };
        let changes = take(&run(vec![task]), None, ended).unwrap();
        assert_eq!(shown(&changes), expected);
    }
}

#[test]
fn a_late_report_counts_until_someone_else_has_the_task() {
    let expired = run(vec![open(0, 1, leased("a", 1))]);
    assert_eq!(
        shown(&take(&expired, None, reported(0, 1, "a", true)).unwrap()),
        "done 0, run done"
    );
    let taken = run(vec![open(0, 2, leased("b", 500))]);
    for (fence, runner) in [(1, "a"), (2, "a"), (1, "b"), (3, "b")] {
        assert_eq!(
            take(&taken, None, reported(0, fence, runner, true)),
            Err(LeaseLost),
            "{fence} {runner}"
        );
    }
    let ready = run(vec![open(0, 0, READY)]);
    assert_eq!(
        take(&ready, None, reported(0, 0, "a", true)),
        Err(LeaseLost)
    );
}

#[test]
fn the_same_report_twice_is_one() {
    let (ended, waits) = (run(vec![]), run(vec![open(0, 1, READY)]));
    let past = reported(0, 1, "a", true);
    for run in [&ended, &waits] {
        assert_eq!(take(run, Some(&past), past.clone()), Ok(Vec::new()));
    }
    for other in [
        reported(0, 2, "a", true),
        reported(0, 1, "b", true),
        reported(0, 1, "a", false),
    ] {
        assert_eq!(take(&ended, Some(&past), other), Err(LeaseLost));
    }
    // An attempt that says what the one before said is another one.
    let again = run(vec![open(0, 2, leased("a", 500)), open(1, 0, READY)]);
    let past = reported(0, 2, "a", true);
    let changes = take(&again, Some(&past), past.clone()).unwrap();
    assert_eq!(shown(&changes), "done 0");
}

#[test]
fn a_run_is_cancelled_paused_and_resumed_once() {
    let mut going = run(vec![open(0, 1, leased("a", 500)), pending(1)]);
    assert_eq!(
        shown(&cancel(&going)),
        "cancelled 0, cancelled 1, run cancelled"
    );
    assert_eq!(
        (shown(&pause(&going)), shown(&resume(&going))),
        ("run paused".to_owned(), String::new())
    );
    going.apply(&Change::RunPaused);
    assert_eq!(
        (shown(&pause(&going)), shown(&resume(&going))),
        (String::new(), "run resumed".to_owned())
    );
    let changes = take(&going, None, reported(0, 1, "a", true)).unwrap();
    assert_eq!(shown(&changes), "done 0", "what is leased goes on");
    let over = run(vec![]);
    for changes in [cancel(&over), pause(&over), resume(&over)] {
        assert_eq!(shown(&changes), "");
    }
}

#[test]
fn a_race_is_over_with_the_first_that_is_done() {
    let seen = |end| Seen {
        end,
        optional: true,
        weight: 1,
        answer: None,
    };
    let racer = |index| Open {
        optional: true,
        ..open(index, 1, leased("b", 500))
    };
    let race = Run {
        strategy: Strategy::Race,
        seen: vec![seen(None), seen(None)],
        ..run(vec![racer(0), racer(1)])
    };
    let won = take(&race, None, reported(1, 1, "b", true)).unwrap();
    assert_eq!(shown(&won), "done 1, cancelled 0, run done");
    let mut lost = race.clone();
    let first = take(&race, None, reported(0, 1, "b", false)).unwrap();
    assert_eq!(shown(&first), "failed 0");
    first.iter().for_each(|change| lost.apply(change));
    let last = take(&lost, None, reported(1, 1, "b", false)).unwrap();
    assert_eq!(shown(&last), "failed 1, run failed");
}
