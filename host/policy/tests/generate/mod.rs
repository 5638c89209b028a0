//! Policies and questions that are often next to each other.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use swarm_flow_policy::{Action, Filesystem, Limit, Limits, Network, Policy, Preset, SocketUse};

// Few of each, so that what is asked is often what is granted, or next to it.
const NAMES: [&str; 5] = ["a.com", "b.a.com", "c.b.a.com", "xa.com", "b.com"];
const SUFFIXES: [&str; 2] = ["*.a.com", "*.b.a.com"];
const ADDRESSES: [&str; 6] = [
    "127.0.0.1",
    "127.0.0.9",
    "10.0.0.1",
    "10.1.2.3",
    "93.184.216.34",
    "93.1.1.1",
];
const PORTS: [u16; 5] = [80, 443, 5432, 8080, 8999];

fn name() -> impl Strategy<Value = String> {
    select(&NAMES[..]).prop_map(str::to_owned)
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => name(),
        3 => select(&ADDRESSES[..]).prop_map(str::to_owned),
        1 => Just("localhost".to_owned()),
        1 => Just("a.localhost".to_owned()),
    ]
}

fn name_pattern() -> impl Strategy<Value = String> {
    prop_oneof![name(), select(&SUFFIXES[..]).prop_map(str::to_owned)]
}

fn scheme() -> impl Strategy<Value = &'static str> {
    prop_oneof![5 => Just("https"), 1 => Just("http")]
}

fn path() -> impl Strategy<Value = String> {
    let segment = select(&["v1", "v1x"][..]);
    (prop::collection::vec(segment, 0..3), any::<bool>()).prop_map(|(segments, slash)| {
        let slash = if slash && !segments.is_empty() {
            "/"
        } else {
            ""
        };
        format!("/{}{slash}", segments.join("/"))
    })
}

fn odd_path() -> impl Strategy<Value = String> {
    let segment = select(&["v1", "v1", "v1", "..", ".", "%2e%2e", "%252e.", "a..b", ""][..]);
    prop::collection::vec(segment, 1..5).prop_map(|segments| format!("/{}", segments.join("/")))
}

fn methods() -> impl Strategy<Value = String> {
    subsequence(vec!["GET", "HEAD", "POST"], 0..3).prop_map(|methods| methods.join(","))
}

pub fn pattern() -> impl Strategy<Value = String> {
    let host = prop_oneof![4 => name_pattern(), 1 => Just("93.184.216.34".to_owned())];
    let port = prop::option::weighted(0.2, select(&PORTS[..]));
    (methods(), scheme(), host, port, path()).prop_map(|(methods, scheme, host, port, path)| {
        let methods = if methods.is_empty() {
            methods
        } else {
            format!("{methods} ")
        };
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{methods}{scheme}://{host}{port}{path}")
    })
}

/// One that an operator gave: anywhere but where no policy reaches.
pub fn registry() -> impl Strategy<Value = String> {
    let port = prop::option::weighted(0.2, select(&PORTS[..]));
    let host = prop_oneof![name_pattern(), host()];
    (methods(), scheme(), host, port, path()).prop_map(|(methods, scheme, host, port, path)| {
        let methods = if methods.is_empty() {
            methods
        } else {
            format!("{methods} ")
        };
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{methods}{scheme}://{host}{port}{path}")
    })
}

/// A network in which the group may stand.
pub fn network_with_group() -> impl Strategy<Value = Network> {
    let group = Just("@package-registries".to_owned());
    let line = prop_oneof![1 => group, 2 => pattern()];
    prop_oneof![
        1 => network(),
        3 => prop::collection::vec(line, 0..4).prop_map(Network::Public),
    ]
}

/// An address that a name may have; some are no policy's to grant.
pub fn address() -> impl Strategy<Value = std::net::IpAddr> {
    let never = select(&["169.254.169.254", "0.0.0.0", "224.0.0.1"][..]);
    prop_oneof![5 => select(&ADDRESSES[..]), 1 => never]
        .prop_map(|address| address.parse().unwrap())
}

/// An address that some policy reaches.
pub fn reachable() -> impl Strategy<Value = std::net::IpAddr> {
    select(&ADDRESSES[..]).prop_map(|address| address.parse().unwrap())
}

/// What a program did with a raw socket; who accepts has listened before.
pub fn used() -> impl Strategy<Value = (SocketUse, std::net::IpAddr, u16)> {
    let usage = select(
        &[
            SocketUse::TcpConnect,
            SocketUse::TcpBind,
            SocketUse::TcpListen,
            SocketUse::UdpBind,
            SocketUse::UdpSend,
            SocketUse::UdpReceive,
        ][..],
    );
    let port = prop_oneof![3 => select(&PORTS[..]), 1 => Just(0)];
    (usage, reachable(), port).prop_map(|(usage, address, port)| {
        // Nobody has port 0; it is what the system replaces.
        let binds = matches!(usage, SocketUse::TcpBind | SocketUse::UdpBind);
        (usage, address, if binds { port } else { port.max(1) })
    })
}

fn ports() -> impl Strategy<Value = String> {
    prop_oneof![
        select(&PORTS[..]).prop_map(|port| port.to_string()),
        Just("80-5000".to_owned()),
        Just("8000-8999".to_owned()),
        Just("*".to_owned()),
    ]
}

fn address_pattern() -> impl Strategy<Value = String> {
    const BLOCKS: [&str; 5] = [
        "10.0.0.0/8",
        "10.0.0.0/30",
        "0.0.0.0/0",
        "127.0.0.0/8",
        "93.0.0.0/8",
    ];
    prop_oneof![select(&ADDRESSES[..]), select(&BLOCKS[..])].prop_map(str::to_owned)
}

/// A line, and the lookup that it needs.
pub fn socket() -> impl Strategy<Value = Vec<String>> {
    let connecting = select(&["tcp", "udp"][..]);
    prop_oneof![
        (connecting.clone(), name_pattern(), ports()).prop_map(|(kind, name, ports)| vec![
            format!("{kind}://{name}:{ports}"),
            format!("lookup://{name}")
        ]),
        (connecting, address_pattern(), ports())
            .prop_map(|(kind, host, ports)| vec![format!("{kind}://{host}:{ports}")]),
        (address_pattern(), ports())
            .prop_map(|(host, ports)| vec![format!("listen://{host}:{ports}")]),
        name_pattern().prop_map(|name| vec![format!("lookup://{name}")]),
    ]
}

fn filesystem() -> impl Strategy<Value = Filesystem> {
    let paths = || subsequence(vec!["/workspace".to_owned(), "/tmp".to_owned()], 0..=2);
    prop_oneof![
        Just(Filesystem::None),
        paths().prop_map(Filesystem::ReadOnly),
        paths().prop_map(Filesystem::ReadWrite),
        Just(Filesystem::Full),
    ]
}

fn network() -> impl Strategy<Value = Network> {
    prop_oneof![
        1 => Just(Network::None),
        1 => Just(Network::Localhost),
        1 => Just(Network::Private),
        6 => prop::collection::vec(pattern(), 0..4).prop_map(Network::Public),
        2 => Just(Network::Any),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let pick = |limit: Limit| {
        let (least, most) = (*limit.range().start(), *limit.range().end());
        prop_oneof![Just(least), Just(most), least..=most]
    };
    (
        pick(Limit::MemoryBytes),
        pick(Limit::CpuTimeMs),
        pick(Limit::WallTimeMs),
        pick(Limit::Handles),
        pick(Limit::OutputBytes),
        pick(Limit::DiskBytes),
        pick(Limit::Sandboxes),
    )
        .prop_map(
            |(
                memory_bytes,
                cpu_time_ms,
                wall_time_ms,
                handles,
                output_bytes,
                disk_bytes,
                sandboxes,
            )| Limits {
                memory_bytes,
                cpu_time_ms,
                wall_time_ms,
                handles: handles.try_into().unwrap(),
                output_bytes,
                disk_bytes,
                sandboxes: sandboxes.try_into().unwrap(),
            },
        )
}

fn models() -> impl Strategy<Value = Vec<String>> {
    subsequence(vec!["a", "b", "*"], 0..=2)
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn approvals() -> impl Strategy<Value = Vec<String>> {
    let lines = vec![
        "exec",
        "exec git push *",
        "exec rm -*r*",
        "write-file **/*.toml",
        "write-file",
    ];
    subsequence(lines, 0..=3).prop_map(|lines| lines.into_iter().map(str::to_owned).collect())
}

pub fn policy() -> impl Strategy<Value = Policy> {
    (
        filesystem(),
        network(),
        prop::collection::vec(socket(), 0..3),
        models(),
        approvals(),
        limits(),
    )
        .prop_map(
            |(filesystem, network, sockets, models, approvals, limits)| Policy {
                filesystem,
                network,
                sockets: sockets.concat(),
                models,
                approvals,
                limits,
            },
        )
}

fn url() -> impl Strategy<Value = String> {
    let spelling = select(&["as it is", "upper case", "trailing dot"][..]);
    let port = prop::option::weighted(0.2, select(&PORTS[..]));
    let path = prop_oneof![3 => path(), 2 => odd_path()];
    (scheme(), host(), spelling, port, path).prop_map(|(scheme, host, spelling, port, path)| {
        let host = match spelling {
            "upper case" => host.to_uppercase(),
            "trailing dot" => format!("{host}."),
            _ => host,
        };
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        format!("{scheme}://{host}{port}{path}")
    })
}

pub fn action() -> impl Strategy<Value = Action> {
    let path = || {
        select(
            &[
                "/workspace",
                "/workspace/a",
                "/tmp/b",
                "/tmpx",
                "/etc/passwd",
                "/",
            ][..],
        )
    };
    let address = || select(&ADDRESSES[..]).prop_map(|address| address.parse().unwrap());
    let port = || select(&PORTS[..]);
    let method = select(&["GET", "HEAD", "POST", "CONNECT"][..]);
    prop_oneof![
        1 => path().prop_map(|path| Action::Read { path: path.to_owned() }),
        1 => path().prop_map(|path| Action::Write { path: path.to_owned() }),
        6 => (method, url()).prop_map(|(method, url)| Action::Http { method: method.to_owned(), url }),
        1 => address().prop_map(|address| Action::Address { address }),
        2 => (host(), port()).prop_map(|(host, port)| Action::Tcp { host, port }),
        1 => (host(), port()).prop_map(|(host, port)| Action::Udp { host, port }),
        1 => (address(), port()).prop_map(|(address, port)| Action::Listen { address, port }),
        1 => name().prop_map(|name| Action::Lookup { name }),
        1 => select(&["a", "b", "c"][..]).prop_map(|name| Action::Model { name: name.to_owned() }),
        1 => (select(&Limit::ALL[..]), any::<u64>(), 0u32..64)
            .prop_map(|(name, value, shift)| Action::Limit { name, value: value >> shift }),
    ]
}

/// A policy with each line kept, made narrower or left out.
pub fn narrower(base: Policy) -> impl Strategy<Value = Policy> {
    let lines = |lines: Vec<String>| {
        let count = lines.len();
        subsequence(lines, 0..=count)
    };
    let filesystem = match &base.filesystem {
        Filesystem::Full => filesystem().boxed(),
        Filesystem::ReadWrite(paths) => (lines(paths.clone()), any::<bool>())
            .prop_map(|(paths, write)| {
                if write {
                    Filesystem::ReadWrite(paths)
                } else {
                    Filesystem::ReadOnly(paths)
                }
            })
            .boxed(),
        Filesystem::ReadOnly(paths) => lines(paths.clone()).prop_map(Filesystem::ReadOnly).boxed(),
        Filesystem::None => Just(Filesystem::None).boxed(),
    };
    let network = match &base.network {
        Network::Any => network().boxed(),
        Network::Public(patterns) => (lines(patterns.clone()), name(), path())
            .prop_map(|(patterns, name, path)| {
                let narrow = |pattern: String| {
                    let pattern = pattern.replace("*.", &format!("{name}."));
                    if pattern.ends_with('/') {
                        format!("{pattern}{}", path.trim_start_matches('/'))
                    } else {
                        pattern
                    }
                };
                Network::Public(patterns.into_iter().map(narrow).collect())
            })
            .boxed(),
        other => prop_oneof![Just(other.clone()), Just(Network::None)].boxed(),
    };
    // Lookups stay, so that names are still of use.
    let (lookups, others): (Vec<_>, Vec<_>) = base
        .sockets
        .iter()
        .cloned()
        .partition(|line| line.starts_with("lookup://"));
    let limits = base.limits.clone();
    let asked = base.approvals.clone();
    let more = approvals().prop_map(move |more| [asked.clone(), more].concat());
    (
        filesystem,
        network,
        lines(others),
        lines(base.models.clone()),
        more,
        1u64..4,
    )
        .prop_map(
            move |(filesystem, network, sockets, models, approvals, divisor)| {
                let mut limits = limits.clone();
                limits.cpu_time_ms = (limits.cpu_time_ms / divisor).max(1);
                Policy {
                    filesystem,
                    network,
                    sockets: [sockets, lookups.clone()].concat(),
                    models,
                    approvals,
                    limits,
                }
            },
        )
}

pub fn request() -> impl Strategy<Value = Action> {
    let method = select(&["GET", "POST"][..]);
    (method, url()).prop_map(|(method, url)| Action::Http {
        method: method.to_owned(),
        url,
    })
}

pub fn connection() -> impl Strategy<Value = Action> {
    let port = || select(&PORTS[..]);
    let address = select(&ADDRESSES[..]).prop_map(|address| address.parse().unwrap());
    prop_oneof![
        (host(), port()).prop_map(|(host, port)| Action::Tcp { host, port }),
        (host(), port()).prop_map(|(host, port)| Action::Udp { host, port }),
        (address, port()).prop_map(|(address, port)| Action::Listen { address, port }),
        name().prop_map(|name| Action::Lookup { name }),
    ]
}

pub fn with_pattern(pattern: String) -> Policy {
    let mut policy = Preset::Standard.policy();
    policy.network = Network::Public(vec![pattern]);
    policy
}

pub fn with_sockets(sockets: Vec<String>) -> Policy {
    let mut policy = Preset::Privileged.policy();
    policy.sockets = sockets;
    policy
}
