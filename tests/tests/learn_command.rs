//! `swarm-flow policy learn`: from a run to a policy file that a workspace takes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::{Value, json};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use swarm_flow_policy::{Filesystem, Format, Network, Policy, Preset};
use swarm_flow_tests::artefact;
use swarm_flow_tests::server::{Server, binary, cli, fresh};

fn learn(arguments: &[&str]) -> Output {
    Command::new(binary())
        .args(["policy", "learn"])
        .args(arguments)
        .current_dir(artefact::root())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn policy(text: &str) -> Policy {
    Policy::read(text, Format::Toml).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// The exit code and standard output of a command in a new workspace with this policy.
fn exec(
    server: &Server,
    policy: &Policy,
    files: &[(&str, &str)],
    command: &[&str],
) -> (u64, String) {
    let body = json!({"name": "demo", "environment": "python", "policy": policy});
    let (status, workspace) = server.post("/workspaces", &body);
    assert_eq!(status, 201, "{workspace}");
    let id = workspace["id"].as_str().unwrap();
    for (path, content) in files {
        let (status, answer) = server.put(id, path, *content);
        assert!(status.is_success(), "{answer}");
    }
    let ran = server.exec(id, command);
    (
        ran["exit_code"].as_u64().unwrap(),
        ran["stdout"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn what_is_learned_of_a_python_script_lets_it_run_in_a_workspace_and_less_does_not() {
    let script = "print(open('/workspace/data').read())\nlist(range(100_000))\n";
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x.py"), script).unwrap();
    std::fs::write(folder.path().join("data"), "the data").unwrap();
    let mount = format!("{}::/workspace", folder.path().display());
    let file = folder.path().join("policy.toml");
    let ran = learn(&[
        "--dir",
        &mount,
        "-o",
        file.to_str().unwrap(),
        "python",
        "--",
        "/workspace/x.py",
    ]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran.stderr));
    assert_eq!(text(&ran.stdout), "the data\n");
    let mut learned = policy(&std::fs::read_to_string(file).unwrap());
    // Other tests take their time of this machine too.
    learned.limits.wall_time_ms = 60_000;
    let read = Filesystem::ReadOnly(vec!["/workspace".to_owned()]);
    assert_eq!(
        (&learned.network, &learned.filesystem),
        (&Network::None, &read)
    );

    let server = fresh();
    let files = [("x.py", script), ("data", "the data")];
    let command = ["python", "/workspace/x.py"];
    let passed = exec(&server, &learned, &files, &command);
    assert_eq!(passed, (0, "the data\n".to_owned()));
    let nothing = Policy {
        filesystem: Filesystem::None,
        ..learned.clone()
    };
    assert_ne!(exec(&server, &nothing, &files, &command).0, 0);
    let mut little = learned;
    little.limits.memory_bytes /= 3;
    assert_ne!(exec(&server, &little, &files, &command).0, 0);
}

#[test]
fn the_policy_is_printed_and_the_program_says_its_part_beside_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let guest = artefact::guest("reach");
    let guest = guest.to_str().unwrap();
    let ran = learn(&[guest, "--", "connect", &target]);
    assert_eq!(text(&ran.stderr), "granted\n");
    let printed = text(&ran.stdout);
    let learned = policy(printed);
    assert_eq!(learned.network, Network::Localhost);
    assert_eq!(learned.sockets, [format!("tcp://{target}")]);
    assert!(printed.contains("# it used "), "{printed}");
    assert!(learned.limits.cpu_time_ms >= 1_000);

    let exact = learn(&[guest, "--exact-limits", "--", "connect", &target]);
    assert!(policy(text(&exact.stdout)).limits.memory_bytes < learned.limits.memory_bytes);

    // What is not reached while it is observed is denied, and said.
    let denied = learn(&[guest, "--net", "none", "--", "connect", &target]);
    let printed = text(&denied.stdout);
    assert!(
        printed.contains("# denied, and not in this policy: "),
        "{printed}"
    );
    let metadata = learn(&[guest, "--", "connect", "169.254.169.254:80"]);
    let printed = text(&metadata.stdout);
    assert!(
        printed.contains("# denied, and not in this policy: 169.254.169.254 is"),
        "{printed}"
    );
    assert_eq!(policy(printed).network, Network::None);
}

#[test]
fn of_a_module_whose_files_are_not_seen_all_that_it_had_is_granted() {
    let folder = tempfile::tempdir().unwrap();
    let module = r#"(module (memory (export "memory") 1) (func (export "_start")))"#;
    let file = folder.path().join("module.wasm");
    std::fs::write(&file, wat::parse_str(module).unwrap()).unwrap();
    let mount = |end: &str| format!("{}::/workspace{end}", folder.path().display());
    let workspace = vec!["/workspace".to_owned()];
    for (mount, expected) in [
        (mount(""), Filesystem::ReadWrite(workspace.clone())),
        (mount(":ro"), Filesystem::ReadOnly(workspace)),
    ] {
        let ran = learn(&["--dir", &mount, file.to_str().unwrap()]);
        assert_eq!(policy(text(&ran.stdout)).filesystem, expected);
    }
}

#[test]
fn a_program_that_fails_is_learned_from_and_ends_us_with_its_code() {
    let missing = learn(&["no-such-program"]);
    assert_eq!(missing.status.code(), Some(125));
    assert!(
        text(&missing.stderr).contains("python"),
        "{}",
        text(&missing.stderr)
    );
    let ran = learn(&["python", "--", "-c", "import sys; sys.exit(3)"]);
    assert_eq!(ran.status.code(), Some(3));
    assert!(text(&ran.stderr).contains("did not succeed"));
    policy(text(&ran.stdout));
}

/// A command in a workspace of a server, learned from.
fn learn_in(server: &Server, workspace: &str, file: &Path, command: &[&str]) -> Output {
    cli(server)
        .args(["policy", "learn", "--workspace", workspace, "-o"])
        .arg(file)
        .arg("--")
        .args(command)
        .output()
        .unwrap()
}

#[test]
fn in_a_workspace_what_was_denied_is_added_until_nothing_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.toml");
    let server = fresh();
    let target = format!("127.0.0.1:{port}");
    let command = ["reach", "connect", target.as_str()];
    let make = |policy: &Value| {
        let body = json!({"name": "demo", "environment": "base", "policy": policy});
        let (status, workspace) = server.post("/workspaces", &body);
        assert_eq!(status, 201, "{workspace}");
        workspace["id"].as_str().unwrap().to_owned()
    };
    let mut before = Preset::Isolated.policy();
    before.sockets = vec![format!("tcp://127.0.0.1:{}", port ^ 1)];
    before.network = Network::Localhost;
    let first = learn_in(&server, &make(&json!(before)), &file, &command);
    assert_eq!(text(&first.stdout), "denied\n", "{}", text(&first.stderr));
    let learned = policy(&std::fs::read_to_string(&file).unwrap());
    assert_eq!(
        learned.sockets,
        [before.sockets[0].clone(), format!("tcp://{target}")]
    );
    assert_eq!(learned.limits, before.limits);

    let second = learn_in(&server, &make(&json!(learned)), &file, &command);
    assert_eq!(text(&second.stdout), "granted\n");
    assert!(text(&second.stderr).contains("nothing was denied"));
    assert_eq!(policy(&std::fs::read_to_string(&file).unwrap()), learned);
}
