//! The same app under a real Spin: `spin up`, and a runner that joins it.

use crate::artefact;
use crate::server::{binary, free_port, said, signal, with_programs};
use reqwest::blocking::Client;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts both and waits until the runner has joined. Gives back the processes and the app's URL.
pub(crate) fn start(
    spin: &Path,
    state: &Path,
    variables: &[(&str, &str)],
    arguments: &[&str],
    client: &Client,
) -> (Vec<Child>, String) {
    std::fs::create_dir_all(state).unwrap();
    let token = kept(state, "token");
    let runner_token = kept(state, "runner-token");
    let runner = format!("127.0.0.1:{}", free_port());
    let listen = format!("127.0.0.1:{}", free_port());
    let url = format!("http://{listen}");

    let mut app = Command::new(spin)
        .args(["up", "--quiet", "--from"])
        .arg(artefact::root().join("spin.toml"))
        .arg("--state-dir")
        .arg(state.join("spin"))
        .args(["--listen", &listen])
        .args(["--variable", &format!("token={token}")])
        .args(["--variable", &format!("runner_token={runner_token}")])
        .args(["--variable", "runner_hosts=http://127.0.0.1:*"])
        .envs(variables.iter().copied())
        // Its usual pool has room for some 200 instances of this app.
        .env("SPIN_MAX_INSTANCE_COUNT", "10000")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        // `spin up` starts another process, which must not outlive it.
        .process_group(0)
        .spawn()
        .unwrap();
    if let Err(why) = healthy(client, &url, &mut app) {
        signal(&app, "-KILL");
        panic!("{why}");
    }

    let mut command = Command::new(binary());
    command
        .args(["runner", "--join", &url, "--listen", &runner, "--state"])
        .arg(state)
        .args(arguments)
        .env("SWARM_FLOW_RUNNER_TOKEN", &runner_token)
        .current_dir(artefact::root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0);
    with_programs(&mut command, arguments);
    let mut runner = command.spawn().unwrap();
    let stderr = runner.stderr.take().unwrap();
    let children = vec![app, runner];
    said(stderr, |line| line.contains(" has joined "));
    (children, url)
}

/// A secret that stays the same when a server is started again on the same state.
fn kept(state: &Path, name: &str) -> String {
    let path = state.join(name);
    if let Ok(token) = std::fs::read_to_string(&path) {
        return token.trim().to_owned();
    }
    let token = uuid::Uuid::new_v4().simple().to_string();
    std::fs::write(&path, &token).unwrap();
    token
}

fn healthy(client: &Client, url: &str, app: &mut Child) -> Result<(), String> {
    // A Spin that was not optimised takes minutes to compile the app, once.
    let deadline = Instant::now() + Duration::from_secs(400);
    loop {
        let answer = client.get(format!("{url}/healthz")).send();
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        if let Some(ended) = app.try_wait().unwrap() {
            return Err(format!("spin ended: {ended}"));
        }
        if Instant::now() > deadline {
            return Err("spin is not ready in time".to_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
