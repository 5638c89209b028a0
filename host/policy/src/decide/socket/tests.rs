use super::*;
use crate::{Network, Preset, Surroundings};

fn policy(network: Network, sockets: &[&str]) -> CompiledPolicy {
    let mut policy = Preset::Isolated.policy();
    policy.network = network;
    policy.sockets = sockets.iter().map(|&socket| socket.to_owned()).collect();
    CompiledPolicy::new(&policy, &Surroundings::default()).unwrap()
}

fn asks(policy: &CompiledPolicy, usage: SocketUse, at: &str, names: &[&str]) -> bool {
    let at: std::net::SocketAddr = at.parse().unwrap();
    let names: Vec<_> = names
        .iter()
        .map(|name| Host::parse(name).unwrap())
        .collect();
    let target = SocketTarget {
        usage,
        address: at.ip(),
        port: at.port(),
        names: &names,
    };
    policy.socket(&target).is_allow()
}

#[test]
fn no_network_grants_a_socket() {
    for network in [
        Network::None,
        Network::Localhost,
        Network::Private,
        Network::Public(vec!["https://example.com".to_owned()]),
        Network::Any,
    ] {
        let policy = policy(network, &[]);
        for usage in [
            SocketUse::TcpConnect,
            SocketUse::TcpBind,
            SocketUse::TcpListen,
            SocketUse::TcpAccept,
            SocketUse::UdpBind,
            SocketUse::UdpSend,
            SocketUse::UdpReceive,
        ] {
            for at in [
                "127.0.0.1:80",
                "10.0.0.1:0",
                "93.184.216.34:443",
                "0.0.0.0:0",
                "[::1]:0",
            ] {
                assert!(
                    !asks(&policy, usage, at, &["example.com"]),
                    "{usage:?} {at}"
                );
            }
        }
        assert!(
            !policy
                .lookup(&Host::parse("example.com").unwrap())
                .is_allow()
        );
        assert!(!policy.lookup(&Host::parse("127.0.0.1").unwrap()).is_allow());
    }
}

#[test]
fn each_grant_allows_its_use_and_its_twin_is_denied() {
    use SocketUse::{TcpAccept, TcpBind, TcpConnect, TcpListen, UdpBind, UdpReceive, UdpSend};
    let client = policy(
        Network::Private,
        &[
            "tcp://10.0.0.0/8:5432",
            "tcp://db.example.com:1-99",
            "lookup://db.example.com",
        ],
    );
    let server = policy(
        Network::Localhost,
        &["listen://127.0.0.1:*", "udp://127.0.0.1:*"],
    );
    let open = policy(
        Network::Localhost,
        &["listen://0.0.0.0:8080", "tcp://0.0.0.0/0:*"],
    );
    for (policy, usage, at, names, allowed) in [
        (&client, TcpConnect, "10.1.2.3:5432", &[][..], true),
        (&client, TcpConnect, "[::ffff:10.1.2.3]:5432", &[], true),
        (&client, TcpConnect, "10.1.2.3:5433", &[], false),
        (&client, TcpConnect, "192.168.0.1:5432", &[], false),
        (&client, UdpSend, "10.1.2.3:5432", &[], false),
        (
            &client,
            TcpConnect,
            "192.168.0.1:42",
            &["db.example.com"],
            true,
        ),
        (
            &client,
            TcpConnect,
            "192.168.0.1:42",
            &["other.example.com"],
            false,
        ),
        (
            &client,
            TcpConnect,
            "93.184.216.34:42",
            &["db.example.com"],
            false,
        ),
        (
            &client,
            TcpConnect,
            "169.254.169.254:42",
            &["db.example.com"],
            false,
        ),
        (&client, TcpBind, "0.0.0.0:0", &[], true),
        (&client, TcpBind, "0.0.0.0:8080", &[], false),
        (&client, UdpBind, "0.0.0.0:0", &[], false),
        (&client, TcpListen, "10.0.0.1:5432", &[], false),
        (&client, TcpAccept, "10.0.0.1:5432", &[], false),
        (&server, TcpBind, "127.0.0.1:0", &[], true),
        (&server, TcpListen, "127.0.0.1:43210", &[], true),
        (&server, TcpListen, "127.0.0.2:43210", &[], false),
        (&server, TcpListen, "0.0.0.0:43210", &[], false),
        (&server, TcpAccept, "127.0.0.1:50000", &[], true),
        (&server, TcpAccept, "10.0.0.1:50000", &[], false),
        (&server, TcpConnect, "127.0.0.1:80", &[], false),
        (&server, UdpBind, "127.0.0.1:5353", &[], true),
        (&server, UdpReceive, "127.0.0.1:50000", &[], true),
        (&server, UdpReceive, "127.0.0.2:50000", &[], false),
        (&open, TcpListen, "0.0.0.0:8080", &[], true),
        (&open, TcpListen, "0.0.0.0:8081", &[], false),
        (&open, TcpConnect, "127.0.0.1:1", &[], true),
        (&open, TcpConnect, "93.184.216.34:1", &[], false),
        (&open, TcpAccept, "127.0.0.1:1", &[], true),
        (&open, TcpAccept, "10.0.0.1:1", &[], false),
        (&open, TcpConnect, "169.254.169.254:80", &[], false),
        (&open, TcpConnect, "0.0.0.0:80", &[], false),
    ] {
        assert_eq!(
            asks(policy, usage, at, names),
            allowed,
            "{usage:?} {at} {names:?}"
        );
    }
}

#[test]
fn only_a_granted_name_is_looked_up() {
    let policy = policy(
        Network::Any,
        &["lookup://*.example.com", "tcp://127.0.0.1:80"],
    );
    for (host, allowed) in [
        ("a.example.com", true),
        ("example.com", false),
        ("secret.evil.example", false),
        ("127.0.0.1", true),
        ("127.0.0.2", false),
        ("169.254.169.254", false),
    ] {
        let decision = policy.lookup(&Host::parse(host).unwrap());
        assert_eq!(decision.is_allow(), allowed, "{host}: {decision}");
    }
}

#[test]
fn a_denial_names_all_that_would_allow_it() {
    let none = policy(Network::None, &[]);
    let decision = none.tcp(&Host::parse("db.example.com").unwrap(), 5432);
    assert_eq!(
        decision.to_string(),
        "tcp://db.example.com:5432 is not granted; set network = { public = [] } and add \
         \"tcp://db.example.com:5432\" to sockets and add \"lookup://db.example.com\" to sockets"
    );
    let private = policy(Network::Public(Vec::new()), &["tcp://10.0.0.1:80"]);
    let decision = private.tcp(&Host::parse("10.0.0.1").unwrap(), 80);
    assert_eq!(
        decision.to_string(),
        "tcp://10.0.0.1:80 is not granted: sockets[0] = \"tcp://10.0.0.1:80\" is, and `network.public` does not reach \
         it; set network = \"private\""
    );
}

#[test]
fn a_name_without_its_lookup_is_refused() {
    let problems = CompiledSockets::problems(&[
        "tcp://a.example.com:1".to_owned(),
        "lookup://b.example.com".to_owned(),
        "udp://b.example.com:1".to_owned(),
    ]);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].field, "sockets[0]");
    assert!(problems[0].message.contains("`lookup://a.example.com`"));
}
