//! A host, brought into the one form in which it is compared.
//!
//! | written | read as | why |
//! |---|---|---|
//! | `Example.COM`, `example.com.` | `example.com` | DNS has no case, and a trailing dot says the same |
//! | `bücher.example`, `ｅxample.com` | `xn--bcher-kva.example`, `example.com` | IDNA (UTS 46), as a resolver would ask |
//! | `2130706433`, `0x7f.1`, `017700000001`, `127.1` | `127.0.0.1` | every number that `inet_aton` takes is an address |
//! | `[::FFFF:127.0.0.1]` | `127.0.0.1` | the connection would be IPv4 |
//! | `1.2.3.256`, `a.08`, `0x.1` | refused | it ends in a number and is no address: resolvers disagree |
//! | `[fe80::1%eth0]` | refused | a zone names an interface of the runner's machine |
//! | `a b`, `a@b`, `a%2eb`, `a/b`, `` | refused | no host has these |

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host in its one form: what is equal is the same host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// ASCII, lower case, without a trailing dot, and nothing that a resolver takes for an address.
    Name(String),
    /// Never an IPv6 address that maps an IPv4 one.
    Address(IpAddr),
}

/// Why something is not a host, or not an authority.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    #[error("there is no host")]
    Empty,
    #[error("a user name or password (`@`) is never sent from a sandbox")]
    UserInfo,
    #[error("`{}` cannot be in a host", .0.escape_default())]
    Forbidden(char),
    #[error("`{0}` ends in a number and is not an IPv4 address")]
    Number(String),
    #[error("`{}` is not an IPv6 address; write it in brackets, as in `[2001:db8::1]`", .0.escape_default())]
    Ipv6(String),
    #[error("an address with a zone (`%`) names an interface of the runner's machine")]
    Zone,
    #[error("a part between two dots is empty, or longer than 63 bytes")]
    Label,
    #[error("a host has at most 253 bytes")]
    Long,
    #[error("it is not an internationalised name (IDNA)")]
    Idna,
    #[error("`{}` is not a port; write 1 to 65535", .0.escape_default())]
    Port(String),
}

/// Before IDNA, which may shorten: four bytes for each of 253.
const BYTES_MAX: usize = 1012;
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

impl Host {
    /// Reads a host without a port; an IPv6 address may stand in brackets or without.
    pub fn parse(text: &str) -> Result<Self, BadHost> {
        if text.is_empty() {
            return Err(BadHost::Empty);
        }
        if text.len() > BYTES_MAX {
            return Err(BadHost::Long);
        }
        if text.starts_with('[') || text.contains(':') {
            return ipv6(text).map(Self::from);
        }
        if let Some(bad) = text.chars().find(|&char| !may_be_in_a_name(char)) {
            return Err(BadHost::Forbidden(bad));
        }
        let ascii = ascii(text)?;
        let name = ascii.strip_suffix('.').unwrap_or(&ascii);
        let labels_fit = || {
            name.split('.')
                .all(|label| !label.is_empty() && label.len() <= LABEL_BYTES_MAX)
        };
        if name.len() > NAME_BYTES_MAX {
            Err(BadHost::Long)
        } else if !labels_fit() {
            Err(BadHost::Label)
        } else if ends_in_a_number(name) {
            ipv4(name)
                .map(|address| Self::Address(address.into()))
                .ok_or_else(|| BadHost::Number(name.to_owned()))
        } else {
            Ok(Self::Name(name.to_owned()))
        }
    }

    /// `localhost` and what lies beneath it are the machine itself (RFC 6761).
    pub fn is_localhost(&self) -> bool {
        matches!(self, Self::Name(name) if name == "localhost" || name.ends_with(".localhost"))
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(address.to_canonical())
    }
}

/// As in a URL: IPv6 stands in brackets.
impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Address(IpAddr::V4(v4)) => v4.fmt(formatter),
            Self::Address(IpAddr::V6(v6)) => write!(formatter, "[{v6}]"),
        }
    }
}

/// Not a letter of a name that could be anything but one. What is not ASCII is for IDNA to judge.
fn may_be_in_a_name(char: char) -> bool {
    char.is_ascii_alphanumeric()
        || matches!(char, '-' | '_' | '.')
        || !(char.is_ascii() || char.is_control() || char.is_whitespace())
}

fn ascii(text: &str) -> Result<String, BadHost> {
    let lower = text.to_ascii_lowercase();
    if lower.is_ascii() && !lower.contains("xn--") {
        return Ok(lower);
    }
    // Lengths are counted below, for names that are ASCII too. Real names have `--` where STD3 forbids it.
    let ascii = Uts46::new()
        .to_ascii(
            lower.as_bytes(),
            AsciiDenyList::URL,
            Hyphens::Allow,
            DnsLength::Ignore,
        )
        .map_err(|_| BadHost::Idna)?;
    match ascii.chars().find(|&char| !may_be_in_a_name(char)) {
        Some(bad) => Err(BadHost::Forbidden(bad)),
        None => Ok(ascii.into_owned()),
    }
}

fn ipv6(text: &str) -> Result<IpAddr, BadHost> {
    let inner = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']'),
        None => Some(text),
    };
    let inner = inner.ok_or_else(|| BadHost::Ipv6(text.to_owned()))?;
    if inner.contains('%') {
        return Err(BadHost::Zone);
    }
    inner
        .parse::<Ipv6Addr>()
        .map(|v6| IpAddr::V6(v6).to_canonical())
        .map_err(|_| BadHost::Ipv6(text.to_owned()))
}

/// A resolver may take such a name for an address; if it is none it must not become a name.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x");
    hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        || last.bytes().all(|byte| byte.is_ascii_digit())
}

/// One to four numbers, each decimal, octal (`0…`) or hexadecimal (`0x…`); the last fills what is left.
fn ipv4(name: &str) -> Option<Ipv4Addr> {
    let mut parts = Vec::with_capacity(4);
    for part in name.split('.') {
        if parts.len() == 4 {
            return None;
        }
        parts.push(number(part)?);
    }
    let last = parts.pop()?;
    let before = u32::try_from(parts.len()).ok()?;
    if u64::from(last) >= 1 << (8 * (4 - before)) || parts.iter().any(|&part| part > 255) {
        return None;
    }
    let high = parts
        .iter()
        .zip([24, 16, 8])
        .fold(0, |bits, (&part, shift)| bits | part << shift);
    Some(Ipv4Addr::from(high | last))
}

fn number(part: &str) -> Option<u32> {
    let (digits, radix) = match part.strip_prefix("0x") {
        Some(hex) => (hex, 16),
        None if part.len() > 1 && part.starts_with('0') => (part, 8),
        None => (part, 10),
    };
    // `from_str_radix` takes a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_form() {
        for (text, name) in [
            ("example.com", "example.com"),
            ("Example.COM.", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BÜCHER.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("ｅxample.com", "example.com"),
            ("example。com", "example.com"),
            ("faß.example", "xn--fa-hia.example"),
            ("my_bucket.example", "my_bucket.example"),
            ("r3---sn.example", "r3---sn.example"),
            ("0x7g.example", "0x7g.example"),
            ("1.2.3.4.example", "1.2.3.4.example"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(Host::parse(text), Ok(Host::Name(name.to_owned())), "{text}");
        }
    }

    #[test]
    fn an_address_has_one_form_however_it_is_written() {
        for (text, address) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("127.0.1", "127.0.0.1"),
            ("2130706433", "127.0.0.1"),
            ("0x7f000001", "127.0.0.1"),
            ("0X7F.0x0.0.1", "127.0.0.1"),
            ("017700000001", "127.0.0.1"),
            ("0177.0.0.01", "127.0.0.1"),
            ("１２７.0.0.1", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("169.254.43518", "169.254.169.254"),
            ("4294967295", "255.255.255.255"),
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("[::ffff:7f00:1]", "127.0.0.1"),
            ("[::FFFF:169.254.169.254]", "169.254.169.254"),
            ("[64:ff9b::a00:1]", "64:ff9b::a00:1"),
        ] {
            assert_eq!(
                Host::parse(text),
                Ok(Host::Address(address.parse().unwrap())),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for (text, error) in [
            ("", BadHost::Empty),
            (".", BadHost::Label),
            ("a..b", BadHost::Label),
            (".a", BadHost::Label),
            ("a.com..", BadHost::Label),
            ("a b", BadHost::Forbidden(' ')),
            ("a\tb", BadHost::Forbidden('\t')),
            ("a\u{a0}b", BadHost::Forbidden('\u{a0}')),
            ("a\0b", BadHost::Forbidden('\0')),
            ("a@b", BadHost::Forbidden('@')),
            ("a%2eb", BadHost::Forbidden('%')),
            ("a/b", BadHost::Forbidden('/')),
            ("a\\b", BadHost::Forbidden('\\')),
            ("*.a", BadHost::Forbidden('*')),
            ("1.2.3.256", BadHost::Number("1.2.3.256".to_owned())),
            ("1.2.3.4.5", BadHost::Number("1.2.3.4.5".to_owned())),
            ("256.1.1.1", BadHost::Number("256.1.1.1".to_owned())),
            ("4294967296", BadHost::Number("4294967296".to_owned())),
            ("a.08", BadHost::Number("a.08".to_owned())),
            ("0x", BadHost::Number("0x".to_owned())),
            ("1.2.0x", BadHost::Number("1.2.0x".to_owned())),
            ("[fe80::1%25eth0]", BadHost::Zone),
            ("[::1", BadHost::Ipv6("[::1".to_owned())),
            ("[127.0.0.1]", BadHost::Ipv6("[127.0.0.1]".to_owned())),
            ("xn--a", BadHost::Idna),
            ("a．．b", BadHost::Label),
        ] {
            assert_eq!(Host::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(Host::parse(&"a.".repeat(200)), Err(BadHost::Long));
        assert_eq!(Host::parse(&"a".repeat(64)), Err(BadHost::Label));
        assert!(Host::parse(&"ü".repeat(600)).is_err());
        assert!(matches!(
            Host::parse("a／b"),
            Err(BadHost::Idna | BadHost::Forbidden(_))
        ));
    }
}
