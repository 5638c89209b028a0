//! Who asks: what it may use and spend, and what it hears while an answer comes.

use crate::chat::Usage;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

/// Decides for whom a model is asked. All of it is asked before something is sent.
pub trait Caller: Send + Sync {
    /// Whether this model of the operator's may be used.
    fn may_use(&self, model: &str) -> Result<(), Denied>;

    /// Sets aside what one attempt can cost at most. It is [settled](Self::settle) after the attempt; one that never is was
    /// cut off, and counts at its bound once the same call is reserved again.
    fn reserve<'a>(&'a self, open: &'a Open) -> BoxFuture<'a, Result<(), Exceeded>>;

    fn settle<'a>(&'a self, open: &'a Open, spent: Spent) -> BoxFuture<'a, ()>;

    /// More of the answer's text has come.
    fn delta(&self, text: &str);
}

/// A reservation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// No other has it.
    pub id: String,
    /// As the operator names it.
    pub model: String,
    pub provider: String,
    pub bound: Bound,
}

/// The most that one attempt can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// None when the model has no price.
    pub cost_microusd: Option<u64>,
}

/// What one attempt used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spent {
    /// The provider refused before it did anything.
    Nothing,
    Used {
        usage: Usage,
        cost_microusd: Option<u64>,
    },
    /// Nobody can know: it was cut off in the middle.
    Bound,
}

/// The policy does not grant a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denied {
    pub model: String,
    /// The change of the policy that would allow it.
    pub rule: String,
}

/// There is less left than a call may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exceeded {
    /// Of what, what is left, and what the call may use.
    pub message: String,
}
