use super::*;
use crate::outside::Machine;

fn granted(sockets: Sockets) -> Granted {
    Granted::new(sockets, Arc::new(Machine), None, None)
}

#[test]
fn every_use_is_decided_by_the_address() {
    let localhost = granted(Sockets::class(&Network::Localhost).unwrap());
    let none = granted(Sockets::class(&Network::None).unwrap());
    for (used, address, expected) in [
        (SocketAddrUse::TcpConnect, "127.0.0.1:80", true),
        (SocketAddrUse::TcpConnect, "[::ffff:127.0.0.1]:80", true),
        (SocketAddrUse::TcpConnect, "10.0.0.1:80", false),
        (SocketAddrUse::TcpConnect, "169.254.169.254:80", false),
        (SocketAddrUse::TcpConnect, "0.0.0.0:80", false),
        (SocketAddrUse::TcpListen, "0.0.0.0:80", true),
        (SocketAddrUse::TcpListen, "10.0.0.1:80", false),
        (SocketAddrUse::TcpAccept, "10.0.0.1:80", false),
        (SocketAddrUse::TcpBind, "192.0.2.1:0", true),
        (SocketAddrUse::UdpBind, "[::]:0", true),
        (SocketAddrUse::UdpSend, "[::]:9", false),
        (SocketAddrUse::UdpSend, "224.0.0.1:9", false),
        (SocketAddrUse::UdpReceive, "93.184.216.34:53", false),
    ] {
        let address = address.parse().unwrap();
        assert_eq!(
            localhost.allows(used, address),
            expected,
            "{used:?} {address}"
        );
        assert!(!none.allows(used, address));
    }
}

#[test]
fn a_class_says_which_names_are_looked_up() {
    for (network, name, expected) in [
        (Network::None, "localhost", false),
        (Network::Localhost, "localhost", true),
        (Network::Localhost, "a.example", false),
        (Network::Private, "a.example", false),
        (
            Network::Public(vec!["https://b.example".to_owned()]),
            "a.example",
            true,
        ),
        (Network::Any, "a.example", true),
        (Network::Public(Vec::new()), "127.0.0.1", false),
    ] {
        let granted = granted(Sockets::class(&network).unwrap());
        let host = Host::parse(name).unwrap();
        assert_eq!(granted.allows_lookup(&host), expected, "{name} {network:?}");
    }
}

#[test]
fn a_granted_name_is_connected_to_at_the_addresses_that_were_told() {
    let mut policy = swarm_flow_policy::Preset::Isolated.policy();
    let none = granted(Sockets::of(&policy).unwrap());
    assert!(!none.allows(SocketAddrUse::TcpConnect, "10.0.0.1:5432".parse().unwrap()));
    assert!(!none.allows_lookup(&Host::parse("127.0.0.1").unwrap()));
    policy.network = Network::Private;
    policy.sockets = vec!["tcp://db.example:5432".to_owned()];
    assert!(Sockets::of(&policy).is_none(), "it needs its lookup");
    policy.sockets.push("lookup://db.example".to_owned());
    let granted = granted(Sockets::of(&policy).unwrap());
    let connect = |at: &str| granted.allows(SocketAddrUse::TcpConnect, at.parse().unwrap());
    assert!(!connect("10.0.0.1:5432"));
    let host = Host::parse("db.example").unwrap();
    assert!(granted.allows_lookup(&host));
    let found = ["10.0.0.1", "127.0.0.1", "169.254.169.254"];
    let found = found.map(|address| address.parse().unwrap()).to_vec();
    assert_eq!(granted.told(&host, found), [IpAddr::from([10, 0, 0, 1])]);
    assert!(connect("10.0.0.1:5432"));
    assert!(!connect("10.0.0.1:5433") && !connect("10.0.0.2:5432"));
    assert!(!connect("127.0.0.1:5432"));
}
