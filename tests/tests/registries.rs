//! `@package-registries` from the clients of a machine to a sandbox. The clients are the test's own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use swarm_flow_tests::server::{Server, binary, fresh};

/// A machine with these package clients: each a shell script.
fn machine(clients: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let programs = home.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    for (name, script) in clients {
        let path = programs.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
    home
}

fn registries(home: &Path, state: &Path, arguments: &[&str]) -> Output {
    Command::new(binary())
        .arg("--state")
        .arg(state)
        .arg("registries")
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin", home.join("bin").display()),
        )
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const NPM: &str = r#"echo '{"registry": "https://me:s3cret@registry.example/npm/"}'"#;
/// Asked by `-m pip` for what it is told, by `-c` for what it comes with.
const PYTHON: &str =
    "[ \"$1\" = -c ] && echo https://index.example/simple && echo https://files.example; true";
const GO: &str = "echo https://proxy.example,direct; echo off";

#[test]
fn clients_are_asked_and_what_they_say_is_written_when_that_is_wanted() {
    let home = machine(&[
        ("npm", NPM),
        ("python3", PYTHON),
        ("go", GO),
        ("uv", "sleep 60"),
    ]);
    let state = home.path().join("state");
    let show = registries(home.path(), &state, &["show"]);
    assert_eq!(show.status.code(), Some(1));
    assert!(
        text(&show.stderr).contains("there is no"),
        "{}",
        text(&show.stderr)
    );

    let started = Instant::now();
    let asked = registries(home.path(), &state, &["ask"]);
    let said = text(&asked.stdout);
    assert!(asked.status.success(), "{}", text(&asked.stderr));
    for line in [
        "+ https://registry.example",
        "+ https://files.example",
        "+ https://proxy.example",
        "uv: did not answer in time",
        "go: `direct` in GOPROXY",
        "cargo: is not installed",
        "nothing was written",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!said.contains("s3cret"));
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(!state.join("registries.toml").exists());

    assert!(
        registries(home.path(), &state, &["ask", "--write"])
            .status
            .success()
    );
    let path = registries(home.path(), &state, &["path"]);
    let path = Path::new(text(&path.stdout).trim()).to_owned();
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(
        kept.contains("# npm: registry\n  \"https://registry.example\",\n"),
        "{kept}"
    );
    let mode = path.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let show = registries(home.path(), &state, &["show"]);
    let expected =
        ["files", "index", "proxy", "registry"].map(|name| format!("https://{name}.example"));
    assert_eq!(text(&show.stdout).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn what_the_operator_edited_is_kept_until_they_say_otherwise() {
    let home = machine(&[("npm", NPM)]);
    let state = home.path().join("state");
    std::fs::create_dir(&state).unwrap();
    let file = state.join("registries.toml");
    let own = "patterns = [\"http://mirror.example:8081\"]\n";
    std::fs::write(&file, own).unwrap();
    let asked = registries(home.path(), &state, &["ask"]);
    let said = text(&asked.stdout);
    assert!(said.contains("+ https://registry.example"), "{said}");
    assert!(said.contains("- http://mirror.example:8081"), "{said}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), own);

    std::fs::write(&file, "patterns = [\n  \"mirror.example\",\n]\n").unwrap();
    let show = registries(home.path(), &state, &["show"]);
    assert_eq!(show.status.code(), Some(1));
    let said = text(&show.stderr);
    assert!(said.contains("line 2, column 3: patterns[0]"), "{said}");
    assert!(
        registries(home.path(), &state, &["ask", "--write"])
            .status
            .success()
    );
    assert!(registries(home.path(), &state, &["show"]).status.success());
}

/// Answers one request after the other.
fn registry() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut asked = [0; 1024];
            _ = stream.read(&mut asked);
            _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npkgs");
        }
    });
    port
}

fn exec(server: &Server, workspace: &str, arguments: &str) -> String {
    let command: Vec<_> = arguments.split(' ').collect();
    let result = server.exec(workspace, &command);
    result["stdout"].as_str().unwrap().trim().to_owned()
}

#[test]
fn a_sandbox_reaches_the_mirror_that_the_file_names() {
    let (mirror, other) = (registry(), registry());
    let state = tempfile::tempdir().unwrap();
    let file = format!("patterns = [\"http://127.0.0.1:{mirror}\"]\n");
    std::fs::write(state.path().join("registries.toml"), file).unwrap();
    let server = Server::start(state.path());
    let standard = server.workspace("base", "standard");
    let isolated = server.workspace("base", "isolated");
    let ask = |port: u16| format!("request GET http 127.0.0.1:{port} /simple/");
    assert_eq!(exec(&server, &standard, &ask(mirror)), "granted 200 pkgs");
    assert!(exec(&server, &standard, &ask(other)).starts_with("denied"));
    assert!(exec(&server, &isolated, &ask(mirror)).starts_with("denied"));

    // Without a word of its operator the group is empty.
    let fresh = fresh();
    let standard = fresh.workspace("base", "standard");
    assert!(exec(&fresh, &standard, &ask(mirror)).starts_with("denied"));
}
