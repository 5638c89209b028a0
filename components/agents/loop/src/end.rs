//! How the loop ends, and what becomes of the task then.
//!
//! | end | the task |
//! |---|---|
//! | `done`, `green` | succeeded |
//! | `turns`, `checks`, `no-progress`, `cut-off`, `no-answer`, `bad-answer` | failed, with what was done |
//! | `budget-exceeded`, `context-too-long`, `refused`, `unauthorized`, `forbidden`, `not-configured` | the same |
//! | `denied` (the model), `invalid`, `unknown-model` | could not be tried: who wrote the policy or the task can put it right |
//! | `rate-limited`, `timed-out`, `unavailable`, another `bad-answer` of the provider's | could not be tried to its end: its retries decide |
//! | the workspace is away | the same |

use swarm_flow_agent::AgentError;
use swarm_flow_agent::model::{BadAnswerReason, ModelError, Usage};
use swarm_flow_agent::tools::Error;

/// Why the loop ended.
#[derive(Debug, PartialEq)]
pub enum End {
    /// The model stopped, or gave the answer that was asked for.
    Done,
    /// The check says that it is done.
    Green,
    Turns(u32),
    /// The check was never green, so often.
    Checks(u32),
    NoProgress(String),
    /// The model came to the end of what it may say, again and again.
    CutOff,
    /// The model did not give its answer in the form that was asked for; what was wrong last.
    NoAnswer(String),
    Model(ModelError),
    Workspace(Error),
}

/// What a loop was.
#[derive(Debug)]
pub struct Ended {
    pub end: End,
    /// What the model said last.
    pub said: String,
    pub turns: u32,
    pub spent: Spent,
}

/// What the model's answers took together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spent {
    pub calls: u32,
    pub input: u64,
    pub cached_input: u64,
    pub output: u64,
    /// None when an answer had no price.
    pub microusd: Option<u64>,
    /// What answered last.
    pub model: String,
}

impl Spent {
    pub(crate) fn add(&mut self, usage: &Usage, microusd: Option<u64>, model: &str) {
        let before = if self.calls == 0 {
            Some(0)
        } else {
            self.microusd
        };
        self.microusd = before.zip(microusd).map(|(before, more)| before + more);
        self.calls += 1;
        self.input += usage.input;
        self.cached_input += usage.cached_input;
        self.output += usage.output;
        model.clone_into(&mut self.model);
    }
}

impl End {
    /// By which a reader knows it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Green => "green",
            Self::Turns(_) => "turns",
            Self::Checks(_) => "checks",
            Self::NoProgress(_) => "no-progress",
            Self::CutOff => "cut-off",
            Self::NoAnswer(_) => "no-answer",
            Self::Model(error) => match error {
                ModelError::NotConfigured(_) => "not-configured",
                ModelError::UnknownModel(_) => "unknown-model",
                ModelError::Invalid(_) => "invalid",
                ModelError::Denied(_) => "denied",
                ModelError::Unauthorized(_) => "unauthorized",
                ModelError::Forbidden(_) => "forbidden",
                ModelError::RateLimited(_) => "rate-limited",
                ModelError::BudgetExceeded(_) => "budget-exceeded",
                ModelError::ContextTooLong(_) => "context-too-long",
                ModelError::Refused(_) => "refused",
                ModelError::TimedOut(_) => "timed-out",
                ModelError::Unavailable(_) => "unavailable",
                ModelError::BadAnswer(_) => "bad-answer",
            },
            Self::Workspace(_) => "workspace",
        }
    }

    #[must_use]
    pub fn is_success(&self) -> bool {
        matches!(self, Self::Done | Self::Green)
    }

    /// In a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Done => "the model has said what it wanted".to_owned(),
            Self::Green => "the check says that it is done".to_owned(),
            Self::Turns(turns) => format!("all of {turns} turns were used; `max_turns` can be more"),
            Self::Checks(checks) => format!("the check was run {checks} times and was never green; `checks_max` can be more"),
            Self::NoProgress(why) | Self::NoAnswer(why) => why.clone(),
            Self::CutOff => "the model's answers were cut off at what it may say; `max_output_tokens` can be more".to_owned(),
            Self::Model(error) => said(&error.clone().into()),
            Self::Workspace(error) => said(&error.clone().into()),
        }
    }

    /// The task's error, where it could not be tried to its end.
    #[must_use]
    pub fn error(&self) -> Option<fn(String) -> AgentError> {
        match self {
            Self::Model(ModelError::Denied(_)) => Some(AgentError::Denied),
            Self::Model(ModelError::Invalid(_) | ModelError::UnknownModel(_)) => {
                Some(AgentError::InvalidTask)
            }
            Self::Model(
                ModelError::RateLimited(_) | ModelError::TimedOut(_) | ModelError::Unavailable(_),
            )
            | Self::Workspace(_) => Some(AgentError::ToolUnavailable),
            // What the model itself said wrong it was told; the rest is the provider's.
            Self::Model(ModelError::BadAnswer(bad)) if !is_the_models(bad.reason) => {
                Some(AgentError::ToolUnavailable)
            }
            _ => None,
        }
    }
}

/// Whether the model can do better when it is told.
pub(crate) fn is_the_models(reason: BadAnswerReason) -> bool {
    matches!(
        reason,
        BadAnswerReason::UnknownTool | BadAnswerReason::NotJson
    )
}

fn said(error: &AgentError) -> String {
    match error {
        AgentError::InvalidTask(said)
        | AgentError::ToolUnavailable(said)
        | AgentError::Denied(said) => said.clone(),
        AgentError::LacksCapabilities(lacking) => lacking.join(", "),
    }
}
