//! Language models: who provides them, which one a request goes to, and how it is asked.
//!
//! | to | use |
//! |---|---|
//! | read the operator's settings | [`Settings::load`] |
//! | ask a model | [`Models::chat`], with a [`Caller`] that says what is allowed and what it may cost |
//! | tell what there is | [`Models::list`] |
//!
//! Who asks names a model of the operator's, never a URL. A key is read once, by the reference that the settings hold; it is in
//! requests to its provider, and in nothing that can be shown. Redirects are not followed, so it goes nowhere else.
//!
//! Providers say what they like: every answer is bounded in size and time, read as a whole before anybody acts on it, and
//! what is wrong with it has a name ([`ModelError`]). This crate knows no agent, no sandbox and no journal.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod answer;
mod attempt;
mod caller;
mod chat;
mod check;
mod dialect;
mod error;
mod http_client;
mod key;
mod models;
mod provider;
mod refusal;
mod retry;
mod route;
mod settings;
mod sse;
mod tokens;

pub use caller::{Bound, Caller, Denied, Exceeded, Open, Spent};
pub use chat::{
    FinishReason, Image, JsonSchema, Message, Part, Request, Response, ResponseFormat, Role, Tool,
    ToolCall, ToolChoice, ToolResult, Usage,
};
pub use error::{BadAnswer, ModelError};
pub use models::{Asked, Models};
pub use settings::{Capabilities, Dialect, Listed, Price, Settings};

#[cfg(test)]
mod tests;
