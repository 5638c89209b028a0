//! Why a call did not do what was asked: `types.error` as JSON.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum Error {
    Invalid {
        field: String,
        message: String,
    },
    NotFound {
        kind: String,
        id: String,
        known: Vec<String>,
    },
    Conflict {
        message: String,
    },
    Denied {
        capability: String,
        resource: String,
        rule: String,
    },
    TooLarge {
        name: String,
        allowed: u64,
    },
    Busy {
        retry_after_ms: u64,
    },
    Unavailable {
        message: String,
    },
    Internal {
        message: String,
    },
}

impl Error {
    /// The HTTP status that carries it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid { .. } => 400,
            Self::Denied { .. } => 403,
            Self::NotFound { .. } => 404,
            Self::Conflict { .. } => 409,
            Self::TooLarge { .. } => 413,
            Self::Busy { .. } => 429,
            Self::Internal { .. } => 500,
            Self::Unavailable { .. } => 503,
        }
    }
}
