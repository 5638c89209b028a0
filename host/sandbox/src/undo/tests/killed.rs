//! The process ends at any record, with its last one torn at any byte, and while it takes back.

use super::*;
use crate::undo::restore::restore_twice;
use proptest::prelude::*;

/// What a log looks like: how long each of its lines is.
fn lines(log: &Path) -> Vec<usize> {
    let records = std::fs::read(log.join("records")).unwrap();
    let lines = records.split_inclusive(|byte| *byte == b'\n');
    lines.map(<[u8]>::len).collect()
}

/// Makes the changes up to when this many records are written, and none after; false if there are not as many.
fn stopped_at(records: usize, changes: impl Fn(&Fixture)) -> (Fixture, bool) {
    let fixture = Fixture::new();
    let mut log = Log::create(&fixture.tree.log("log"), &fixture.undo.subject).unwrap();
    let mut state = fixture.undo.state();
    log.records_left = Some(records);
    state.log = Some(log);
    drop(state);
    changes(&fixture);
    let stopped = fixture.undo.state().closed;
    (fixture, stopped)
}

fn cut_last(fixture: &Fixture, torn: usize) {
    let path = fixture.tree.log("log").join("records");
    let records = File::options().write(true).open(path).unwrap();
    let length = records.metadata().unwrap().len();
    records.set_len(length - torn as u64).unwrap();
}

fn after_a_restart(fixture: &Fixture, twice: bool) {
    let (log, root) = (fixture.tree.log("log"), fixture.tree.root());
    if twice {
        restore_twice(&log, &root).unwrap();
    }
    take_back(&log, &root).unwrap();
    same(&snapshot(&fixture.tree.files()), &fixture.tree.first);
    assert!(!log.exists());
}

#[test]
fn killed_at_any_byte_of_any_record_the_tree_is_as_it_was() {
    let each = |fixture: &Fixture| {
        // It ends where the process would.
        _ = one_of_each(fixture);
    };
    let mut tried = 0;
    for records in 1.. {
        let (fixture, stopped) = stopped_at(records, each);
        if !stopped {
            fixture.assert_back();
            break;
        }
        after_a_restart(&fixture, false);
        let (fixture, _) = stopped_at(records, each);
        let log = fixture.tree.log("log");
        for _ in 0..*lines(&log).last().unwrap() {
            cut_last(&fixture, 1);
            let (_, left) = Left::open(&log).unwrap().unwrap();
            assert_eq!(left.read.len(), records - 1);
            tried += 1;
        }
        after_a_restart(&fixture, records % 2 == 0);
    }
    assert!(tried > 1_000, "{tried}");
}

#[derive(Clone, Debug)]
enum Act {
    Create(usize),
    Directory(usize),
    Symlink(usize, usize),
    Link(usize, usize),
    Rename(usize, usize),
    Unlink(usize),
    RemoveDirectory(usize),
    Write(usize, u64, usize),
    Append(usize, usize),
    Size(usize, u64),
}

/// Few names, so that the same is made, moved and removed again.
const PATHS: [&str; 12] = [
    "long", "short", "link", "first", "full", "full/one", "full/two", "empty", "empty/a", "new",
    "new/a", "full/new",
];

fn act() -> impl Strategy<Value = Act> {
    let path = || 0..PATHS.len();
    prop_oneof![
        path().prop_map(Act::Create),
        path().prop_map(Act::Directory),
        (path(), path()).prop_map(|(target, path)| Act::Symlink(target, path)),
        (path(), path()).prop_map(|(old, new)| Act::Link(old, new)),
        (path(), path()).prop_map(|(old, new)| Act::Rename(old, new)),
        (path(), path()).prop_map(|(old, new)| Act::Rename(old, new)),
        path().prop_map(Act::Unlink),
        path().prop_map(Act::RemoveDirectory),
        (path(), 0..1_200_u64, 0..300_usize)
            .prop_map(|(path, at, length)| Act::Write(path, at, length)),
        (path(), 0..300_usize).prop_map(|(path, length)| Act::Append(path, length)),
        (path(), 0..1_200_u64).prop_map(|(path, size)| Act::Size(path, size)),
    ]
}

/// What cannot be done is not: each act may meet anything.
fn perform(fixture: &Fixture, acts: &[Act]) {
    let path = |number: &usize| PATHS[*number];
    let mut open = Vec::new();
    for act in acts {
        _ = match act {
            Act::Create(at) => fixture.create(path(at)),
            Act::Directory(at) => fixture.change(&Asked::CreateDirectory(path(at))),
            Act::Symlink(to, at) => fixture.change(&Asked::Symlink(path(to), path(at))),
            Act::Link(old, new) => fixture.change(&Asked::Link(path(old), path(new))),
            Act::Rename(old, new) => fixture.change(&Asked::Rename(path(old), path(new))),
            Act::Unlink(at) => fixture.change(&Asked::Unlink(path(at))),
            Act::RemoveDirectory(at) => fixture.change(&Asked::RemoveDirectory(path(at))),
            Act::Write(at, ..) | Act::Append(at, _) | Act::Size(at, _) => {
                // Every third one goes to a file that was opened before, whatever became of its name.
                let file = File::options()
                    .write(true)
                    .open(fixture.tree.files().join(path(at)));
                open.extend(file);
                let chosen = if at % 3 == 0 {
                    open.first()
                } else {
                    open.last()
                };
                let Some(file) = chosen else { continue };
                match act {
                    Act::Write(_, offset, length) => {
                        fixture.undo.write_all(file, &vec![7; *length], *offset)
                    }
                    Act::Append(_, length) => fixture.undo.append(file, &vec![8; *length]),
                    Act::Size(_, size) => fixture.undo.set_size(file, *size),
                    _ => Ok(()),
                }
            }
        };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_done_is_taken_back_from_wherever_it_stopped(
        acts in proptest::collection::vec(act(), 1..25),
        stop in 1..40_usize,
        torn in 0..4_usize,
        twice: bool,
    ) {
        let (fixture, stopped) = stopped_at(stop, |fixture| perform(fixture, &acts));
        if stopped {
            let last = *lines(&fixture.tree.log("log")).last().unwrap();
            cut_last(&fixture, [0, 1, last / 2, last][torn]);
        }
        after_a_restart(&fixture, twice);
    }
}
