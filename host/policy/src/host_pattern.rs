//! Which hosts a pattern means: one, all beneath a suffix, or a block of addresses.
//!
//! A pattern is written as it is compared. Another spelling of the same host is refused with the one to write, so that
//! whoever reads a policy sees what is granted and no letter that only looks like another.

use crate::address::within;
use crate::host::Host;
use std::fmt;
use std::net::IpAddr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostPattern {
    Exact(Host),
    /// Names that end in a dot and this, which has at least two labels.
    Beneath(String),
    /// Addresses whose first bits are these.
    Block(IpAddr, u8),
}

impl HostPattern {
    /// `example.com`, `*.example.com`, `192.0.2.1` or `[2001:db8::1]`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(suffix) = text.strip_prefix("*.") {
            return beneath(suffix);
        }
        if text == "*" {
            return Err(
                "`*` is not a host; name one, as in `example.com` or `*.example.com`".to_owned(),
            );
        }
        if text.contains('*') {
            return Err(format!(
                "`{text}` is not a host; a `*` stands only at the start and before a dot, as in `*.example.com`"
            ));
        }
        let host = Host::parse(text).map_err(|error| format!("`{text}` is not a host: {error}"))?;
        written_as(text, &host.to_string())?;
        Ok(Self::Exact(host))
    }

    /// Those and blocks: `10.0.0.0/8`, `[fd00::/8]`.
    pub(crate) fn parse_with_blocks(text: &str) -> Result<Self, String> {
        if !text.contains('/') {
            return Self::parse(text).map_err(|message| {
                if text == "*" {
                    "`*` is not a host; name one, as in `example.com`, or a block such as `10.0.0.0/8`".to_owned()
                } else {
                    message
                }
            });
        }
        let block = block(text).ok_or_else(|| {
            format!(
                "`{text}` is not a block of addresses; write it as `10.0.0.0/8` or `[fd00::/8]`"
            )
        })?;
        written_as(text, &block.to_string())?;
        Ok(block)
    }

    pub(crate) fn covers(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Exact(own), host) => own == host,
            (Self::Beneath(suffix), Host::Name(name)) => is_beneath(name, suffix),
            (Self::Block(network, bits), Host::Address(address)) => {
                within(*address, *network, *bits)
            }
            _ => false,
        }
    }

    /// Whether all that `other` covers is covered by this.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Exact(host)) => self.covers(host),
            (Self::Beneath(own), Self::Beneath(other)) => own == other || is_beneath(other, own),
            (Self::Block(own, bits), Self::Block(other, other_bits)) => {
                bits <= other_bits && within(*other, *own, *bits)
            }
            _ => false,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => host.fmt(formatter),
            Self::Beneath(suffix) => write!(formatter, "*.{suffix}"),
            Self::Block(IpAddr::V4(network), bits) => write!(formatter, "{network}/{bits}"),
            Self::Block(IpAddr::V6(network), bits) => write!(formatter, "[{network}/{bits}]"),
        }
    }
}

fn beneath(suffix: &str) -> Result<HostPattern, String> {
    if suffix.contains('*') {
        return Err(format!(
            "`*.{suffix}` has more than one `*`; `*.example.com` is all names beneath, however deep"
        ));
    }
    let host =
        Host::parse(suffix).map_err(|error| format!("`*.{suffix}` is not a host: {error}"))?;
    let Host::Name(name) = &host else {
        return Err(format!(
            "`*.{suffix}` is beneath an address; there are no such names"
        ));
    };
    if !name.contains('.') {
        return Err(format!(
            "`*.{suffix}` is a whole top-level domain; name more of it, as in `*.example.{name}`"
        ));
    }
    written_as(suffix, name)?;
    Ok(HostPattern::Beneath(name.clone()))
}

fn block(text: &str) -> Option<HostPattern> {
    let inner = match text.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?,
        None => text,
    };
    let (network, bits) = inner.split_once('/')?;
    let network: IpAddr = network.parse().ok()?;
    if bits.is_empty() || !bits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let bits: u8 = bits.parse().ok()?;
    let network = match network {
        IpAddr::V4(v4) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        // A guest's mapped address is compared as IPv4, so a mapped block would cover nothing.
        IpAddr::V6(v6) if bits <= 128 && v6.to_ipv4_mapped().is_none() => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
        _ => return None,
    };
    Some(HostPattern::Block(network, bits))
}

fn is_beneath(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix)
        .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
}

fn written_as(text: &str, canonical: &str) -> Result<(), String> {
    if text == canonical {
        Ok(())
    } else {
        Err(format!("`{text}` is another spelling; write `{canonical}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suffix_covers_names_beneath_it_on_a_label_boundary_only() {
        let pattern = HostPattern::parse("*.example.com").unwrap();
        for (host, covered) in [
            ("a.example.com", true),
            ("a.b.example.com", true),
            ("example.com", false),
            ("evilexample.com", false),
            ("a.example.com.evil.net", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(
                pattern.covers(&Host::parse(host).unwrap()),
                covered,
                "{host}"
            );
        }
    }

    #[test]
    fn a_block_covers_its_addresses_and_no_names() {
        for (block, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("0.0.0.0/0", "1.2.3.4", "[::1]"),
            ("[fd00::/8]", "[fd12::1]", "[fc00::1]"),
            ("[::/0]", "[2400::1]", "1.2.3.4"),
            ("192.0.2.1/32", "192.0.2.1", "192.0.2.2"),
        ] {
            let pattern = HostPattern::parse_with_blocks(block).unwrap();
            assert_eq!(pattern.to_string(), block);
            assert!(pattern.covers(&Host::parse(inside).unwrap()), "{inside}");
            assert!(!pattern.covers(&Host::parse(outside).unwrap()), "{outside}");
        }
    }

    #[test]
    fn what_means_no_host_is_refused_with_what_would() {
        for (text, hint) in [
            ("*", "name one"),
            ("*.", "there is no host"),
            ("**", "only at the start"),
            ("**.example.com", "only at the start"),
            ("*.*.example.com", "more than one `*`"),
            ("*example.com", "only at the start"),
            ("a.*.com", "only at the start"),
            ("*.com", "a whole top-level domain"),
            ("*.127.0.0.1", "beneath an address"),
            ("Example.com", "write `example.com`"),
            ("*.Example.com", "write `example.com`"),
            ("example.com.", "write `example.com`"),
            ("bücher.example", "write `xn--bcher-kva.example`"),
            ("0x7f.1", "write `127.0.0.1`"),
            ("[::0:1]", "write `[::1]`"),
            ("10.1.0.0/8", "write `10.0.0.0/8`"),
            ("fd00::/8", "write `[fd00::/8]`"),
            ("10.0.0.0/33", "not a block"),
            ("[::ffff:0:0/96]", "not a block"),
            ("a/8", "not a block"),
            ("", "there is no host"),
        ] {
            let message = HostPattern::parse_with_blocks(text).unwrap_err();
            assert!(message.contains(hint), "{text}: {message}");
        }
    }
}
