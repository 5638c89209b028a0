//! A journal that is written, cut short, gone on with, and replayed.

use super::*;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use swarm_flow_protocol::Task;
use swarm_flow_sandbox::Clock as _;

mod room;
mod runs;

fn header(run: &str, index: u32) -> io::Result<Header> {
    let task = Task {
        id: "t".to_owned(),
        description: String::new(),
        requirements: Vec::new(),
        context: None,
    };
    Header::new(run, index, 1, ("script", "d"), &task)
}

const WORKSPACE: &str = "ws_1";
const RUN: &str = "run_1";

fn journals(folder: &tempfile::TempDir) -> Journals {
    Journals::open(folder.path()).unwrap()
}

fn path(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("journals/ws_1/run_1.jsonl")
}

/// What another process would find.
fn begun(folder: &tempfile::TempDir) -> Journal {
    open(&journals(folder), RUN, 0)
}

fn open(journals: &Journals, run: &str, task: u32) -> Journal {
    journals
        .attempt(WORKSPACE, run, task, 1, || header(run, task))
        .unwrap()
}

fn replay(folder: &tempfile::TempDir) -> Journal {
    journals(folder).last(WORKSPACE, RUN, 0).unwrap().unwrap()
}

fn new(journal: &Journal, call: &'static str, request: &Value, result: &Value) {
    match journal.call(call, request).unwrap() {
        Call::New(pending) => journal.record(pending, result).unwrap(),
        Call::Recorded(result) => panic!("{call} was recorded: {result}"),
    }
}

fn fed(journal: &Journal, call: &'static str, request: &Value) -> Value {
    match journal.call(call, request).unwrap() {
        Call::Recorded(result) => result,
        Call::New(_) => panic!("{call} is new"),
    }
}

fn ended(output: &str) -> Result<TaskResult, AgentError> {
    Ok(TaskResult {
        success: true,
        output: output.to_owned(),
        artifacts: Vec::new(),
        metrics: None,
    })
}

#[test]
fn what_was_recorded_is_fed_and_then_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let large = json!("x".repeat(INLINE_BYTES_MAX));
    let first = begun(&folder);
    let seed = first.seed();
    new(&first, "exec", &json!(["a"]), &json!({"Ok": 1}));
    new(&first, "read", &json!("b"), &large);
    drop(first);
    assert!(std::fs::metadata(path(&folder)).unwrap().len() < 2000);
    let again = begun(&folder);
    assert_eq!(again.seed(), seed);
    assert_eq!(fed(&again, "exec", &json!(["a"])), json!({"Ok": 1}));
    assert_eq!(fed(&again, "read", &json!("b")), large);
    new(&again, "exec", &json!(["c"]), &json!(3));
    again.end(&ended("done")).unwrap();
    let replay = replay(&folder);
    for (call, request) in [
        ("exec", json!(["a"])),
        ("read", json!("b")),
        ("exec", json!(["c"])),
    ] {
        fed(&replay, call, &request);
    }
    replay.end(&ended("done")).unwrap();
    assert_eq!(replay.replayed(), (3, None));
}

#[test]
fn cut_anywhere_it_holds_what_was_whole() {
    let folder = tempfile::tempdir().unwrap();
    let journal = begun(&folder);
    for step in 0..3 {
        new(&journal, "exec", &json!(step), &json!(step));
    }
    let whole = std::fs::read(path(&folder)).unwrap();
    for length in 0..=whole.len() {
        std::fs::write(path(&folder), &whole[..length]).unwrap();
        let lines = whole[..length]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let journal = begun(&folder);
        for step in 0..lines.saturating_sub(1) {
            assert_eq!(fed(&journal, "exec", &json!(step)), json!(step));
        }
        new(&journal, "exec", &json!("next"), &json!(0));
        let journal = begun(&folder);
        for step in 0..lines.saturating_sub(1) {
            fed(&journal, "exec", &json!(step));
        }
        fed(&journal, "exec", &json!("next"));
    }
}

#[test]
fn an_agent_that_does_something_else_is_stopped_there() {
    let folder = tempfile::tempdir().unwrap();
    let journal = begun(&folder);
    new(&journal, "exec", &json!(1), &json!(1));
    new(&journal, "exec", &json!(2), &json!(2));
    journal.end(&ended("done")).unwrap();
    type Does = fn(&Journal);
    let cases: [(Does, u64, &str, &str); 4] = [
        (
            |journal| assert!(journal.call("exec", &json!(9)).is_err()),
            0,
            "exec 1",
            "exec 9",
        ),
        (
            |journal| {
                fed(journal, "exec", &json!(1));
                journal.end(&ended("done")).unwrap();
            },
            1,
            "exec 2",
            "the end: ",
        ),
        (
            |journal| {
                fed(journal, "exec", &json!(1));
                fed(journal, "exec", &json!(2));
                assert!(journal.call("read", &json!(3)).is_err());
            },
            2,
            "the end",
            "read 3",
        ),
        (
            |journal| {
                fed(journal, "exec", &json!(1));
                fed(journal, "exec", &json!(2));
                journal.end(&ended("other")).unwrap();
            },
            2,
            "the end: ",
            "other",
        ),
    ];
    for (does, step, expected, actual) in cases {
        let replay = replay(&folder);
        does(&replay);
        let divergence = replay.replayed().1.unwrap();
        assert_eq!(divergence.step, step);
        assert!(divergence.expected.contains(expected), "{divergence:?}");
        assert!(divergence.actual.contains(actual), "{divergence:?}");
    }
}

#[test]
fn time_is_told_again_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let journal = begun(&folder);
    let mut told = Vec::new();
    for step in 0..3 {
        for _ in 0..step * 5 {
            told.push(journal.wall());
            told.push(journal.monotonic());
            std::thread::sleep(Duration::from_micros(700));
        }
        new(&journal, "exec", &json!(step), &json!(0));
    }
    told.push(journal.wall());
    journal.end(&ended("done")).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    let replay = replay(&folder);
    let mut again = Vec::new();
    for step in 0..3 {
        for _ in 0..step * 5 {
            again.push(replay.wall());
            again.push(replay.monotonic());
        }
        fed(&replay, "exec", &json!(step));
    }
    again.push(replay.wall());
    assert_eq!(told, again);
}
