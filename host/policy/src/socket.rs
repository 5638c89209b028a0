//! One line of `sockets`: a raw connection, which is no part of what `network` grants to HTTP.
//!
//! ```text
//! socket = ( "tcp" | "udp" | "listen" ) "://" host ":" port | "lookup://" name
//! ```
//!
//! | kind | grants | host | port |
//! |---|---|---|---|
//! | `tcp` | to connect by TCP | a name, `*.suffix`, an address, a block | needed |
//! | `udp` | datagrams there and back, and to bind there | the same | needed |
//! | `listen` | to take TCP connections at this address of the runner's machine | an address, a block | needed |
//! | `lookup` | to ask for the addresses of a name | a name, `*.suffix` | none |
//!
//! `listen://0.0.0.0:8080` is every address of the machine; who connects is decided by `network`, as always.
//!
//! A port is `5432`, `8000-8999` or `*`; a block is `10.0.0.0/8` or `[fd00::/8]`. Without a line nothing is granted.
//!
//! `network` still decides by address: `tcp://db.example.com:5432` beside `network = "private"` connects to private
//! addresses of that name, beside `{ public = [] }` to public ones, beside `none` to nothing. A guest connects to addresses, so
//! a name is of use only to those who may look it up: `tcp://` and `udp://` with a name need a `lookup://` that covers it.

use crate::authority;
use crate::host::Host;
use crate::host_pattern::HostPattern;
use crate::pattern::PATTERN_BYTES_MAX;
use crate::suggest;
use std::fmt;

/// What a raw socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Udp,
    Listen,
    Lookup,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Listen, Self::Lookup];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Listen => "listen",
            Self::Lookup => "lookup",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SocketPattern {
    pub(crate) kind: Kind,
    pub(crate) host: HostPattern,
    /// First and last; 0 to 65535 for `*` and for a name to look up.
    ports: (u16, u16),
}

const ANY_PORT: (u16, u16) = (0, u16::MAX);

impl SocketPattern {
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!("a pattern has at most {PATTERN_BYTES_MAX} bytes"));
        }
        if pattern.trim().is_empty() {
            return Err("the pattern is empty; leave it out to grant nothing".to_owned());
        }
        let (kind, target) = pattern
            .split_once("://")
            .ok_or_else(|| format!("`{pattern}` has no kind; write `tcp://`, `udp://`, `listen://` or `lookup://` first"))?;
        let kind = known_kind(kind)?;
        let (host, port) = authority::split(target).map_err(|error| error.to_string())?;
        let host = HostPattern::parse_with_blocks(host)?;
        let ports = match (kind, port) {
            (Kind::Lookup, None) => ANY_PORT,
            (Kind::Lookup, Some(_)) => {
                return Err(format!(
                    "`{pattern}` has a port; a name is looked up without one"
                ));
            }
            (_, Some(port)) => ports(port)?,
            (_, None) => {
                return Err(format!(
                    "`{pattern}` has no port; write `{pattern}:5432`, or `:*` for every port"
                ));
            }
        };
        let parsed = Self { kind, host, ports };
        parsed.has_a_host_of_its_kind()?;
        Ok(parsed)
    }

    fn has_a_host_of_its_kind(&self) -> Result<(), String> {
        match (self.kind, &self.host) {
            (Kind::Listen, HostPattern::Beneath(_) | HostPattern::Exact(Host::Name(_))) => {
                Err(format!(
                    "`{}` is a name; one listens at an address, as in `listen://127.0.0.1:8080`",
                    self.host
                ))
            }
            (Kind::Lookup, HostPattern::Block(..) | HostPattern::Exact(Host::Address(_))) => {
                Err(format!(
                    "`{}` is an address; only names are looked up, as in `lookup://example.com`",
                    self.host
                ))
            }
            _ => Ok(()),
        }
    }

    /// The name that has to be looked up before this grants anything.
    pub(crate) fn needs_lookup_of(&self) -> Option<&HostPattern> {
        let named = matches!(
            self.host,
            HostPattern::Beneath(_) | HostPattern::Exact(Host::Name(_))
        );
        (named && matches!(self.kind, Kind::Tcp | Kind::Udp)).then_some(&self.host)
    }

    pub(crate) fn covers(&self, kind: Kind, host: &Host, port: u16) -> bool {
        let (first, last) = self.ports;
        self.kind == kind && (first..=last).contains(&port) && self.host.covers(host)
    }

    /// Whether all that `other` grants is granted by this.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.ports.0 <= other.ports.0
            && self.ports.1 >= other.ports.1
            && self.host.contains(&other.host)
    }
}

/// As it would be parsed.
impl fmt::Display for SocketPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.kind.name(), self.host)?;
        match self.ports {
            _ if self.kind == Kind::Lookup => Ok(()),
            ANY_PORT => formatter.write_str(":*"),
            (first, last) if first == last => write!(formatter, ":{first}"),
            (first, last) => write!(formatter, ":{first}-{last}"),
        }
    }
}

fn known_kind(name: &str) -> Result<Kind, String> {
    let known = Kind::ALL.map(Kind::name);
    Kind::ALL
        .into_iter()
        .find(|kind| kind.name() == name)
        .ok_or_else(|| match name {
            "http" | "https" => {
                format!("`{name}` is not a raw socket; HTTP is granted in `network.public`")
            }
            _ => format!(
                "`{name}` is not a kind of socket{}",
                suggest::hint(name, &known)
            ),
        })
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let port = |text| authority::port(text).map_err(|error| error.to_string());
    if text == "*" {
        return Ok(ANY_PORT);
    }
    let Some((first, last)) = text.split_once('-') else {
        let port = port(text)?;
        return Ok((port, port));
    };
    let (first, last) = (port(first)?, port(last)?);
    if first >= last {
        return Err(format!(
            "`{text}` is not a range of ports; write the lower one first"
        ));
    }
    Ok((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_reads_back_as_it_was_written() {
        for pattern in [
            "tcp://db.example.com:5432",
            "tcp://*.example.com:8000-8999",
            "udp://10.0.0.0/8:53",
            "listen://127.0.0.1:*",
            "listen://[::1]:8080",
            "tcp://[fd00::/8]:*",
            "lookup://*.example.com",
            "lookup://db",
        ] {
            assert_eq!(SocketPattern::parse(pattern).unwrap().to_string(), pattern);
        }
    }

    #[test]
    fn a_socket_that_is_none_is_refused_with_what_would_be_one() {
        for (pattern, hint) in [
            ("", "is empty"),
            ("db.example.com:5432", "has no kind"),
            ("tpc://a:1", "did you mean `tcp`?"),
            ("https://a", "granted in `network.public`"),
            ("tcp://a", "has no port"),
            ("tcp://a:0", "write 1 to 65535"),
            ("tcp://a:5-4", "the lower one first"),
            ("tcp://a:5-5", "the lower one first"),
            ("tcp://a:-5", "write 1 to 65535"),
            ("tcp://*:80", "a block such as"),
            ("tcp://*.com:80", "a whole top-level domain"),
            ("tcp://u@a:80", "`@` cannot be in a host"),
            ("tcp://a:80/x", "is not a port"),
            ("listen://a.example:80", "one listens at an address"),
            ("lookup://a:53", "without one"),
            ("lookup://127.0.0.1", "only names are looked up"),
        ] {
            let message = SocketPattern::parse(pattern).unwrap_err();
            assert!(message.contains(hint), "{pattern}: {message}");
        }
    }

    #[test]
    fn what_a_socket_contains_it_also_grants() {
        for (outer, inner, contained) in [
            ("tcp://10.0.0.0/8:*", "tcp://10.1.0.0/16:5432", true),
            ("tcp://10.1.0.0/16:*", "tcp://10.0.0.0/8:*", false),
            ("tcp://10.0.0.0/8:1-100", "tcp://10.0.0.1:100", true),
            ("tcp://10.0.0.0/8:1-100", "tcp://10.0.0.1:90-101", false),
            ("tcp://a.example.com:1", "udp://a.example.com:1", false),
            ("lookup://*.example.com", "lookup://a.example.com", true),
            ("lookup://a.example.com", "lookup://*.example.com", false),
        ] {
            let (outer_parsed, inner_parsed) = (
                SocketPattern::parse(outer).unwrap(),
                SocketPattern::parse(inner).unwrap(),
            );
            assert_eq!(
                outer_parsed.contains(&inner_parsed),
                contained,
                "{outer} {inner}"
            );
        }
    }
}
