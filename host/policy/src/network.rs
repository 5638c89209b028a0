//! Where a sandbox may send HTTP requests, and which addresses it reaches at all.
//!
//! | network | a request may name | and is connected to |
//! |---|---|---|
//! | `none` | nothing | nothing |
//! | `localhost` | `localhost`, names beneath it, loopback addresses | loopback addresses |
//! | `private` | any name but those, private addresses | private addresses |
//! | `{ public = [ … ] }` | what a pattern names ([`crate::pattern`]) | public addresses; of registries, as `any` |
//! | `any` | everything | loopback, private and public addresses |
//!
//! What class an address has stands in [`crate::address`]. Raw sockets are granted elsewhere ([`crate::socket`]), and reach
//! the same addresses.

use crate::Invalid;
use crate::address::Class;
use crate::decide::PATTERNS_MAX;
use crate::pattern::{PACKAGE_REGISTRIES, Pattern};
use serde::{Deserialize, Serialize};

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

impl Network {
    pub(crate) fn problems(&self) -> Vec<Invalid> {
        let Self::Public(patterns) = self else {
            return Vec::new();
        };
        if patterns.len() > PATTERNS_MAX {
            return vec![Invalid::new(
                "network.public",
                format!(
                    "has {} patterns; give at most {PATTERNS_MAX}",
                    patterns.len()
                ),
            )];
        }
        let problem = |(index, pattern): (usize, &String)| {
            if pattern == PACKAGE_REGISTRIES {
                return None;
            }
            let message = Pattern::parse(pattern).err()?;
            Some(Invalid::new(format!("network.public[{index}]"), message))
        };
        patterns.iter().enumerate().filter_map(problem).collect()
    }

    /// Its name in a policy.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Localhost => "localhost",
            Self::Private => "private",
            Self::Public(_) => "public",
            Self::Any => "any",
        }
    }

    pub(crate) fn allows_class(&self, class: Class) -> bool {
        match self {
            Self::None => false,
            Self::Localhost => class == Class::Loopback,
            Self::Private => class == Class::Private,
            Self::Public(_) => class == Class::Public,
            Self::Any => class.can_be_granted(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::Scheme;
    use crate::decide::{CompiledNetwork, HttpRequest};
    use crate::host::Host;
    use std::net::IpAddr;

    /// Whether a request with this method and path, to that host by TLS, is allowed.
    fn allows(
        network: &Network,
        registries: &[&str],
        method: &str,
        host: &str,
        path: &str,
    ) -> bool {
        let registries: Vec<_> = registries.iter().map(|&line| line.to_owned()).collect();
        let compiled = CompiledNetwork::new(network, &registries).unwrap();
        let request = HttpRequest {
            method,
            scheme: Scheme::Https,
            host: &Host::parse(host).unwrap(),
            port: 443,
            path,
        };
        compiled.http(&request).is_allow()
    }

    #[test]
    fn a_group_stands_for_what_the_operator_gave() {
        let network = Network::Public(vec![PACKAGE_REGISTRIES.to_owned()]);
        let allows = |registries: &[&str], host| allows(&network, registries, "GET", host, "/");
        assert!(!allows(&[], "packages.example"));
        assert!(allows(&["https://packages.example"], "packages.example"));
        assert!(!allows(&["nonsense"], "other.example"));
    }

    #[test]
    fn a_pattern_with_a_method_or_path_allows_no_whole_target() {
        for pattern in ["GET https://a.example", "https://a.example/v1/"] {
            let network = Network::Public(vec![pattern.to_owned()]);
            let allows = |method, path| allows(&network, &[], method, "a.example", path);
            assert!(allows("GET", "/v1/"), "{pattern}");
            assert!(!(allows("POST", "/v1/") && allows("GET", "/")), "{pattern}");
        }
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
            for network in [
                Network::None,
                Network::Localhost,
                Network::Private,
                Network::Public(Vec::new()),
                Network::Any,
            ] {
                let name = network.kind();
                let expected = allowed_by.split(' ').any(|allowed| allowed == name);
                assert_eq!(
                    network.allows_class(Class::of(address)),
                    expected,
                    "{address} under {name}"
                );
            }
        }
    }

    #[test]
    fn each_bad_pattern_is_named_by_its_place() {
        let problems = Network::Public(vec![
            "example.com".to_owned(),
            "https://example.com".to_owned(),
            "@everything".to_owned(),
        ])
        .problems();
        let fields: Vec<_> = problems
            .iter()
            .map(|invalid| invalid.field.as_str())
            .collect();
        assert_eq!(fields, ["network.public[0]", "network.public[2]"]);
    }
}
