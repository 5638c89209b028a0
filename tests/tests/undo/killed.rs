//! A process that is killed by SIGKILL while commands change files: after each restart what was committed is there, once, and
//! nothing else.

use crate::workspace::{Workspace, sh};
use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use swarm_flow_sandbox::undo::{self, Changes};

const FOLDER: &str = "SWARM_FLOW_TEST_UNDO_FOLDER";
const ROUNDS: u64 = 20;

/// What each command does: a line more in one file, all others written anew, one made and one removed.
fn storm(number: usize) -> String {
    format!(
        "echo {number} >> lines; echo {number} > last; for i in 1 2 3 4 5 6 7 8; do \
         echo {number} > f$i; echo {number}.$i >> d$((i % 3)); done; echo {number} > only{number}"
    )
}

/// Commands one after another, each committed by a line in the journal; until somebody kills it.
#[test]
#[ignore = "it is run by the test below, which kills it"]
fn storm_until_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let folder = Path::new(&folder);
        let workspace = Workspace::at(folder);
        let mut journal = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("journal"))
            .unwrap();
        for number in committed(folder).len().. {
            let undo = workspace.undo(&number.to_string()).await;
            let changes = Changes::Undone(undo.clone());
            workspace
                .run(&sh(&storm(number)), changes)
                .await
                .succeeded();
            undo.close();
            journal.write_all(format!("{number}\n").as_bytes()).unwrap();
            undo.keep().unwrap();
        }
    });
}

/// The commands that are.
fn committed(folder: &Path) -> HashSet<String> {
    let journal = std::fs::read_to_string(folder.join("journal")).unwrap_or_default();
    let lines = journal.split_inclusive('\n');
    let whole = lines.filter_map(|line| line.strip_suffix('\n'));
    whole.map(str::to_owned).collect()
}

fn recover(workspace: &Workspace, committed: &HashSet<String>) -> usize {
    let mut taken_back = 0;
    for log in std::fs::read_dir(workspace.undo_logs()).unwrap() {
        let log = log.unwrap().path();
        match undo::subject(&log).unwrap() {
            Some(subject) if !committed.contains(&subject.key) => {
                undo::take_back(&log, &workspace.root()).unwrap();
                taken_back += 1;
            }
            _ => undo::remove(&log).unwrap(),
        }
    }
    taken_back
}

#[test]
fn killed_at_any_time_each_command_was_done_once_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = Workspace::at(folder.path());
    let (mut taken_back, mut random) = (0, 0x2545_f491_4f6c_dd1d_u64);
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::storm_until_killed", "--ignored"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // It takes a while to begin; then it is killed at any instant of its commands.
        let before = committed(folder.path()).len();
        while committed(folder.path()).len() == before {
            std::thread::sleep(Duration::from_millis(1));
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        }
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        std::thread::sleep(Duration::from_micros(random % 40_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let done = committed(folder.path());
        taken_back += recover(&workspace, &done);
        check(&workspace, done.len(), round);
    }
    println!("{taken_back} of {ROUNDS} rounds took something back");
    assert!(taken_back > 0, "no round ended within a command");
}

fn check(workspace: &Workspace, done: usize, round: u64) {
    let lines: String = (0..done).map(|number| format!("{number}\n")).collect();
    let last = format!("{}\n", done - 1);
    assert_eq!(workspace.read("lines"), lines, "round {round}");
    for file in ["last", "f1", "f8"] {
        assert_eq!(workspace.read(file), last, "round {round}, {file}");
    }
    assert_eq!(workspace.read("d0").lines().count(), 2 * done);
    let names = std::fs::read_dir(workspace.files()).unwrap().count();
    assert_eq!(names, 13 + done, "round {round}");
    assert_eq!(workspace.logs(), 0);
}
