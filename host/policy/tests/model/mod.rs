//! The policy once more, as slow and obvious as can be, for what the generators make: it compares strings label by label
//! and segment by segment, and knows no patterns, no compilation and no other spelling.

use std::net::{IpAddr, Ipv4Addr};
use swarm_flow_policy::{Action, Filesystem, Limit, Limits, Network, Policy};

pub fn allows(policy: &Policy, action: &Action) -> bool {
    match action {
        Action::Read { path } => {
            reads(&policy.filesystem, path) || writes(&policy.filesystem, path)
        }
        Action::Write { path } => writes(&policy.filesystem, path),
        Action::Http { method, url } => sends(&policy.network, method, url),
        Action::Address { address } => reaches(&policy.network, *address),
        Action::Tcp { host, port } => socket(policy, "tcp", host, *port),
        Action::Udp { host, port } => socket(policy, "udp", host, *port),
        Action::Listen { address, port } => socket(policy, "listen", &address.to_string(), *port),
        Action::Lookup { name } => {
            policy.network != Network::None
                && policy.sockets.iter().any(|line| {
                    line.strip_prefix("lookup://")
                        .is_some_and(|own| host_matches(own, name))
                })
        }
        Action::Model { name } => policy.models.iter().any(|own| own == name || own == "*"),
        Action::Limit { name, value } => *value <= limit(&policy.limits, *name),
    }
}

fn limit(limits: &Limits, name: Limit) -> u64 {
    match name {
        Limit::MemoryBytes => limits.memory_bytes,
        Limit::CpuTimeMs => limits.cpu_time_ms,
        Limit::WallTimeMs => limits.wall_time_ms,
        Limit::Handles => u64::from(limits.handles),
        Limit::OutputBytes => limits.output_bytes,
        Limit::DiskBytes => limits.disk_bytes,
        Limit::Sandboxes => u64::from(limits.sandboxes),
    }
}

fn reads(filesystem: &Filesystem, path: &str) -> bool {
    matches!(filesystem, Filesystem::ReadOnly(paths) if within_one(paths, path))
}

fn writes(filesystem: &Filesystem, path: &str) -> bool {
    match filesystem {
        Filesystem::ReadWrite(paths) => within_one(paths, path),
        Filesystem::Full => within_one(&["/workspace".to_owned(), "/tmp".to_owned()], path),
        _ => false,
    }
}

fn within_one(paths: &[String], path: &str) -> bool {
    paths
        .iter()
        .any(|own| path == own || path.starts_with(&format!("{own}/")))
}

/// The generators make IPv4 only, of these networks.
fn reaches(network: &Network, address: IpAddr) -> bool {
    let IpAddr::V4(v4) = address else {
        panic!("{address}")
    };
    let loopback = v4.octets()[0] == 127;
    let private = v4.octets()[0] == 10;
    let public = v4.octets()[0] == 93;
    match network {
        Network::None => false,
        Network::Localhost => loopback,
        Network::Private => private,
        Network::Public(_) => public,
        Network::Any => loopback || private || public,
    }
}

/// Whether a request leaves for this address of its host, where the group stands for `registries`.
pub fn sends_to(
    network: &Network,
    registries: &[String],
    method: &str,
    url: &str,
    address: IpAddr,
) -> bool {
    let Network::Public(patterns) = network else {
        return sends(network, method, url) && reaches(network, address);
    };
    let (groups, plain): (Vec<_>, Vec<_>) = patterns
        .iter()
        .cloned()
        .partition(|pattern| pattern == "@package-registries");
    let plain = Network::Public(plain);
    let named = !groups.is_empty()
        && method != "CONNECT"
        && registries.iter().any(|line| matches(line, method, url));
    (named && reaches(&Network::Any, address))
        || (sends(&plain, method, url) && reaches(&plain, address))
}

fn sends(network: &Network, method: &str, url: &str) -> bool {
    let (scheme, rest) = url.split_once("://").unwrap();
    let authority = rest.split('/').next().unwrap();
    let (host, _) = host_and_port(authority, scheme);
    let named_localhost = host == "localhost" || host.ends_with(".localhost");
    let reached = match host.parse::<Ipv4Addr>() {
        Ok(address) => reaches(network, address.into()),
        Err(_) => match network {
            Network::None => false,
            Network::Localhost => named_localhost,
            Network::Private | Network::Public(_) => !named_localhost,
            Network::Any => true,
        },
    };
    let named = match network {
        Network::Public(patterns) => patterns.iter().any(|line| matches(line, method, url)),
        _ => true,
    };
    method != "CONNECT" && reached && named
}

fn matches(pattern: &str, method: &str, url: &str) -> bool {
    let target = |url: &str| {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let (host, port) = host_and_port(authority, scheme);
        (scheme.to_owned(), host, port, path.to_owned())
    };
    let (methods, own) = pattern.split_once(' ').unwrap_or(("", pattern));
    let (own_scheme, own_host, own_port, own_path) = target(own);
    let (scheme, host, port, path) = target(url);
    (methods.is_empty() || methods.split(',').any(|own| own == method))
        && own_scheme == scheme
        && own_port == port
        && host_matches(&own_host, &host)
        && path_matches(&own_path, &path)
}

fn host_and_port(authority: &str, scheme: &str) -> (String, u16) {
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().unwrap()),
        None => (authority, if scheme == "https" { 443 } else { 80 }),
    };
    (host.to_lowercase().trim_end_matches('.').to_owned(), port)
}

fn host_matches(pattern: &str, host: &str) -> bool {
    let own: Vec<_> = pattern.split('.').collect();
    let asked: Vec<_> = host.split('.').collect();
    if own[0] == "*" {
        asked.len() > own.len() - 1 && asked[asked.len() - (own.len() - 1)..] == own[1..]
    } else {
        own == asked
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    if pattern == "/" {
        return true;
    }
    let asked: Vec<_> = path.split('/').collect();
    let dots = [".", "..", "%2e%2e", "%252e."];
    if asked.iter().any(|segment| dots.contains(segment)) {
        return false;
    }
    let mut own: Vec<_> = pattern.split('/').collect();
    let beneath_only = own.last() == Some(&"");
    if beneath_only {
        own.pop();
    }
    asked.starts_with(&own) && (!beneath_only || asked.len() > own.len())
}

fn socket(policy: &Policy, kind: &str, host: &str, port: u16) -> bool {
    let reached = match host.parse::<IpAddr>() {
        Ok(address) => reaches(&policy.network, address),
        Err(_) => policy.network != Network::None,
    };
    let named = policy.sockets.iter().any(|line| {
        let Some((own_kind, rest)) = line.split_once("://") else {
            return false;
        };
        let Some((own_host, ports)) = rest.rsplit_once(':') else {
            return false;
        };
        let in_ports = match ports.split_once('-') {
            _ if ports == "*" => true,
            Some((first, last)) => {
                (first.parse().unwrap()..=last.parse::<u16>().unwrap()).contains(&port)
            }
            None => ports.parse() == Ok(port),
        };
        let in_host = match own_host.split_once('/') {
            Some((network, bits)) => in_block(network, bits, host),
            None => host_matches(own_host, host),
        };
        own_kind == kind && in_ports && in_host
    });
    reached && named
}

/// Bit by bit.
fn in_block(network: &str, bits: &str, host: &str) -> bool {
    let text = |address: &str| {
        let address: Ipv4Addr = address.parse().ok()?;
        Some(format!("{:032b}", u32::from(address)))
    };
    let bits: usize = bits.parse().unwrap();
    match (text(network), text(host)) {
        (Some(network), Some(host)) => network[..bits] == host[..bits],
        _ => false,
    }
}
