//! Many tasks in the one file of their run.

use super::*;
use std::io::Write as _;

/// The lines of the run's file, each with its newline.
fn lines(folder: &tempfile::TempDir) -> Vec<String> {
    let text = std::fs::read_to_string(path(folder)).unwrap();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

#[test]
fn tasks_that_write_at_once_have_one_file_and_each_its_own_journal() {
    let folder = tempfile::tempdir().unwrap();
    let shared = journals(&folder);
    std::thread::scope(|scope| {
        for task in 0..8 {
            let shared = &shared;
            scope.spawn(move || {
                let journal = open(shared, RUN, task);
                for step in 0..50 {
                    new(&journal, "exec", &json!([task, step]), &json!(step));
                }
                journal.end(&ended(&task.to_string())).unwrap();
            });
        }
    });
    let names = std::fs::read_dir(folder.path().join("journals/ws_1")).unwrap();
    assert_eq!(names.count(), 1);
    assert_eq!(lines(&folder).len(), 8 * 52);
    for journals in [shared, journals(&folder)] {
        for task in 0..8 {
            let replay = journals.last(WORKSPACE, RUN, task).unwrap().unwrap();
            for step in 0..50 {
                assert_eq!(
                    fed(&replay, "exec", &json!([task, step])),
                    json!(step),
                    "task {task}"
                );
            }
            replay.end(&ended(&task.to_string())).unwrap();
            assert_eq!(replay.replayed(), (50, None));
        }
        assert!(journals.last(WORKSPACE, RUN, 8).unwrap().is_none());
    }
}

#[test]
fn a_torn_line_in_the_middle_is_no_step_and_what_is_behind_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let journal = begun(&folder);
    new(&journal, "exec", &json!(0), &json!(0));
    let line = lines(&folder).pop().unwrap();
    for torn in ["{", &line[..line.len() / 2], "\u{0}\u{0}", "x"] {
        let mut file = std::fs::File::options()
            .append(true)
            .open(path(&folder))
            .unwrap();
        writeln!(file, "{torn}").unwrap();
        let journals = journals(&folder);
        let other = journals.attempt(WORKSPACE, RUN, 1, 1, || header(RUN, 1));
        drop(other.unwrap());
        let journal = open(&journals, RUN, 0);
        assert_eq!(fed(&journal, "exec", &json!(0)), json!(0));
        assert!(!journals.is_recorded(WORKSPACE, "run_1/0/1/1"));
    }
    let journals = journals(&folder);
    let journal = open(&journals, RUN, 0);
    fed(&journal, "exec", &json!(0));
    new(&journal, "exec", &json!(1), &json!(1));
    let again = begun(&folder);
    fed(&again, "exec", &json!(0));
    fed(&again, "exec", &json!(1));
}

#[test]
fn an_attempt_that_lost_a_line_cannot_go_on_and_its_neighbour_can() {
    let folder = tempfile::tempdir().unwrap();
    let shared = journals(&folder);
    let (first, second) = (open(&shared, RUN, 0), open(&shared, RUN, 1));
    for step in 0..3 {
        new(&first, "exec", &json!(step), &json!(step));
        new(&second, "exec", &json!(step), &json!(step));
    }
    let mut lines = lines(&folder);
    let of_first = lines
        .iter_mut()
        .filter(|line| line.starts_with(r#"{"task":0,"#))
        .nth(2)
        .unwrap();
    *of_first = format!("{}\n", "x".repeat(of_first.len() - 1));
    std::fs::write(path(&folder), lines.concat()).unwrap();
    let journals = journals(&folder);
    let error = journals
        .attempt(WORKSPACE, RUN, 0, 1, || header(RUN, 0))
        .err()
        .unwrap();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    assert!(!journals.is_recorded(WORKSPACE, "run_1/0/1/0"));
    assert!(journals.is_recorded(WORKSPACE, "run_1/1/1/2"));
    let second = open(&journals, RUN, 1);
    for step in 0..3 {
        fed(&second, "exec", &json!(step));
    }
    // The next attempt of the first begins anew.
    let next = journals.attempt(WORKSPACE, RUN, 0, 2, || header(RUN, 0));
    new(&next.unwrap(), "exec", &json!(0), &json!(0));
}

#[test]
fn an_attempt_that_is_left_in_the_middle_of_a_call_is_opened_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let journals = journals(&folder);
    for round in 0..20 {
        let journal = open(&journals, RUN, 0);
        for step in 0..round {
            assert_eq!(fed(&journal, "ask", &json!(step)), json!(step));
        }
        new(&journal, "ask", &json!(round), &json!(round));
        let length = std::fs::metadata(path(&folder)).unwrap().len();
        let Call::New(pending) = journal.call("ask", &json!(round + 1)).unwrap() else {
            panic!("it was not asked before");
        };
        assert_eq!(journal.key(&pending), format!("run_1/0/1/{}", round + 1));
        drop(journal);
        // Nothing is written when it is left or opened.
        let _ = open(&journals, RUN, 0);
        assert_eq!(std::fs::metadata(path(&folder)).unwrap().len(), length);
    }
}

#[test]
fn of_two_that_go_on_with_an_attempt_the_earlier_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let journals = journals(&folder);
    let left = open(&journals, RUN, 0);
    let Call::New(late) = left.call("exec", &json!(0)).unwrap() else {
        panic!("it is new");
    };
    let again = open(&journals, RUN, 0);
    // Before the later one wrote anything: it was told that the call is new, and makes it.
    assert!(left.record(late, &json!("late")).is_err());
    assert!(!journals.is_recorded(WORKSPACE, "run_1/0/1/0"));
    new(&again, "exec", &json!(0), &json!("again"));
    assert!(left.end(&ended("late")).is_err());
    // Who replays takes nothing over.
    let looked = journals.last(WORKSPACE, RUN, 0).unwrap().unwrap();
    fed(&looked, "exec", &json!(0));
    again.end(&ended("again")).unwrap();
    let replay = replay(&folder);
    assert_eq!(fed(&replay, "exec", &json!(0)), json!("again"));
    replay.end(&ended("again")).unwrap();
    assert_eq!(replay.replayed(), (1, None));
}

#[test]
fn a_call_is_recorded_in_its_own_workspace_run_task_and_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let shared = journals(&folder);
    let journal = open(&shared, RUN, 3);
    new(&journal, "exec", &json!(0), &json!(0));
    journal.end(&ended("")).unwrap();
    for journals in [shared, journals(&folder)] {
        assert!(journals.is_recorded(WORKSPACE, "run_1/3/1/0"));
        for (workspace, key) in [
            (WORKSPACE, "run_1/3/1/1"),
            (WORKSPACE, "run_1/3/2/0"),
            (WORKSPACE, "run_1/2/1/0"),
            (WORKSPACE, "run_2/3/1/0"),
            (WORKSPACE, "run_1/3/1"),
            ("ws_2", "run_1/3/1/0"),
        ] {
            assert!(!journals.is_recorded(workspace, key), "{workspace} {key}");
        }
    }
}

#[test]
fn a_journal_is_not_reached_from_another_workspace() {
    let folder = tempfile::tempdir().unwrap();
    let journals = journals(&folder);
    new(&open(&journals, RUN, 0), "exec", &json!(0), &json!(0));
    assert!(journals.last(WORKSPACE, RUN, 0).unwrap().is_some());
    assert!(journals.last("ws_2", RUN, 0).unwrap().is_none());
    for (workspace, run) in [
        ("ws_2", "../ws_1/run_1"),
        ("ws_2/../ws_1", RUN),
        ("..", "run_1"),
        ("", "ws_1/run_1"),
        (WORKSPACE, "run_1.large"),
    ] {
        let error = journals.last(workspace, run, 0).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{error}");
        let begin = || header(run, 0);
        assert!(journals.attempt(workspace, run, 0, 1, begin).is_err());
    }
    assert!(!folder.path().join("journals/ws_2").exists());
}

#[test]
fn with_a_workspace_its_journals_go_and_nobody_writes_there_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let journals = journals(&folder);
    let journal = open(&journals, RUN, 0);
    let large = json!("x".repeat(INLINE_BYTES_MAX));
    new(&journal, "read", &json!(0), &large);
    let Call::New(small) = journal.call("exec", &json!(0)).unwrap() else {
        panic!("it is new");
    };
    journals.delete(WORKSPACE).unwrap();
    journals.delete(WORKSPACE).unwrap();
    assert!(journal.record(small, &json!(0)).is_err());
    let Call::New(another) = journal.call("read", &json!(1)).unwrap() else {
        panic!("it is new");
    };
    let other = json!("y".repeat(INLINE_BYTES_MAX));
    assert!(journal.record(another, &other).is_err());
    assert!(!folder.path().join("journals/ws_1").exists());
    assert!(journals.last(WORKSPACE, RUN, 0).unwrap().is_none());
}
