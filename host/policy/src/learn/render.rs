//! A learned policy as TOML, with its notes as comments.

use super::Learned;
use crate::grant::{Grant, quoted};
use crate::limits::Limit;
use crate::network::Network;
use crate::printable::printable;
use std::fmt;

/// A policy file, as it can be read again.
impl fmt::Display for Learned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.comments(formatter, "")?;
        self.comments(formatter, "filesystem")?;
        let filesystem = Grant::Filesystem(self.policy.filesystem.clone()).value();
        writeln!(formatter, "filesystem = {filesystem}")?;
        self.comments(formatter, "network")?;
        match &self.policy.network {
            Network::Public(patterns) => list(formatter, "network.public", patterns)?,
            network => writeln!(formatter, "network = {}", quoted(network.kind()))?,
        }
        if !self.policy.sockets.is_empty() {
            self.comments(formatter, "sockets")?;
            list(formatter, "sockets", &self.policy.sockets)?;
        }
        for (key, lines) in [
            ("models", &self.policy.models),
            ("approvals", &self.policy.approvals),
        ] {
            if !lines.is_empty() {
                self.comments(formatter, key)?;
                list(formatter, key, lines)?;
            }
        }
        writeln!(formatter, "\n[limits]")?;
        for limit in Limit::ALL {
            let field = format!("limits.{}", limit.name());
            self.comments(formatter, &field)?;
            writeln!(
                formatter,
                "{} = {}",
                limit.name(),
                limit.of(&self.policy.limits)
            )?;
        }
        Ok(())
    }
}

impl Learned {
    fn comments(&self, formatter: &mut fmt::Formatter<'_>, field: &str) -> fmt::Result {
        for (_, text) in self.notes.iter().filter(|(own, _)| own == field) {
            writeln!(formatter, "# {}", printable(text))?;
        }
        Ok(())
    }
}

/// One element a line, as policies are read and compared.
fn list(formatter: &mut fmt::Formatter<'_>, key: &str, elements: &[String]) -> fmt::Result {
    if elements.is_empty() {
        return writeln!(formatter, "{key} = []");
    }
    writeln!(formatter, "{key} = [")?;
    for element in elements {
        writeln!(formatter, "  {},", quoted(element))?;
    }
    writeln!(formatter, "]")
}
