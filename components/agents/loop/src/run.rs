//! The loop: the model is asked, what it wants is done in order, until it stops or a rule ends it.

use crate::context::Common;
use crate::conversation::{Conversation, shown};
use crate::end::{End, Ended, Spent, is_the_models};
use crate::platform::{Model, Request};
use crate::tools::{self, Tool};
use crate::window::{Asking, Window};
use crate::work::{Trouble, Work};
use serde_json::Value;
use swarm_flow_agent::model::{FinishReason, ModelError, Response, ToolCall, ToolChoice};

/// What an agent is beyond the loop.
pub trait Role {
    /// What the model can use: the workspace's, and those that [`Role::call`] does.
    fn tools(&self) -> Vec<Tool>;

    fn choice(&self) -> ToolChoice {
        ToolChoice::Auto
    }

    /// Uses a tool of its own, with arguments as its schema has them; none when it is not its own.
    fn call(&mut self, work: &mut Work<'_>, name: &str, arguments: &Value) -> Option<Called>;

    /// The model has said something and wants no tool.
    fn stopped(&mut self, work: &mut Work<'_>, said: &str) -> Next;
}

/// What came of a role's tool.
#[derive(Debug, PartialEq)]
pub enum Called {
    Said(String),
    Failed(String),
    End(End),
}

/// What happens when the model stops.
#[derive(Debug, PartialEq)]
pub enum Next {
    End(End),
    /// It is told this.
    GoOn(String),
}

/// What a loop begins with.
pub struct Settings<'a> {
    /// For the operator's routing table: `edit`.
    pub kind: &'a str,
    pub model: Option<&'a str>,
    pub max_turns: u32,
    pub max_output_tokens: Option<u32>,
    pub system: &'a str,
    pub task: &'a str,
}

impl<'a> Settings<'a> {
    /// As the context of a task has it.
    #[must_use]
    pub fn of(common: &'a Common, kind: &'a str, system: &'a str, task: &'a str) -> Self {
        Self {
            kind,
            model: common.model.as_deref(),
            max_turns: common.max_turns.unwrap_or(TURNS),
            max_output_tokens: common.max_output_tokens,
            system,
            task,
        }
    }
}

/// Unless a task says otherwise.
const TURNS: u32 = 50;
/// Answers that cannot be used, and answers that are cut off, one after the other.
const MISTAKES_MAX: u32 = 3;
/// The same call with the same result, one after the other.
const REPEATED_MAX: u32 = 3;
const SHOWN_CHARS_MAX: usize = 200;

/// Runs it to its end.
pub fn run(
    model: &dyn Model,
    work: &mut Work<'_>,
    role: &mut dyn Role,
    settings: &Settings<'_>,
) -> Ended {
    let tools = role.tools();
    let mut state = Loop {
        asking: Asking {
            model,
            name: settings.model,
            max_output_tokens: settings.max_output_tokens,
        },
        conversation: Conversation::new(settings.system, settings.task),
        window: Window::new(model, settings.model, &tools),
        tools,
        settings,
        said: String::new(),
        turns: 0,
        spent: Spent::default(),
        mistakes: 0,
        cut_off: 0,
        last: None,
    };
    let end = loop {
        if state.turns == settings.max_turns {
            break End::Turns(settings.max_turns);
        }
        match state.turn(work, role) {
            Ok(()) => {}
            Err(end) => break end,
        }
    };
    let Loop {
        said, turns, spent, ..
    } = state;
    Ended {
        end,
        said,
        turns,
        spent,
    }
}

struct Loop<'a> {
    asking: Asking<'a>,
    settings: &'a Settings<'a>,
    tools: Vec<Tool>,
    conversation: Conversation,
    window: Window,
    said: String,
    turns: u32,
    spent: Spent,
    mistakes: u32,
    cut_off: u32,
    /// The last call with what came of it, and how often that was so.
    last: Option<(String, u32)>,
}

impl Loop<'_> {
    fn turn(&mut self, work: &mut Work<'_>, role: &mut dyn Role) -> Result<(), End> {
        let answer = self.ask(role.choice());
        self.turns += 1;
        let answer = match answer {
            Ok(answer) => answer,
            Err(ModelError::BadAnswer(bad))
                if is_the_models(bad.reason) && self.mistakes < MISTAKES_MAX =>
            {
                self.mistakes += 1;
                let known: Vec<&str> = self.tools.iter().map(|tool| tool.name).collect();
                self.conversation.say(format!(
                    "Your answer could not be used: {}. The tools are {}; arguments are a JSON object as their schema has it.",
                    bad.message,
                    known.join(", ")
                ));
                return Ok(());
            }
            Err(error) => {
                // A call that had no answer is no turn.
                self.turns -= 1;
                return Err(End::Model(error));
            }
        };
        let text = answer.text();
        if !text.trim().is_empty() {
            self.said.clone_from(&text);
        }
        if answer.finish_reason == FinishReason::ContentFilter {
            let message = "a filter of the provider's cut the answer off".to_owned();
            return Err(End::Model(ModelError::Refused(message)));
        }
        self.conversation.answered(&answer);
        let calls = answer.tool_calls();
        if calls.is_empty() {
            return self.stopped(work, role, &answer, &text);
        }
        self.cut_off = 0;
        calls
            .into_iter()
            .try_for_each(|call| self.call(work, role, call))
    }

    fn ask(&mut self, choice: ToolChoice) -> Result<Response, ModelError> {
        self.window
            .fit(&mut self.conversation, &self.asking, &mut self.spent)?;
        let answer = match self.chat(choice.clone()) {
            Err(ModelError::ContextTooLong(message)) => {
                if !self
                    .window
                    .force(&mut self.conversation, &self.asking, &mut self.spent)?
                {
                    return Err(ModelError::ContextTooLong(message));
                }
                self.chat(choice)?
            }
            other => other?,
        };
        self.window
            .learn(&answer.model, &answer.usage, &self.conversation);
        self.spent
            .add(&answer.usage, answer.cost_microusd, &answer.model);
        Ok(answer)
    }

    fn chat(&self, choice: ToolChoice) -> Result<Response, ModelError> {
        self.asking.model.chat(&Request {
            messages: &self.conversation.messages,
            tools: &self.tools,
            choice,
            kind: self.settings.kind,
            model: self.settings.model,
            max_output_tokens: self.settings.max_output_tokens,
        })
    }

    /// The model wants no tool.
    fn stopped(
        &mut self,
        work: &mut Work<'_>,
        role: &mut dyn Role,
        answer: &Response,
        text: &str,
    ) -> Result<(), End> {
        if answer.finish_reason == FinishReason::Length {
            if self.cut_off == MISTAKES_MAX {
                return Err(End::CutOff);
            }
            self.cut_off += 1;
            let said = format!(
                "Your answer was cut off after {} tokens. Go on, in smaller steps.",
                answer.usage.output
            );
            self.conversation.say(said);
            return Ok(());
        }
        self.cut_off = 0;
        self.mistakes = 0;
        match role.stopped(work, text) {
            Next::End(end) => Err(end),
            Next::GoOn(said) => {
                self.conversation.say(said);
                Ok(())
            }
        }
    }

    fn call(
        &mut self,
        work: &mut Work<'_>,
        role: &mut dyn Role,
        call: &ToolCall,
    ) -> Result<(), End> {
        let shown = shown(call, SHOWN_CHARS_MAX);
        work.report(&format!("turn {}: {shown}", self.turns));
        let (content, is_error) = match self.used(work, role, call)? {
            Ok(content) => (content, false),
            Err(content) => (content, true),
        };
        self.repeated(call, &content)?;
        self.conversation.result(call, content, is_error);
        Ok(())
    }

    /// What came of a call, for the model: a result or an error.
    fn used(
        &mut self,
        work: &mut Work<'_>,
        role: &mut dyn Role,
        call: &ToolCall,
    ) -> Result<Result<String, String>, End> {
        let arguments = match self.arguments(call) {
            Ok(arguments) => arguments,
            Err(said) if self.mistakes == MISTAKES_MAX => return Err(End::NoAnswer(said)),
            Err(said) => {
                self.mistakes += 1;
                return Ok(Err(said));
            }
        };
        self.mistakes = 0;
        match role.call(work, &call.name, &arguments) {
            Some(Called::Said(said)) => return Ok(Ok(said)),
            Some(Called::Failed(said)) => return Ok(Err(said)),
            Some(Called::End(end)) => return Err(end),
            None => {}
        }
        match tools::call(work, &call.name, &arguments) {
            Some(Ok(said)) => Ok(Ok(said)),
            Some(Err(Trouble::Said(said))) => Ok(Err(said)),
            Some(Err(Trouble::Broken(error))) => Err(End::Workspace(error)),
            None => Ok(Err(format!("the tool `{}` does nothing", call.name))),
        }
    }

    fn arguments(&self, call: &ToolCall) -> Result<Value, String> {
        let Some(tool) = self.tools.iter().find(|tool| tool.name == call.name) else {
            let known: Vec<&str> = self.tools.iter().map(|tool| tool.name).collect();
            return Err(format!(
                "there is no tool `{}`; there are {}",
                call.name,
                known.join(", ")
            ));
        };
        tool.arguments(&call.arguments)
    }

    fn repeated(&mut self, call: &ToolCall, content: &str) -> Result<(), End> {
        let now = format!("{}\n{}\n{content}", call.name, call.arguments);
        let times = match self.last.take() {
            Some((before, times)) if before == now => times + 1,
            _ => 1,
        };
        self.last = Some((now, times));
        if times == REPEATED_MAX {
            let what = shown(call, SHOWN_CHARS_MAX);
            return Err(End::NoProgress(format!(
                "the same call gave the same result {times} times running: `{what}`"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
