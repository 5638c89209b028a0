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
use std::time::{Duration, Instant};
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

#[test]
fn a_bomb_of_forks_ends_and_the_next_command_runs() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    for (bomb, error) in [
        (":(){ :|:& };:", None),
        (":(){ :|:& }; :; wait", None),
        (
            "f(){ f | f; }; f",
            Some("fork: Resource temporarily unavailable"),
        ),
        (
            "f(){ f; }; f",
            Some("maximum function nesting level exceeded"),
        ),
        (
            "while :; do cat /dev/zero > /dev/null & done",
            Some("fork: Resource temporarily unavailable"),
        ),
        ("while :; do sh -c \"$0\" & done", None),
    ] {
        let body = json!({"command": ["sh", "-c", bomb], "timeout_ms": 20_000});
        let started = Instant::now();
        let (status, result) = server.post(&format!("/workspaces/{id}/exec"), &body);
        assert_eq!(status, 200, "{bomb}: {result}");
        let stderr = result["stderr"].as_str().unwrap();
        if let Some(error) = error {
            assert!(stderr.contains(error), "{bomb}: {result}");
            assert_ne!(result["exit_code"], 0, "{bomb}: {result}");
        }
        assert!(!stderr.contains("panicked"), "{bomb}: {result}");
        assert!(started.elapsed() < Duration::from_secs(40), "{bomb}");
        let next = server.exec(&id, &["sh", "-c", "echo next | cat"]);
        assert_eq!(next["stdout"], "next\n", "{bomb}: {next}");
    }
}

#[test]
fn thousands_of_jobs_in_the_background_all_run() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    for (script, expected) in [
        (
            "for i in $(seq 10000); do true & done; wait; echo \"$? $(jobs | wc -l)\"",
            "0 0\n",
        ),
        (
            "for i in $(seq 1000); do echo $i >> all & done; wait; sort -n all | uniq | wc -l",
            "1000\n",
        ),
        (
            "for i in $(seq 500); do cat /dev/null & done; wait; echo done",
            "done\n",
        ),
    ] {
        let result = server.exec(&id, &["sh", "-c", script]);
        assert_eq!(result["stdout"], expected, "{script}: {result}");
    }
}

#[test]
fn who_writes_into_a_pipe_that_nobody_reads_ends() {
    let server = fresh();
    let python = server.workspace("python", "standard");
    let node = server.workspace("node", "standard");
    let nu = server.workspace("nu", "standard");
    let endless = "import itertools\nfor number in itertools.count(): print(number)\n";
    let again = "for (let number = 0; ; number++) console.log(number);\n";
    server.put(&python, "endless.py", endless);
    server.put(&node, "endless.js", again);
    for (id, script, expected) in [
        (
            &python,
            "yes | head -1; echo \"$? ${PIPESTATUS[1]}\"",
            "y\n0 0\n",
        ),
        (&python, "cat /dev/zero | head -c 3 | wc -c", "3\n"),
        (
            &python,
            "seq 100000000 | sed p | awk 1 | tr 1 1 | head -1",
            "1\n",
        ),
        (&python, "while :; do echo y; done | head -2", "y\ny\n"),
        (
            &python,
            "python endless.py 2> said | head -1; tail -1 said",
            "0\nBrokenPipeError: [Errno 64] Broken pipe\n",
        ),
        (
            &python,
            "python endless.py 2> said | head -1 > one; grep -c launcher said",
            "0\n",
        ),
        (&node, "node endless.js | head -1", "0\n"),
        (&nu, "nu -c '1.. | each {|n| print $n}' | head -1", "1\n"),
    ] {
        let body = json!({"command": ["sh", "-c", script], "timeout_ms": 20_000});
        let (status, result) = server.post(&format!("/workspaces/{id}/exec"), &body);
        assert_eq!(status, 200, "{script}: {result}");
        assert_eq!(result["stdout"], expected, "{script}: {result}");
        assert_eq!(result["outcome"]["kind"], "exited", "{script}: {result}");
    }
}

#[test]
fn bytes_that_are_no_text_come_out_as_they_are() {
    let server = fresh();
    let python = server.workspace("python", "standard");
    let node = server.workspace("node", "standard");
    let bytes: Vec<u8> = (0..=255)
        .chain(b"\r\n\r\n\xef\xbb\xbf".iter().copied())
        .collect();
    let encoded = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w0KDQrvu78=";
    for id in [&python, &node] {
        server.put(id, "bytes", bytes.clone());
    }
    for (id, command) in [
        (&python, vec!["cat", "bytes"]),
        (
            &python,
            vec!["sh", "-c", "cat < bytes | cat | tee copy; cmp bytes copy"],
        ),
        (
            &python,
            vec![
                "python",
                "-c",
                "import sys; sys.stdout.buffer.write(open('bytes', 'rb').read())",
            ],
        ),
        (
            &node,
            vec![
                "node",
                "-e",
                "process.stdout.write(require('fs').readFileSync('bytes'))",
            ],
        ),
    ] {
        let body = json!({"command": command, "output_encoding": "base64"});
        let (status, result) = server.post(&format!("/workspaces/{id}/exec"), &body);
        assert_eq!(
            (status.as_u16(), &result["stdout"]),
            (200, &json!(encoded)),
            "{command:?}: {result}"
        );
        // As text, what is no text is marked and the rest is there.
        let text = server.exec(id, &command);
        let text = text["stdout"].as_str().unwrap();
        assert!(
            text.starts_with("\0\u{1}\u{2}") && text.contains('\u{fffd}'),
            "{command:?}"
        );
    }
}

#[test]
fn scripts_of_another_system_run_or_say_what_is_wrong() {
    let server = fresh();
    let python = server.workspace("python", "standard");
    let node = server.workspace("node", "standard");
    let nu = server.workspace("nu", "standard");
    for (id, command, text, expected) in [
        // Bash takes neither; a script that was written on Windows is what is meant.
        (&python, "sh", "\u{feff}echo mark\n", "mark\n"),
        (
            &python,
            "sh",
            "if true; then\r\n  echo ends\r\nfi\r\n",
            "ends\n",
        ),
        (
            &python,
            "python",
            "\u{feff}if True:\r\n    print('''a\r\nb''')\r\n",
            "a\nb\n",
        ),
        (
            &node,
            "node",
            "\u{feff}console.log('mark');\r\nconsole.log(`a\r\nb`.length)\r\n",
            "mark\n3\n",
        ),
        (
            &nu,
            "nu",
            "\u{feff}if true {\r\n  print mark\r\n}\r\n",
            "mark\n",
        ),
    ] {
        server.put(id, "script", text);
        let result = server.exec(id, &[command, "script"]);
        assert_eq!(result["stdout"], expected, "{command} {text:?}: {result}");
    }
    // By its path the first line counts, in which a carriage return is none of the program's name.
    server.put(&python, "run", "#!/usr/bin/env python\r\nprint('run')\r\n");
    assert_eq!(server.exec(&python, &["./run"])["stdout"], "run\n");
    server.put(
        &python,
        "marked",
        "\u{feff}#!/usr/bin/env python\nprint('run')\n",
    );
    let (status, problem) = server.post(
        &format!("/workspaces/{python}/exec"),
        &json!({"command": ["./marked"]}),
    );
    let detail = problem["detail"].as_str().unwrap();
    assert_eq!(status, 400, "{problem}");
    assert!(
        detail.contains("neither WebAssembly nor a script that begins with `#!`"),
        "{problem}"
    );
}
