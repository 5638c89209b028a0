//! What TOML and JSON have in common, with the place of everything.

use std::borrow::Cow;

pub(super) struct Node<'a> {
    /// Its first byte in the text.
    pub(super) at: usize,
    pub(super) value: Value<'a>,
}

pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Integer(i128),
    List(Vec<Node<'a>>),
    Table(Vec<Member<'a>>),
    /// What no policy has, with its kind in words: `a boolean`.
    Other(&'static str),
}

/// In the order of the text; a key may stand there twice.
pub(super) struct Member<'a> {
    pub(super) at: usize,
    pub(super) key: Cow<'a, str>,
    pub(super) node: Node<'a>,
}

impl Value<'_> {
    /// Its kind, in words.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "a number",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}
