//! What the agent does with a task, over any tools.

use crate::context::{self, Context, StdinFrom};
use crate::{children, outcome};
use std::collections::BTreeMap;
use swarm_flow_agent::delegation::{self, Child};
use swarm_flow_agent::inputs::{self, Input};
use swarm_flow_agent::tools::{self, Command, Error, ExecResult, FileInfo};
use swarm_flow_agent::{Agent, AgentError, Health, Task, TaskResult};

/// The component's only type: it has no state, each task stands alone.
pub struct Script;

impl Agent for Script {
    const NAME: &'static str = "script";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const CONTEXT_SCHEMA: Option<&'static str> = Some(context::SCHEMA);

    fn capabilities() -> &'static [&'static str] {
        &["exec"]
    }

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        execute(&Workspace, &task)
    }

    fn health_check() -> Health {
        health(&Workspace)
    }
}

swarm_flow_agent::export!(Script);

/// What the agent needs of its tools; a test gives its own.
trait Tools {
    fn exec(&self, command: &Command) -> Result<ExecResult, Error>;
    fn list_files(&self, path: &str) -> Result<Vec<FileInfo>, Error>;
    fn inputs(&self) -> Vec<Input> {
        Vec::new()
    }
    /// Gives their ids.
    fn delegate(&self, children: Vec<Child>) -> Result<Vec<String>, Error>;
}

/// The tools of the task's workspace.
struct Workspace;

impl Tools for Workspace {
    fn exec(&self, command: &Command) -> Result<ExecResult, Error> {
        tools::run(command)
    }

    fn list_files(&self, path: &str) -> Result<Vec<FileInfo>, Error> {
        tools::list(path)
    }

    fn inputs(&self) -> Vec<Input> {
        inputs::get()
    }

    fn delegate(&self, children: Vec<Child>) -> Result<Vec<String>, Error> {
        delegation::delegate(children)
    }
}

/// Healthy when its tools answer, whatever they answer: without a workspace there is nothing to list, but
/// someone said so.
fn health(tools: &impl Tools) -> Health {
    match tools.list_files("") {
        Err(Error::Unavailable(message)) => Health::Unhealthy(message),
        Err(Error::Internal(_)) => Health::Unhealthy("its tools failed".to_owned()),
        Err(Error::Busy(retry_ms)) => Health::Degraded(format!(
            "its tools are busy, and expect to be free in {retry_ms} ms"
        )),
        Ok(_)
        | Err(
            Error::Invalid(_)
            | Error::NotFound(_)
            | Error::Conflict(_)
            | Error::Denied(_)
            | Error::TooLarge(_),
        ) => Health::Healthy,
    }
}

fn execute(tools: &impl Tools, task: &Task) -> Result<TaskResult, AgentError> {
    let mut context = Context::parse(task.context.as_deref()).map_err(AgentError::InvalidTask)?;
    if let Some(from) = context.stdin_from {
        context.command.stdin = stdin(&tools.inputs(), from);
    }
    let makes_tasks = context.makes_tasks;
    let result = tools.exec(&context.command)?;
    let missing = missing_artifacts(tools, &context.artifacts)?;
    let mut result = outcome::task_result(context, &result, &missing)?;
    if makes_tasks && result.success {
        match children::parse(&result.output) {
            Ok(children) if children.is_empty() => {}
            Ok(children) => result.output = tools.delegate(children)?.join("\n"),
            Err(message) => {
                result.success = false;
                result.output = message;
            }
        }
    }
    Ok(result)
}

fn stdin(inputs: &[Input], from: StdinFrom) -> Vec<u8> {
    let text = |input: &Input| match from {
        StdinFrom::Outputs => input.output.clone(),
        StdinFrom::Inputs => {
            let line = serde_json::json!({
                "task": input.task, "success": input.success, "output": input.output,
                "artifacts": input.artifacts, "workspace": input.workspace,
            });
            format!("{line}\n")
        }
    };
    inputs.iter().map(text).collect::<String>().into_bytes()
}

/// The artifacts that the command did not make. One listing for each directory in which there should be some.
fn missing_artifacts(tools: &impl Tools, artifacts: &[String]) -> Result<Vec<String>, Error> {
    let mut by_directory: BTreeMap<&str, Vec<&String>> = BTreeMap::new();
    for artifact in artifacts {
        let directory = artifact
            .rsplit_once('/')
            .map_or("", |(directory, _)| directory);
        by_directory.entry(directory).or_default().push(artifact);
    }
    let mut missing = Vec::new();
    for (directory, expected) in by_directory {
        let found = match tools.list_files(directory) {
            Ok(found) => found,
            Err(Error::NotFound(_) | Error::Invalid(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let is_there = |path: &String| found.iter().any(|file| &file.path == path);
        missing.extend(expected.into_iter().filter(|path| !is_there(path)).cloned());
    }
    Ok(missing)
}

#[cfg(test)]
mod tests {
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
            assert!(Context::parse(Some(context)).is_err(), "{context}");
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
            let shown = match execute(&fake(Err(error)), &task(r#"{"command":["x"]}"#)).unwrap_err()
            {
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
}
