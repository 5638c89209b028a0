//! Runs a test command until it succeeds, and sums up the TAP report that it wrote.

use serde::Deserialize;
use swarm_flow_agent::{Agent, AgentError, Task, TaskResult, tools};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Context {
    command: Vec<String>,
    report: String,
    #[serde(default = "three")]
    attempts: u32,
}

struct Tester;

impl Agent for Tester {
    const NAME: &'static str = "tester";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const CONTEXT_SCHEMA: Option<&'static str> = Some(include_str!("../context.schema.json"));

    fn capabilities() -> &'static [&'static str] {
        &["test"]
    }

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        let asked: Context = task.context_as()?;
        let test = tools::exec(&asked.command);
        let (mut done, mut attempt) = (test.run()?, 1);
        while !done.success() && attempt < asked.attempts {
            (done, attempt) = (test.run()?, attempt + 1);
        }
        let report = tools::read_to_string(&asked.report)?;
        let passed = report
            .lines()
            .filter(|line| line.starts_with("ok "))
            .count();
        let failed = report.lines().filter(|line| line.starts_with("not ok "));
        let failed: Vec<&str> = failed.collect();
        let mut said = format!(
            "attempt {attempt}: {passed} passed, {} failed",
            failed.len()
        );
        failed.iter().for_each(|line| said += &format!("\n{line}"));
        let result = if done.success() && failed.is_empty() {
            TaskResult::success(said)
        } else {
            TaskResult::failure(said)
        };
        Ok(result.artifact(asked.report).measured(&done))
    }
}

swarm_flow_agent::export!(Tester);

const fn three() -> u32 {
    3
}
