//! An agent that does with other tasks and with people what its context says, one thing after the other.

use serde::Deserialize;
use swarm_flow_agent::delegation::{Child, delegate, join};
use swarm_flow_agent::human::{Question, ask};
use swarm_flow_agent::locks::{self, LockMode};
use swarm_flow_agent::{Agent, AgentError, Task, TaskResult, messages, progress, tools};

#[derive(Deserialize)]
struct Context {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    Lock(String),
    Share(String),
    Unlock(String),
    /// Runs a command.
    Exec(Vec<String>),
    /// Writes a file.
    Write(String, String),
    Send(String, String),
    Broadcast(String),
    /// Puts out the next message.
    Receive,
    /// Puts out the reply.
    Request(String, String),
    /// Receives a message and replies to it.
    Reply(String),
    /// Makes tasks of its own kind, by id and context.
    Delegate(Vec<(String, String)>),
    /// Puts out what came of tasks.
    Join(Vec<String>),
    /// Puts out the answer.
    Ask(String),
    Progress(String),
    Fail,
}

struct Social;

impl Agent for Social {
    const NAME: &'static str = "social";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");

    fn execute(task: Task) -> Result<TaskResult, AgentError> {
        let asked: Context = task.context_as()?;
        let mut held = Vec::new();
        let mut said = Vec::new();
        for step in asked.steps {
            match step {
                Step::Lock(name) => {
                    held.push((locks::acquire(&name, LockMode::Exclusive)?, name));
                }
                Step::Share(name) => held.push((locks::acquire(&name, LockMode::Shared)?, name)),
                Step::Unlock(name) => held.retain(|(_, other)| *other != name),
                Step::Exec(command) => {
                    let done = tools::exec(&command).run()?;
                    said.push(done.stdout_text());
                }
                Step::Write(path, text) => tools::write(&path, text)?,
                Step::Send(to, body) => messages::send(&to, &body)?,
                Step::Broadcast(body) => messages::broadcast(&body)?,
                Step::Receive => {
                    let message = messages::receive()?;
                    said.push(format!("{}: {}", message.sender, message.body));
                }
                Step::Request(to, body) => said.push(messages::request(&to, &body)?),
                Step::Reply(body) => messages::reply(&messages::receive()?, &body)?,
                Step::Delegate(children) => {
                    let children = children
                        .iter()
                        .map(|(id, context)| Child::new(id, "made").context(context));
                    delegate(children)?;
                }
                Step::Join(tasks) => {
                    let ended = join(&tasks)?;
                    said.extend(ended.into_iter().map(|input| input.output));
                }
                Step::Ask(question) => {
                    let answer = ask(Question::new(question))?;
                    said.push(answer.text);
                }
                Step::Progress(message) => progress::report_done(&message, 0.5),
                Step::Fail => return Ok(TaskResult::failure(said.join(" "))),
            }
        }
        Ok(TaskResult::success(said.join(" ")))
    }
}

swarm_flow_agent::export!(Social);
