//! One line of `network.public`: which HTTP requests may leave.
//!
//! ```text
//! pattern = [ method *( "," method ) " " ] scheme "://" host [ ":" port ] [ path ]
//! ```
//!
//! | part | written | grants | left out |
//! |---|---|---|---|
//! | method | `GET`, `GET,HEAD`; upper case, no space after a comma | these | every method but `CONNECT` |
//! | scheme | `https`, `http` | this | never |
//! | host | `example.com` | this name | never |
//! | | `*.example.com` | every name beneath, not itself; at least two labels after `*.` | |
//! | | `93.184.216.34`, `[2606:2800:220:1::1]` | this address, which has to be a public one | |
//! | port | `8443` | this | 443 for `https`, 80 for `http` |
//! | path | `/v1`, `/v1/` | it and all beneath, on a `/`; see [`crate::path`] for what is ambiguous | every path |
//!
//! `@package-registries` stands for the patterns of the operator's package clients; as the operator named these hosts, they
//! may have private and loopback addresses too, which a pattern of a policy never reaches. No pattern has a user name, a
//! query, a `*` elsewhere, or a second spelling of a host. `CONNECT` opens a tunnel that nobody could decide about, so no
//! pattern grants it: raw connections have grants of their own ([`crate::socket`]).

use crate::address::Class;
use crate::authority::{self, Scheme};
use crate::host::{BadHost, Host};
use crate::host_pattern::HostPattern;
use crate::path::PathPattern;
use crate::printable::printable;
use crate::suggest;
use std::fmt;
use std::net::IpAddr;

/// The hosts that the operator's own package clients are configured with.
pub const PACKAGE_REGISTRIES: &str = "@package-registries";

/// Whether this may be one of the patterns that [`PACKAGE_REGISTRIES`] stands for: the host of a registry may be private,
/// or this machine, as its operator names it. The error says what is wrong and what would be right.
pub fn check_registry(pattern: &str) -> Result<(), String> {
    match Pattern::of_registry(pattern) {
        Ok(_) => Ok(()),
        Err(message) => Err(printable(&message).into_owned()),
    }
}

/// Bytes of one pattern.
pub(crate) const PATTERN_BYTES_MAX: usize = 2_048;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// Sorted; `None` is every one but `CONNECT`.
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) scheme: Scheme,
    pub(crate) host: HostPattern,
    pub(crate) port: u16,
    pub(crate) path: Option<PathPattern>,
}

impl Pattern {
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        Self::parse_of(pattern, |class| class == Class::Public)
    }

    /// Where an address need not be a public one.
    pub(crate) fn parse_of_any_network(pattern: &str) -> Result<Self, String> {
        Self::parse_of(pattern, Class::can_be_granted)
    }

    fn parse_of(pattern: &str, reached: fn(Class) -> bool) -> Result<Self, String> {
        let (parsed, path) = Self::of_any_address(pattern)?;
        if let HostPattern::Exact(Host::Address(address)) = parsed.host {
            reached_address(address, path, reached)?;
        }
        Ok(parsed)
    }

    /// One that the operator gave for [`PACKAGE_REGISTRIES`]: its host may be private, or this machine.
    pub(crate) fn of_registry(pattern: &str) -> Result<Self, String> {
        if pattern.starts_with('@') {
            return Err(format!(
                "`{pattern}` is a group, which stands for patterns and is none"
            ));
        }
        Self::parse_of_any_network(pattern)
    }

    /// And its path, as written.
    fn of_any_address(pattern: &str) -> Result<(Self, &str), String> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err(format!("a pattern has at most {PATTERN_BYTES_MAX} bytes"));
        }
        if pattern.trim().is_empty() {
            return Err("the pattern is empty; leave it out to grant nothing".to_owned());
        }
        let (methods, url) = match pattern.split_once(' ') {
            Some((methods, url)) => (Some(self::methods(methods)?), url),
            None => (None, pattern),
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(|| no_scheme(url))?;
        let scheme = known_scheme(scheme)?;
        let (target, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = host_and_port(target)?;
        let parsed = Self {
            methods,
            scheme,
            host,
            port: port.unwrap_or(scheme.default_port()),
            path: PathPattern::parse(path)?,
        };
        Ok((parsed, path))
    }

    pub(crate) fn allows_method(&self, method: &str) -> bool {
        self.methods
            .as_ref()
            .map_or(method != "CONNECT", |methods| {
                methods.iter().any(|own| own == method)
            })
    }

    /// Whether the request goes to what this pattern names, by whatever method to whatever path.
    pub(crate) fn reaches(&self, scheme: Scheme, host: &Host, port: u16) -> bool {
        self.scheme == scheme && self.port == port && self.host.covers(host)
    }

    /// Takes a path without its query.
    pub(crate) fn allows_path(&self, path: &str) -> bool {
        self.path.as_ref().is_none_or(|own| own.covers(path))
    }

    /// Whether all that `other` grants is granted by this.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        let methods = match (&self.methods, &other.methods) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => other.iter().all(|method| own.contains(method)),
        };
        let path = match (&self.path, &other.path) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => own.contains(other),
        };
        methods
            && path
            && self.scheme == other.scheme
            && self.port == other.port
            && self.host.contains(&other.host)
    }
}

/// As it would be parsed.
impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(methods) = &self.methods {
            write!(formatter, "{} ", methods.join(","))?;
        }
        write!(formatter, "{}://{}", self.scheme.name(), self.host)?;
        if self.port != self.scheme.default_port() {
            write!(formatter, ":{}", self.port)?;
        }
        formatter.write_str(self.path.as_ref().map_or("", PathPattern::as_str))
    }
}

/// A method that a pattern can name: upper case, as almost all are (RFC 9110 tells `get` from `GET`).
pub(crate) fn is_method(method: &str) -> bool {
    const BYTES_MAX: usize = 32;
    (1..=BYTES_MAX).contains(&method.len())
        && method
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'-')
        && method != "CONNECT"
}

fn methods(text: &str) -> Result<Vec<String>, String> {
    let mut methods = Vec::new();
    for method in text.split(',') {
        let upper = method.trim().to_ascii_uppercase();
        if method == "CONNECT" {
            return Err("`CONNECT` opens a tunnel, which no pattern grants; a raw connection is granted in `sockets`".to_owned());
        }
        if !is_method(method) {
            return Err(if is_method(&upper) && upper != method {
                format!("`{method}` is not a method; did you mean `{upper}`?")
            } else {
                format!(
                    "`{method}` is not a method; write them as in `GET,HEAD https://example.com`"
                )
            });
        }
        if methods.iter().any(|known| known == method) {
            return Err(format!("`{method}` is named twice"));
        }
        methods.push(method.to_owned());
    }
    methods.sort();
    Ok(methods)
}

fn known_scheme(scheme: &str) -> Result<Scheme, String> {
    match scheme {
        "https" => Ok(Scheme::Https),
        "http" => Ok(Scheme::Http),
        "tcp" | "udp" | "listen" | "lookup" => Err(format!(
            "`{scheme}` is not HTTP; raw sockets are granted in `sockets`"
        )),
        "*" => Err("`*` is not a scheme; write two patterns, `https` and `http`".to_owned()),
        _ => Err(match suggest::nearest(scheme, ["https", "http"]) {
            Some(known) => format!("`{scheme}` is not a scheme; did you mean `{known}`?"),
            None => format!("`{scheme}` is not a scheme; write `https` or `http`"),
        }),
    }
}

fn no_scheme(url: &str) -> String {
    if url.starts_with('@') {
        return format!(
            "`{url}` is not a group{}",
            suggest::hint(url, &[PACKAGE_REGISTRIES])
        );
    }
    match url {
        "*" | "**" => format!(
            "`{url}` is not a pattern; `network = \"any\"` grants every host, `*.example.com` those beneath one"
        ),
        _ => format!("`{url}` has no scheme; write `https://{url}`"),
    }
}

/// The host may start with `*.`; the port may be left out.
fn host_and_port(target: &str) -> Result<(HostPattern, Option<u16>), String> {
    if target.contains('@') {
        return Err(BadHost::UserInfo.to_string());
    }
    let (host, port) = authority::split(target).map_err(|error| error.to_string())?;
    let port = match port {
        Some("*") => {
            return Err("`*` is not a port; name one, as in `https://example.com:8443`".to_owned());
        }
        Some(port) => Some(authority::port(port).map_err(|error| error.to_string())?),
        None => None,
    };
    Ok((HostPattern::parse(host)?, port))
}

/// A pattern for an address that is never connected to would grant nothing.
fn reached_address(address: IpAddr, path: &str, reached: fn(Class) -> bool) -> Result<(), String> {
    if path.len() > 1 && path.bytes().skip(1).all(|byte| byte.is_ascii_digit()) {
        return Err(format!(
            "`{address}{path}` is a block of addresses; name each, blocks are for `sockets`"
        ));
    }
    let other = match Class::of(address) {
        class if reached(class) => return Ok(()),
        Class::Loopback => "; `network = \"localhost\"` reaches these",
        Class::Private => "; `network = \"private\"` reaches these",
        _ => ", which no policy grants",
    };
    Err(format!("`{address}` is {}{other}", Class::of(address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_may_be_private_and_not_where_no_policy_reaches() {
        for good in [
            "http://10.0.0.7",
            "http://localhost:4873",
            "https://[fd12::1]",
        ] {
            assert_eq!(check_registry(good), Ok(()), "{good}");
        }
        for (bad, hint) in [
            ("http://169.254.169.254", "which no policy grants"),
            ("registry.example", "write `https://registry.example`"),
            ("@package-registries", "is a group"),
        ] {
            let message = check_registry(bad).unwrap_err();
            assert!(message.contains(hint), "{bad}: {message}");
        }
    }

    #[test]
    fn a_pattern_reads_back_as_it_was_written() {
        for pattern in [
            "https://example.com",
            "http://*.example.com:8080",
            "GET,HEAD https://api.example.com/v1/",
            "M-SEARCH http://example.com/a%20b",
            "https://93.184.216.34",
            "https://[2606:2800:220:1::1]:8443/x",
            "https://a_b.example:1",
        ] {
            assert_eq!(Pattern::parse(pattern).unwrap().to_string(), pattern);
        }
        assert_eq!(
            Pattern::parse("HEAD,GET https://example.com:443/"),
            Pattern::parse("GET,HEAD https://example.com")
        );
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_with_what_would_be_one() {
        for (pattern, hint) in [
            ("", "is empty"),
            ("  ", "is empty"),
            ("example.com", "write `https://example.com`"),
            ("*", "`network = \"any\"`"),
            ("**", "`network = \"any\"`"),
            ("@everything", "is not a group"),
            ("@package-registry", "did you mean `@package-registries`?"),
            ("htps://example.com", "did you mean `https`?"),
            ("ftp://example.com", "write `https` or `http`"),
            ("HTTPS://example.com", "did you mean `https`?"),
            ("*://example.com", "write two patterns"),
            ("tcp://example.com:1", "granted in `sockets`"),
            ("https://", "there is no host"),
            ("https://*", "name one"),
            ("https://*.", "there is no host"),
            ("https://*.com", "a whole top-level domain"),
            ("https://**.example.com", "only at the start"),
            ("https://a@example.com", "never sent"),
            ("https://example.com:0", "write 1 to 65535"),
            ("https://example.com:0x50", "write 1 to 65535"),
            ("https://example.com:+80", "write 1 to 65535"),
            ("https://example.com:", "write 1 to 65535"),
            ("https://example.com:*", "is not a port"),
            ("https://example.com?x", "`?` cannot be in a host"),
            ("https://example.com/?x", "ends with the path"),
            ("https://example.com/v1/*", "`/v1/` grants all beneath"),
            ("https://Example.com", "write `example.com`"),
            ("https://127.0.0.1", "`network = \"localhost\"`"),
            ("https://10.0.0.1", "`network = \"private\"`"),
            ("https://169.254.169.254", "no policy grants"),
            ("https://[::ffff:93.184.216.34]", "write `93.184.216.34`"),
            ("https://93.184.216.0/24", "a block of addresses"),
            ("get https://example.com", "did you mean `GET`?"),
            ("GET, HEAD https://example.com", "is not a method"),
            ("GET,GET https://example.com", "named twice"),
            ("GET  https://example.com", "is not a scheme"),
            ("* https://example.com", "is not a method"),
            ("CONNECT https://example.com", "a tunnel"),
            (" https://example.com", "is not a method"),
        ] {
            let message = Pattern::parse(pattern).unwrap_err();
            assert!(message.contains(hint), "{pattern}: {message}");
        }
    }

    #[test]
    fn what_a_pattern_contains_it_also_grants() {
        for (outer, inner, contained) in [
            ("https://example.com", "GET https://example.com/v1", true),
            ("GET https://example.com", "https://example.com", false),
            (
                "GET,HEAD https://example.com",
                "HEAD https://example.com",
                true,
            ),
            ("https://example.com/v1/", "https://example.com/v1/a", true),
            ("https://example.com/v1/", "https://example.com/v1", false),
            ("https://example.com/v1", "https://example.com/v1x", false),
            ("https://*.example.com", "https://a.example.com", true),
            ("https://*.example.com", "https://*.a.example.com", true),
            ("https://*.a.example.com", "https://*.example.com", false),
            ("https://*.example.com", "https://example.com", false),
            ("https://example.com", "http://example.com", false),
            ("https://example.com", "https://example.com:8443", false),
        ] {
            let (outer_parsed, inner_parsed) = (
                Pattern::parse(outer).unwrap(),
                Pattern::parse(inner).unwrap(),
            );
            assert_eq!(
                outer_parsed.contains(&inner_parsed),
                contained,
                "{outer} {inner}"
            );
        }
    }
}
