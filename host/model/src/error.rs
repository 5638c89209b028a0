//! Why there is no answer, in words on which an agent can act.

use crate::caller::{Denied, Exceeded};
use serde::{Deserialize, Serialize};

/// As JSON, `{"error": "rate_limited", …}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum ModelError {
    /// There is no model at all.
    #[error("{message}")]
    NotConfigured { message: String },
    /// None of the operator's has this name, or its provider does not know it.
    #[error("no model `{name}`: {message}")]
    UnknownModel {
        name: String,
        known: Vec<String>,
        message: String,
    },
    /// The request can never work.
    #[error("`{field}`: {message}")]
    Invalid { field: String, message: String },
    /// The workspace's policy does not grant the model.
    #[error("the policy does not grant the model `{}`; {} would", .denied.model, .denied.rule)]
    Denied {
        #[serde(flatten)]
        denied: Denied,
    },
    /// The provider does not take the key.
    #[error("the provider does not take the key: {message}")]
    Unauthorized { message: String },
    /// The key does not allow this, or its account is empty.
    #[error("the provider forbids it: {message}")]
    Forbidden { message: String },
    #[error("the provider has no room for {retry_ms} ms: {message}")]
    RateLimited { retry_ms: u64, message: String },
    /// Refused before anything was sent.
    #[error("{}", .exceeded.message)]
    BudgetExceeded {
        #[serde(flatten)]
        exceeded: Exceeded,
    },
    /// The messages are longer than the model's window.
    #[error("the messages are too long for the model: {message}")]
    ContextTooLong { message: String },
    /// The model, or a filter before it, does not want to answer this.
    #[error("refused: {message}")]
    Refused { message: String },
    #[error("the provider took too long: {message}")]
    TimedOut { message: String },
    /// The provider is away or broken.
    #[error("the provider is not available: {message}")]
    Unavailable { message: String },
    /// There was an answer, and it is none.
    #[error("the answer is none: {message}")]
    BadAnswer { reason: BadAnswer, message: String },
}

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BadAnswer {
    /// It is not what the provider's dialect says.
    NotUnderstood,
    /// It ended in the middle.
    CutOff,
    /// It is longer than anybody wants to read.
    TooLarge,
    /// There is nothing in it.
    Empty,
    /// It calls a tool that the model was not given.
    UnknownTool,
    /// It calls a tool with arguments that are no JSON object, or is to be JSON and is not.
    NotJson,
}

impl ModelError {
    /// For traces.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotConfigured { .. } => "not_configured",
            Self::UnknownModel { .. } => "unknown_model",
            Self::Invalid { .. } => "invalid",
            Self::Denied { .. } => "denied",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::RateLimited { .. } => "rate_limited",
            Self::BudgetExceeded { .. } => "budget_exceeded",
            Self::ContextTooLong { .. } => "context_too_long",
            Self::Refused { .. } => "refused",
            Self::TimedOut { .. } => "timed_out",
            Self::Unavailable { .. } => "unavailable",
            Self::BadAnswer { .. } => "bad_answer",
        }
    }

    pub(crate) fn bad(reason: BadAnswer, message: impl Into<String>) -> Self {
        Self::BadAnswer {
            reason,
            message: message.into(),
        }
    }

    pub(crate) fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            message: message.into(),
        }
    }

    /// With what is said in it for people put differently.
    pub(crate) fn saying(mut self, put: impl FnOnce(String) -> String) -> Self {
        match &mut self {
            Self::UnknownModel { message, .. }
            | Self::Invalid { message, .. }
            | Self::Unauthorized { message }
            | Self::Forbidden { message }
            | Self::RateLimited { message, .. }
            | Self::ContextTooLong { message }
            | Self::Refused { message }
            | Self::TimedOut { message }
            | Self::Unavailable { message }
            | Self::BadAnswer { message, .. } => *message = put(std::mem::take(message)),
            Self::NotConfigured { .. } | Self::Denied { .. } | Self::BudgetExceeded { .. } => {}
        }
        self
    }

    /// Another model may still answer.
    pub(crate) fn is_of_the_model(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::ContextTooLong { .. }
                | Self::TimedOut { .. }
                | Self::Unavailable { .. }
        )
    }
}
