//! Where a sandbox may connect to.

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv6Addr};

/// What a policy grants of the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    None,
    /// Loopback addresses.
    Localhost,
    /// RFC 1918 and RFC 4193 addresses.
    Private,
    /// Public addresses of hosts that match a pattern or are in a group.
    Public(Vec<String>),
    /// Everything but link-local and metadata addresses.
    Any,
}

/// What a guest wants to reach, before its name is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Lower case, without a trailing dot.
    pub host: &'a str,
    pub port: u16,
}

impl Network {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        let Self::Public(patterns) = self else {
            return Ok(());
        };
        for (index, pattern) in patterns.iter().enumerate() {
            if pattern.starts_with('@') {
                if pattern != PACKAGE_REGISTRIES {
                    return Err(invalid(
                        index,
                        format!("`{pattern}` is not a group; there is `{PACKAGE_REGISTRIES}`"),
                    ));
                }
            } else {
                Pattern::parse(pattern).map_err(|message| invalid(index, message))?;
            }
        }
        Ok(())
    }

    /// Whether a name may be looked up and reached at all; each address is decided by [`Self::allows_address`].
    /// `registries` are the patterns that `@package-registries` stands for.
    pub fn allows_target(&self, target: Target<'_>, registries: &[String]) -> bool {
        match self {
            Self::None => false,
            Self::Localhost | Self::Private | Self::Any => true,
            Self::Public(patterns) => patterns.iter().any(|pattern| {
                if pattern == PACKAGE_REGISTRIES {
                    registries.iter().any(|registry| matches(registry, target))
                } else {
                    matches(pattern, target)
                }
            }),
        }
    }

    /// Whether a resolved address may be connected to.
    pub fn allows_address(&self, address: IpAddr) -> bool {
        match self {
            Self::None => false,
            Self::Localhost => class(address) == Class::Loopback,
            Self::Private => class(address) == Class::Private,
            Self::Public(_) => class(address) == Class::Public,
            Self::Any => class(address) != Class::Forbidden,
        }
    }
}

/// The hosts that the operator's own package clients are configured with.
const PACKAGE_REGISTRIES: &str = "@package-registries";

fn invalid(index: usize, message: String) -> Invalid {
    Invalid {
        field: format!("network.public[{index}]"),
        message,
    }
}

fn matches(pattern: &str, target: Target<'_>) -> bool {
    Pattern::parse(pattern).is_ok_and(|pattern| pattern.matches(target))
}

/// `scheme://host[:port]`, where host may be `*.suffix`.
struct Pattern<'a> {
    scheme: &'a str,
    /// Without the `*.`.
    host: &'a str,
    any_subdomain: bool,
    port: u16,
}

impl<'a> Pattern<'a> {
    fn parse(pattern: &'a str) -> Result<Self, String> {
        let (scheme, rest) = pattern
            .split_once("://")
            .ok_or_else(|| format!("`{pattern}` has no scheme; write `https://{pattern}`"))?;
        let default_port = match scheme {
            "https" => 443,
            "http" => 80,
            _ => {
                return Err(format!(
                    "`{scheme}` is not a scheme; write `https` or `http`"
                ));
            }
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (
                host,
                port.parse()
                    .map_err(|_| format!("`{port}` is not a port; write 1 to 65535"))?,
            ),
            None => (rest, default_port),
        };
        let (host, any_subdomain) = match host.strip_prefix("*.") {
            Some(suffix) => (suffix, true),
            None => (host, false),
        };
        let plain = !host.is_empty()
            && host.split('.').all(|label| {
                !label.is_empty()
                    && label.bytes().all(|byte| {
                        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
                    })
            });
        if !plain {
            return Err(format!(
                "`{rest}` is not a host; write a lower-case name such as `example.com` or `*.example.com`, without a path"
            ));
        }
        Ok(Self {
            scheme,
            host,
            any_subdomain,
            port,
        })
    }

    fn matches(&self, target: Target<'_>) -> bool {
        let host = if self.any_subdomain {
            target
                .host
                .strip_suffix(self.host)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        } else {
            target.host == self.host
        };
        host && self.scheme == target.scheme && self.port == target.port
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Loopback,
    Private,
    Public,
    /// Link-local, metadata, multicast, unspecified, reserved: never reached through a name.
    Forbidden,
}

fn class(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            if v4.is_loopback() {
                Class::Loopback
            } else if v4.is_private() {
                Class::Private
            } else if v4.is_link_local()
                || v4.is_multicast()
                || v4.is_broadcast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                // 100.64.0.0/10 (RFC 6598) holds one cloud's metadata service; 198.18.0.0/15 is for benchmarks.
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (18..20).contains(&b))
                || v4.octets().starts_with(&[192, 0, 0])
            {
                Class::Forbidden
            } else {
                Class::Public
            }
        }
        IpAddr::V6(v6) => class_v6(v6),
    }
}

fn class_v6(v6: Ipv6Addr) -> Class {
    let segments = v6.segments();
    if let Some(v4) = v6.to_ipv4_mapped() {
        return class(IpAddr::V4(v4));
    }
    // NAT64 (RFC 6052) carries an IPv4 address in its last 32 bits.
    if segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [.., a, b, c, d] = v6.octets();
        return class(IpAddr::from([a, b, c, d]));
    }
    if v6.is_loopback() {
        Class::Loopback
    } else if segments[0] & 0xfe00 == 0xfc00 {
        // fd00:ec2::254 is a cloud's metadata service.
        if segments[..2] == [0xfd00, 0x0ec2] {
            Class::Forbidden
        } else {
            Class::Private
        }
    } else if segments[0] & 0xe000 == 0x2000
        && segments[..2] != [0x2001, 0x0db8]
        && segments[0] != 0x2002
    {
        Class::Public
    } else {
        Class::Forbidden
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str) -> Target<'_> {
        Target {
            scheme: "https",
            host,
            port: 443,
        }
    }

    #[test]
    fn a_suffix_matches_on_a_label_boundary_only() {
        let network = Network::Public(vec!["https://*.example.com".to_owned()]);
        for (host, allowed) in [
            ("a.example.com", true),
            ("a.b.example.com", true),
            ("example.com", false),
            ("evilexample.com", false),
            (".example.com", false),
            ("a.example.com.evil.net", false),
        ] {
            assert_eq!(network.allows_target(target(host), &[]), allowed, "{host}");
        }
    }

    #[test]
    fn a_group_stands_for_what_the_operator_gave() {
        let network = Network::Public(vec![PACKAGE_REGISTRIES.to_owned()]);
        assert!(!network.allows_target(target("packages.example"), &[]));
        assert!(network.allows_target(
            target("packages.example"),
            &["https://packages.example".to_owned()]
        ));
    }

    #[test]
    fn an_address_is_allowed_by_its_class() {
        for (address, allowed_by) in [
            ("127.0.0.1", "localhost any"),
            ("::1", "localhost any"),
            ("::ffff:127.0.0.1", "localhost any"),
            ("10.1.2.3", "private any"),
            ("64:ff9b::a00:1", "private any"),
            ("fd12::1", "private any"),
            ("169.254.169.254", ""),
            ("::ffff:169.254.169.254", ""),
            ("fe80::1", ""),
            ("fd00:ec2::254", ""),
            ("0.0.0.0", ""),
            ("224.0.0.1", ""),
            ("93.184.216.34", "public any"),
            ("2606:2800:220:1::1", "public any"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            for (name, network) in [
                ("none", Network::None),
                ("localhost", Network::Localhost),
                ("private", Network::Private),
                ("public", Network::Public(Vec::new())),
                ("any", Network::Any),
            ] {
                let expected = allowed_by.split(' ').any(|allowed| allowed == name);
                assert_eq!(
                    network.allows_address(address),
                    expected,
                    "{address} under {name}"
                );
            }
        }
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_with_what_would_be_one() {
        for (pattern, hint) in [
            ("example.com", "write `https://example.com`"),
            ("https://*", "is not a host"),
            ("https://*.", "is not a host"),
            ("https://", "is not a host"),
            ("ftp://example.com", "write `https` or `http`"),
            ("https://example.com/path", "without a path"),
            ("https://a@example.com", "is not a host"),
            ("https://example.com:0x50", "is not a port"),
            ("@everything", "is not a group"),
        ] {
            let invalid = Network::Public(vec![pattern.to_owned()])
                .validate()
                .unwrap_err();
            assert!(
                invalid.message.contains(hint),
                "{pattern}: {}",
                invalid.message
            );
            assert_eq!(invalid.field, "network.public[0]");
        }
    }
}
