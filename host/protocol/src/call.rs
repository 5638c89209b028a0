//! What a task's agent does with other tasks and with people:
//!
//! | method and path | request | response |
//! |---|---|---|
//! | `POST /api/v1/runners/{id}/calls` | [`CallRequest`] of a [`TaskCall`] | [`TaskAnswer`] |

use crate::{Input, LeaseId, Usage};
use serde::{Deserialize, Serialize};

/// A call of an agent, while the lease is held: a [`TaskCall`], or a [`MemoryCall`](crate::MemoryCall).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRequest<C> {
    pub lease: LeaseId,
    /// The same again is the same call. 1 to 256 bytes.
    pub step: String,
    /// Of the attempt so far.
    #[serde(default, skip_serializing_if = "Usage::is_nothing")]
    pub usage: Usage,
    pub call: C,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TaskCall {
    Acquire {
        name: String,
        mode: LockMode,
        timeout_ms: Option<u64>,
    },
    Release {
        name: String,
    },
    Send {
        to: Option<String>,
        body: String,
    },
    Receive {
        senders: Vec<String>,
        timeout_ms: Option<u64>,
    },
    Request {
        to: String,
        body: String,
        timeout_ms: Option<u64>,
    },
    Reply {
        message: u64,
        body: String,
    },
    Delegate {
        children: Vec<Child>,
    },
    Join {
        tasks: Vec<String>,
        timeout_ms: Option<u64>,
    },
    Ask(Question),
    Progress {
        message: String,
        done: Option<f32>,
    },
    /// What a call of a model may use at most is put aside before it is made.
    Reserve {
        tokens: u64,
        cost_microusd: u64,
        /// What came of the reservation before it is known.
        settled: bool,
    },
}

impl TaskCall {
    /// How long it may wait, when that was said.
    pub fn timeout_ms(&self) -> Option<u64> {
        match self {
            Self::Acquire { timeout_ms, .. }
            | Self::Receive { timeout_ms, .. }
            | Self::Request { timeout_ms, .. }
            | Self::Join { timeout_ms, .. }
            | Self::Ask(Question { timeout_ms, .. }) => *timeout_ms,
            Self::Release { .. }
            | Self::Send { .. }
            | Self::Reply { .. }
            | Self::Delegate { .. }
            | Self::Progress { .. }
            | Self::Reserve { .. } => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LockMode {
    Shared,
    Exclusive,
}

/// A task to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    pub id: String,
    pub description: String,
    pub requirements: Vec<String>,
    pub context: Option<String>,
    pub needs: Vec<String>,
    pub agent: Option<String>,
    pub place: Place,
    pub priority: Option<i32>,
    pub timeout_ms: Option<u64>,
    pub optional: bool,
}

/// Where it shall run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Same,
    Any,
    Named(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    pub text: String,
    pub options: Vec<String>,
    pub default: Option<String>,
    pub timeout_ms: Option<u64>,
    pub confidence: Option<f32>,
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskAnswer {
    /// Nothing yet: the lease is over.
    Waits,
    Made,
    Message(Option<Message>),
    Reply(String),
    Tasks(Vec<String>),
    Inputs(Vec<Input>),
    Answer(Answer),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub id: u64,
    pub sender: String,
    pub body: String,
    pub wants_reply: bool,
    pub sent_at_ms: u64,
}

/// Of a person, or the default when there was none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub text: String,
    pub answered_by: Option<String>,
}
