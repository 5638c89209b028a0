//! `git` in a workspace beside the native one: the lines of `programs/git/tests`, one after another in one folder, with the
//! same outputs and exit codes. Dates are given, so the names of commits are the same too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::json;
use std::path::Path;
use std::process::{Command, Stdio};
use swarm_flow_tests::artefact::root;
use swarm_flow_tests::server::{Server, fresh};

const IDENTITY: &str = "[user]\n\tname = A U Thor\n\temail = author@example.com\n\
                        [init]\n\tdefaultBranch = main\n[core]\n\tfilemode = false\n";

#[derive(Debug, PartialEq, Eq)]
struct Said {
    stdout: String,
    stderr: String,
    code: u64,
}

/// The dates of a line: a minute later for each.
fn dates(line: u64) -> [(&'static str, String); 4] {
    let seconds = 1_700_000_000 + line * 60;
    let date = format!("{seconds} +0100");
    [
        ("GIT_AUTHOR_DATE", date.clone()),
        ("GIT_COMMITTER_DATE", date),
        ("GIT_TEST_DATE_NOW", (seconds + 3 * 86_400).to_string()),
        ("LANG", "C.UTF-8".to_owned()),
    ]
}

fn native(line: &str, number: u64, folder: &Path) -> Said {
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(folder.join("w"))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder.join("home"))
        .envs(dates(number))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.replace(folder.to_str().unwrap(), "/workspace")
    };
    Said {
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
        code: output.status.code().unwrap().unsigned_abs().into(),
    }
}

fn here(server: &Server, id: &str, line: &str, number: u64) -> Said {
    let mut env = json!({"HOME": "/workspace/home"});
    for (name, value) in dates(number) {
        env[name] = value.into();
    }
    let body = json!({
        "command": ["sh", "-c", line], "cwd": "/workspace/w", "env": env, "timeout_ms": 20_000,
    });
    let (status, result) = server.post(&format!("/workspaces/{id}/exec"), &body);
    assert_eq!(status, 200, "{line}: {result}");
    let text = |name: &str| result[name].as_str().unwrap().to_owned();
    Said {
        stdout: text("stdout"),
        stderr: text("stderr"),
        code: result["exit_code"].as_u64().unwrap(),
    }
}

/// `setup` is done natively, and both begin with what it left.
fn same_as_native(session: &str, setup: Option<&str>) {
    if Command::new("git").arg("--version").output().is_err() {
        println!("skipped: this machine has no git");
        return;
    }
    let tests = root().join("programs/git/tests");
    let lines = std::fs::read_to_string(tests.join(session)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for name in ["w", "home"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("home/.gitconfig"), IDENTITY).unwrap();
    if let Some(setup) = setup {
        let setup = std::fs::read_to_string(tests.join(setup)).unwrap();
        assert_eq!(native(&setup, 0, folder.path()).code, 0);
    }
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(folder.path());
    let archive = tar.args(["--format=posix", "-c", "w", "home"]).output();
    let server = fresh();
    let id = server.workspace("base", "standard");
    assert_eq!(server.put(&id, "setup.tar", archive.unwrap().stdout).0, 201);
    let unpacked = server.exec(&id, &["tar", "xf", "setup.tar"]);
    assert_eq!(unpacked["exit_code"], 0, "{unpacked}");
    let mut wrong = Vec::new();
    let mut same = 0;
    let lines = lines.lines();
    let lines = lines.filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    for (number, line) in (0..).zip(lines) {
        let there = native(line, number, folder.path());
        let here = here(&server, &id, line, number);
        if here == there {
            same += 1;
        } else {
            wrong.push(format!("{line}\n  here:  {here:?}\n  there: {there:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong, {same} the same:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!("{same} lines are the same");
}

#[test]
fn a_repository_that_git_packed_is_read() {
    same_as_native("read.txt", Some("read.setup"));
}

#[test]
fn a_first_session() {
    same_as_native("session-first.txt", None);
}

#[test]
fn a_session_with_branches() {
    same_as_native("session-branches.txt", None);
}

#[test]
fn a_session_with_conflicts() {
    same_as_native("session-conflicts.txt", None);
}
