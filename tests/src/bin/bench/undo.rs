//! Commands whose changes may be taken back, beside the same that change files as they like.

use crate::figures::{Figures, compare};
use crate::sandbox::grants;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use swarm_flow_sandbox::undo::{Beside, Changes, Subject, Undo, UndoSettings};
use swarm_flow_sandbox::{End, Engine, Output, Owners, Program};
use swarm_flow_tests::artefact;
use swarm_flow_tests::sandbox::component;

const FILES: &str = "i=0; while [ $i -lt 1000 ]; do echo $i > f$i; i=$((i+1)); done";
const OVERWRITTEN: &str = "i=0; while [ $i -lt 1000 ]; do echo again > f$i; i=$((i+1)); done";
const LINES: &str = "i=0; while [ $i -lt 1000 ]; do echo $i >> lines; i=$((i+1)); done";
const TABLE: &str = "create table if not exists t(a); \
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000) insert into t select i from n; \
    insert into t values (1); insert into t values (2); insert into t values (3); insert into t values (4);";

pub async fn undo() {
    let engine = Engine::new().unwrap();
    let program = |path: &Path| Program::new(&engine, &component(&engine, path)).unwrap();
    let named =
        |name: &str| program(&artefact::root().join(format!("target/programs/{name}.wasm")));
    let hello = program(&artefact::guest("hello"));
    let (sh, sqlite) = (named("sh"), named("sqlite3"));
    for (name, program, arguments, rounds) in [
        ("hello", &hello, vec!["hello"], 2_000),
        ("1 000 new files", &sh, vec!["sh", "-c", FILES], 15),
        ("1 000 overwritten", &sh, vec!["sh", "-c", OVERWRITTEN], 15),
        ("1 000 lines", &sh, vec!["sh", "-c", LINES], 15),
        (
            "sqlite3 inserts",
            &sqlite,
            vec!["sqlite3", "t.db", TABLE],
            15,
        ),
    ] {
        measure(name, program, &arguments, rounds).await;
    }
}

async fn measure(name: &str, program: &Program, arguments: &[&str], rounds: usize) {
    let mut times = [const { Vec::new() }; 3];
    for round in 0..rounds {
        for (way, times) in times.iter_mut().enumerate() {
            // What is overwritten is there before.
            let folder = tempfile::tempdir().unwrap();
            let files = folder.path().join("ws");
            std::fs::create_dir(&files).unwrap();
            if name.ends_with("overwritten") {
                for number in 0..1_000 {
                    std::fs::write(files.join(format!("f{number}")), "first").unwrap();
                }
            }
            let elapsed = run(program, arguments, &files, way, round).await;
            times.push(elapsed);
            // A shell goes on after a file that it could not write.
            check(name, &files);
        }
    }
    let [plain, beside, undone] = times;
    let plain = Figures::of(plain);
    compare(
        &format!("{name}, beside others"),
        &Figures::of(beside),
        "alone",
        &plain,
    );
    compare(
        &format!("{name}, undo log"),
        &Figures::of(undone),
        "alone",
        &plain,
    );
}

/// Whether the command did what is measured.
fn check(name: &str, files: &Path) {
    let count = |path: &Path| std::fs::read_dir(path).unwrap().count();
    let read = |name: &str| std::fs::read_to_string(files.join(name)).unwrap();
    match name {
        "hello" => assert_eq!(count(files), 0),
        "1 000 lines" => assert_eq!(read("lines").lines().count(), 1_000),
        "sqlite3 inserts" => {
            assert!(std::fs::metadata(files.join("t.db")).unwrap().len() > 100_000)
        }
        _ => {
            let last = if name.ends_with("overwritten") {
                "again\n"
            } else {
                "999\n"
            };
            assert_eq!((count(files), read("f999").as_str()), (1_000, last));
        }
    }
}

/// With what comes before and after: the log is begun and dropped.
async fn run(
    program: &Program,
    arguments: &[&str],
    files: &Path,
    way: usize,
    round: usize,
) -> Duration {
    let owners = Owners::default();
    let stdout = Output::collected(1 << 20);
    let mut grants = grants(arguments, files, &stdout);
    // As a runner opens them: where it starts, and by its path.
    for (directory, guest) in grants.directories.iter_mut().zip([".", "/workspace"]) {
        directory.guest = guest.to_owned();
    }
    let started = Instant::now();
    let undo = match way {
        2 => {
            let settings = UndoSettings {
                root: files.to_owned(),
                log: files.with_file_name("undo"),
                subject: Subject {
                    workspace: "ws".to_owned(),
                    key: round.to_string(),
                },
                owners: owners.clone(),
                disk: None,
            };
            Some(Undo::begin(settings).await.unwrap())
        }
        _ => None,
    };
    grants.changes = match (&undo, way) {
        (Some(undo), _) => Changes::Undone(undo.clone()),
        (None, 1) => Changes::Beside(Arc::new(Beside::new(&owners, files))),
        _ => Changes::Alone,
    };
    let ended = program.run(grants).await.unwrap();
    if let Some(undo) = undo {
        undo.keep().unwrap();
    }
    let elapsed = started.elapsed();
    assert_eq!(ended.end, End::Returned(0));
    elapsed
}
