//! Raw sockets and the lookup of names, on real sockets of this machine.

use super::world::world;
use super::{Ran, egress, network, run};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use swarm_flow_policy::{Preset, Reason};
use swarm_flow_sandbox::Sockets;

fn granted(network_text: &str, sockets: &[&str]) -> Option<Sockets> {
    let mut policy = Preset::Isolated.policy();
    policy.network = network(network_text);
    policy.sockets = sockets.iter().map(|&socket| socket.to_owned()).collect();
    policy.validate().unwrap();
    Sockets::of(&policy)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_socket_needs_a_grant_of_its_own() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (tcp, udp) = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
    let (connect, send) = (format!("connect {tcp}"), format!("udp {udp}"));
    let (tcp_here, udp_here) = (format!("tcp://{tcp}"), format!("udp://{udp}"));
    let other_port = format!("tcp://127.0.0.1:{}", tcp.port() ^ 1);
    let (tcp_here, udp_here, other_port) = (&*tcp_here, &*udp_here, &*other_port);
    let listen = "listen 127.0.0.1:0";
    for (network, sockets, attempt, expected) in [
        // What HTTP may is no grant of a socket.
        ("localhost", &[][..], connect.as_str(), "denied"),
        ("any", &[], &connect, "denied"),
        ("any", &[], &send, "denied"),
        ("any", &[], listen, "denied"),
        // One kind is not another, one port not the next.
        ("localhost", &[tcp_here], &connect, "granted"),
        ("localhost", &[udp_here], &connect, "denied"),
        ("localhost", &[other_port], &connect, "denied"),
        ("localhost", &["tcp://127.0.0.0/8:*"], &connect, "granted"),
        ("localhost", &[udp_here], &send, "granted"),
        ("localhost", &[tcp_here], &send, "denied"),
        ("localhost", &["listen://127.0.0.1:*"], listen, "granted"),
        ("localhost", &["listen://127.0.0.2:*"], listen, "denied"),
        ("localhost", &[tcp_here], listen, "denied"),
        ("localhost", &["listen://127.0.0.1:*"], &connect, "denied"),
        // The network has to reach the address as well.
        ("private", &[tcp_here], &connect, "denied"),
        ("none", &[tcp_here], &connect, "denied"),
        ("none", &["listen://127.0.0.1:*"], listen, "denied"),
        (
            "any",
            &["tcp://0.0.0.0/0:*"],
            "connect 169.254.169.254:80",
            "denied",
        ),
        ("any", &["tcp://0.0.0.0/0:*"], &connect, "granted"),
    ] {
        let ran = run(
            "reach",
            attempt,
            &egress(network),
            granted(network, sockets),
        )
        .await;
        assert_eq!(
            ran.said, expected,
            "{attempt} under {network} with {sockets:?}"
        );
        if expected == "denied" && !sockets.is_empty() {
            assert!(!ran.denials.is_empty(), "{attempt} with {sockets:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_from_not_granted() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let sockets = granted("localhost", &["tcp://127.0.0.1:*"]);
    let attempt = format!("connect {closed}");
    let ran = run("reach", &attempt, &egress("localhost"), sockets).await;
    assert!(ran.said.starts_with("failed: "), "{}", ran.said);
    assert!(ran.denials.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_granted_names_are_looked_up_and_only_granted_addresses_are_told() {
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let world = world(
        nowhere,
        &[
            "a.example=93.184.216.34,10.0.0.1",
            "inside.example=10.0.0.1",
        ],
    );
    let outside = egress("any").by(world.clone());
    let lookups = [
        "lookup://a.example",
        "lookup://inside.example",
        "lookup://gone.example",
    ];
    let public = "https://a.example";
    for (network, sockets, attempt, expected, asked) in [
        (public, &lookups[..], "lookup a.example", "granted", 1),
        (public, &lookups, "lookup A.Example.", "granted", 1),
        (public, &lookups, "lookup secret.a.example", "denied", 0),
        (
            public,
            &lookups,
            "lookup secret-that-leaks.evil.example",
            "denied",
            0,
        ),
        (public, &[], "lookup a.example", "denied", 0),
        ("none", &lookups, "lookup a.example", "denied", 0),
        (
            public,
            &lookups,
            "lookup inside.example",
            "failed: it has no address (Other)",
            1,
        ),
        ("private", &lookups, "lookup inside.example", "granted", 1),
        (
            public,
            &lookups,
            "lookup gone.example",
            "failed: name-unresolvable (Other)",
            1,
        ),
        (public, &lookups, "lookup 10.0.0.1", "denied", 0),
        (
            public,
            &lookups,
            "lookup a@b",
            "failed: invalid-argument (Other)",
            0,
        ),
    ] {
        let ran = run("reach", attempt, &outside, granted(network, sockets)).await;
        assert_eq!(
            ran.said, expected,
            "{attempt} under {network} with {sockets:?}"
        );
        assert_eq!(world.asked().len(), asked, "{attempt} under {network}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_of_a_name_holds_for_the_addresses_that_the_sandbox_was_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = listener.local_addr().unwrap();
    let world = world(here, &["db.example=127.0.0.1", "other.example=127.0.0.2"]);
    let outside = egress("localhost").by(world);
    let of_the_name = format!("tcp://db.example:{}", here.port());
    let sockets = granted(
        "localhost",
        &[
            &of_the_name,
            "lookup://db.example",
            "lookup://other.example",
        ],
    );
    for (attempt, expected) in [
        (format!("lookup-connect db.example/{here}"), "granted"),
        (format!("connect {here}"), "denied"),
        (format!("lookup-connect other.example/{here}"), "denied"),
    ] {
        let ran = run("reach", &attempt, &outside, sockets.clone()).await;
        assert_eq!(ran.said, expected, "{attempt}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denied_socket_says_what_would_allow_it() {
    for sockets in [&["tcp://127.0.0.1:1"][..], &[]] {
        let ran: Ran = run(
            "reach",
            "connect 127.0.0.1:2",
            &egress("localhost"),
            granted("localhost", sockets),
        )
        .await;
        assert_eq!(ran.said, "denied");
        assert_eq!(
            ran.denial(),
            "tcp://127.0.0.1:2 is not granted; add \"tcp://127.0.0.1:2\" to sockets"
        );
        assert_eq!(ran.denials[0].capability, "tcp");
        assert_eq!(ran.denials[0].resource, "tcp://127.0.0.1:2");
        assert_eq!(ran.denials[0].reason, Reason::NotGranted);
    }
}
