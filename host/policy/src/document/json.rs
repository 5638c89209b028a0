//! JSON with the place of everything: each value is taken as the text that it stands in, whose address is its place.

use super::Fault;
use super::tree::{Member, Node, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// A policy is three deep. What is deeper is wrong anyway, and each level is read once more.
const DEPTH_MAX: usize = 5;

pub(super) fn parse(text: &str) -> Result<Node<'_>, Vec<Fault>> {
    let whole: &RawValue = serde_json::from_str(text).map_err(|error| vec![fault(text, &error)])?;
    node(text, whole, DEPTH_MAX).map_err(|error| vec![fault(text, &error)])
}

pub(super) fn fault(text: &str, error: &serde_json::Error) -> Fault {
    let line_start: usize = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1))
        .map(str::len)
        .sum();
    let message = error.to_string();
    // It says the place itself.
    let message = message.split(" at line ").next().unwrap_or(&message);
    Fault {
        at: line_start + error.column().saturating_sub(1),
        field: String::new(),
        message: message.to_owned(),
    }
}

fn node<'a>(text: &str, raw: &'a RawValue, depth: usize) -> serde_json::Result<Node<'a>> {
    let own = raw.get();
    let value = match own.as_bytes().first() {
        Some(b'"') => Value::Text(serde_json::from_str::<Text<'a>>(own)?.0),
        Some(b'[' | b'{') if depth == 0 => Value::Other("too deep"),
        Some(b'[') => {
            let Elements(elements) = serde_json::from_str(own)?;
            let nodes = elements
                .into_iter()
                .map(|element| node(text, element, depth - 1));
            Value::List(nodes.collect::<Result<_, _>>()?)
        }
        Some(b'{') => {
            let Members(members) = serde_json::from_str(own)?;
            let members = members.into_iter().map(|(key, value)| {
                Ok(Member {
                    at: at(text, key),
                    key: serde_json::from_str::<Text<'a>>(key.get())?.0,
                    node: node(text, value, depth - 1)?,
                })
            });
            Value::Table(members.collect::<serde_json::Result<_>>()?)
        }
        Some(b't' | b'f') => Value::Other("a boolean"),
        Some(b'n') => Value::Other("null"),
        _ => own
            .parse()
            .map_or(Value::Other("not a whole number"), Value::Integer),
    };
    Ok(Node {
        at: at(text, raw),
        value,
    })
}

/// A borrowed value lies within the text that it was read from.
fn at(text: &str, raw: &RawValue) -> usize {
    (raw.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// Borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Elements<'a>(Vec<&'a RawValue>);

struct Members<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Elements<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ElementsVisitor)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Elements<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Elements(elements))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a table")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
