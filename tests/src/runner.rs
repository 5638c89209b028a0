//! A second runner, that joins a server over the network.

use crate::artefact;
use crate::server::{Server, binary, free_port};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A runner that is killed when this is dropped.
pub struct Runner(pub Child);

impl Drop for Runner {
    fn drop(&mut self) {
        // It may have ended already, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server to which a second runner can be joined at this port, and the runner's token.
pub fn with_second(state: &Path) -> (Server, u16, String) {
    with_second_and(state, &[])
}

/// The same, with more variables in its environment.
pub fn with_second_and(state: &Path, variables: &[(&str, &str)]) -> (Server, u16, String) {
    let port = free_port();
    let hosts = format!("http://127.0.0.1:{port}");
    let mut all = vec![("SPIN_VARIABLE_RUNNER_HOSTS", hosts.as_str())];
    all.extend(variables);
    let server = Server::start_with(state, &all);
    let token = std::fs::read_to_string(state.join("runner-token")).unwrap();
    (server, port, token.trim().to_owned())
}

/// Starts the runner `second`, which has the programs `hello` and `hungry`.
pub fn join(url: &str, state: &Path, port: u16, token: &str, more: &[&str]) -> Runner {
    join_with(url, state, port, token, more, &[])
}

/// The same, with variables in its environment.
pub fn join_with(
    url: &str,
    state: &Path,
    port: u16,
    token: &str,
    more: &[&str],
    variables: &[(&str, &str)],
) -> Runner {
    let program = |name: &str| format!("{name}={}", artefact::guest(name).display());
    let child = Command::new(binary())
        .args(["runner", "--join", url, "--id", "second"])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .arg("--state")
        .arg(state)
        .arg("--compiled")
        .arg(artefact::compiled())
        .args([
            "--program",
            &program("hello"),
            "--program",
            &program("hungry"),
        ])
        // No test asks this machine's package clients.
        .args(["--registries", "none"])
        .args(more)
        .envs(variables.iter().copied())
        .env("SWARM_FLOW_RUNNER_TOKEN", token)
        .current_dir(artefact::root())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Runner(child)
}
