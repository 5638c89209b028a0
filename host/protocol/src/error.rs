//! Why a call did not do what was asked: `types.error` as JSON.

use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Formatter};

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

/// For people; who has to act on it reads the fields.
impl Display for Error {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { field, message } => write!(formatter, "{field}: {message}"),
            Self::NotFound { kind, id, .. } => write!(formatter, "there is no {kind} `{id}`"),
            Self::Conflict { message }
            | Self::Unavailable { message }
            | Self::Internal { message } => formatter.write_str(message),
            Self::Denied {
                capability,
                resource,
                rule,
            } => write!(
                formatter,
                "{capability} of `{resource}` is denied; {rule} would allow it"
            ),
            Self::TooLarge { name, allowed } => {
                write!(formatter, "{name} is larger than {allowed}")
            }
            Self::Busy { retry_after_ms } => write!(formatter, "try again in {retry_after_ms} ms"),
        }
    }
}
