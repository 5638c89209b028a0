//! `swarm-flow sandbox`: a bare `.wasm` file with what the command line grants, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use swarm_flow_tests::{artefact, server};

/// `sandbox run` with these arguments; they begin with the file.
fn run(arguments: &[&str]) -> Command {
    let mut command = Command::new(server::binary());
    command.args(["sandbox", "run"]).args(arguments);
    command
}

fn guest(name: &str) -> String {
    artefact::guest(name).to_str().unwrap().to_owned()
}

/// A module of preview 1 in a folder.
fn module(folder: &Path, text: &str) -> String {
    let path = folder.join("module.wasm");
    std::fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn output(mut command: Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_program_has_its_streams_arguments_and_variables_and_no_others() {
    let file = guest("echo");
    let ran = output(
        run(&[&file, "--env", "A=1=2", "--", "a b", "--json"]),
        b"in",
    );
    assert_eq!(ran.status.code(), Some(0));
    assert_eq!(
        text(&ran.stdout),
        "arguments [\"echo.wasm\", \"a b\", \"--json\"]\nenvironment [(\"A\", \"1=2\")]\nstdin \"in\"\n"
    );
    assert_eq!(text(&ran.stderr), "to stderr\n");
}

#[test]
fn the_exit_code_tells_how_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let exit = r#"(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (i32.const 42))))"#;
    let trap = r#"(module (memory (export "memory") 1) (func (export "_start") unreachable))"#;
    let spin = r#"(module (memory (export "memory") 1) (func (export "_start") (loop $again (br $again))))"#;
    let hoard = r#"(module (memory (export "memory") 2000) (func (export "_start")))"#;
    let library = r#"(module (func (export "add")))"#;
    let policy = folder.path().join("policy.json");
    let limits = r#"{"filesystem":"none","network":"none","limits":{"memory_bytes":67108864,"cpu_time_ms":100,
        "wall_time_ms":10000,"handles":10,"output_bytes":1000,"disk_bytes":1,"sandboxes":1}}"#;
    std::fs::write(&policy, limits).unwrap();
    for (program, code, said) in [
        (exit, 42, ""),
        (
            trap,
            134,
            "swarm-flow: the program trapped: wasm trap: wasm `unreachable` instruction executed",
        ),
        (
            spin,
            124,
            "swarm-flow: the program reached the limit `cpu_time`: ",
        ),
        (
            hoard,
            137,
            "swarm-flow: the program reached the limit `memory`: 131072000 of 67108864",
        ),
        (library, 125, "does not export `_start`"),
    ] {
        let file = module(folder.path(), program);
        let ran = output(run(&[&file, "--policy", policy.to_str().unwrap()]), b"");
        assert_eq!(ran.status.code(), Some(code), "{program}");
        let stderr = text(&ran.stderr);
        assert!(
            stderr.contains(said) && (!said.is_empty() || stderr.is_empty()),
            "{stderr}"
        );
    }
    let text_file = folder.path().join("text");
    std::fs::write(&text_file, "no program").unwrap();
    let not_wasm = output(run(&[text_file.to_str().unwrap()]), b"");
    assert_eq!(not_wasm.status.code(), Some(125));
    assert!(
        text(&not_wasm.stderr).contains("it is no WebAssembly"),
        "{}",
        text(&not_wasm.stderr)
    );
}

#[test]
fn output_is_cut_off_at_the_limit_and_that_is_said() {
    let ran = output(
        run(&[&guest("hungry"), "--policy", "isolated", "--", "flood"]),
        b"",
    );
    assert_eq!((ran.status.code(), ran.stdout.len()), (Some(0), 1 << 20));
    assert_eq!(
        text(&ran.stderr),
        "swarm-flow: stdout was cut off at the policy's limit\n"
    );
}

#[test]
fn a_reader_who_leaves_ends_the_writer() {
    let mut child = run(&[&guest("hungry"), "--", "flood"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_directory_is_reached_as_it_was_granted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "content").unwrap();
    let host = folder.path().to_str().unwrap();
    let directory = |suffix: &str| format!("{host}::/work{suffix}");
    for (grants, read, write) in [
        (vec![], "denied", "denied"),
        (
            vec!["--dir".to_owned(), directory("")],
            "granted",
            "granted",
        ),
        (
            vec!["--dir".to_owned(), directory(":ro")],
            "granted",
            "denied",
        ),
        (
            ["--policy", "isolated", "--dir"]
                .map(str::to_owned)
                .into_iter()
                .chain([directory("")])
                .collect(),
            "granted",
            "denied",
        ),
    ] {
        for (attempt, target, expected) in
            [("read", "/work/file", read), ("write", "/work/new", write)]
        {
            let mut command = run(&[&guest("reach")]);
            command.args(&grants).args(["--", attempt, target]);
            let ran = output(command, b"");
            assert_eq!(
                text(&ran.stdout).trim(),
                expected,
                "{attempt} with {grants:?}"
            );
        }
        _ = std::fs::remove_file(folder.path().join("new"));
    }
}

#[test]
fn a_file_that_blocks_does_not_outlast_the_wall_time() {
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new("mkfifo")
        .arg(folder.path().join("fifo"))
        .status();
    assert!(made.unwrap().success());
    let policy = folder.path().join("policy.json");
    let limits = r#"{"filesystem":"full","network":"none","limits":{"memory_bytes":67108864,"cpu_time_ms":1000,
        "wall_time_ms":300,"handles":100,"output_bytes":1000,"disk_bytes":1,"sandboxes":1}}"#;
    std::fs::write(&policy, limits).unwrap();
    let mut command = run(&[&guest("reach"), "--policy", policy.to_str().unwrap()]);
    command.args(["--dir", &format!("{}::/work", folder.path().display())]);
    command.args(["--", "read", "/work/fifo"]);
    let ran = output(command, b"");
    assert_eq!(ran.status.code(), Some(124), "{}", text(&ran.stderr));
    assert!(text(&ran.stderr).contains("the limit `wall_time`"));
}

#[test]
fn sockets_reach_the_addresses_of_the_class_that_was_granted() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap().to_string();
    for (attempt, target) in [
        ("connect", here.as_str()),
        ("udp", &here),
        ("listen", "127.0.0.1:0"),
    ] {
        for (grant, expected) in [
            (None, "denied"),
            (Some("none"), "denied"),
            (Some("localhost"), "granted"),
            (Some("private"), "denied"),
            (Some("public"), "denied"),
        ] {
            let mut command = run(&[&guest("reach")]);
            if let Some(class) = grant {
                command.args(["--net", class]);
            }
            // A policy grants HTTP, never sockets.
            command.args(["--policy", "privileged", "--", attempt, target]);
            let ran = output(command, b"");
            assert_eq!(
                text(&ran.stdout).trim(),
                expected,
                "{attempt} with {grant:?}"
            );
        }
    }
}

/// `sandbox serve`, stopped when this is dropped.
struct Serving {
    child: Child,
    url: String,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(server::binary())
            .args(["sandbox", "serve", &guest("answer")])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut url = String::new();
        stderr.read_line(&mut url).unwrap();
        assert!(
            url.starts_with("http://127.0.0.1:") && url.ends_with("/\n"),
            "{url}"
        );
        let url = url.trim_end().trim_end_matches('/').to_owned();
        Self { child, url, stderr }
    }

    fn said(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line
    }

    fn get(&self, path: &str) -> reqwest::Result<reqwest::blocking::Response> {
        // The client wants it even for addresses without TLS; another test may have been first.
        _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::blocking::get(format!("{}{path}", self.url))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[test]
fn a_service_answers_each_request_in_a_sandbox_of_its_own() {
    let mut serving = Serving::start(&["--env", "GREETING=hello"]);
    for path in ["/a?b", "/c"] {
        let answer = serving.get(path).unwrap();
        assert_eq!(answer.status(), 200);
        let authority = serving.url.trim_start_matches("http://");
        assert_eq!(answer.text().unwrap(), format!("hello {authority} {path}"));
    }
    let mut printed = BufReader::new(serving.child.stdout.take().unwrap());
    let mut line = String::new();
    printed.read_line(&mut line).unwrap();
    assert_eq!(line, "asked for /a?b\n");
    assert_eq!(serving.get("/nothing").unwrap().status(), 502);
    assert_eq!(serving.get("/trap").unwrap().status(), 502);
    let said: Vec<String> = std::iter::from_fn(|| Some(serving.said()))
        .take_while(|line| !line.contains("the program trapped"))
        .collect();
    assert!(
        said.iter().any(|line| line.contains("before the answer")),
        "{said:?}"
    );
    // An answer that was not completed does not look complete; whether its head got away before is chance.
    let half = serving.get("/half").and_then(|answer| answer.text());
    assert!(half.is_err(), "{half:?}");
    assert_eq!(serving.get("/again").unwrap().status(), 200);
}

#[test]
fn a_request_that_takes_too_long_ends_at_its_limit_and_the_next_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let policy: PathBuf = folder.path().join("policy.json");
    let limits = r#"{"filesystem":"none","network":"none","limits":{"memory_bytes":67108864,"cpu_time_ms":100,
        "wall_time_ms":10000,"handles":100,"output_bytes":1000,"disk_bytes":1,"sandboxes":1}}"#;
    std::fs::write(&policy, limits).unwrap();
    let mut serving = Serving::start(&["--policy", policy.to_str().unwrap()]);
    assert_eq!(serving.get("/spin").unwrap().status(), 502);
    let said = serving.said();
    assert!(said.contains("the limit `cpu_time`"), "{said}");
    assert_eq!(serving.get("/").unwrap().status(), 200);
}
