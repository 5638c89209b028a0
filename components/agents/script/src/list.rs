//! Several commands, in the form that `swarm-flow run` takes: one after another, in the workspace of the task.

use crate::agent::{Tools, missing_artifacts};
use crate::context::{boolean, string};
use crate::outcome;
use serde_json::{Map, Value, json};
use swarm_flow_agent::tools::{Command, Error, ExecResult, Outcome};
use swarm_flow_agent::{AgentError, TaskResult};
use swarm_flow_tasks::{Task, TaskFile, workspace_path};

pub const FIELDS: [&str; 3] = ["tasks", "tasks_file", "keep_going"];

/// Of each output of a command that did not do what it should; of more, the end.
const OUTPUT_BYTES_MAX: usize = 16 << 10;

/// What a task asks for.
#[derive(Debug)]
pub struct List {
    from: From,
    /// After a task that failed, too.
    keep_going: bool,
}

#[derive(Debug)]
enum From {
    Tasks(Vec<Task>),
    /// In the workspace.
    File(String),
}

impl List {
    /// Reads the fields of a context.
    pub fn parse(fields: &Map<String, Value>) -> Result<Self, String> {
        if let Some(other) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(format!(
                "`{other}` does not go with a list of tasks; beside it there is `keep_going`, and each task has fields of its own"
            ));
        }
        let from = match (fields.get("tasks"), string(fields, "tasks_file")?) {
            (Some(_), Some(_)) => {
                return Err("`tasks` and `tasks_file` are both given; give one".to_owned());
            }
            (Some(tasks), None) => From::Tasks(read(TaskFile::of(&json!({"tasks": tasks})))?),
            (None, Some(path)) => From::File(file(&path)?),
            (None, None) => return Err("`tasks` is missing".to_owned()),
        };
        Ok(Self {
            from,
            keep_going: boolean(fields, "keep_going")?,
        })
    }

    /// Runs them up to the first that fails, or all.
    pub fn execute(self, tools: &impl Tools) -> Result<TaskResult, AgentError> {
        let tasks = match self.from {
            From::Tasks(tasks) => tasks,
            From::File(path) => {
                let text = String::from_utf8(tools.read_file(&path)?);
                let text = text.map_err(|_| "it is not UTF-8".to_owned());
                let tasks = text.and_then(|text| read(TaskFile::parse(&text)));
                tasks.map_err(|why| AgentError::InvalidTask(format!("`tasks_file`: {why}")))?
            }
        };
        let mut all = All::default();
        for task in tasks {
            if all.has_failed && !self.keep_going {
                all.say(json!({"task": task.name, "success": false, "skipped": true}));
            } else {
                all.run(tools, task)?;
            }
        }
        Ok(all.result())
    }
}

fn read(file: anyhow::Result<TaskFile>) -> Result<Vec<Task>, String> {
    file.map(|file| file.tasks)
        .map_err(|error| format!("{error:#}"))
}

fn file(path: &str) -> Result<String, String> {
    match workspace_path(path) {
        Ok(path) if !path.is_empty() => Ok(path),
        Ok(_) => Err("`tasks_file` names no file".to_owned()),
        Err(error) => Err(format!("`tasks_file`: {error}")),
    }
}

/// What came of them.
#[derive(Default)]
struct All {
    has_failed: bool,
    /// A line of JSON for each.
    output: String,
    artifacts: Vec<String>,
    /// What they used together.
    used: Option<ExecResult>,
}

impl All {
    fn run(&mut self, tools: &impl Tools, task: Task) -> Result<(), AgentError> {
        let mut failures = Vec::new();
        let ended = match tools.exec(&command(&task)) {
            Ok(ended) => Some(ended),
            // Trying again may help.
            Err(error @ (Error::Unavailable(_) | Error::Busy(_) | Error::Conflict(_))) => {
                return Err(error.into());
            }
            Err(error @ Error::Internal(_)) => return Err(error.into()),
            Err(error) => {
                failures.push(said(error));
                None
            }
        };
        if let Some(ended) = &ended {
            if matches!(ended.outcome, Outcome::Cancelled) {
                return Err(outcome::cancelled());
            }
            failures.extend(outcome::failures(task.expect_exit_code, ended));
        }
        let paths: Vec<String> = task.artifacts.into_iter().map(|one| one.path).collect();
        let missing = missing_artifacts(tools, &paths)?;
        failures.extend(outcome::missing(&missing));
        let success = failures.is_empty();
        let mut line = json!({"task": task.name, "success": success});
        if let Some(ended) = &ended {
            line["exit_code"] = ended.exit_code.into();
        }
        if !success {
            self.has_failed = true;
            line["failures"] = failures.into();
            for (name, bytes) in ended
                .iter()
                .flat_map(|ended| [("stdout", &ended.stdout), ("stderr", &ended.stderr)])
            {
                line[name] = end(bytes).into();
            }
        }
        let made = paths.into_iter().filter(|path| !missing.contains(path));
        for path in made {
            if !self.artifacts.contains(&path) {
                self.artifacts.push(path);
            }
        }
        self.say(line);
        self.used = ended
            .map(|ended| together(self.used.take(), ended))
            .or(self.used.take());
        Ok(())
    }

    #[expect(clippy::needless_pass_by_value, reason = "it is made for this")]
    fn say(&mut self, line: Value) {
        self.output.push_str(&format!("{line}\n"));
    }

    fn result(self) -> TaskResult {
        TaskResult {
            success: !self.has_failed,
            output: self.output,
            artifacts: self.artifacts,
            metrics: self.used.map(|used| used.metrics()),
        }
    }
}

fn command(task: &Task) -> Command {
    Command {
        argv: task.command.clone(),
        stdin: task.stdin.clone().into_bytes(),
        env: task.env.clone().into_iter().collect(),
        cwd: task.cwd.clone(),
        timeout_ms: task.timeout_ms,
        limits: None,
    }
}

/// The sum, where a sum means something.
fn together(before: Option<ExecResult>, ended: ExecResult) -> ExecResult {
    match before {
        None => ended,
        Some(before) => ExecResult {
            wall_ms: before.wall_ms + ended.wall_ms,
            cpu_ms: before.cpu_ms + ended.cpu_ms,
            peak_memory_bytes: before.peak_memory_bytes.max(ended.peak_memory_bytes),
            ..ended
        },
    }
}

/// A refusal in the words of an agent's error.
fn said(error: Error) -> String {
    match AgentError::from(error) {
        AgentError::InvalidTask(message)
        | AgentError::ToolUnavailable(message)
        | AgentError::Denied(message) => message,
        AgentError::LacksCapabilities(names) => names.join(", "),
    }
}

fn end(bytes: &[u8]) -> String {
    let cut = bytes.len().saturating_sub(OUTPUT_BYTES_MAX);
    let begin = if cut > 0 { "…" } else { "" };
    let end = bytes.get(cut..).unwrap_or_default();
    format!("{begin}{}", String::from_utf8_lossy(end))
}
