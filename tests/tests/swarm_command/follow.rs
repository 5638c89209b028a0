//! What is shown of a run while it goes on.

use super::cuts::Cuts;
use super::*;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use swarm_flow_tests::server::fresh;

const NAPS: &str = r#"{"coordination_strategy": "sequential", "tasks": [
    {"id": "first", "context": {"command": ["hungry", "nap"]}},
    {"id": "second", "context": {"command": ["hungry", "nap"]}}]}"#;

/// The lines of a log without the time at their beginning.
fn changes(stderr: &str) -> Vec<String> {
    let lines = stderr.lines().filter(|line| line.starts_with('+'));
    let after_time = |line: &str| line.split_once("  ").unwrap().1.to_owned();
    lines.map(after_time).collect()
}

/// Of how a task ended, all but how long it took.
fn without_time(line: &str) -> &str {
    line.split_once(" after ").map_or(line, |(start, _)| start)
}

#[test]
fn without_a_terminal_each_change_is_a_line() {
    let server = fresh();
    let workspace = server.workspace("base", "standard");
    team(&server, 2, &["demo"]);
    let done = swarm_flow(&server, &["swarm", "run", "team", "-"], NAPS);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let stderr = text(&done.stderr);
    let lines = changes(&stderr);
    let lines: Vec<&str> = lines.iter().map(|line| without_time(line)).collect();
    let id = stderr.split(' ').next().unwrap();
    assert_eq!(
        lines,
        [
            "first  leased in demo, attempt 1",
            "first  done",
            "second  leased in demo, attempt 1",
            "second  done",
            &format!("{id}  done"),
        ],
        "{stderr}"
    );
    let table = text(&done.stdout);
    assert!(
        table.starts_with("TASK    STATE  WORKSPACE  ATTEMPT  TIME\nfirst   done   demo       1 "),
        "{table}"
    );
    let last = table.lines().last().unwrap();
    assert!(last.starts_with(&format!("{id} done in ")), "{table}");
    assert!(
        last.contains(": 2 done; critical path ") && last.ends_with(": first → second"),
        "{table}"
    );
    assert!(!stderr.contains('\u{1b}') && !table.contains('\u{1b}'));

    // The same file as JSON, and nothing else.
    let done = swarm_flow(&server, &["--json", "swarm", "run", "team", "-"], NAPS);
    let run: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(
        (&run["state"], text(&done.stderr).as_str()),
        (&json!("done"), "")
    );
    assert_eq!(run["tasks"][0]["workspace"], json!(workspace));
}

#[test]
fn a_run_that_fails_says_what_the_task_said() {
    let server = fresh();
    server.workspace("base", "standard");
    team(&server, 1, &["demo"]);
    let tasks = r#"{"coordination_strategy": "sequential", "tasks": [
        {"id": "lists", "context": {"command": ["ls", "/nowhere"]}, "retry": {"max_attempts": 2, "initial_interval_ms": 0}},
        {"id": "never", "context": {"command": ["hungry", "nap"]}}]}"#;
    let done = swarm_flow(&server, &["swarm", "run", "team", "-"], tasks);
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    let shown = text(&done.stdout);
    assert!(
        shown.starts_with("── lists\nthe command ended with exit code 2, expected 0\n"),
        "{shown}"
    );
    assert!(
        shown.contains("/nowhere") && shown.contains("never  skipped  -"),
        "{shown}"
    );
    let stderr = text(&done.stderr);
    assert!(
        stderr.contains("lists  attempt 1 failed after ")
            && stderr.contains("lists  leased in demo, attempt 2"),
        "{stderr}"
    );
    assert!(
        stderr.contains("lists  dead after ") && stderr.contains("never  skipped\n"),
        "{stderr}"
    );
}

#[test]
fn a_stream_that_breaks_is_taken_up_where_it_was() {
    let server = fresh();
    server.workspace("base", "standard");
    team(&server, 1, &["demo"]);
    let naps: Vec<Value> = (0..8)
        .map(|index| json!({"id": format!("nap-{index}"), "context": {"command": ["hungry", "nap"]}}))
        .collect();
    let body = json!({"coordination_strategy": "sequential", "tasks": naps}).to_string();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), body).unwrap();
    // Every stream of events ends after its second event.
    let cuts = Cuts::before(&server.url);
    let done = cli(&server)
        .env("SWARM_FLOW_URL", &cuts.url)
        .args(["swarm", "run", "team"])
        .arg(file.path())
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert!(cuts.made() > 1 && cuts.resumed() > 0, "{}", said(&done));
    let stderr = text(&done.stderr);
    let lines = changes(&stderr);
    let mut expected = Vec::new();
    for index in 0..8 {
        expected.push(format!("nap-{index}  leased in demo, attempt 1"));
        expected.push(format!("nap-{index}  done"));
    }
    let shown: Vec<&str> = lines
        .iter()
        .map(|line| without_time(line))
        .filter(|line| line.starts_with("nap-"))
        .collect();
    // What the last cut took away is not waited for: the run was looked at, and was over.
    assert_eq!(shown, expected.get(..shown.len()).unwrap(), "{stderr}");
    assert!(
        stderr.contains("the events stopped coming, asking again"),
        "{stderr}"
    );
}

/// `swarm run` of a task that goes on, once it is seen to be at work; with the run's id.
fn following(server: &Server) -> (Child, BufReader<std::process::ChildStderr>, String) {
    let mut child = cli(server)
        .args(["swarm", "run", "team", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let tasks = r#"{"tasks": [{"id": "sleeps", "context": {"command": ["hungry", "sleep"]}}]}"#;
    child
        .stdin
        .take()
        .unwrap()
        .write_all(tasks.as_bytes())
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut read = String::new();
    while !read.contains("sleeps  leased") {
        assert!(stderr.read_line(&mut read).unwrap() > 0, "{read}");
    }
    let id = read.split(' ').next().unwrap().to_owned();
    (child, stderr, id)
}

#[test]
fn ctrl_c_leaves_the_run_alone() {
    let server = fresh();
    server.workspace("base", "standard");
    team(&server, 1, &["demo"]);
    let (mut child, stderr, id) = following(&server);
    let interrupted = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupted.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let rest: Vec<String> = stderr.lines().map(Result::unwrap).collect();
    assert_eq!(
        rest,
        [format!(
            "{id} goes on: `swarm-flow swarm show {id}` looks at it, `swarm-flow swarm cancel {id}` ends it"
        )]
    );
    assert_eq!(run(&server, &id)["state"], "running");
    // What it says can be done.
    let shown = swarm_flow(&server, &["swarm", "show", &id], "");
    assert!(
        text(&shown.stdout).contains("sleeps  leased"),
        "{}",
        said(&shown)
    );
    assert!(
        swarm_flow(&server, &["swarm", "cancel", &id], "")
            .status
            .success()
    );
    assert_eq!(run(&server, &id)["state"], "cancelled");
}

#[test]
fn who_follows_a_run_that_is_cancelled_is_told_so() {
    let server = fresh();
    server.workspace("base", "standard");
    team(&server, 1, &["demo"]);
    let (mut child, stderr, id) = following(&server);
    assert!(
        swarm_flow(&server, &["swarm", "cancel", &id], "")
            .status
            .success()
    );
    let rest: Vec<String> = stderr.lines().map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(2), "{rest:?}");
    let last = rest.last().unwrap();
    assert!(last.ends_with(&format!("{id}  cancelled")), "{rest:?}");
    // The same for who comes later.
    let done = swarm_flow(&server, &["swarm", "show", &id, "--follow"], "");
    assert_eq!(done.status.code(), Some(2), "{}", said(&done));
}
