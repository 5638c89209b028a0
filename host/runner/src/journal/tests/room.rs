//! How much is kept, and what goes.

use super::*;
use crate::journal::folder::{Full, Limits};

const LIMITS: Limits = Limits {
    attempt_bytes: 10_000,
    workspace_bytes: 40_000,
    workspace_runs: 5,
    open_files: 2,
};

fn limited(folder: &tempfile::TempDir) -> Journals {
    Journals::with(folder.path(), LIMITS).unwrap()
}

fn name(run: usize) -> String {
    format!("run_{run}")
}

fn has(journals: &Journals, run: usize) -> bool {
    journals.last(WORKSPACE, &name(run), 0).unwrap().is_some()
}

/// A journal with a step of so many bytes.
fn of_bytes(journals: &Journals, run: usize, bytes: usize) -> Journal {
    let journal = open(journals, &name(run), 0);
    new(&journal, "read", &json!(run), &json!("x".repeat(bytes)));
    journal
}

/// The same, and it has an end.
fn whole(journals: &Journals, run: usize) {
    of_bytes(journals, run, 10).end(&ended("")).unwrap();
}

fn full(result: io::Result<()>) -> Full {
    let error = result.unwrap_err().into_inner().unwrap();
    *error.downcast::<Full>().unwrap()
}

fn record(journal: &Journal, result: &Value) -> io::Result<()> {
    match journal.call("read", &json!("more")).unwrap() {
        Call::New(pending) => journal.record(pending, result),
        Call::Recorded(_) => panic!("it is new"),
    }
}

fn files(folder: &tempfile::TempDir) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path().join("journals/ws_1")).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// In the order of time, which a test does not wait for.
fn age(folder: &tempfile::TempDir, run: usize, seconds: u64) {
    let path = folder.path().join(format!("journals/ws_1/run_{run}.jsonl"));
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let then = std::time::SystemTime::now() - Duration::from_secs(seconds);
    file.set_modified(then).unwrap();
}

#[test]
fn of_many_runs_the_oldest_go_and_a_replay_says_why() {
    let folder = tempfile::tempdir().unwrap();
    for run in 0..5 {
        drop(of_bytes(&limited(&folder), run, 10));
    }
    for (run, seconds) in [(0, 10), (1, 50), (2, 30), (3, 40), (4, 20)] {
        age(&folder, run, seconds);
    }
    let journals = limited(&folder);
    drop(of_bytes(&journals, 5, 10));
    drop(of_bytes(&journals, 6, 10));
    let left: Vec<_> = (0..7).filter(|run| has(&journals, *run)).collect();
    assert_eq!(left, [0, 2, 4, 5, 6]);
    let why = journals.why_none(WORKSPACE, "run_1");
    assert!(why.contains("the last 5 runs"), "{why}");
    assert!(
        limited(&folder)
            .why_none(WORKSPACE, "run_3")
            .contains("removed")
    );
    let why = journals.why_none(WORKSPACE, "run_9");
    assert!(why.contains("never tried"), "{why}");
}

#[test]
fn a_run_that_is_open_stays_however_old() {
    let folder = tempfile::tempdir().unwrap();
    let journals = limited(&folder);
    let first = of_bytes(&journals, 0, 10);
    for run in 1..20 {
        drop(of_bytes(&journals, run, 10));
    }
    assert!(has(&journals, 0) && !has(&journals, 1) && has(&journals, 19));
    record(&first, &json!(1)).unwrap();
    first.end(&ended("")).unwrap();
    let replay = journals.last(WORKSPACE, "run_0", 0).unwrap().unwrap();
    fed(&replay, "read", &json!(0));
    fed(&replay, "read", &json!("more"));
    // All of them may be in use.
    let all: Vec<_> = (20..30).map(|run| of_bytes(&journals, run, 10)).collect();
    assert!((20..30).all(|run| has(&journals, run)));
    drop(all);
}

#[test]
fn a_run_that_may_be_gone_on_with_outlives_those_that_ended() {
    let folder = tempfile::tempdir().unwrap();
    let journals = limited(&folder);
    drop(of_bytes(&journals, 0, 10));
    for run in 1..10 {
        whole(&journals, run);
    }
    let left: Vec<_> = (0..10).filter(|run| has(&journals, *run)).collect();
    assert_eq!(left.len(), 5, "{left:?}");
    assert!(left.contains(&0) && left.contains(&9), "{left:?}");
    // It has ended, too: now it is no better than others.
    let first = open(&journals, "run_0", 0);
    fed(&first, "read", &json!(0));
    first.end(&ended("")).unwrap();
    drop(first);
    for run in 10..20 {
        whole(&journals, run);
    }
    assert!(!has(&journals, 0));
}

#[test]
fn for_more_bytes_the_oldest_make_room_with_what_lies_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let large = INLINE_BYTES_MAX + 1000;
    for run in 0..2 {
        drop(of_bytes(&limited(&folder), run, large));
    }
    age(&folder, 1, 50);
    let journals = limited(&folder);
    drop(of_bytes(&journals, 2, large));
    assert_eq!(
        files(&folder),
        [
            "removed",
            "run_0.jsonl",
            "run_0.large",
            "run_2.jsonl",
            "run_2.large"
        ]
    );
    let why = journals.why_none(WORKSPACE, "run_1");
    assert!(why.contains("40000 bytes"), "{why}");
}

#[test]
fn when_all_is_in_use_what_is_too_much_is_refused_and_the_rest_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let journals = limited(&folder);
    let large = INLINE_BYTES_MAX + 1000;
    let (first, second) = (of_bytes(&journals, 0, large), of_bytes(&journals, 1, large));
    let refused = record(&second, &json!("y".repeat(large)));
    assert_eq!(full(refused), Full::Workspace { most: 40_000 });
    record(&second, &json!("small")).unwrap();
    // Another workspace has room of its own.
    let other = journals
        .attempt("ws_2", RUN, 0, 1, || header(RUN, 0))
        .unwrap();
    record(&other, &json!("y".repeat(large))).unwrap();
    // Once a run is not in use, it makes room.
    drop(first);
    record(&second, &json!("y".repeat(large))).unwrap();
    assert!(!has(&journals, 0));
}

#[test]
fn an_attempt_has_its_limit_and_its_neighbour_another() {
    let folder = tempfile::tempdir().unwrap();
    let journals = limited(&folder);
    let journal = of_bytes(&journals, 0, 9000);
    let length = || std::fs::metadata(path_of(&folder, 0)).unwrap().len();
    let before = length();
    let refused = record(&journal, &json!("x".repeat(1000)));
    assert_eq!(full(refused), Full::Attempt { most: 10_000 });
    assert_eq!(length(), before);
    let neighbour = open(&journals, &name(0), 1);
    record(&neighbour, &json!("x".repeat(9000))).unwrap();
    // It is counted anew by another process.
    let journals = limited(&folder);
    let again = open(&journals, &name(0), 0);
    fed(&again, "read", &json!(0));
    let refused = record(&again, &json!("x".repeat(1000)));
    assert_eq!(full(refused), Full::Attempt { most: 10_000 });
}

fn path_of(folder: &tempfile::TempDir, run: usize) -> PathBuf {
    folder.path().join(format!("journals/ws_1/run_{run}.jsonl"))
}

#[test]
fn few_files_stay_open() {
    let folder = tempfile::tempdir().unwrap();
    let journals = limited(&folder);
    let held: Vec<_> = (0..4).map(|run| open(&journals, &name(run), 0)).collect();
    assert_eq!(journals.open_files(), 4, "in use");
    drop(held);
    for run in 0..5 {
        open(&journals, &name(run), 0);
        open(&journals, &name(run), 1);
    }
    assert_eq!(journals.open_files(), 2);
}

#[test]
fn of_what_was_removed_long_ago_is_not_known_why() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits {
        workspace_runs: 1,
        ..LIMITS
    };
    let journals = Journals::with(folder.path(), limits).unwrap();
    let removed = folder.path().join("journals/ws_1/removed");
    drop(of_bytes(&journals, 0, 10));
    // Longer than it may be: one whole line, and many.
    std::fs::write(&removed, format!("{}\n", "x".repeat(63)).repeat(5000)).unwrap();
    for run in 1..6 {
        drop(of_bytes(&journals, run, 10));
    }
    assert!(std::fs::metadata(&removed).unwrap().len() < 200_000);
    let why = journals.why_none(WORKSPACE, "run_1");
    assert!(why.contains("the last 1 runs"), "{why}");
}
