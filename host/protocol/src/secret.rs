//! Secrets on their way to the runner that keeps them: `PUT /v1/workspaces/{id}/secrets/{name}`.
//!
//! | what | is |
//! |---|---|
//! | name | 1 to 63 letters, digits and `_`, the first no digit |
//! | `hosts` | 1 to 64 patterns as in `network.public` ([`Hosts`]), of any network |
//! | `header.name` | a field's name in lower case, 1 to 64 bytes; none that frames the message, names the host or is the connection's |
//! | `header.format` | 2 to 1024 bytes of printable ASCII, `{}` in it once |
//! | `variable` | as a name |
//! | `value` | 8 to 65536 bytes of printable ASCII, not blank at its ends |
//!
//! No error repeats a value. One with blanks at its ends would lose them on its way, and so not be known again.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;
use swarm_flow_policy::Hosts;

/// The most secrets of a workspace.
pub const SECRETS_MAX: usize = 100;
/// Bytes of a value. A shorter one could stand in any answer, which would be masked there.
const VALUE_BYTES: RangeInclusive<usize> = 8..=65_536;
const FORMAT_BYTES: RangeInclusive<usize> = 2..=1_024;
const HEADER_BYTES: RangeInclusive<usize> = 1..=64;
const NAME_BYTES: RangeInclusive<usize> = 1..=63;

/// Headers that a secret is not put into. So is none that begins with `proxy-`.
const NOT_HEADERS: [&str; 11] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Where a secret goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// Patterns as in `network.public`.
    pub hosts: Vec<String>,
    pub placement: Placement,
}

/// How it gets there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Placement {
    /// As this header of every request to the hosts; the value stands for `{}` of `format`.
    Header { name: String, format: String },
    /// In the place of the placeholder that this variable of a guest's environment holds, in any header.
    Variable(String),
}

/// A secret with its value. It cannot be shown: its `Debug` leaves the value out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundSecret {
    pub binding: Binding,
    pub value: String,
}

impl fmt::Debug for BoundSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("BoundSecret")
            .field("binding", &self.binding)
            .finish_non_exhaustive()
    }
}

impl BoundSecret {
    /// Refuses what is no secret of this name, by the field that is wrong.
    pub fn check(&self, name: &str) -> Result<(), Error> {
        check_secret_name("name", name)?;
        self.binding.check()?;
        let printable = self.value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let whole = self.value.trim_matches(' ').len() == self.value.len();
        if VALUE_BYTES.contains(&self.value.len()) && printable && whole {
            return Ok(());
        }
        let (least, most) = VALUE_BYTES.into_inner();
        Err(invalid(
            "value",
            format!("must be {least} to {most} bytes of printable ASCII, not blank at its ends"),
        ))
    }
}

impl Binding {
    fn check(&self) -> Result<(), Error> {
        Hosts::parse(&self.hosts).map_err(|error| invalid(&error.field, error.message))?;
        match &self.placement {
            Placement::Header { name, format } => {
                check_header(name)?;
                check_format(format)
            }
            Placement::Variable(name) => check_secret_name("variable", name),
        }
    }
}

/// Refuses what is no name of a secret, nor of the variable that one stands in.
pub fn check_secret_name(field: &str, name: &str) -> Result<(), Error> {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if NAME_BYTES.contains(&name.len())
        && plain
        && !name.starts_with(|first: char| first.is_ascii_digit())
    {
        return Ok(());
    }
    let most = NAME_BYTES.end();
    Err(invalid(
        field,
        format!("must be 1 to {most} letters, digits and `_`, the first no digit"),
    ))
}

fn check_header(name: &str) -> Result<(), Error> {
    // RFC 9110, section 5.6.2.
    let token = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
    };
    if !HEADER_BYTES.contains(&name.len()) || !name.bytes().all(token) {
        let most = HEADER_BYTES.end();
        return Err(invalid(
            "header.name",
            format!("must be a header's name in lower case, 1 to {most} bytes"),
        ));
    }
    if NOT_HEADERS.contains(&name) || name.starts_with("proxy-") {
        return Err(invalid(
            "header.name",
            format!("`{name}` is for the connection or the message, not for a secret"),
        ));
    }
    Ok(())
}

fn check_format(format: &str) -> Result<(), Error> {
    let printable = format.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let once = format.matches("{}").count() == 1;
    if FORMAT_BYTES.contains(&format.len()) && printable && once {
        return Ok(());
    }
    let (least, most) = FORMAT_BYTES.into_inner();
    Err(invalid(
        "header.format",
        format!(
            "must be {least} to {most} bytes of printable ASCII with `{{}}` in it once, where the value stands"
        ),
    ))
}

fn invalid(field: &str, message: String) -> Error {
    Error::Invalid {
        field: field.to_owned(),
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, format: &str) -> Placement {
        Placement::Header {
            name: name.to_owned(),
            format: format.to_owned(),
        }
    }

    fn variable(name: &str) -> Placement {
        Placement::Variable(name.to_owned())
    }

    fn check(name: &str, host: &str, placement: Placement, value: &str) -> Result<(), Error> {
        let binding = Binding {
            hosts: vec![host.to_owned()],
            placement,
        };
        let value = value.to_owned();
        BoundSecret { binding, value }.check(name)
    }

    const HOST: &str = "https://api.example";

    #[test]
    fn a_secret_is_taken_and_its_neighbours_are_refused_by_the_field_that_is_wrong() {
        let long = |bytes| "x".repeat(bytes);
        for (name, placement, value, field) in [
            ("_a1", header("x-key", "{}"), "hunter22", None),
            ("API_KEY", variable("API_KEY"), "a b~c d~e", None),
            (&long(63), variable("A"), &long(65_536), None),
            ("", variable("A"), "hunter22", Some("name")),
            ("1a", variable("A"), "hunter22", Some("name")),
            ("a-b", variable("A"), "hunter22", Some("name")),
            ("a/../b", variable("A"), "hunter22", Some("name")),
            (&long(64), variable("A"), "hunter22", Some("name")),
            ("A", variable("A"), "hunter2", Some("value")),
            ("A", variable("A"), &long(65_537), Some("value")),
            ("A", variable("A"), "hunter22\n", Some("value")),
            ("A", variable("A"), " hunter22", Some("value")),
            ("A", variable("A"), "hünter22", Some("value")),
            ("A", variable("A="), "hunter22", Some("variable")),
            ("A", variable(""), "hunter22", Some("variable")),
            ("A", header("X-Key", "{}"), "hunter22", Some("header.name")),
            ("A", header("x key", "{}"), "hunter22", Some("header.name")),
            ("A", header("host", "{}"), "hunter22", Some("header.name")),
            (
                "A",
                header("proxy-authorization", "{}"),
                "hunter22",
                Some("header.name"),
            ),
            (
                "A",
                header("accept-encoding", "{}"),
                "hunter22",
                Some("header.name"),
            ),
            ("A", header("x-key", ""), "hunter22", Some("header.format")),
            (
                "A",
                header("x-key", "{}{}"),
                "hunter22",
                Some("header.format"),
            ),
            (
                "A",
                header("x-key", "a\r\nb: {}"),
                "hunter22",
                Some("header.format"),
            ),
        ] {
            let checked = check(name, HOST, placement, value);
            let wrong = match &checked {
                Err(Error::Invalid { field, message }) => {
                    assert!(!message.contains("unter2"), "{message}");
                    Some(field.as_str())
                }
                _ => None,
            };
            assert_eq!(wrong, field, "{name} {value}: {checked:?}");
        }
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_by_its_place() {
        let checked = check("A", "api.example", variable("A"), "hunter22");
        assert!(matches!(checked, Err(Error::Invalid { field, .. }) if field == "hosts[0]"));
    }

    #[test]
    fn a_value_is_shown_nowhere() {
        let json =
            r#"{"binding": {"hosts": [], "placement": {"variable": "A"}}, "value": "hunter22"}"#;
        let secret: BoundSecret = serde_json::from_str(json).unwrap();
        assert!(!format!("{secret:?}").contains("hunter22"));
    }
}
