//! What a command changes is there in full or not at all: real programs, one after another and at once, and a process that is
//! killed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "undo/killed.rs"]
mod killed;
#[path = "undo/workspace.rs"]
mod workspace;

use std::sync::Arc;
use std::time::Duration;
use swarm_flow_sandbox::undo::Changes;
use workspace::{Workspace, coreutils, sh, sqlite};

/// A workspace in which each kind of thing is there already.
async fn furnished() -> Workspace {
    let workspace = Workspace::new();
    let made =
        sh("printf 'one\\n' > log; printf 'abcdefgh' > text; printf 'x' > old; printf '' > empty");
    workspace.run(&made, Changes::Alone).await.succeeded();
    for line in [
        "mkdir -p dir/inner gone",
        "cp text dir/inner/copy",
        "ln -s text link",
        "ln old second",
        "touch -d 2001-02-03T04:05:06Z text dir/inner gone dir",
    ] {
        workspace
            .run(&coreutils(line), Changes::Alone)
            .await
            .succeeded();
    }
    let table = sqlite("create table t(a); insert into t values (1), (2)");
    workspace.run(&table, Changes::Alone).await.succeeded();
    workspace
}

async fn change_all(workspace: &Workspace, changes: &Changes) {
    let script = "echo two >> log; printf XY > text; : > old; for i in 1 2 3; do echo $i > new$i; done; \
                  echo tmp > /tmp/file";
    let table = "insert into t values (3); delete from t where a = 1; create table u(b)";
    workspace
        .run(&sh(script), changes.clone())
        .await
        .succeeded();
    workspace
        .run(&sqlite(table), changes.clone())
        .await
        .succeeded();
    for line in [
        "mkdir -p deep/er",
        "mv dir deep/er/dir",
        "rm link second",
        "rmdir gone",
        "mv text log",
        "ln -s nowhere link",
        "ln new1 new4",
        "touch -d 2011-01-01T00:00:00Z old deep/er/dir",
        "truncate -s 3 deep/er/dir/inner/copy",
        "rm -r new2 deep/er/dir/inner",
        "cp -r deep again",
    ] {
        workspace
            .run(&coreutils(line), changes.clone())
            .await
            .succeeded();
    }
}

#[tokio::test]
async fn what_programs_changed_is_taken_back_to_the_byte() {
    let workspace = furnished().await;
    let before = workspace.snapshot();
    let undo = workspace.undo("1").await;
    change_all(&workspace, &Changes::Undone(undo.clone())).await;
    assert_ne!(workspace.snapshot(), before);
    undo.take_back().unwrap();
    assert_eq!(workspace.snapshot(), before);
    assert_eq!(workspace.logs(), 0);
}

#[tokio::test]
async fn what_is_kept_is_as_if_there_were_no_log() {
    let (noted, plain) = (furnished().await, furnished().await);
    let undo = noted.undo("1").await;
    change_all(&noted, &Changes::Undone(undo.clone())).await;
    undo.keep().unwrap();
    change_all(&plain, &Changes::Alone).await;
    assert_eq!(noted.contents(), plain.contents());
    assert_eq!(noted.logs(), 0);
}

#[tokio::test]
async fn what_was_not_done_yet_is_not_done_after_the_end() {
    let workspace = furnished().await;
    let undo = workspace.undo("1").await;
    undo.close();
    let late = workspace
        .run(&sh("echo late > new"), Changes::Undone(undo.clone()))
        .await;
    assert_ne!(late.code, 0);
    assert!(!workspace.files().join("new").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_append_to_one_file_do_so_one_after_the_other() {
    for keep in [true, false] {
        let workspace = Arc::new(furnished().await);
        let first = workspace.undo("1").await;
        let second = workspace.undo("2").await;
        let append = |text: &str| sh(&format!("echo {text} >> log"));
        workspace
            .run(&append("first"), Changes::Undone(first.clone()))
            .await
            .succeeded();
        let waiting = tokio::spawn({
            let (workspace, append) = (workspace.clone(), append("second"));
            let changes = Changes::Undone(second.clone());
            async move { workspace.run(&append, changes).await }
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(workspace.read("log"), "one\nfirst\n");
        if keep {
            first.keep().unwrap();
        } else {
            first.take_back().unwrap();
        }
        waiting.await.unwrap().succeeded();
        second.keep().unwrap();
        let expected = if keep {
            "one\nfirst\nsecond\n"
        } else {
            "one\nsecond\n"
        };
        assert_eq!(workspace.read("log"), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_command_waits_for_a_tasks_and_only_where_it_has_to() {
    let workspace = Arc::new(furnished().await);
    let undo = workspace.undo("1").await;
    let task = sh("echo task >> log; echo task > made");
    workspace
        .run(&task, Changes::Undone(undo.clone()))
        .await
        .succeeded();
    // Reading, and what the task has nothing to do with.
    let free = sh("read line < log && echo $line && echo user >> old");
    let read = workspace.run(&free, workspace.beside()).await;
    assert_eq!(read.succeeded(), "one\n");
    let mut waiting = Vec::new();
    for (command, expected) in [
        (sh("echo user >> log"), "log"),
        (sh("echo user > made"), "made"),
        (coreutils("mv made stolen"), "stolen"),
    ] {
        let (workspace, changes) = (workspace.clone(), workspace.beside());
        let run = async move { workspace.run(&command, changes).await };
        waiting.push((tokio::spawn(run), expected));
        if expected == "log" {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(workspace.read("log"), "one\ntask\n");
    assert_eq!(workspace.read("made"), "task\n");
    undo.take_back().unwrap();
    let mut codes = Vec::new();
    for (run, _) in waiting {
        codes.push(run.await.unwrap().code);
    }
    assert_eq!(codes[..2], [0, 0]);
    assert_eq!(workspace.read("log"), "one\nuser\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_want_what_the_other_has_do_not_wait_for_ever() {
    let workspace = Arc::new(furnished().await);
    let tasks = [workspace.undo("1").await, workspace.undo("2").await];
    let run = |task: usize, file: &str| {
        let command = sh(&format!("echo {task} >> {file} || exit 9"));
        let changes = Changes::Undone(tasks[task].clone());
        let workspace = workspace.clone();
        async move { workspace.run(&command, changes).await }
    };
    run(0, "log").await.succeeded();
    run(1, "old").await.succeeded();
    let first = tokio::spawn(run(0, "old"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = run(1, "log").await;
    assert_ne!(second.code, 0, "it closes the circle");
    tasks[1].take_back().unwrap();
    first.await.unwrap().succeeded();
    tasks[0].keep().unwrap();
    assert_eq!(workspace.read("log"), "one\n0\n");
    assert_eq!(workspace.read("old"), "x0\n");
}

#[tokio::test]
async fn what_the_log_keeps_has_a_limit() {
    let workspace = furnished().await;
    let big = coreutils("truncate -s 100000 big");
    workspace.run(&big, Changes::Alone).await.succeeded();
    let before = workspace.snapshot();
    for (limit, fits) in [(50_000, false), (200_000, true)] {
        let undo = workspace.undo_within("1", limit).await;
        let changes = Changes::Undone(undo.clone());
        let ran = workspace.run(&coreutils("rm big"), changes).await;
        assert_eq!(ran.code == 0, fits, "{limit}: {}", ran.stderr);
        undo.take_back().unwrap();
        assert_eq!(workspace.snapshot(), before);
    }
}

#[tokio::test]
async fn nothing_is_changed_where_it_could_not_be_taken_back() {
    let workspace = furnished().await;
    let undo = workspace.undo("1").await;
    let outside = tempfile::tempdir().unwrap();
    let mut command = sh("echo x > /outside/file");
    command.outside = Some(outside.path().to_owned());
    let refused = workspace.run(&command, Changes::Undone(undo.clone())).await;
    assert_ne!(refused.code, 0);
    assert!(!outside.path().join("file").exists());
    // Its twins: by who takes nothing back, and in the workspace.
    workspace
        .run(&command, workspace.beside())
        .await
        .succeeded();
    assert!(outside.path().join("file").exists());
    workspace
        .run(&sh("echo x > inside"), Changes::Undone(undo))
        .await
        .succeeded();
}
