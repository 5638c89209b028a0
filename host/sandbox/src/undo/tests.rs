mod killed;
mod tree;

use super::*;
use change::{Change as Asked, Creation};
use futures::executor::block_on;
use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use tree::{Snapshot, Tree, same, snapshot};

/// A workspace with a log, as a guest with `files` open sees it.
struct Fixture {
    tree: Tree,
    undo: Arc<Undo>,
    directory: Arc<File>,
    owners: Owners,
}

impl Fixture {
    fn new() -> Self {
        Self::limited(None)
    }

    fn limited(disk_bytes: Option<u64>) -> Self {
        let tree = Tree::new();
        let owners = Owners::default();
        let disk = disk_bytes.map(|bytes| Arc::new(Disk::new(vec![tree.files()], bytes)));
        let undo = begin(&tree, &owners, "log", disk);
        let directory = Arc::new(File::open(tree.files()).unwrap());
        Self {
            tree,
            undo,
            directory,
            owners,
        }
    }

    fn change(&self, change: &Asked<'_>) -> Result<(), Stop> {
        let at = match change {
            Asked::Link(..) | Asked::Rename(..) => vec![self.directory.clone(); 2],
            _ => vec![self.directory.clone()],
        };
        self.undo.change(change, &at)
    }

    fn create(&self, path: &str) -> Result<(), Stop> {
        let how = Creation {
            creates: true,
            exclusive: false,
            follow: true,
            truncates: false,
        };
        self.change(&Asked::Open(path, how))
    }

    fn open(&self, path: &str) -> File {
        let path = self.tree.files().join(path);
        File::options().write(true).open(path).unwrap()
    }

    fn assert_back(self) {
        self.undo.take_back().unwrap();
        same(&snapshot(&self.tree.files()), &self.tree.first);
        assert!(!self.tree.log("log").exists());
    }
}

fn begin(tree: &Tree, owners: &Owners, log: &str, disk: Option<Arc<Disk>>) -> Arc<Undo> {
    let settings = UndoSettings {
        root: tree.root(),
        log: tree.log(log),
        subject: Subject {
            workspace: "ws".to_owned(),
            key: "run/1/2".to_owned(),
        },
        owners: owners.clone(),
        disk,
    };
    block_on(Undo::begin(settings)).unwrap()
}

fn done(done: Result<(), Stop>) {
    match done {
        Ok(()) => {}
        Err(Stop::Failed(failed)) => panic!("{failed}"),
        Err(Stop::Blocked(_)) => panic!("somebody is in the way"),
    }
}

fn errno<R>(done: Result<R, Stop>) -> Option<Errno> {
    match done {
        Err(Stop::Failed(NotChanged::Failed(error))) => Errno::from_io_error(&error),
        _ => None,
    }
}

/// Does one of each kind.
fn one_of_each(fixture: &Fixture) -> Result<(), Stop> {
    let times = rustix::fs::Timestamps {
        last_access: rustix::fs::Timespec {
            tv_sec: 1,
            tv_nsec: 2,
        },
        last_modification: rustix::fs::Timespec {
            tv_sec: 3,
            tv_nsec: 4,
        },
    };
    for change in [
        Asked::CreateDirectory("new"),
        Asked::CreateDirectory("new/inner"),
        Asked::Symlink("../long", "new/link"),
        Asked::Link("long", "new/second"),
        Asked::Times("short", true, times.clone()),
        Asked::Times("link", false, times.clone()),
        Asked::Times("full", true, times),
        Asked::Unlink("full/one"),
        Asked::Unlink("link"),
        Asked::RemoveDirectory("empty"),
        Asked::Rename("full", "new/moved"),
        Asked::Rename("short", "new/moved/two"),
        Asked::Rename("new/inner", "empty"),
    ] {
        fixture.change(&change)?;
    }
    fixture.create("made")?;
    let (long, second) = (fixture.open("long"), fixture.open("new/second"));
    fixture.undo.append(&long, b"behind")?;
    fixture.undo.write_all(&second, b"OVER", 2)?;
    fixture.undo.set_size(&long, 3)?;
    fixture.undo.append(&fixture.open("made"), b"mine")?;
    fixture.change(&Asked::Rename("made", "other"))?;
    fixture.change(&Asked::Unlink("other"))
}

#[test]
fn every_kind_of_change_is_taken_back() {
    let fixture = Fixture::new();
    done(one_of_each(&fixture));
    assert_ne!(snapshot(&fixture.tree.files()), fixture.tree.first);
    fixture.assert_back();
}

#[test]
fn what_is_kept_stays() {
    let fixture = Fixture::new();
    done(one_of_each(&fixture));
    // What is kept has a name more as long as that is there.
    let without_links = |mut snapshot: Snapshot| {
        snapshot.values_mut().for_each(|what| what.2 = 1);
        snapshot
    };
    let after = without_links(snapshot(&fixture.tree.files()));
    fixture.undo.keep().unwrap();
    same(&without_links(snapshot(&fixture.tree.files())), &after);
    assert!(!fixture.tree.log("log").exists());
    assert_eq!(errno(fixture.create("late")), Some(Errno::CANCELED));
}

#[test]
fn a_command_that_changes_nothing_makes_no_log() {
    let fixture = Fixture::new();
    assert_eq!(
        errno(fixture.change(&Asked::Unlink("nothing"))),
        Some(Errno::NOENT)
    );
    done(fixture.create("short"));
    assert!(!fixture.tree.log("log").exists());
    fixture.assert_back();
}

#[test]
fn growing_needs_no_copy_and_overwriting_one() {
    let fixture = Fixture::new();
    let kept = || std::fs::read_dir(fixture.tree.log("log")).unwrap().count() - 1;
    let file = fixture.open("long");
    done(fixture.undo.append(&file, b"more"));
    done(fixture.undo.append(&file, b"and more"));
    assert_eq!(kept(), 0);
    done(fixture.undo.write_all(&file, b"x", 1_002));
    assert_eq!(kept(), 0, "that is behind its end still");
    done(fixture.undo.write_all(&file, b"x", 999));
    done(fixture.undo.write_all(&file, b"x", 0));
    assert_eq!(kept(), 1);
    fixture.assert_back();
}

#[test]
fn what_an_open_file_gets_after_its_name_went_is_taken_back_too() {
    let fixture = Fixture::new();
    let (file, linked) = (fixture.open("long"), fixture.open("full/two"));
    done(fixture.change(&Asked::Unlink("long")));
    done(fixture.undo.write_all(&file, b"late", 5));
    done(fixture.undo.append(&linked, b"early"));
    done(fixture.change(&Asked::Rename("full", "elsewhere")));
    done(fixture.change(&Asked::Unlink("elsewhere/two")));
    done(fixture.undo.write_all(&linked, b"late", 0));
    fixture.assert_back();
}

#[test]
fn a_link_leads_nowhere_else() {
    let fixture = Fixture::new();
    let outside = fixture.tree.log("outside");
    std::fs::create_dir_all(&outside).unwrap();
    std::fs::write(outside.join("file"), "theirs").unwrap();
    std::os::unix::fs::symlink(&outside, fixture.tree.files().join("out")).unwrap();
    std::os::unix::fs::symlink("../../outside", fixture.tree.files().join("up")).unwrap();
    for path in ["out/file", "up/file", "../tmp", "/etc/passwd"] {
        assert!(fixture.change(&Asked::Unlink(path)).is_err(), "{path}");
        assert!(fixture.create(&format!("{path}.new")).is_err(), "{path}");
    }
    assert_eq!(std::fs::read(outside.join("file")).unwrap(), b"theirs");
    assert!(!fixture.tree.log("log").exists());
    // Its twin stays inside.
    done(fixture.create("full/../within"));
    assert!(fixture.tree.files().join("within").exists());
}

#[test]
fn what_is_kept_is_limited_and_what_was_made_is_not_kept() {
    let fixture = Fixture::limited(Some(1_500));
    done(fixture.change(&Asked::Unlink("long")));
    let file = fixture.open("full/big");
    let refused = fixture.undo.write_all(&file, b"x", 0);
    assert!(matches!(
        refused,
        Err(Stop::Failed(NotChanged::NoRoom(1_500)))
    ));
    for number in 0..10 {
        done(fixture.create("new"));
        let new = fixture.open("new");
        done(fixture.undo.write_all(&new, &[1; 1_000], number));
        done(fixture.undo.write_all(&new, &[2; 1_000], 0));
        done(fixture.change(&Asked::Unlink("new")));
    }
    fixture.assert_back();
}

#[test]
fn another_waits_until_it_is_known_whether_the_changes_stay() {
    let fixture = Fixture::new();
    let other = begin(&fixture.tree, &fixture.owners, "other", None);
    let file = fixture.open("long");
    let inode = file.metadata().unwrap().ino();
    done(fixture.undo.append(&file, b"first"));
    assert!(matches!(
        other.append(&file, b"second"),
        Err(Stop::Blocked(_))
    ));
    fixture.undo.take_back().unwrap();
    done(other.append(&file, b"second"));
    other.keep().unwrap();
    let bytes = std::fs::read(fixture.tree.files().join("long")).unwrap();
    assert_eq!(
        (bytes.len(), file.metadata().unwrap().ino()),
        (1_006, inode)
    );
    assert!(bytes.ends_with(b"second"));
}

#[test]
fn a_number_that_is_another_files_by_now_is_not_taken_for_what_was_made() {
    let fixture = Fixture::new();
    for _ in 0..20 {
        done(fixture.create("made"));
        done(fixture.change(&Asked::Unlink("made")));
        // Somebody else gets the inode.
        let theirs = fixture.tree.files().join("theirs");
        std::fs::write(&theirs, "theirs").unwrap();
        done(fixture.undo.write_all(&fixture.open("theirs"), b"ours", 0));
        fixture.undo.state().written.clear();
        std::fs::remove_file(theirs).unwrap();
    }
    let log = std::fs::read_to_string(fixture.tree.log("log").join("records")).unwrap();
    let copies = log
        .lines()
        .filter(|line| line.contains("\"copy\":") && !line.contains("\"copy\":null"));
    assert_eq!(copies.count(), 20);
}
