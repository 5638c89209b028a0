//! What kind of address an address is. A name that is allowed is decided again by each address that it
//! resolved to, so this is the wall against names that point inside.
//!
//! | kind | addresses |
//! |---|---|
//! | loopback | `127.0.0.0/8`, `::1` |
//! | private | `10/8`, `172.16/12`, `192.168/16` (RFC 1918), `fc00::/7` (RFC 4193) |
//! | public | what is left of IPv4, and of `2000::/3` in IPv6 |
//! | unspecified | `0.0.0.0`, `::`; only ever listened at |
//! | metadata | of a cloud: link-local `169.254/16`, and those listed in [`METADATA`] |
//! | link-local | `fe80::/10` |
//! | reserved | everything else: multicast, broadcast, documentation, benchmarks, carrier NAT, tunnels |
//!
//! IPv6 that carries an IPv4 address to a translator is what that address is: mapped `::ffff:0:0/96`, NAT64
//! `64:ff9b::/96` (RFC 6052). IPv6 that *tunnels* IPv4 is reserved whatever it carries, as nothing here should
//! choose a relay: 6to4 `2002::/16`, Teredo `2001::/32`, ISATAP, IPv4-compatible `::/96`, local NAT64 `64:ff9b:1::/48`.

use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of address an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Loopback,
    Private,
    Public,
    /// Every address of the machine.
    Unspecified,
    /// No policy grants it.
    Metadata,
    /// No policy grants it.
    LinkLocal,
    /// No policy grants it.
    Reserved,
}

impl fmt::Display for Class {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Public => "a public address",
            Self::Unspecified => "the unspecified address",
            Self::Metadata => "a link-local or metadata address",
            Self::LinkLocal => "a link-local address",
            Self::Reserved => "a reserved address",
        })
    }
}

impl Class {
    /// Whether some policy can grant a connection to it.
    pub fn can_be_granted(self) -> bool {
        matches!(self, Self::Loopback | Self::Private | Self::Public)
    }

    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => of_v4(v4),
            IpAddr::V6(v6) => of_v6(v6),
        }
    }
}

/// Networks of clouds' metadata services that lie outside `169.254.0.0/16`: address and length of the prefix.
const METADATA: [(IpAddr, u8); 6] = [
    (v4(100, 100, 100, 200), 32),
    (v4(168, 63, 129, 16), 32),
    (v4(192, 0, 0, 192), 32),
    (v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0]), 32),
    (v6([0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0]), 32),
    (v6([0xfd00, 0x0042, 0, 0, 0, 0, 0, 0]), 32),
];

/// Networks that no public service lives in. 192.88.99.0/24 leads to 6to4 relays, 100.64.0.0/10 is carriers' NAT.
const RESERVED_V4: [(IpAddr, u8); 10] = [
    (v4(0, 0, 0, 0), 8),
    (v4(100, 64, 0, 0), 10),
    (v4(192, 0, 0, 0), 24),
    (v4(192, 0, 2, 0), 24),
    (v4(192, 88, 99, 0), 24),
    (v4(198, 18, 0, 0), 15),
    (v4(198, 51, 100, 0), 24),
    (v4(203, 0, 113, 0), 24),
    (v4(224, 0, 0, 0), 4),
    (v4(240, 0, 0, 0), 4),
];

/// Within 2000::/3: the IETF's protocols with Teredo, documentation, 6to4.
const RESERVED_V6: [(IpAddr, u8); 4] = [
    (v6([0x2001, 0, 0, 0, 0, 0, 0, 0]), 23),
    (v6([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0]), 32),
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0]), 16),
    (v6([0x3fff, 0, 0, 0, 0, 0, 0, 0]), 20),
];

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const fn v6(segments: [u16; 8]) -> IpAddr {
    let [a, b, c, d, e, f, g, h] = segments;
    IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h))
}

fn of_v4(v4: Ipv4Addr) -> Class {
    let address = IpAddr::V4(v4);
    if v4.is_unspecified() {
        Class::Unspecified
    } else if v4.is_loopback() {
        Class::Loopback
    } else if v4.is_private() {
        Class::Private
    } else if v4.is_link_local() || is_in(&METADATA, address) {
        Class::Metadata
    } else if is_in(&RESERVED_V4, address) {
        Class::Reserved
    } else {
        Class::Public
    }
}

fn of_v6(v6: Ipv6Addr) -> Class {
    let address = IpAddr::V6(v6);
    if let Some(v4) = v6.to_ipv4_mapped().or_else(|| nat64(v6)) {
        of_v4(v4)
    } else if v6.is_unspecified() {
        Class::Unspecified
    } else if v6.is_loopback() {
        Class::Loopback
    } else if is_in(&METADATA, address) {
        Class::Metadata
    } else if v6.is_unicast_link_local() {
        Class::LinkLocal
    } else if v6.is_unique_local() {
        Class::Private
    } else if within(
        address,
        Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0).into(),
        3,
    ) && !is_in(&RESERVED_V6, address)
        && !is_isatap(v6)
    {
        Class::Public
    } else {
        Class::Reserved
    }
}

/// The IPv4 address that a translator would connect to.
fn nat64(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let [head @ .., a, b, c, d] = v6.octets();
    (head == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]).then(|| Ipv4Addr::new(a, b, c, d))
}

fn is_isatap(v6: Ipv6Addr) -> bool {
    let [_, _, _, _, high, low, ..] = v6.segments();
    matches!(high, 0 | 0x0200) && low == 0x5efe
}

fn is_in(networks: &[(IpAddr, u8)], address: IpAddr) -> bool {
    networks
        .iter()
        .any(|&(network, bits)| within(address, network, bits))
}

/// Whether the first `bits` of both are the same; an IPv4 address is within no IPv6 network.
pub(crate) fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let differing = a.to_bits() ^ b.to_bits();
            differing.leading_zeros() >= bits.min(32)
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let differing = a.to_bits() ^ b.to_bits();
            differing.leading_zeros() >= bits.min(128)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_one_class() {
        for (class, addresses) in [
            (
                Class::Loopback,
                "127.0.0.1 127.255.0.9 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1",
            ),
            (
                Class::Private,
                "10.1.2.3 172.16.0.1 172.31.255.255 192.168.0.1 ::ffff:10.0.0.1 64:ff9b::a00:1 fd12::1 fc00::1",
            ),
            (
                Class::Public,
                "93.184.216.34 172.32.0.1 100.63.0.1 100.128.0.1 192.0.1.1 198.20.0.1 223.255.255.255 \
                 2606:2800:220:1::1 64:ff9b::5db8:d822 ::ffff:93.184.216.34 2001:200::1 2400::1",
            ),
            (Class::Unspecified, "0.0.0.0 :: ::ffff:0.0.0.0 64:ff9b::"),
            (
                Class::Metadata,
                "169.254.169.254 169.254.170.2 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 100.100.100.200 \
                 168.63.129.16 192.0.0.192 fd00:ec2::254 fd20:ce::254 fd00:42::42",
            ),
            (Class::LinkLocal, "fe80::1 febf::1 fe80::a9fe:a9fe"),
            (
                Class::Reserved,
                "0.0.0.1 100.64.0.1 192.0.0.1 192.0.2.1 192.88.99.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 \
                 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 ff02::1 2001::1 2001:0:7f00:1::1 2001:20::1 2001:db8::1 \
                 2002:7f00:1::1 2002:5db8:d822::1 3fff::1 64:ff9b:1::1 ::7f00:1 ::2 100::1 fec0::1 5f00::1 \
                 2606:2800::5efe:a00:1 2606:2800::200:5efe:a00:1 ::ffff:0:7f00:1",
            ),
        ] {
            for address in addresses.split_whitespace() {
                assert_eq!(Class::of(address.parse().unwrap()), class, "{address}");
            }
        }
    }
}
