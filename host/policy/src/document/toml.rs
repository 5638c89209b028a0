//! TOML with the place of everything.

use super::Fault;
use super::tree::{Member, Node, Value};
use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue, Error};

pub(super) fn parse(text: &str) -> Result<Node<'_>, Vec<Fault>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(errors.iter().map(|error| fault(text, error)).collect());
    }
    Ok(Node {
        at: 0,
        value: self::table(table.into_inner()),
    })
}

fn fault(text: &str, error: &Error) -> Fault {
    let span = error.span().unwrap_or_default();
    let there = text.get(span.clone()).unwrap_or_default();
    let message = if error.message() == "duplicate key" {
        format!(
            "the key `{}` stands here twice; keep one",
            there.trim_matches(['"', '\''])
        )
    } else {
        error.message().to_owned()
    };
    Fault {
        at: span.start,
        field: String::new(),
        message,
    }
}

fn node(value: Spanned<DeValue<'_>>) -> Node<'_> {
    Node {
        at: value.span().start,
        value: match value.into_inner() {
            DeValue::String(text) => Value::Text(text),
            DeValue::Integer(integer) => i128::from_str_radix(integer.as_str(), integer.radix())
                .map_or(Value::Other("too large"), Value::Integer),
            DeValue::Float(_) => Value::Other("not a whole number"),
            DeValue::Boolean(_) => Value::Other("a boolean"),
            DeValue::Datetime(_) => Value::Other("a date"),
            DeValue::Array(array) => Value::List(array.into_iter().map(node).collect()),
            DeValue::Table(table) => self::table(table),
        },
    }
}

/// In the order of the text, which the parser does not keep.
fn table(table: DeTable<'_>) -> Value<'_> {
    let mut members: Vec<_> = table
        .into_iter()
        .map(|(key, value)| Member {
            at: key.span().start,
            key: key.into_inner(),
            node: node(value),
        })
        .collect();
    members.sort_by_key(|member| member.at);
    Value::Table(members)
}
