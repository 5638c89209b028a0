use super::*;
use std::cell::RefCell;
use swarm_flow_agent::tools::{Denial, FileKind, Missing, Outcome};

/// Answers each command with one result, and lists these files.
struct Fake {
    result: Result<ExecResult, Error>,
    files: &'static [&'static str],
    commands: RefCell<Vec<Command>>,
}

impl Tools for Fake {
    fn exec(&self, command: &Command) -> Result<ExecResult, Error> {
        self.commands.borrow_mut().push(command.clone());
        self.result.clone()
    }

    fn list_files(&self, path: &str) -> Result<Vec<FileInfo>, Error> {
        let inside: Vec<FileInfo> = self
            .files
            .iter()
            .filter(|file| file.rsplit_once('/').map_or("", |(directory, _)| directory) == path)
            .map(|file| FileInfo {
                path: (*file).to_owned(),
                kind: FileKind::File,
                size_bytes: 1,
                modified_at_ms: 0,
            })
            .collect();
        if inside.is_empty() && !path.is_empty() {
            return Err(Error::NotFound(Missing {
                kind: "file".to_owned(),
                id: path.to_owned(),
                known: Vec::new(),
            }));
        }
        Ok(inside)
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, Error> {
        match path {
            "tasks.json" => Ok(TASKS.into()),
            other => Err(Error::NotFound(Missing {
                kind: "file".to_owned(),
                id: other.to_owned(),
                known: Vec::new(),
            })),
        }
    }

    fn delegate(&self, children: Vec<Child>) -> Result<Vec<String>, Error> {
        Ok(vec!["made".to_owned(); children.len()])
    }
}

fn fake(result: Result<ExecResult, Error>) -> Fake {
    Fake {
        result,
        files: &["out.txt", "build/a.txt"],
        commands: RefCell::default(),
    }
}

fn ended(exit_code: u8) -> ExecResult {
    ExecResult {
        outcome: Outcome::Exited,
        exit_code,
        stdout: b"said\n".to_vec(),
        stderr: b"complained\n".to_vec(),
        stdout_truncated: false,
        stderr_truncated: false,
        wall_ms: 20.4,
        cpu_ms: 5.1,
        peak_memory_bytes: 65536,
        read_bytes: 0,
        written_bytes: 0,
        sandbox: String::new(),
        denials: Vec::new(),
    }
}

fn task(context: &str) -> Task {
    Task {
        id: "t".to_owned(),
        description: String::new(),
        requirements: vec!["exec".to_owned()],
        context: Some(context.to_owned()),
    }
}

#[test]
fn a_command_that_ends_as_expected_with_its_artifacts_is_a_success() {
    let tools = fake(Ok(ended(3)));
    let context = r#"{"command":["python","-c","1"],"expect_exit_code":3,"artifacts":["out.txt","build/a.txt"]}"#;
    let result = execute(&tools, &task(context)).unwrap();
    assert!(result.success);
    assert_eq!(result.output, "said\n");
    assert_eq!(result.artifacts, ["out.txt", "build/a.txt"]);
    let metrics = result.metrics.unwrap();
    assert_eq!((metrics.execution_time, metrics.memory_usage), (20, 65536));
    assert!((metrics.cpu_usage - 0.25).abs() < 0.001);
    assert_eq!(tools.commands.borrow()[0].argv, ["python", "-c", "1"]);
}

#[test]
fn a_command_reads_what_came_of_the_tasks_before() {
    let input = |task: &str, success, output: &str| Input {
        task: task.to_owned(),
        success,
        output: output.to_owned(),
        artifacts: vec!["a".to_owned()],
        workspace: None,
    };
    let inputs = [input("x", true, "one\n"), input("y", false, "two\n")];
    assert_eq!(stdin(&inputs, StdinFrom::Outputs), b"one\ntwo\n");
    let lines = String::from_utf8(stdin(&inputs, StdinFrom::Inputs)).unwrap();
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["task"], &last["success"], lines.lines().count()),
        (&"y".into(), &false.into(), 2)
    );
    for context in [
        r#"{"command":["a"],"stdin_from":"x"}"#,
        r#"{"command":["a"],"stdin_from":"inputs","stdin":""}"#,
    ] {
        assert!(Wanted::parse(Some(context)).is_err(), "{context}");
    }
}

#[test]
fn another_exit_code_is_a_failure_that_shows_both_outputs() {
    let result = execute(&fake(Ok(ended(1))), &task(r#"{"command":["false"]}"#)).unwrap();
    assert!(!result.success);
    assert_eq!(
        result.output,
        "the command ended with exit code 1, expected 0\n--- stdout ---\nsaid\n--- stderr ---\ncomplained\n"
    );
}

#[test]
fn a_missing_artifact_is_a_failure_that_names_it() {
    let context = r#"{"command":["true"],"artifacts":["out.txt","none.txt","no/where.txt"]}"#;
    let result = execute(&fake(Ok(ended(0))), &task(context)).unwrap();
    assert!(!result.success);
    assert!(
        result
            .output
            .starts_with("missing artifacts: `none.txt`, `no/where.txt`\n"),
        "{}",
        result.output
    );
    assert_eq!(result.artifacts, ["out.txt"]);
}

#[test]
fn a_tool_that_cannot_be_used_is_no_failed_task() {
    let denial = Denial {
        capability: "filesystem.write".to_owned(),
        resource: "/workspace".to_owned(),
        rule: "filesystem.read_write".to_owned(),
    };
    for (error, expected) in [
        (
            Error::Unavailable("gone".to_owned()),
            "tool-unavailable: gone",
        ),
        (
            Error::Conflict("it is stopped".to_owned()),
            "tool-unavailable: it is stopped",
        ),
        (
            Error::Denied(denial),
            "denied: filesystem.write on `/workspace`; `filesystem.read_write` would allow it",
        ),
        (
            Error::NotFound(Missing {
                kind: "program".to_owned(),
                id: "rubby".to_owned(),
                known: vec!["python".to_owned(), "sh".to_owned()],
            }),
            "invalid-task: there is no program `rubby`; there are `python`, `sh`",
        ),
    ] {
        let shown = match execute(&fake(Err(error)), &task(r#"{"command":["x"]}"#)).unwrap_err() {
            AgentError::InvalidTask(message) => format!("invalid-task: {message}"),
            AgentError::ToolUnavailable(message) => format!("tool-unavailable: {message}"),
            AgentError::Denied(message) => format!("denied: {message}"),
            AgentError::LacksCapabilities(lacking) => lacking.join(","),
        };
        assert_eq!(shown, expected);
    }
}

#[test]
fn it_is_healthy_as_long_as_someone_answers() {
    struct Answer(Error);
    impl Tools for Answer {
        fn delegate(&self, _: Vec<Child>) -> Result<Vec<String>, Error> {
            unreachable!("it is asked for its health alone")
        }

        fn read_file(&self, _: &str) -> Result<Vec<u8>, Error> {
            unreachable!("it is asked for its health alone")
        }

        fn exec(&self, _: &Command) -> Result<ExecResult, Error> {
            Err(self.0.clone())
        }
        fn list_files(&self, _: &str) -> Result<Vec<FileInfo>, Error> {
            Err(self.0.clone())
        }
    }
    assert!(matches!(health(&fake(Ok(ended(0)))), Health::Healthy));
    assert!(matches!(
        health(&Answer(Error::Conflict(String::new()))),
        Health::Healthy
    ));
    assert!(matches!(
        health(&Answer(Error::Busy(5))),
        Health::Degraded(_)
    ));
    assert!(matches!(
        health(&Answer(Error::Unavailable("gone".to_owned()))),
        Health::Unhealthy(_)
    ));
}

const TASKS: &str = r#"{"environment": "python", "tasks": [
    {"command": ["a"], "artifacts": [{"path": "out.txt"}]},
    {"name": "bad", "command": ["b"], "expect_exit_code": 3, "artifacts": [{"path": "none.txt"}]},
    {"command": ["c"], "stdin": "s", "env": {"K": "v"}, "cwd": "/tmp", "timeout_ms": 5}
]}"#;

/// What was run, and what came of it.
fn list(context: &str) -> (Vec<String>, TaskResult) {
    let tools = fake(Ok(ended(0)));
    let result = execute(&tools, &task(context)).unwrap();
    let commands = tools.commands.take().into_iter();
    (
        commands.map(|command| command.argv.concat()).collect(),
        result,
    )
}

#[test]
fn a_list_is_run_up_to_the_first_that_fails() {
    let (run, result) = list(r#"{"tasks_file":"/workspace/tasks.json"}"#);
    assert_eq!(run, ["a", "b"]);
    assert!(!result.success);
    assert_eq!(result.artifacts, ["out.txt"]);
    let lines: Vec<serde_json::Value> = result
        .output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            serde_json::json!({"task": "task-1", "success": true, "exit_code": 0}),
            serde_json::json!({
                "task": "bad", "success": false, "exit_code": 0, "stdout": "said\n", "stderr": "complained\n",
                "failures": ["the command ended with exit code 0, expected 3", "missing artifacts: `none.txt`"],
            }),
            serde_json::json!({"task": "task-3", "success": false, "skipped": true}),
        ]
    );
    assert_eq!(result.metrics.unwrap().execution_time, 41);
}

#[test]
fn a_list_that_keeps_going_is_run_to_its_end() {
    let (run, result) = list(r#"{"tasks_file":"tasks.json","keep_going":true}"#);
    assert_eq!((run.concat().as_str(), result.success), ("abc", false));
    let (run, result) = list(r#"{"tasks":[{"command":["a"]},{"command":["b"]}]}"#);
    assert_eq!((run.concat().as_str(), result.success), ("ab", true));
}

#[test]
fn in_a_list_what_is_refused_is_a_failed_task_and_what_is_away_is_tried_again() {
    let with = |error: Error| {
        let context = r#"{"tasks":[{"command":["a"]}]}"#;
        execute(&fake(Err(error)), &task(context))
    };
    let missing = Error::NotFound(Missing {
        kind: "program".to_owned(),
        id: "rubby".to_owned(),
        known: Vec::new(),
    });
    let failed = with(missing).unwrap();
    assert!(
        !failed.success && failed.output.contains("no program `rubby`"),
        "{}",
        failed.output
    );
    assert!(with(Error::Unavailable("gone".to_owned())).is_err());
    let nowhere = task(r#"{"tasks_file":"other.json"}"#);
    assert!(matches!(
        execute(&fake(Ok(ended(0))), &nowhere),
        Err(AgentError::InvalidTask(_))
    ));
}

#[test]
fn what_a_command_puts_out_can_be_tasks() {
    let with = |stdout: &str| {
        let tools = fake(Ok(ExecResult {
            stdout: stdout.into(),
            ..ended(0)
        }));
        let asked = task(r#"{"command":["plan"],"stdout_to":"tasks"}"#);
        let result = execute(&tools, &asked).unwrap();
        (result.success, result.output)
    };
    assert_eq!(
        with(r#"[{"id":"a"},{"id":"b"}]"#),
        (true, "made\nmade".to_owned())
    );
    assert!(with("[]").0);
    let (success, said) = with("nothing");
    assert!(!success && said.contains("no JSON array"), "{said}");
}
