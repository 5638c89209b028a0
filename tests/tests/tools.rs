//! The tools of a workspace beside those of this machine: each line of `programs/*/tests/compare.txt` in a folder of its
//! own that `compare.setup` fills, with the same output, exit code and files.

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
use swarm_flow_tests::server::Server;

/// Lines that do something else here, and why.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "awk 'BEGIN{print 2^10, 2**3, 7%3, -7%3, int(-3.7)}'",
        "mawk has no `**`",
    ),
    (
        r#"awk 'BEGIN{print substr("hello",0), substr("hello",-1,3), substr("hello",2)}'"#,
        "mawk counts what is before the text otherwise",
    ),
    ("awk 'BEGIN{print 1/0}'", "mawk divides by zero"),
    (
        r#"awk 'BEGIN { print "a\\b\"c\/d" }'"#,
        "mawk keeps the backslash before a slash",
    ),
    (
        "fmt -w 30 docs/readme.md",
        "upstream's lines come nearer to the width",
    ),
    ("numfmt --to=si 1500", "newer versions say `k`, as SI does"),
    (
        "pr -t -2 lines.txt",
        "upstream fills columns up with spaces",
    ),
    ("ptx s1", "upstream gives each line for itself"),
    (
        "dircolors -b | head -1",
        "upstream has colours for each terminal",
    ),
    (
        "du -a --apparent-size -b src",
        "by name, not as the disk has them",
    ),
    ("env -i A=1 printenv", "a sandbox adds its own HOME and PWD"),
    (
        r#"printf 'é\n' | grep -o ."#,
        "text is UTF-8 in each locale",
    ),
    ("jq . bad.json", "5 since 1.7"),
    (
        "jq -n '1.0, 1.5, 1e3, 100000000000000000000, 0.1, 3.0e10, 1e-5'",
        "numbers stay as they were written since 1.7",
    ),
    (
        "jq -n '@base64d' <<< 1",
        "what is no UTF-8 is replaced byte by byte",
    ),
    (
        "jq --seq -c . l.json",
        "input without separators is read too",
    ),
    (
        "jq -n 'limit(3;repeat(1))'",
        "the input comes first since 1.7",
    ),
    (
        "{ sqlite3 -quote t.db 'select * from fruit'; }; code=$?; rm -f *.db; (exit $code)",
        "newer versions print the shortest number",
    ),
    (
        "{ sqlite3 :memory: 'select 1.0, 0.1+0.2, 1e15, 123456789012345678, -0.5, 1e-7'; }; code=$?; rm -f *.db; (exit $code)",
        "newer versions print 17 digits",
    ),
    (
        r#"{ sqlite3 :memory: "select round(2.5), abs(-3), sqrt(16), pi()"; }; code=$?; rm -f *.db; (exit $code)"#,
        "newer versions print 17 digits",
    ),
    (
        "tar czf x.tgz src --exclude='*.rs' && /usr/bin/tar tzf x.tgz | sort; rm x.tgz",
        "an exclusion counts wherever it stands",
    ),
];

#[derive(Debug, PartialEq, Eq)]
struct Said {
    /// What is not text is replaced, as the API does it.
    stdout: String,
    code: u64,
}

/// The line, and after it what became of the files.
fn script(line: &str) -> String {
    format!(
        "CASE=$PWD; export CASE\n( {line}\n)\ncode=$?\nprintf '%s\\n' '--- files ---'\n\
         find . -type f -exec sha256sum {{}} + | sort\nfind . -type l -o -type d | sort\nexit $code"
    )
}

fn bash(script: &str, folder: &Path) -> Command {
    let mut bash = Command::new("timeout");
    bash.args(["20", "bash", "--norc", "-c", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder)
        .env("LC_ALL", "C")
        .env("TZ", "UTC0")
        .stdin(Stdio::null());
    bash
}

fn native(script: &str, folder: &Path) -> Said {
    let output = bash(script, folder).output().unwrap();
    let parent = folder.parent().unwrap().to_str().unwrap();
    Said {
        stdout: String::from_utf8_lossy(&output.stdout).replace(parent, "/workspace"),
        code: output
            .status
            .code()
            .map_or(999, |code| code.unsigned_abs().into()),
    }
}

fn here(server: &Server, id: &str, folder: &str, script: &str) -> Said {
    let script =
        format!("mkdir {folder} && cd {folder} && tar xf ../setup.tar || exit 250\n{script}");
    let body = json!({
        "command": ["sh", "-c", script],
        "env": {"LC_ALL": "C", "TZ": "UTC0", "HOME": format!("/workspace/{folder}")},
        "timeout_ms": 20_000,
    });
    let (status, result) = server.post(&format!("/workspaces/{id}/exec"), &body);
    assert_eq!(status, 200, "{script}: {result}");
    Said {
        stdout: result["stdout"].as_str().unwrap().to_owned(),
        code: result["exit_code"].as_u64().unwrap(),
    }
}

/// Whether this machine has the tool, as its package names it.
fn is_native(tool: &str) -> bool {
    let tool = match tool {
        "coreutils" => "ls",
        "view" => "xxd",
        tool => tool,
    };
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {tool}")])
        .output();
    found.is_ok_and(|found| found.status.success())
}

fn same_as_native(tool: &str) {
    let tests = root().join("programs").join(tool).join("tests");
    if !is_native(tool) {
        println!("skipped: this machine has no {tool}");
        return;
    }
    let lines = std::fs::read_to_string(tests.join("compare.txt")).unwrap();
    let setup = std::fs::read_to_string(tests.join("compare.setup")).unwrap_or_default();
    let folders = tempfile::tempdir().unwrap();
    let first = folders.path().join("setup");
    std::fs::create_dir(&first).unwrap();
    assert!(bash(&setup, &first).status().unwrap().success());
    let mut tar = Command::new("tar");
    let archive = tar
        .arg("-C")
        .arg(&first)
        // With the fractions of its times.
        .args(["--format=posix", "-c", "."])
        .output()
        .unwrap();
    let state = tempfile::tempdir().unwrap();
    // The guest of that name would be found before it.
    let coreutils = root().join("target/programs/coreutils.wasm");
    let echo = format!("echo={}", coreutils.display());
    let server = Server::start_given(state.path(), &[], &["--program", &echo]);
    let id = server.workspace("base", "standard");
    assert_eq!(server.put(&id, "setup.tar", archive.stdout).0, 201);
    let mut wrong = Vec::new();
    let (mut same, mut different) = (0, 0);
    for line in lines.lines() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let name = format!("case{}", same + different + wrong.len());
        let folder = folders.path().join(&name);
        let copied = Command::new("cp")
            .arg("-a")
            .arg(&first)
            .arg(&folder)
            .status();
        assert!(copied.unwrap().success());
        let script = script(line);
        let there = native(&script, &folder);
        let here = here(&server, &id, &name, &script);
        let known = DIFFERENT.iter().any(|(different, _)| *different == line);
        match (here == there, known) {
            (true, false) => same += 1,
            (false, true) => different += 1,
            (true, true) => wrong.push(format!("{line}\n  is no longer different")),
            (false, false) => wrong.push(format!("{line}\n  here:  {here:?}\n  there: {there:?}")),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong, {same} the same:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    println!("{same} lines are the same, {different} known to differ");
}

macro_rules! tools {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                same_as_native(stringify!($name));
            }
        )*
    };
}

tools! { awk bc coreutils diff find grep jq make rg sed sqlite3 tar view }

#[test]
fn every_tool_with_lines_is_tested() {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("programs")).unwrap() {
        let folder = entry.unwrap().path();
        if folder.join("tests/compare.txt").exists() {
            found.push(folder.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    let source = include_str!("tools.rs");
    let listed = source.split("tools! { ").nth(1).unwrap();
    let listed = listed.split(" }").next().unwrap();
    assert_eq!(found.join(" "), listed);
}
