//! Ids: a kind's prefix and 32 lower-case hexadecimal digits of a UUID.
//!
//! | kind | form | UUID |
//! |---|---|---|
//! | workspace | `ws_…` | version 7, so that ids sort by time |
//! | swarm | `sw_…` | or version 5 of an idempotency key, |
//! | run | `run_…` | so that a repeated creation meets the first |
//!
//! A runner chooses its own id; it is not one of these.

use std::fmt;
use uuid::Uuid;

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Workspace,
    Swarm,
    Run,
    Question,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Workspace, Self::Swarm, Self::Run, Self::Question];

    /// `workspace`, as `types.missing.kind` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Swarm => "swarm",
            Self::Run => "run",
            Self::Question => "question",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Workspace => "ws_",
            Self::Swarm => "sw_",
            Self::Run => "run_",
            Self::Question => "q_",
        }
    }
}

/// An id that is well formed and of a known kind. Whether there is such a thing is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id(String);

/// Not an id of that kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(String);

/// One namespace for all idempotency keys; the kind goes into the name. Drawn once at random.
const NAMESPACE: Uuid = Uuid::from_u128(0x8d0c_1f0e_6c3a_4a52_9b7e_5e7d_42a1_c960);

impl Id {
    /// A new id, or with an idempotency key always the same one.
    pub fn new(kind: Kind, idempotency_key: Option<&str>) -> Self {
        let uuid = match idempotency_key {
            Some(key) => Uuid::new_v5(&NAMESPACE, format!("{} {key}", kind.name()).as_bytes()),
            None => Uuid::now_v7(),
        };
        Self(format!("{}{}", kind.prefix(), uuid.simple()))
    }

    /// Reads an id of one kind; says which kind it got instead.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, InvalidId> {
        if digits_after(kind, text) {
            return Ok(Self(text.to_owned()));
        }
        let form = format!(
            "the id of a {} is `{}` and 32 hexadecimal digits",
            kind.name(),
            kind.prefix()
        );
        Err(InvalidId(
            match Kind::ALL
                .into_iter()
                .find(|other| digits_after(*other, text))
            {
                Some(other) => format!("is the id of a {}; {form}", other.name()),
                None => format!("is not an id; {form}"),
            },
        ))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn digits_after(kind: Kind, text: &str) -> bool {
    text.strip_prefix(kind.prefix()).is_some_and(|digits| {
        digits.len() == 32
            && digits
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_is_read_back_as_its_kind_only() {
        for kind in Kind::ALL {
            let id = Id::new(kind, None);
            assert_eq!(Id::parse(kind, id.as_str()), Ok(id.clone()));
            for other in Kind::ALL.into_iter().filter(|other| *other != kind) {
                let message = Id::parse(other, id.as_str()).unwrap_err().to_string();
                assert!(
                    message.contains(&format!("is the id of a {};", kind.name())),
                    "{message}"
                );
            }
        }
    }

    #[test]
    fn a_key_gives_one_id_a_kind() {
        let id = |kind, key| Id::new(kind, Some(key));
        assert_eq!(id(Kind::Workspace, "a"), id(Kind::Workspace, "a"));
        assert_ne!(id(Kind::Workspace, "a"), id(Kind::Workspace, "b"));
        assert_ne!(
            id(Kind::Workspace, "a").as_str().trim_start_matches("ws_"),
            id(Kind::Swarm, "a").as_str().trim_start_matches("sw_")
        );
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        let upper = format!("ws_{}", "A".repeat(32));
        let long = format!("ws_{}", "0".repeat(33));
        for text in [
            "",
            "ws_",
            "ws_../../etc",
            "demo",
            "runner-1",
            upper.as_str(),
            long.as_str(),
        ] {
            let message = Id::parse(Kind::Workspace, text).unwrap_err().to_string();
            assert!(message.starts_with("is not an id"), "{text}: {message}");
        }
    }
}
