//! JavaScript and TypeScript in a workspace, beside the native `node` on the same files.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::json;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use swarm_flow_tests::artefact::root;
use swarm_flow_tests::server::{Fresh, fresh};

/// What may differ between two systems: folders, versions, times, and where in the built-in modules something happened.
fn plain(text: &str, folder: &Path) -> String {
    let text = text.replace(folder.to_str().unwrap(), "/workspace");
    let lines = text.lines().filter(|line| !line.starts_with("    at "));
    let lines: Vec<String> = lines
        .map(|line| match line.split_once("duration_ms") {
            Some((before, _)) => before.to_owned(),
            None => without_times(line),
        })
        .collect();
    lines.join("\n")
}

/// `(1.25ms)` becomes `(ms)`.
fn without_times(line: &str) -> String {
    match line.rsplit_once('(') {
        Some((before, rest)) if rest.ends_with("ms)") => format!("{before}(ms)"),
        _ => line.to_owned(),
    }
}

fn native(folder: &Path, arguments: &[&str], input: &[u8]) -> (String, u64) {
    let mut node = Command::new("node")
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", "/tmp")
        .env("NODE_CASE_FOLDER", folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A program that does not read has its reason.
    _ = node.stdin.take().unwrap().write_all(input);
    let output = node.wait_with_output().unwrap();
    let code = output.status.code().unwrap().unsigned_abs();
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        code.into(),
    )
}

fn upload(server: &Fresh, id: &str, from: &Path, to: &Path, prefix: &str) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            std::fs::create_dir(to.join(&name)).unwrap();
            upload(
                server,
                id,
                &entry.path(),
                &to.join(&name),
                &format!("{path}/"),
            );
        } else {
            let bytes = std::fs::read(entry.path()).unwrap();
            std::fs::write(to.join(&name), &bytes).unwrap();
            assert_eq!(server.put(id, &path, bytes).0, 201, "{path}");
        }
    }
}

#[test]
fn snippets_print_what_they_print_in_node() {
    if Command::new("node").arg("--version").output().is_err() {
        println!("skipped: there is no native node to compare with");
        return;
    }
    let server = fresh();
    let cases = root().join("programs/node/tests/cases");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for entry in std::fs::read_dir(cases).unwrap() {
        let case = entry.unwrap().path();
        if case.join("differs").exists() {
            continue;
        }
        let text = |name: &str| std::fs::read_to_string(case.join(name)).unwrap_or_default();
        let folder = tempfile::tempdir().unwrap();
        let id = server.workspace("node", "standard");
        upload(&server, &id, &case, folder.path(), "");
        let (arguments, input) = (text("args"), text("input"));
        let arguments: Vec<&str> = arguments.lines().collect();
        let command: Vec<&str> = ["node"].iter().chain(&arguments).copied().collect();
        let body = json!({
            "command": command, "stdin": input,
            "env": {"NODE_CASE_FOLDER": "/workspace", "HOME": "/tmp", "PATH": "/usr/local/bin:/usr/bin:/bin"},
        });
        let (status, result) = server.post(&format!("/workspaces/{id}/exec"), &body);
        assert_eq!(status, 200, "{result}");
        let (stdout, code) = native(folder.path(), &arguments, input.as_bytes());
        let here = plain(
            result["stdout"].as_str().unwrap_or("(binary)"),
            folder.path(),
        );
        let there = plain(&stdout, folder.path());
        compared += 1;
        if (&here, result["exit_code"].as_u64()) != (&there, Some(code)) {
            wrong.push(format!(
                "{}\n  here: {here:?} {result}\n  node: {there:?} {code}",
                case.display()
            ));
        }
    }
    assert!(compared >= 30, "only {compared} cases");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn typescript_runs_and_its_errors_have_its_lines() {
    let server = fresh();
    let id = server.workspace("node", "standard");
    let source = "enum Kind { A = 1, B }\ninterface Item { name: string; kind: Kind }\n\
        const item: Item = { name: 'x', kind: Kind.B };\nconsole.log(item.name, Kind[item.kind] satisfies string);\n\
        throw new Error('line 5');\n";
    server.put(&id, "app.ts", source);
    let result = server.exec(&id, &["node", "app.ts"]);
    assert_eq!(
        (&result["stdout"], &result["exit_code"]),
        (&json!("x B\n"), &json!(1)),
        "{result}"
    );
    assert!(
        result["stderr"].as_str().unwrap().contains("app.ts:5:"),
        "{result}"
    );
}

#[test]
fn javascript_starts_other_programs() {
    let server = fresh();
    let id = server.workspace("node", "standard");
    let code = "const { execSync, spawnSync } = require('child_process');\n\
        console.log(execSync('echo from sh | tr a-z A-Z').toString().trim());\n\
        console.log(spawnSync('family', ['exit', '3']).status);\n\
        try { execSync('exit 4', { stdio: 'ignore' }) } catch (error) { console.log(error.status) }";
    let result = server.exec(&id, &["node", "-e", code]);
    assert_eq!(result["stdout"], "FROM SH\n3\n4\n", "{result}");
}

/// `node_modules` as npm installed it, in one archive that the workspace's own `tar` takes apart.
fn with_packages_from_npm(server: &Fresh) -> Option<String> {
    let fixture = root().join("target/fixtures/npm");
    if !fixture.join("installed").exists() {
        println!("skipped: `cargo xtask test` fetches the packages where there is npm");
        return None;
    }
    let archive = Command::new("tar")
        .args(["--create", "--directory"])
        .arg(fixture)
        .arg("node_modules")
        .output()
        .unwrap();
    assert!(archive.status.success());
    let id = server.workspace("node", "standard");
    assert_eq!(server.put(&id, "packages.tar", archive.stdout).0, 201);
    let unpacked = server.exec(&id, &["tar", "xf", "packages.tar"]);
    assert_eq!(unpacked["exit_code"], 0, "{unpacked}");
    Some(id)
}

#[test]
fn packages_from_npm_pass_their_own_tests() {
    let server = fresh();
    let Some(id) = with_packages_from_npm(&server) else {
        return;
    };
    for (package, command, passed) in [
        // In Node two more: about what `Intl` adds.
        ("qs", "node ../tape/bin/tape 'test/**/*.js'", "# pass  795"),
        (
            "minimist",
            "node ../tape/bin/tape 'test/*.js'",
            "# pass  153",
        ),
        ("@fastify/error", "node --test", "# pass 29"),
    ] {
        let command = format!("cd node_modules/{package} && {command}");
        let ran = server.exec(&id, &["sh", "-c", &command]);
        let stdout = ran["stdout"].as_str().unwrap_or_default();
        let tail = &stdout[stdout.len().saturating_sub(3_000)..];
        assert_eq!(ran["exit_code"], 0, "{package}: {tail}\n{}", ran["stderr"]);
        assert!(stdout.contains(passed), "{package}: {tail}");
    }
}
