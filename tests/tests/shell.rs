//! What coding agents type, in a workspace and in the shell of this machine: the same files, the same lines, one after
//! another, and the same output.

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
use swarm_flow_tests::server::fresh;

/// One command line in each; `␤` stands for a line break in it.
const LINES: &str = include_str!("../shell/lines.txt");

/// Lines that print something else here, and why.
const DIFFERENT: &[(&str, &str)] = &[];

#[derive(Debug, PartialEq, Eq)]
struct Said {
    stdout: String,
    code: u64,
}

fn native(line: &str, folder: &Path) -> Said {
    let output = Command::new("bash")
        .args(["--norc", "-c", line])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Said {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        code: output
            .status
            .code()
            .map_or(999, |code| code.unsigned_abs().into()),
    }
}

fn has_natively(tool: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .output();
    found.is_ok_and(|found| found.status.success())
}

fn copy(from: &Path, to: &Path, put: &mut dyn FnMut(&str, Vec<u8>), prefix: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            std::fs::create_dir(to.join(&name)).unwrap();
            copy(&entry.path(), &to.join(&name), put, &format!("{path}/"));
        } else {
            let bytes = std::fs::read(entry.path()).unwrap();
            std::fs::write(to.join(&name), &bytes).unwrap();
            put(&path, bytes);
        }
    }
}

#[test]
fn command_lines_do_what_they_do_on_this_machine() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let folder = tempfile::tempdir().unwrap();
    let mut put = |path: &str, bytes: Vec<u8>| {
        assert_eq!(server.put(&id, path, bytes).0, 201, "{path}");
    };
    copy(
        &root().join("tests/shell/files"),
        folder.path(),
        &mut put,
        "",
    );
    let mut wrong = Vec::new();
    let (mut same, mut skipped) = (0, 0);
    for line in LINES.lines() {
        let tool = line.split_whitespace().next().unwrap_or_default();
        if tool == "jq" && !has_natively(tool) {
            skipped += 1;
            continue;
        }
        let script = line.replace('␤', "\n");
        let body = json!({
            "command": ["sh", "-c", script], "env": {"LC_ALL": "C.UTF-8"}, "timeout_ms": 20_000,
        });
        let (status, result) = server.post(&format!("/workspaces/{id}/exec"), &body);
        assert_eq!(status, 200, "{line}: {result}");
        let here = Said {
            stdout: result["stdout"].as_str().unwrap_or("(binary)").to_owned(),
            code: result["exit_code"].as_u64().unwrap(),
        };
        let there = native(&script, folder.path());
        let known = DIFFERENT.iter().any(|(different, _)| *different == line);
        match (here == there, known) {
            (true, false) => same += 1,
            (false, true) => {}
            (true, true) => wrong.push(format!("{line}\n  is no longer different")),
            (false, false) => wrong.push(format!(
                "{line}\n  here:  {here:?} {}\n  there: {there:?}",
                result["stderr"]
            )),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} lines:\n{}",
        wrong.len(),
        LINES.lines().count(),
        wrong.join("\n")
    );
    println!(
        "{same} lines are the same, {} known to differ, {skipped} skipped",
        DIFFERENT.len()
    );
}
