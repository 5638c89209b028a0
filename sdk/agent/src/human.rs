//! Questions to people. The task waits, for days if need be, and uses nothing meanwhile.

use crate::bindings::swarm_flow::core::human;
use crate::tools::Error;
use std::time::Duration;

pub use human::Answer;

/// What is asked.
#[must_use = "it is asked by `ask`"]
pub struct Question(human::Question);

impl Question {
    pub fn new(text: impl Into<String>) -> Self {
        Self(human::Question {
            text: text.into(),
            options: Vec::new(),
            default: None,
            timeout_ms: None,
            confidence: None,
        })
    }

    /// One of what can be answered; free text when there are none.
    pub fn option(mut self, option: &str) -> Self {
        self.0.options.push(option.to_owned());
        self
    }

    /// What counts when nobody answers in time.
    pub fn default(mut self, answer: &str) -> Self {
        self.0.default = Some(answer.to_owned());
        self
    }

    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout_ms = Some(crate::tools::milliseconds(timeout));
        self
    }

    /// How sure the agent is of the default, 0.0 to 1.0: where the run trusts so much, nobody is asked.
    pub fn confidence(mut self, confidence: f32) -> Self {
        self.0.confidence = Some(confidence);
        self
    }
}

/// Waits for the answer.
///
/// # Errors
///
/// When none came in time and there is no default, or the question makes no sense.
pub fn ask(question: Question) -> Result<Answer, Error> {
    human::ask(&question.0)
}
