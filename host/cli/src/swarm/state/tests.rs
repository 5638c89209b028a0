use super::*;
use serde_json::json;

/// Two maps and what needs them; the second map is optional.
fn submitted() -> Run {
    let task = |id: &str, index: u32, needs: Value, optional: bool| {
        json!({"id": id, "index": index, "agent": "script", "workspace": null, "needs": needs,
            "state": if index < 2 { "ready" } else { "pending" }, "optional": optional, "attempt": 0,
            "result": null, "failure": null, "started_at": null, "ended_at": null})
    };
    Run::read(&json!({
        "id": "run_1", "state": "running", "created_at": "1970-01-01T00:00:01.000Z", "ended_at": null,
        "tasks": [
            task("a", 0, json!([]), false),
            task("b", 1, json!([]), true),
            task("c", 2, json!(["a", "b"]), false),
        ],
    }))
    .unwrap()
}

fn event(kind: &str, payload: Value) -> Event {
    Event {
        id: 1,
        kind: kind.to_owned(),
        payload,
        at_ms: 1500,
    }
}

fn states(run: &Run) -> String {
    let states: Vec<&str> = run.tasks.iter().map(|task| task.state.as_str()).collect();
    states.join(" ")
}

#[test]
fn a_run_is_read_from_the_api() {
    let run = submitted();
    assert_eq!(
        (run.created_at_ms, run.tasks[2].needs.as_slice()),
        (1000, &[0, 1][..])
    );
    assert!(Run::read(&json!({"id": "run_1"})).is_err());
}

#[test]
fn events_lead_from_submitted_to_done() {
    let mut run = submitted();
    for (kind, payload, expected, change) in [
        (
            "run.submitted",
            json!({}),
            "ready ready pending",
            Change::None,
        ),
        (
            "task.leased",
            json!({"index": 0, "fence": 1, "workspace": "ws_1"}),
            "leased ready pending",
            Change::Task(0),
        ),
        (
            "task.retried",
            json!({"index": 0, "result": {"success": false, "output": "exit code 1\nmore"}}),
            "ready ready pending",
            Change::Task(0),
        ),
        (
            "task.leased",
            json!({"index": 0, "fence": 2, "workspace": "ws_1"}),
            "leased ready pending",
            Change::Task(0),
        ),
        (
            "task.done",
            json!({"index": 0}),
            "done ready pending",
            Change::Task(0),
        ),
        (
            "task.failed",
            json!({"index": 1, "failure": {"code": "timeout", "message": "it took 5 s"}}),
            "done failed ready",
            Change::Task(1),
        ),
        ("run.paused", json!({}), "done failed ready", Change::Run),
        (
            "task.cancelled",
            json!({"index": 2}),
            "done failed cancelled",
            Change::Task(2),
        ),
        (
            "run.cancelled",
            json!({}),
            "done failed cancelled",
            Change::Run,
        ),
    ] {
        assert_eq!(run.apply(&event(kind, payload)), change, "{kind}");
        assert_eq!(states(&run), expected, "{kind}");
    }
    assert!(run.is_over());
    assert_eq!(run.tasks[0].attempt, 2);
    assert_eq!(run.tasks[1].why.as_deref(), Some("timeout: it took 5 s"));
    // It never began.
    assert_eq!(run.tasks[2].took_ms(9999), None);
    run.rewind();
    assert_eq!(run, submitted_in(&run));
}

/// The same, but for where tasks went.
fn submitted_in(run: &Run) -> Run {
    let mut fresh = submitted();
    for (task, now) in fresh.tasks.iter_mut().zip(&run.tasks) {
        task.workspace.clone_from(&now.workspace);
    }
    fresh
}

#[test]
fn what_failed_and_is_not_optional_makes_nothing_ready() {
    let mut run = submitted();
    run.apply(&event("task.done", json!({"index": 1})));
    run.apply(&event("task.failed", json!({"index": 0})));
    assert_eq!(states(&run), "failed done pending");
}

#[test]
fn what_is_not_known_is_said_to_be_unknown() {
    let mut run = submitted();
    let before = run.clone();
    for (kind, payload, expected) in [
        ("task.made", json!({"index": 3}), Change::Unknown),
        ("task.done", json!({"index": 3}), Change::Missing),
        ("task.done", json!({}), Change::Missing),
        ("run.stolen", json!({}), Change::Unknown),
        ("lock.taken", json!({}), Change::None),
        ("strange", json!({}), Change::None),
    ] {
        assert_eq!(run.apply(&event(kind, payload)), expected, "{kind}");
    }
    assert_eq!(run, before);
}
