//! Two policies and an action: the facts that every decision has to keep.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;
use swarm_flow_policy::{
    Action, Class, Decision, Filesystem, Host, Limit, Network, Policy, Preset, Surroundings, Url,
    explain, narrow,
};

#[derive(Arbitrary, Debug)]
struct Input {
    base: Lines,
    wish: Lines,
    action: Asked,
}

#[derive(Arbitrary, Debug)]
struct Lines {
    filesystem: u8,
    network: u8,
    patterns: Vec<Pattern>,
    sockets: Vec<Socket>,
    models: u8,
    approvals: u8,
    memory_bytes: u64,
}

#[derive(Arbitrary, Debug)]
struct Pattern {
    methods: u8,
    https: bool,
    target: Target,
    path: Path,
}

#[derive(Arbitrary, Debug)]
struct Socket {
    kind: u8,
    target: Target,
    last_port: Option<u16>,
    any_port: bool,
}

#[derive(Arbitrary, Debug)]
struct Target {
    beneath: bool,
    host: Named,
    bits: Option<u8>,
    port: Option<u16>,
}

#[derive(Arbitrary, Debug)]
enum Named {
    Labels(Vec<u8>),
    V4(u32),
    V6(u128),
    Mapped(u32),
    Text(String),
}

#[derive(Arbitrary, Debug)]
enum Path {
    Segments(Vec<u8>, bool),
    Text(String),
}

#[derive(Arbitrary, Debug)]
enum Asked {
    Read(Path),
    Write(Path),
    Http {
        method: u8,
        https: bool,
        target: Target,
        path: Path,
    },
    Url {
        method: String,
        url: String,
    },
    Address(IpAddr),
    Tcp(Target),
    Udp(Target),
    Listen(IpAddr, u16),
    Lookup(Target),
    Model(u8),
    Limit(u8, u64),
}

const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "CONNECT", "get"];

fuzz_target!(|input: Input| {
    let (base, wish) = (policy(&input.base), policy(&input.wish));
    let action = action(input.action);
    let allowed = check(&base, &action);
    let wished = check(&wish, &action);
    if narrow(&base, &wish).is_ok() {
        assert!(allowed || !wished, "{base:?}\n{wish:?}\n{action:?}");
    }
    assert!(narrow(&base, &base).is_ok(), "{base:?}");
});

/// Whether it is allowed.
fn check(policy: &Policy, action: &Action) -> bool {
    match explain(policy, action, &Surroundings::default()).unwrap() {
        Decision::Allow { .. } => {
            never(policy, action);
            true
        }
        Decision::Deny {
            grants, message, ..
        } => {
            assert!(!message.chars().any(char::is_control), "{message:?}");
            let mut granted = policy.clone();
            grants.iter().for_each(|grant| granted.grant(grant));
            assert_eq!(granted.problems(), [], "{message}");
            if !grants.is_empty() {
                let then = explain(&granted, action, &Surroundings::default()).unwrap();
                assert!(then.is_allow(), "{message}\n{then}");
            }
            false
        }
    }
}

/// What no policy grants.
fn never(policy: &Policy, action: &Action) {
    let addresses: Vec<IpAddr> = match action {
        Action::Http { method, url } => {
            assert_ne!(policy.network, Network::None);
            assert!(!method.eq_ignore_ascii_case("CONNECT"));
            address(Url::parse(url).unwrap().host).into_iter().collect()
        }
        Action::Address { address } => vec![*address],
        Action::Tcp { host, .. } | Action::Udp { host, .. } | Action::Lookup { name: host } => {
            assert!(!policy.sockets.is_empty());
            assert_ne!(policy.network, Network::None);
            address(Host::parse(host).unwrap()).into_iter().collect()
        }
        Action::Listen { .. } => {
            assert!(
                policy
                    .sockets
                    .iter()
                    .any(|socket| socket.starts_with("listen://"))
            );
            Vec::new()
        }
        Action::Read { path } | Action::Write { path } => {
            assert!(
                path.starts_with("/workspace")
                    || path.starts_with("/tmp")
                    || path.contains('.')
                    || path.contains("//")
            );
            Vec::new()
        }
        Action::Model { .. } => {
            assert!(!policy.models.is_empty());
            Vec::new()
        }
        Action::Limit { .. } => Vec::new(),
    };
    for address in addresses {
        assert!(Class::of(address).can_be_granted(), "{address}");
    }
}

fn address(host: Host) -> Option<IpAddr> {
    match host {
        Host::Address(address) => Some(address),
        Host::Name(_) => None,
    }
}

const MODELS: [&str; 4] = ["a", "b", "c/d:1", "*"];
const APPROVALS: [&str; 4] = ["exec", "exec git push *", "write-file", "write-file **/*.toml"];

/// Those whose bit is set.
fn some(all: &[&str], bits: u8) -> Vec<String> {
    let is_set = |index: &usize| bits >> index & 1 == 1;
    let chosen = (0..all.len()).filter(is_set);
    chosen.map(|index| all[index].to_owned()).collect()
}

/// A policy of those lines that are valid.
fn policy(lines: &Lines) -> Policy {
    let mut policy = Preset::Standard.policy();
    let paths = vec!["/workspace".to_owned()];
    policy.filesystem = match lines.filesystem % 4 {
        0 => Filesystem::None,
        1 => Filesystem::ReadOnly(paths),
        2 => Filesystem::ReadWrite(paths),
        _ => Filesystem::Full,
    };
    policy.network = match lines.network % 8 {
        0 => Network::None,
        1 => Network::Localhost,
        2 => Network::Private,
        3 => Network::Any,
        _ => Network::Public(Vec::new()),
    };
    if let Network::Public(_) = policy.network {
        for pattern in lines.patterns.iter().take(8) {
            let mut with = policy.clone();
            with.grant(&swarm_flow_policy::Grant::Public(pattern_text(pattern)));
            if with.validate().is_ok() {
                policy = with;
            }
        }
    }
    for socket in lines.sockets.iter().take(8) {
        let mut with = policy.clone();
        with.sockets.push(socket_text(socket));
        with.sockets
            .push(format!("lookup://{}", host_text(&socket.target)));
        if with.validate().is_err() {
            with.sockets.pop();
        }
        if with.validate().is_ok() {
            policy = with;
        }
    }
    policy.models = some(&MODELS, lines.models);
    policy.approvals = some(&APPROVALS, lines.approvals);
    policy.limits.memory_bytes = lines.memory_bytes.clamp(64 << 10, 4 << 30);
    policy
}

fn action(asked: Asked) -> Action {
    let port = |target: &Target| target.port.unwrap_or(443);
    match asked {
        Asked::Read(path) => Action::Read {
            path: path_text(&path),
        },
        Asked::Write(path) => Action::Write {
            path: path_text(&path),
        },
        Asked::Http {
            method,
            https,
            target,
            path,
        } => Action::Http {
            method: METHODS[usize::from(method) % METHODS.len()].to_owned(),
            url: format!(
                "{}://{}{}",
                scheme(https),
                target_text(&target),
                path_text(&path)
            ),
        },
        Asked::Url { method, url } => Action::Http { method, url },
        Asked::Address(address) => Action::Address { address },
        Asked::Tcp(target) => Action::Tcp {
            host: host_text(&target),
            port: port(&target),
        },
        Asked::Udp(target) => Action::Udp {
            host: host_text(&target),
            port: port(&target),
        },
        Asked::Listen(address, port) => Action::Listen { address, port },
        Asked::Lookup(target) => Action::Lookup {
            name: host_text(&target),
        },
        Asked::Model(model) => Action::Model {
            name: MODELS[usize::from(model) % MODELS.len()].to_owned(),
        },
        Asked::Limit(limit, value) => Action::Limit {
            name: Limit::ALL[usize::from(limit) % Limit::ALL.len()],
            value,
        },
    }
}

fn pattern_text(pattern: &Pattern) -> String {
    let methods: Vec<_> = METHODS
        .iter()
        .enumerate()
        .filter(|(index, _)| pattern.methods >> index & 1 == 1)
        .map(|(_, method)| *method)
        .collect();
    let methods = if methods.is_empty() {
        String::new()
    } else {
        format!("{} ", methods.join(","))
    };
    let target = target_text(&pattern.target);
    format!(
        "{methods}{}://{target}{}",
        scheme(pattern.https),
        path_text(&pattern.path)
    )
}

fn socket_text(socket: &Socket) -> String {
    let kind = ["tcp", "udp", "listen", "lookup"][usize::from(socket.kind % 4)];
    let host = host_text(&socket.target);
    let port = socket.target.port.unwrap_or(1);
    match (kind, socket.last_port) {
        ("lookup", _) => format!("{kind}://{host}"),
        _ if socket.any_port => format!("{kind}://{host}:*"),
        (_, Some(last)) => format!("{kind}://{host}:{port}-{last}"),
        (_, None) => format!("{kind}://{host}:{port}"),
    }
}

fn scheme(https: bool) -> &'static str {
    if https { "https" } else { "http" }
}

fn target_text(target: &Target) -> String {
    let port = target
        .port
        .map_or_else(String::new, |port| format!(":{port}"));
    format!("{}{port}", host_text(target))
}

fn host_text(target: &Target) -> String {
    const LABELS: [&str; 5] = ["a", "b", "com", "xn--a", "localhost"];
    let bits = target
        .bits
        .map_or_else(String::new, |bits| format!("/{bits}"));
    let beneath = if target.beneath { "*." } else { "" };
    match &target.host {
        Named::Labels(labels) => {
            let labels: Vec<_> = labels
                .iter()
                .take(6)
                .map(|label| LABELS[usize::from(*label) % LABELS.len()])
                .collect();
            format!("{beneath}{}", labels.join("."))
        }
        Named::V4(v4) => format!("{}{bits}", std::net::Ipv4Addr::from(*v4)),
        Named::V6(v6) => format!("[{}{bits}]", std::net::Ipv6Addr::from(*v6)),
        Named::Mapped(v4) => format!("[{}]", std::net::Ipv4Addr::from(*v4).to_ipv6_mapped()),
        Named::Text(text) => format!("{beneath}{text}"),
    }
}

fn path_text(path: &Path) -> String {
    const SEGMENTS: [&str; 9] = [
        "v1",
        "v2",
        "",
        ".",
        "..",
        "%2e%2e",
        "..;a",
        "workspace",
        "tmp",
    ];
    match path {
        Path::Segments(segments, slash) => {
            let segments: Vec<_> = segments
                .iter()
                .take(6)
                .map(|segment| SEGMENTS[usize::from(*segment) % SEGMENTS.len()])
                .collect();
            format!("/{}{}", segments.join("/"), if *slash { "/" } else { "" })
        }
        Path::Text(text) => format!("/{text}"),
    }
}
