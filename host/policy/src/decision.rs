//! What became of a question: allow, with the line of the policy that says so, or deny, with the lines that would allow it.

use crate::grant::Grant;
use crate::printable::printable;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Allow or deny, and why.
///
/// As JSON, `{"decision": "allow", "rule": "…"}` or
/// `{"decision": "deny", "reason": "not_granted", "message": "…", "grants": [{"field": "…", "change": "add", "value": "…"}]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    Allow {
        rule: Rule,
    },
    Deny {
        reason: Reason,
        /// For people: what is denied, and what to change.
        message: String,
        /// All of these together would allow it; none if no policy can.
        grants: Vec<Grant>,
    },
}

impl Decision {
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow { .. })
    }

    /// The line of the policy that allowed it, or the change that would allow it; where none can, why not.
    pub fn rule(&self) -> Cow<'_, str> {
        match self {
            Self::Allow { rule } => Cow::Borrowed(rule.as_str()),
            Self::Deny {
                message, grants, ..
            } if grants.is_empty() => Cow::Borrowed(message),
            Self::Deny { grants, .. } => {
                let grants: Vec<_> = grants.iter().map(Grant::to_string).collect();
                Cow::Owned(grants.join(" and "))
            }
        }
    }

    pub(crate) fn allow(rule: &Rule) -> Self {
        Self::Allow { rule: rule.clone() }
    }

    /// `what` is the subject of the sentence; the grants are its end.
    pub(crate) fn deny(reason: Reason, what: impl fmt::Display, grants: Vec<Grant>) -> Self {
        let changes: Vec<_> = grants.iter().map(Grant::to_string).collect();
        let message = if changes.is_empty() {
            what.to_string()
        } else {
            format!("{what}; {}", changes.join(" and "))
        };
        let message = printable(&message).into_owned();
        Self::Deny {
            reason,
            message,
            grants,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow { rule } => write!(formatter, "allowed by {rule}"),
            Self::Deny { message, .. } => formatter.write_str(message),
        }
    }
}

/// The line of a policy that allowed something: `network.public[0] = "https://example.com"`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule(Arc<str>);

impl Rule {
    pub(crate) fn new(line: String) -> Self {
        Self(line.into())
    }

    /// Not a line of a policy: that a secret of this name was put into a request which the policy allows.
    pub fn secret(name: &str) -> Self {
        Self::new(format!("secret {name}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Why something is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nothing in the policy grants it.
    NotGranted,
    /// The host is granted, for other methods.
    MethodNotGranted,
    /// The host and method are granted, for other paths.
    PathNotGranted,
    /// Servers could read the path as another one.
    AmbiguousPath,
    /// `CONNECT`, which no policy grants.
    Tunnel,
    /// The policy reaches other kinds of address.
    AddressNotGranted,
    /// A link-local, metadata or reserved address, or a path outside the sandbox: no policy grants it.
    NeverGranted,
    /// It may be read.
    ReadOnly,
    /// More than the limit.
    OverLimit,
    /// A person has to be asked first.
    NotApproved,
    /// The question makes no sense: a bad URL, say.
    Invalid,
}
