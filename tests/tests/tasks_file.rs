//! `tasks.json`, by the command line and by the agent `script`: one form, and the same comes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use serde_json::{Value, json};
use std::path::Path;
use swarm_flow_tests::server::{Server, cli, fresh};

const MAIN: &str = "import os, sys\nprint(sys.argv[1], os.environ.get('WHO'), sys.stdin.read())\n";

/// Good and bad ones, with every field.
fn tasks() -> Value {
    json!({"environment": "python", "files": [{"source": "main.py"}], "tasks": [
        {"command": ["python", "main.py", "one"], "env": {"WHO": "me"}, "stdin": "read"},
        {"name": "writes", "command": ["sh", "-c", "mkdir out && echo x > out/a && cat main.py > b"],
            "artifacts": [{"path": "out/a", "destination": "fetched/a"}, {"path": "/workspace/b"}]},
        {"name": "fails", "command": ["sh", "-c", "echo said; echo complained >&2; exit 3"]},
        {"name": "is to fail", "command": ["sh", "-c", "exit 3"], "expect_exit_code": 3},
        {"name": "makes nothing", "command": ["true"], "artifacts": [{"path": "none"}]},
        {"name": "is not there", "command": ["no-such-program"]},
        {"name": "elsewhere", "command": ["sh", "-c", "test $PWD = /tmp"], "cwd": "/tmp"},
        {"name": "is late", "command": ["sleep", "60"], "timeout_ms": 100, "expect_exit_code": 124},
    ]})
}

/// What the command line says of each: its name, whether it was done, its exit code.
fn by_command_line(server: &Server, folder: &Path) -> Vec<Value> {
    let file = folder.join("tasks.json");
    let done = cli(server)
        .args(["--json", "run", file.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let said = |task: &Value| json!([task["name"], task["success"], task["result"]["exit_code"]]);
    report["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(said)
        .collect()
}

/// What the agent comes to, with a line for each task.
fn by_agent(server: &Server, workspace: &str, context: &Value) -> (Value, Vec<Value>) {
    let task = json!({"id": "t", "description": "", "context": context});
    let body = json!({"workspace": workspace, "task": task});
    let (status, result) = server.post("/agents/script/tasks", &body);
    assert_eq!(status, 200, "{result}");
    let lines = result["output"].as_str().unwrap().lines();
    let lines = lines.map(|line| serde_json::from_str(line).unwrap());
    let lines = lines.collect();
    (result, lines)
}

#[test]
fn the_same_file_does_the_same_by_the_command_line_and_by_the_agent() {
    let server = fresh();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.py"), MAIN).unwrap();
    std::fs::write(folder.path().join("tasks.json"), tasks().to_string()).unwrap();
    let expected = by_command_line(&server, folder.path());
    assert_eq!(expected.len(), 8);
    assert_eq!(
        std::fs::read(folder.path().join("fetched/a")).unwrap(),
        b"x\n"
    );

    let workspace = server.workspace("python", "standard");
    assert!(server.put(&workspace, "main.py", MAIN).0.is_success());
    let text = tasks().to_string();
    assert!(server.put(&workspace, "tasks.json", text).0.is_success());
    for context in [
        json!({"tasks_file": "/workspace/tasks.json", "keep_going": true}),
        json!({"tasks": tasks()["tasks"], "keep_going": true}),
    ] {
        let (result, lines) = by_agent(&server, &workspace, &context);
        let said = |line: &Value| json!([line["task"], line["success"], line["exit_code"]]);
        assert_eq!(lines.iter().map(said).collect::<Vec<_>>(), expected);
        assert_eq!(result["success"], false);
        assert_eq!(result["artifacts"], json!(["out/a", "b"]));
        let failed = &lines[2];
        assert_eq!(
            (&failed["stdout"], &failed["stderr"]),
            (&json!("said\n"), &json!("complained\n"))
        );
        server.exec(&workspace, &["rm", "-r", "out", "b"]);
    }
    let (_, lines) = by_agent(&server, &workspace, &json!({"tasks_file": "tasks.json"}));
    assert!(
        lines[..2].iter().all(|line| line["success"] == true),
        "{lines:?}"
    );
    assert_eq!(lines[2]["exit_code"], 3);
    assert!(
        lines[3..].iter().all(|line| line["skipped"] == true),
        "{lines:?}"
    );
}

#[test]
fn a_file_that_is_none_is_refused_with_its_field() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    let text = json!({"tasks": [{"command": ["true"], "timeout": 1}]}).to_string();
    assert!(server.put(&workspace, "tasks.json", text).0.is_success());
    let task = json!({"id": "t", "description": "", "context": {"tasks_file": "tasks.json"}});
    let body = json!({"workspace": workspace, "task": task});
    let (status, problem) = server.post("/agents/script/tasks", &body);
    assert!(!status.is_success(), "{problem}");
    let said = problem["detail"].as_str().unwrap();
    assert!(
        said.contains("`tasks_file`: tasks[0].timeout: unknown field"),
        "{problem}"
    );
}
