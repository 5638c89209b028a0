//! An agent that counts in the memory of its swarm, and waits a moment in between.

use serde::Deserialize;
use swarm_flow_agent::memory::{self, Scope};
use swarm_flow_agent::{Agent, AgentError, Task, TaskResult, tools};

#[derive(Deserialize)]
struct Context {
    /// How often it adds one to `count`.
    times: u32,
    /// A command that it runs after each time.
    #[serde(default)]
    command: Vec<String>,
}

struct Counter;

impl Agent for Counter {
    const NAME: &'static str = "counter";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        let asked: Context = task.context_as()?;
        let mut last = String::new();
        for _ in 0..asked.times {
            last = memory::update(Scope::Shared, "count", |is| {
                let is: u32 = is.and_then(|is| is.parse().ok()).unwrap_or(0);
                (is + 1).to_string()
            })?;
            if !asked.command.is_empty() {
                tools::exec(&asked.command).run()?;
            }
        }
        memory::put(Scope::Agent, "last", &task.id)?;
        Ok(TaskResult::success(last))
    }
}

swarm_flow_agent::export!(Counter);
