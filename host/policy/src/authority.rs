//! Where a request goes: `host` or `host:port`, and whole URLs. Read here and nowhere else, so that what is
//! decided is what is connected to.
//!
//! Refused: a user name (`allowed@evil` goes to `evil`), white space, control characters, an empty port, a port
//! with a sign or a leading zero, port 0, an IPv6 address without brackets.

use crate::host::{BadHost, Host};

/// A host with an optional port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    pub host: Host,
    /// 1 to 65535.
    pub port: Option<u16>,
}

impl Authority {
    /// Reads the authority of a URL or a `Host` header.
    pub fn parse(text: &str) -> Result<Self, BadHost> {
        if text.contains('@') {
            return Err(BadHost::UserInfo);
        }
        let (host, port) = split(text)?;
        Ok(Self {
            host: Host::parse(host)?,
            port: port.map(self::port).transpose()?,
        })
    }
}

/// At the colon before the port, if there is one.
pub(crate) fn split(text: &str) -> Result<(&str, Option<&str>), BadHost> {
    let host_end = if text.starts_with('[') {
        text.find(']')
            .map(|end| end + 1)
            .ok_or_else(|| BadHost::Ipv6(text.to_owned()))?
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, rest) = text.split_at(host_end);
    match rest.strip_prefix(':') {
        Some(port) if port.contains(':') => Err(BadHost::Ipv6(text.to_owned())),
        Some(port) => Ok((host, Some(port))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(BadHost::Ipv6(text.to_owned())),
    }
}

/// 1 to 65535, in plain decimal.
pub(crate) fn port(text: &str) -> Result<u16, BadHost> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    plain
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| BadHost::Port(text.to_owned()))
}

/// How a request is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    Http,
    Https,
}

impl Scheme {
    /// `http` or `https`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Http, Self::Https]
            .into_iter()
            .find(|scheme| scheme.name().eq_ignore_ascii_case(text))
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// Why something is not the URL of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    #[error("it has no scheme; write `https://` or `http://` first")]
    NoScheme,
    #[error("`{}` is not a scheme; write `https` or `http`", .0.escape_default())]
    Scheme(String),
    #[error("a part after `#` is never sent")]
    Fragment,
    #[error("`{}` cannot be in a path or query; write it as `%…`", .0.escape_default())]
    Forbidden(char),
    #[error(transparent)]
    Host(#[from] BadHost),
}

/// A URL, apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url<'a> {
    pub scheme: Scheme,
    pub host: Host,
    pub port: u16,
    /// From the first `/`, with the query; `/` if there is none.
    pub path: &'a str,
}

impl<'a> Url<'a> {
    /// Reads an absolute `http` or `https` URL.
    pub fn parse(text: &'a str) -> Result<Self, BadUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(BadUrl::NoScheme)?;
        let scheme = Scheme::parse(scheme).ok_or_else(|| BadUrl::Scheme(scheme.to_owned()))?;
        if rest.contains('#') {
            return Err(BadUrl::Fragment);
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let authority = Authority::parse(authority)?;
        if let Some(bad) = path.chars().find(|char| !char.is_ascii_graphic()) {
            return Err(BadUrl::Forbidden(bad));
        }
        Ok(Self {
            scheme,
            host: authority.host,
            port: authority.port.unwrap_or(scheme.default_port()),
            path: if path.is_empty() { "/" } else { path },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for (text, host, port) in [
            ("example.com", "example.com", None),
            ("Example.com.:8443", "example.com", Some(8443)),
            ("[::1]:80", "[::1]", Some(80)),
            ("[::ffff:10.0.0.1]", "10.0.0.1", None),
            ("0x7f.1:1", "127.0.0.1", Some(1)),
            ("a:65535", "a", Some(65535)),
        ] {
            let authority = Authority::parse(text).unwrap();
            assert_eq!(authority.host.to_string(), host, "{text}");
            assert_eq!(authority.port, port, "{text}");
        }
    }

    #[test]
    fn an_authority_that_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            ":80",
            "a:",
            "a:0",
            "a:080",
            "a:+80",
            "a:-1",
            "a:65536",
            "a:80:80",
            "a:8 0",
            "a b",
            " a",
            "a\r\n",
            "allowed@evil",
            "allowed:80@evil",
            "@evil",
            "::1",
            "[::1]a",
            "[::1]80",
            "[::1]::80",
            "a/b",
            "a?b",
            "a#b",
            "a\\@b",
        ] {
            assert!(Authority::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_url_comes_apart_where_a_client_would_part_it() {
        let url = Url::parse("HTTPS://Example.com?q=/@x").unwrap();
        assert_eq!((url.port, url.path), (443, "?q=/@x"));
        assert_eq!(Url::parse("http://a:81").unwrap().path, "/");
        for text in [
            "a",
            "//a",
            "ftp://a/",
            "https://a/#x",
            "https://a\\@b/",
            "https://a/ b",
            "https://",
            "https:///x",
        ] {
            assert!(Url::parse(text).is_err(), "{text}");
        }
    }
}
