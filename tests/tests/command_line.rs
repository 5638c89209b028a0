//! The command line against a real server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Output, Stdio};
use swarm_flow_tests::artefact;
use swarm_flow_tests::server::{Server, binary, cli, fresh};

fn run(server: &Server, arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = cli(server)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn exec_passes_streams_and_the_exit_code_through() {
    let server = fresh();
    let id = server.workspace("python", "standard");
    let done = run(
        &server,
        &["exec", &id, "--env", "A=b", "--", "echo", "x y"],
        b"from a pipe",
    );
    assert_eq!(done.status.code(), Some(0));
    assert!(
        text(&done.stdout).contains("stdin \"from a pipe\""),
        "{}",
        text(&done.stdout)
    );
    assert!(text(&done.stdout).contains("(\"A\", \"b\")"));
    assert_eq!(text(&done.stderr), "to stderr\n");
    let code = "import sys; sys.stdout.buffer.write(bytes(range(256))); sys.exit(7)";
    let done = run(&server, &["exec", &id, "--", "python", "-c", code], b"");
    assert_eq!(
        (done.status.code(), done.stdout),
        (Some(7), (0..=255).collect())
    );
    let done = run(
        &server,
        &["exec", &id, "--timeout", "100ms", "--", "hungry", "sleep"],
        b"",
    );
    assert_eq!(done.status.code(), Some(124));
    let done = run(&server, &["exec", &id, "--", "emacs"], b"");
    assert_eq!(done.status.code(), Some(125));
    assert!(
        text(&done.stderr).contains("hello"),
        "{}",
        text(&done.stderr)
    );
}

#[test]
fn a_workspace_is_found_by_a_name_that_is_unique() {
    let server = fresh();
    server.workspace("base", "standard");
    assert_eq!(
        run(&server, &["exec", "demo", "--", "hello"], b"").stdout,
        b"hello\n"
    );
    server.workspace("base", "standard");
    let done = run(&server, &["exec", "demo", "--", "hello"], b"");
    assert_eq!(done.status.code(), Some(125));
    assert_eq!(
        text(&done.stderr).matches("ws_").count(),
        2,
        "{}",
        text(&done.stderr)
    );
}

#[test]
fn workspaces_and_files_from_the_command_line() {
    let server = fresh();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("in.txt"), "content").unwrap();
    let source = folder.path().join("in.txt");
    let target = folder.path().join("out.txt");
    let made = run(
        &server,
        &[
            "--json",
            "workspace",
            "create",
            "w",
            "--environment",
            "base",
        ],
        b"",
    );
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let id = made["id"].as_str().unwrap();
    for arguments in [
        vec![
            "workspace",
            "files",
            "put",
            "w",
            source.to_str().unwrap(),
            "dir/in.txt",
        ],
        vec![
            "workspace",
            "files",
            "get",
            "w",
            "dir/in.txt",
            target.to_str().unwrap(),
        ],
        vec!["workspace", "files", "rm", "w", "dir"],
        vec!["workspace", "stop", "w"],
        vec!["workspace", "start", "w"],
        vec!["workspace", "list"],
        vec!["policy", "list"],
        vec!["policy", "show", "isolated"],
        vec!["programs"],
        vec!["agent", "list"],
        vec!["workspace", "delete", id],
    ] {
        let done = run(&server, &arguments, b"");
        assert!(
            done.status.success(),
            "{arguments:?}: {}",
            text(&done.stderr)
        );
    }
    assert_eq!(std::fs::read_to_string(target).unwrap(), "content");
    assert_eq!(server.get("/workspaces").1["items"], json!([]));
}

#[test]
fn a_run_that_fails_says_which_task_and_leaves_nothing() {
    let server = fresh();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.json");
    let tasks = json!({"name": "f", "environment": "base", "tasks": [
        {"name": "good", "command": ["hello"]},
        {"name": "bad", "command": ["hungry", "nothing"]},
    ]});
    std::fs::write(&file, tasks.to_string()).unwrap();
    let done = run(&server, &["run", file.to_str().unwrap()], b"");
    assert!(!done.status.success());
    assert!(text(&done.stdout).contains("bad"), "{}", text(&done.stdout));
    std::fs::write(&file, "{\"name\": \"f\", \"taks\": []}").unwrap();
    let done = run(&server, &["run", file.to_str().unwrap()], b"");
    assert!(
        !done.status.success() && text(&done.stderr).contains("taks"),
        "{}",
        text(&done.stderr)
    );
    assert_eq!(server.get("/workspaces").1["items"], json!([]));
}

fn up(arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command
        .args(["up", "--listen", "127.0.0.1:0", "--compiled"])
        .arg(artefact::compiled())
        .args(arguments);
    command.current_dir(artefact::root()).output().unwrap()
}

#[test]
fn up_that_cannot_start_says_why() {
    let state = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let done = Command::new(binary())
        .args(["up", "--listen", &port, "--state"])
        .arg(state.path())
        .current_dir(artefact::root())
        .output()
        .unwrap();
    assert!(!done.status.success());
    assert!(
        text(&done.stderr).contains("--listen"),
        "{}",
        text(&done.stderr)
    );

    let file = state.path().join("file");
    std::fs::write(&file, "").unwrap();
    let done = up(&["--state", file.to_str().unwrap()]);
    assert!(
        !done.status.success() && text(&done.stderr).contains("--state"),
        "{}",
        text(&done.stderr)
    );

    let manifest = state.path().join("spin.toml");
    let spin = std::fs::read_to_string(artefact::root().join("spin.toml")).unwrap();
    std::fs::write(
        &manifest,
        spin.replace("sqlite_databases", "sqlite_databses"),
    )
    .unwrap();
    let folder = state.path().join("state");
    let done = up(&[
        "--state",
        folder.to_str().unwrap(),
        "--manifest",
        manifest.to_str().unwrap(),
    ]);
    let said = text(&done.stderr);
    assert!(
        !done.status.success() && said.contains("sqlite_databses"),
        "{said}"
    );
    let line = spin
        .lines()
        .position(|line| line.starts_with("sqlite_databases"))
        .unwrap()
        + 1;
    assert!(said.contains(&line.to_string()), "{said}");
}

/// What the kernel says of a process.
fn status(pid: u32, field: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.unwrap().trim_start_matches(':').trim().to_owned()
}

#[test]
fn the_server_shuts_itself_off_from_what_it_does_not_need() {
    let own = std::process::id();
    let server = fresh();
    let pid = server.pid();
    assert_eq!(status(pid, "NoNewPrivs"), "1");
    assert_eq!(status(pid, "Seccomp"), "2");
    assert_eq!(u64::from_str_radix(&status(pid, "CapEff"), 16).unwrap(), 0);
    let ready = server.client.get(format!("{}/readyz", server.url));
    let ready: serde_json::Value = ready.send().unwrap().json().unwrap();
    assert_eq!(ready["walls"]["seccomp"], "stands", "{ready}");
    assert_eq!(ready["walls"]["capabilities"], "stands", "{ready}");
    assert!(ready["walls"]["landlock"].is_string(), "{ready}");
    // The twin: this process has not done so.
    assert_eq!(status(own, "NoNewPrivs"), "0");
    assert_eq!(status(own, "Seccomp"), "0");
}

#[test]
fn up_ends_when_asked_and_leaves_nothing_running() {
    let server = fresh();
    let id = server.workspace("base", "standard");
    let (pid, state) = (server.pid(), server.state.path().to_owned());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let path = format!("/workspaces/{id}/exec");
            // Ends with the server: what the answer is does not matter.
            let _ = server
                .request(reqwest::Method::POST, &path)
                .json(&json!({"command": ["hungry", "nap"]}))
                .send();
        });
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid.to_string()])
                .status()
                .unwrap()
                .success()
        );
    });
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.contains(") Z "))
    {
        assert!(std::time::Instant::now() < deadline, "it still runs");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    Server::start(&state).kill();
}

#[test]
fn the_token_is_the_owners_and_in_no_output() {
    let server = fresh();
    let mode = std::fs::metadata(server.state.path().join("token")).unwrap();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode.permissions()) & 0o777,
        0o600
    );
    let (_, body) = server.get("/runners");
    let runner_token = std::fs::read_to_string(server.state.path().join("runner-token")).unwrap();
    assert!(!body.to_string().contains(runner_token.trim()));
}
