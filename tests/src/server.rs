//! A running server, in a state folder of its own, on a port of its own: `swarm-flow up`, or, where
//! `SWARM_FLOW_SPIN` names a Spin CLI, `spin up` with `swarm-flow runner` beside it.

use crate::{artefact, spin};
use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The server, ended when this is dropped.
pub struct Server {
    /// The one that serves the app, then what it needs beside it.
    children: Vec<Child>,
    pub url: String,
    pub token: String,
    pub client: Client,
    log: Log,
}

/// What a server said on its standard error.
type Log = Arc<Mutex<String>>;

/// A server and the folder that is removed after it.
pub struct Fresh {
    pub server: Server,
    pub state: tempfile::TempDir,
}

impl std::ops::Deref for Fresh {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// The binary that is tested.
pub fn binary() -> PathBuf {
    let path = match std::env::var_os("SWARM_FLOW_BINARY") {
        Some(path) => PathBuf::from(path),
        // Tests lie in `deps/` beside the binary of the same profile.
        None => {
            let own = std::env::current_exe().unwrap();
            let mut folders = own.ancestors().skip(1);
            let beside = folders.find(|folder| !folder.ends_with("deps")).unwrap();
            beside.join("swarm-flow")
        }
    };
    assert!(
        path.exists(),
        "{} is missing; `cargo xtask build` makes it",
        path.display()
    );
    path
}

/// The Spin CLI that serves the app instead of `swarm-flow up`: then the HTTP server and the database are not ours.
pub fn spin_cli() -> Option<PathBuf> {
    std::env::var_os("SWARM_FLOW_SPIN").map(PathBuf::from)
}

/// A port of this machine that nobody listens on just now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A client command, set up for a server.
pub fn cli(server: &Server) -> Command {
    let mut command = Command::new(binary());
    command
        .env("SWARM_FLOW_URL", &server.url)
        .env("SWARM_FLOW_TOKEN", &server.token);
    command
}

/// What tests speak HTTP with.
pub(crate) fn client() -> Client {
    // An error says that there is a provider already, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().no_proxy();
    builder.timeout(Duration::from_secs(300)).build().unwrap()
}

/// Starts a server with nothing in it.
pub fn fresh() -> Fresh {
    let state = tempfile::tempdir().unwrap();
    let server = Server::start(state.path());
    Fresh { server, state }
}

impl Server {
    /// Starts a server on a state folder and waits until it is ready.
    pub fn start(state: &Path) -> Self {
        Self::start_with(state, &[])
    }

    /// The same, with variables in its environment.
    pub fn start_with(state: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_given(state, variables, &[])
    }

    /// The same, with arguments for the runner.
    pub fn start_given(state: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let client = client();
        // So that no package client of this machine is asked.
        let registries = state.join("registries.toml");
        if !registries.exists() {
            std::fs::write(registries, "patterns = []\n").unwrap();
        }
        let log = Log::default();
        let (children, url) = match spin_cli() {
            Some(spin) => spin::start(&spin, state, variables, arguments, &client),
            None => up(state, variables, arguments, &log),
        };
        let token = std::fs::read_to_string(state.join("token"))
            .unwrap()
            .trim()
            .to_owned();
        Self {
            children,
            url,
            token,
            client,
            log,
        }
    }

    /// What it said on its standard error so far; nothing where Spin serves the app.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The process, without a chance to tidy up.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        for child in &mut self.children {
            signal(child, "-KILL");
            // It may have ended already, which is what is wanted.
            let _ = child.wait();
        }
    }

    pub fn pid(&self) -> u32 {
        self.children[0].id()
    }

    /// Asks it to stop and gives back how it ended.
    pub fn stop(mut self) -> ExitStatus {
        let stop = |child: &mut Child| {
            assert!(signal(child, "-TERM"));
            child.wait().unwrap()
        };
        // What needs the app goes before it.
        self.children.iter_mut().rev().map(stop).last().unwrap()
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}/api/v1{path}", self.url))
            .bearer_auth(&self.token)
    }

    pub fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path).send().unwrap())
    }

    pub fn delete(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::DELETE, path).send().unwrap())
    }

    pub fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(body).send().unwrap())
    }

    /// Makes a workspace and gives back its id.
    pub fn workspace(&self, environment: &str, policy: &str) -> String {
        let body =
            serde_json::json!({"name": "demo", "environment": environment, "policy": policy});
        let (status, workspace) = self.post("/workspaces", &body);
        assert_eq!(status, 201, "{workspace}");
        workspace["id"].as_str().unwrap().to_owned()
    }

    pub fn put(
        &self,
        workspace: &str,
        path: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> (StatusCode, Value) {
        let path = format!("/workspaces/{workspace}/files/{path}");
        answer(
            self.request(Method::PUT, &path)
                .body(bytes.into())
                .send()
                .unwrap(),
        )
    }

    pub fn read(&self, workspace: &str, path: &str) -> (StatusCode, Vec<u8>) {
        let response = self
            .request(
                Method::GET,
                &format!("/workspaces/{workspace}/files/{path}"),
            )
            .send()
            .unwrap();
        (response.status(), response.bytes().unwrap().to_vec())
    }

    /// Runs a command to its end.
    pub fn exec(&self, workspace: &str, command: &[&str]) -> Value {
        let (status, result) = self.post(
            &format!("/workspaces/{workspace}/exec"),
            &serde_json::json!({"command": command}),
        );
        assert_eq!(status, 200, "{result}");
        result
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// The status and the body, JSON or null.
pub fn answer(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    let bytes = response.bytes().unwrap();
    (
        status,
        serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    )
}

/// Sends a signal to a process and to those that it started: each is the leader of its group.
pub(crate) fn signal(child: &Child, signal: &str) -> bool {
    let group = format!("-{}", child.id());
    let sent = Command::new("kill")
        .args([signal, "--", &group])
        .stderr(Stdio::null())
        .status();
    sent.unwrap().success()
}

fn up(
    state: &Path,
    variables: &[(&str, &str)],
    arguments: &[&str],
    log: &Log,
) -> (Vec<Child>, String) {
    let mut command = Command::new(binary());
    command
        .args(["up", "--state"])
        .arg(state)
        // A name alone, as one types it.
        .args(["--manifest", "spin.toml"])
        .args(arguments)
        .current_dir(artefact::root())
        // What the machine has of models is not what is tested.
        .env_remove("SWARM_FLOW_MODEL")
        .envs(variables.iter().copied())
        .env_remove("SWARM_FLOW_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0);
    if !arguments.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    with_programs(&mut command, arguments);
    let mut child = command.spawn().unwrap();
    let stderr = child.stderr.take().unwrap();
    let is_ready = |line: &str| line.starts_with("swarm-flow is ready at ");
    let line = said_into(log, stderr, is_ready);
    (vec![child], line.split(' ').nth(4).unwrap().to_owned())
}

/// What was compiled before, and the guests, but for those whose names the arguments have for other programs.
pub(crate) fn with_programs(command: &mut Command, arguments: &[&str]) {
    command.arg("--compiled").arg(artefact::compiled());
    for guest in [
        "hello", "echo", "family", "hungry", "reach", "escape", "request", "hold", "noise",
    ] {
        let own = format!("{guest}=");
        if arguments.iter().any(|argument| argument.starts_with(&own)) {
            continue;
        }
        command
            .arg("--program")
            .arg(format!("{guest}={}", artefact::guest(guest).display()));
    }
}

/// Waits for a line; what is said after it is passed on.
pub(crate) fn said(stderr: ChildStderr, wanted: impl Fn(&str) -> bool) -> String {
    said_into(&Log::default(), stderr, wanted)
}

fn said_into(log: &Log, stderr: ChildStderr, wanted: impl Fn(&str) -> bool) -> String {
    let kept = log.clone();
    let keep = move |line: &String| {
        let mut log = kept.lock().unwrap();
        log.push_str(line);
        log.push('\n');
    };
    let lines = BufReader::new(stderr).lines();
    let mut lines = lines.map(move |line| line.inspect(&keep));
    let mut said = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(300);
    while let Some(Ok(line)) = lines.next() {
        if wanted(&line) {
            // Read on, or the server would wait for a reader; show only what went wrong.
            std::thread::spawn(move || {
                let wrong = |line: &String| line.contains(" WARN ") || line.contains(" ERROR ");
                lines
                    .map_while(Result::ok)
                    .filter(wrong)
                    .for_each(|line| eprintln!("server: {line}"));
            });
            return line;
        }
        said.push(line);
        assert!(Instant::now() < deadline, "not ready in time: {said:?}");
    }
    panic!("the server ended before it was ready: {said:?}");
}
