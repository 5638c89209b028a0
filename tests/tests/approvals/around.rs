//! Ways around an approval, each beside one that is none.

use super::{asked, decisions, ended, output, questions, run, say, workspace};
use serde_json::json;
use swarm_flow_tests::server::{Server, fresh};

/// Runs one command in a shell that says how it ended.
fn in_a_shell(server: &Server, workspace: &str, command: &str) -> String {
    let shell = format!("{command} 2>&1; echo code $?");
    let path = run(server, workspace, &json!([{"exec": ["sh", "-c", shell]}]));
    let run = ended(server, &path);
    assert_eq!(run["state"], "done", "{run}");
    output(&run).to_owned()
}

#[test]
fn a_program_does_not_start_for_an_agent_what_the_agent_would_be_asked_for() {
    let server = fresh();
    let asking = workspace(&server, &["exec rm *"]);
    let free = workspace(&server, &[]);
    for workspace in [&asking, &free] {
        let clean = b"#!/usr/bin/env -S rm -v victim\n";
        assert!(server.put(workspace, "clean", clean).0.is_success());
        let script = b"import subprocess, sys\nsys.exit(subprocess.call(['rm', '-v', 'victim']))\n";
        assert!(server.put(workspace, "clean.py", script).0.is_success());
    }
    for command in [
        "rm -v victim",
        "/bin/rm -v victim",
        "env rm -v victim",
        "coreutils rm -v victim",
        "echo victim | xargs rm -v",
        "sh -c 'rm -v victim'",
        "./clean",
        "python clean.py",
    ] {
        for (workspace, done) in [(&asking, false), (&free, true)] {
            assert!(server.put(workspace, "victim", b"x").0.is_success());
            let said = in_a_shell(&server, workspace, command);
            assert_eq!(said.contains("removed 'victim'"), done, "{command}: {said}");
            assert_eq!(said.contains("code 0"), done, "{command}: {said}");
            let left = server.read(workspace, "victim").0.is_success();
            assert_eq!(left, !done, "{command}");
        }
    }
    let said = in_a_shell(&server, &asking, "rm victim");
    assert!(said.contains("code 126"), "{said}");
    assert!(questions(&server).is_empty(), "a program waits for nobody");
    let decided = decisions(&server, &asking, 9);
    assert!(
        decided
            .iter()
            .all(|(kind, _, rule)| kind == "decision.denied"
                && rule == r#"remove "exec rm *" from approvals"#),
        "{decided:?}"
    );
}

#[test]
fn another_way_to_write_the_command_is_asked_for_too() {
    let server = fresh();
    let asking = workspace(&server, &["exec rm *"]);
    let clean = b"#!/usr/bin/env -S rm -v victim\n";
    assert!(server.put(&asking, "clean", clean).0.is_success());
    for command in [
        json!(["/usr/bin/rm", "-v", "victim"]),
        json!(["coreutils", "rm", "-v", "victim"]),
        json!(["./clean"]),
    ] {
        assert!(server.put(&asking, "victim", b"x").0.is_success());
        let path = run(&server, &asking, &json!([{"exec": command}]));
        say(&server, &asked(&server), "deny");
        let run = ended(&server, &path);
        assert_eq!(run["tasks"][0]["failure"]["code"], "denied", "{run}");
        assert!(server.read(&asking, "victim").0.is_success(), "{command}");
    }
}

#[test]
fn an_approved_command_starts_what_its_own_lines_ask_for_and_nothing_else() {
    let server = fresh();
    for (lines, done) in [
        (&["exec *"][..], true),
        (&["exec sh *"], true),
        (&["exec *", "exec rm *"], false),
        (&["exec sh *", "exec rm *"], false),
    ] {
        let workspace = workspace(&server, lines);
        assert!(server.put(&workspace, "victim", b"x").0.is_success());
        let command = "sh -c 'rm -v victim'; echo code $?";
        let path = run(
            &server,
            &workspace,
            &json!([{"exec": ["sh", "-c", command]}]),
        );
        say(&server, &asked(&server), "allow");
        let run = ended(&server, &path);
        assert_eq!(output(&run).contains("code 0"), done, "{lines:?}: {run}");
    }
}

#[test]
fn an_agent_that_belongs_to_no_run_is_denied_what_it_would_be_asked_for() {
    let server = fresh();
    let asking = workspace(&server, &["exec rm *"]);
    let free = workspace(&server, &[]);
    let task = |workspace: &str, command: &[&str]| {
        assert!(server.put(workspace, "victim", b"x").0.is_success());
        let task = json!({"id": "t", "description": "", "context": {"command": command}});
        let body = json!({"workspace": workspace, "task": task});
        server.post("/agents/script/tasks", &body)
    };
    let (status, denied) = task(&asking, &["rm", "victim"]);
    assert!(!status.is_success(), "{denied}");
    assert_eq!(denied["code"], "policy-denied", "{denied}");
    let message = denied["detail"].as_str().unwrap();
    assert!(
        message.contains(r#"remove "exec rm *" from approvals"#),
        "{denied}"
    );
    let (_, ended) = task(&asking, &["sh", "-c", "rm victim"]);
    assert_eq!(ended["success"], false, "{ended}");
    for command in [&["rm", "victim"][..], &["sh", "-c", "rm victim"]] {
        let (_, ended) = task(&free, command);
        assert_eq!(ended["success"], true, "{ended}");
    }
}
