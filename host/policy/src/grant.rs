//! A change to a policy that would allow what was denied.

use crate::{Filesystem, Limit, Network, Policy};
use serde::ser::{Serialize, SerializeStruct, Serializer};
use std::fmt;

/// One line of a policy, to be added, removed or set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// One more pattern of `network.public`.
    Public(String),
    /// One more pattern of `sockets`.
    Socket(String),
    /// One more name of `models`.
    Model(String),
    /// One line of `approvals` less.
    Unasked(String),
    Network(Network),
    Filesystem(Filesystem),
    Limit(Limit, u64),
}

impl Grant {
    /// Where it stands in a policy, from the policy down.
    pub fn field(&self) -> String {
        match self {
            Self::Public(_) => "network.public".to_owned(),
            Self::Socket(_) => "sockets".to_owned(),
            Self::Model(_) => "models".to_owned(),
            Self::Unasked(_) => "approvals".to_owned(),
            Self::Network(_) => "network".to_owned(),
            Self::Filesystem(_) => "filesystem".to_owned(),
            Self::Limit(limit, _) => format!("limits.{}", limit.name()),
        }
    }

    /// What is added to the list, removed from it, or set, as TOML.
    pub fn value(&self) -> String {
        match self {
            Self::Public(line) | Self::Socket(line) | Self::Model(line) | Self::Unasked(line) => {
                quoted(line)
            }
            Self::Network(Network::Public(patterns)) => table("public", patterns),
            Self::Network(network) => quoted(network.kind()),
            Self::Filesystem(filesystem) => match filesystem {
                Filesystem::ReadOnly(paths) | Filesystem::ReadWrite(paths) => {
                    table(filesystem.kind(), paths)
                }
                Filesystem::None | Filesystem::Full => quoted(filesystem.kind()),
            },
            Self::Limit(_, value) => value.to_string(),
        }
    }

    fn change(&self) -> &'static str {
        match self {
            Self::Public(_) | Self::Socket(_) | Self::Model(_) => "add",
            Self::Unasked(_) => "remove",
            Self::Network(_) | Self::Filesystem(_) | Self::Limit(..) => "set",
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, value) = (self.field(), self.value());
        match self.change() {
            "add" => write!(formatter, "add {value} to {field}"),
            "remove" => write!(formatter, "remove {value} from {field}"),
            _ => write!(formatter, "set {field} = {value}"),
        }
    }
}

impl Serialize for Grant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_struct("Grant", 3)?;
        members.serialize_field("field", &self.field())?;
        members.serialize_field("change", self.change())?;
        members.serialize_field("value", &self.value())?;
        members.end()
    }
}

impl Policy {
    /// Puts a grant in: what else a list has is kept, what is set replaces.
    pub fn grant(&mut self, grant: &Grant) {
        match grant {
            Grant::Public(pattern) => match &mut self.network {
                Network::Public(patterns) => patterns.push(pattern.clone()),
                other => *other = Network::Public(vec![pattern.clone()]),
            },
            Grant::Socket(pattern) => self.sockets.push(pattern.clone()),
            Grant::Model(name) => self.models.push(name.clone()),
            Grant::Unasked(line) => self.approvals.retain(|own| own != line),
            Grant::Network(network) => self.network = network.clone(),
            Grant::Filesystem(filesystem) => self.filesystem = filesystem.clone(),
            Grant::Limit(limit, value) => limit.put(&mut self.limits, *value),
        }
    }
}

/// A TOML string.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn table(key: &str, list: &[String]) -> String {
    let list: Vec<_> = list.iter().map(|text| quoted(text)).collect();
    format!("{{ {key} = [{}] }}", list.join(", "))
}
