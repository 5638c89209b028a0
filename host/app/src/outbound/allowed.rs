//! `allowed_outbound_hosts`, with Spin's meaning.
//!
//! | Part | Forms |
//! |---|---|
//! | scheme | letters, or `*` |
//! | host | a name, an address, a network such as `10.0.0.0/8`, `*.suffix` (not the suffix itself), `*` |
//! | port | a number, a range `1000..2000` without its end, `*`, or none: the scheme's own |
//!
//! `self` and `*.spin.internal` (calls from component to component) are refused.

use std::net::IpAddr;
use std::ops::Range;

use http::Uri;

use crate::manifest::{Component, Manifest, ManifestError};
use crate::variables::{Template, Variables};

/// Where a component may send requests.
pub(crate) struct AllowedHosts {
    patterns: Vec<Pattern>,
    component: String,
    manifest: String,
    /// The line to add to: of the list if there is one, else of the component.
    line: usize,
}

impl AllowedHosts {
    pub fn resolve(
        manifest: &Manifest,
        id: &toml::Spanned<String>,
        component: &Component,
        variables: &Variables,
    ) -> Result<Self, ManifestError> {
        let mut patterns = Vec::new();
        for text in &component.allowed_outbound_hosts {
            let filled = Template::parse(text.get_ref()).and_then(|template| {
                variables
                    .fill(&template)
                    .map_err(|name| format!("there is no variable `{name}`"))
            });
            let pattern = filled.and_then(|host| Pattern::parse(&host));
            let field = format!("component.{}.allowed_outbound_hosts", id.get_ref());
            patterns.push(
                pattern.map_err(|reason| manifest.error(text, format!("`{field}`: {reason}")))?,
            );
        }
        let line = component
            .allowed_outbound_hosts
            .first()
            .map_or_else(|| manifest.line(id), |at| manifest.line(at));
        let path = manifest.path().display().to_string();
        Ok(Self {
            patterns,
            component: id.get_ref().clone(),
            manifest: path,
            line,
        })
    }

    #[cfg(test)]
    pub fn everywhere() -> Self {
        Self {
            patterns: Pattern::parse("*://*:*").into_iter().collect(),
            component: String::new(),
            manifest: String::new(),
            line: 0,
        }
    }

    pub fn allow(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return false;
        };
        let Some(port) = uri.port_u16().or_else(|| default_port(scheme)) else {
            return false;
        };
        self.patterns
            .iter()
            .any(|pattern| pattern.allow(scheme, host, port))
    }

    /// What to tell an operator about a destination that is not allowed.
    pub fn denial(&self, uri: &Uri) -> String {
        let scheme = uri.scheme_str().unwrap_or("http");
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        format!(
            "component `{}` may not reach {scheme}://{authority}; add \"{scheme}://{authority}\" to its allowed_outbound_hosts at {}:{} to allow it",
            self.component, self.manifest, self.line,
        )
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Pattern {
    /// Any, if there is none.
    scheme: Option<String>,
    host: Host,
    port: Port,
}

#[derive(Debug, PartialEq, Eq)]
enum Host {
    Any,
    /// With its leading dot.
    Suffix(String),
    Name(String),
    Network(IpAddr, u8),
}

#[derive(Debug, PartialEq, Eq)]
enum Port {
    Any,
    Range(Range<u32>),
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| format!("{text:?} has no scheme; write <scheme>://<host>[:<port>]"))?;
        let scheme = match scheme {
            "*" => None,
            letters if !letters.is_empty() && letters.chars().all(char::is_alphabetic) => {
                Some(letters.to_ascii_lowercase())
            }
            other => return Err(format!("{other:?} in {text:?} is no scheme")),
        };
        let (host, port) = split_port(rest);
        let port = match port {
            None => scheme
                .as_deref()
                .and_then(default_port)
                .map(single)
                .ok_or_else(|| format!("{text:?} needs a port"))?,
            Some(port) => Port::parse(port.trim_end_matches('/'))
                .ok_or_else(|| format!("{port:?} in {text:?} is no port"))?,
        };
        let host = Host::parse(host).map_err(|reason| format!("{text:?}: {reason}"))?;
        Ok(Self { scheme, host, port })
    }

    fn allow(&self, scheme: &str, host: &str, port: u16) -> bool {
        self.scheme
            .as_ref()
            .is_none_or(|allowed| allowed.eq_ignore_ascii_case(scheme))
            && self.port.allow(port)
            && self.host.allow(host)
    }
}

impl Host {
    fn parse(host: &str) -> Result<Self, String> {
        let host = host.trim().to_ascii_lowercase();
        if let Some(network) = network(&host) {
            return Ok(network);
        }
        let host = host.trim_end_matches('/');
        match host {
            "" => Err("the host is missing".to_owned()),
            "*" => Ok(Self::Any),
            "self" | "self.alt" => Err("`self` is not supported".to_owned()),
            host if host.ends_with(".spin.internal") => {
                Err("calls between components are not supported".to_owned())
            }
            host if host.contains(['/', '{', '@', '?', '#']) => {
                Err("only scheme, host and port can be given".to_owned())
            }
            host => match host.strip_prefix("*.") {
                Some(suffix) if !suffix.contains('*') && !suffix.is_empty() => {
                    Ok(Self::Suffix(format!(".{suffix}")))
                }
                None if !host.contains('*') => Ok(Self::Name(host.to_owned())),
                _ => Err("`*` can stand alone or for the first labels of a name".to_owned()),
            },
        }
    }

    fn allow(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        match self {
            Self::Any => true,
            Self::Suffix(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
            Self::Name(name) => *name == host,
            Self::Network(network, bits) => {
                address(&host).is_some_and(|address| contains(*network, *bits, address))
            }
        }
    }
}

impl Port {
    fn parse(port: &str) -> Option<Self> {
        if port == "*" {
            return Some(Self::Any);
        }
        match port.split_once("..") {
            Some((start, end)) => Some(Self::Range(
                start.parse::<u16>().ok()?.into()..end.parse::<u16>().ok()?.into(),
            )),
            None => port.parse().ok().map(single),
        }
    }

    fn allow(&self, port: u16) -> bool {
        match self {
            Self::Any => true,
            Self::Range(range) => range.contains(&port.into()),
        }
    }
}

fn single(port: u16) -> Port {
    let port = u32::from(port);
    Port::Range(port..port + 1)
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        _ => None,
    }
}

/// A colon inside the brackets of an address is not that of a port.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    }
}

fn network(host: &str) -> Option<Host> {
    let (base, bits) = match host.split_once('/') {
        Some((base, bits)) if !bits.is_empty() => (base, Some(bits.parse::<u8>().ok()?)),
        _ => (host.trim_end_matches('/'), None),
    };
    let base = address(base)?;
    let width = if base.is_ipv4() { 32 } else { 128 };
    let bits = bits.unwrap_or(width);
    (bits <= width).then_some(Host::Network(base, bits))
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[')
        .trim_end_matches(']')
        .parse()
        .ok()
}

fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "allowed_tests.rs"]
mod tests;
