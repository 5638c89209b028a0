//! An agent that does what none should, as its context says. It calls no tool, so it imports none.

use serde::Deserialize;
use swarm_flow_agent::{Agent, AgentError, Health, Task, TaskResult};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Context {
    /// Ends by an instruction that is none.
    Trap,
    /// Ends the whole instance, as a program would.
    Exit,
    /// Takes all memory that there is.
    Grow,
    /// Says so and fails.
    Fail(String),
    /// Says so.
    Say(String),
}

struct Contrary;

impl Agent for Contrary {
    const NAME: &'static str = "contrary";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    #[expect(
        clippy::disallowed_methods,
        reason = "an agent that does this must not take the runner along"
    )]
    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        match task.context_as()? {
            Context::Trap => std::process::abort(),
            Context::Exit => std::process::exit(1),
            Context::Grow => {
                let mut taken = Vec::new();
                loop {
                    taken.push(vec![1_u8; 1 << 20]);
                }
            }
            Context::Fail(why) => Ok(TaskResult::failure(why)),
            Context::Say(what) => Ok(TaskResult::success(what)),
        }
    }

    fn health_check() -> Health {
        Health::Degraded("it is contrary".to_owned())
    }
}

swarm_flow_agent::export!(Contrary);
