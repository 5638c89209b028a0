//! A policy that is learned from a run: the run passes under it, and under less it does not.

use super::world::{Server, World, world};
use super::{Ran, directories, run_observed};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use swarm_flow_policy::learn::Paths;
use swarm_flow_policy::{Filesystem, Format, Network, Policy, Preset};
use swarm_flow_sandbox::{Decisions, Egress, Observed, Sockets};

const NAMES: &[&str] = &[
    "api.example=93.184.216.34",
    "inside.example=10.0.0.5",
    "own.example=127.0.0.1",
];

/// The guest, under what denies little.
async fn observe(name: &str, arguments: &str, world: &World, folder: &Path) -> (Ran, Policy) {
    let observed = Observed::default();
    let egress = Egress::new(Network::Any, [].into()).by(world.clone());
    let ran = run_observed(
        name,
        arguments,
        &egress,
        Sockets::class(&Network::Any),
        directories(&Preset::Standard.policy().filesystem, folder),
        Some(Decisions::new(observed.clone())),
    )
    .await;
    let limits = Preset::Standard.policy().limits;
    let learned = observed.uses().learn(Paths::Prefix, limits);
    let read = Policy::read(&learned.to_string(), Format::Toml);
    assert_eq!(read, Ok(learned.policy.clone()), "{learned}");
    (ran, learned.policy)
}

async fn under(
    policy: &Policy,
    name: &str,
    arguments: &str,
    world: &World,
    folder: &Path,
) -> String {
    let egress = Egress::new(policy.network.clone(), [].into()).by(world.clone());
    let opened = directories(&policy.filesystem, folder);
    run_observed(name, arguments, &egress, Sockets::of(policy), opened, None)
        .await
        .said
}

/// The policy without one of the things that it grants.
fn with_less(policy: &Policy) -> Vec<Policy> {
    let without = |lines: &[String], index: usize| {
        let mut lines = lines.to_vec();
        lines.remove(index);
        lines
    };
    let mut less = Vec::new();
    for index in 0..policy.sockets.len() {
        let sockets = without(&policy.sockets, index);
        less.push(Policy {
            sockets,
            ..policy.clone()
        });
    }
    let networks = match &policy.network {
        Network::None => Vec::new(),
        Network::Public(lines) => (0..lines.len())
            .map(|index| Network::Public(without(lines, index)))
            .chain([Network::None])
            .collect(),
        Network::Localhost | Network::Private => vec![Network::None],
        Network::Any => vec![Network::Localhost, Network::Private, Network::None],
    };
    less.extend(networks.into_iter().map(|network| Policy {
        network,
        ..policy.clone()
    }));
    let filesystems = match &policy.filesystem {
        Filesystem::ReadWrite(paths) => vec![Filesystem::ReadOnly(paths.clone()), Filesystem::None],
        Filesystem::ReadOnly(_) => vec![Filesystem::None],
        _ => Vec::new(),
    };
    less.extend(filesystems.into_iter().map(|filesystem| Policy {
        filesystem,
        ..policy.clone()
    }));
    less
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_passes_under_what_was_learned_from_it_and_fails_under_less() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (tcp, udp) = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
    let connect = format!("connect {tcp}");
    let by_name = format!("lookup-connect own.example/{tcp}");
    let send = format!("udp {udp}");
    let tcp_line = format!("tcp://{tcp}");
    let udp_line = format!("udp://{udp}");
    let named_line = format!("tcp://own.example:{}", tcp.port());
    let public = |pattern: &str| Network::Public(vec![pattern.to_owned()]);
    let read = || Filesystem::ReadOnly(vec!["/workspace".to_owned()]);
    let write = || Filesystem::ReadWrite(vec!["/workspace".to_owned()]);
    let none = || Filesystem::None;
    for (name, arguments, network, sockets, filesystem) in [
        (
            "request",
            "GET http api.example /v1/users?key=x",
            public("GET http://api.example/v1/users"),
            &[][..],
            none(),
        ),
        (
            "request",
            "POST http api.example:8080 / body=x",
            public("POST http://api.example:8080"),
            &[],
            none(),
        ),
        (
            "request",
            "GET http inside.example /",
            Network::Private,
            &[],
            none(),
        ),
        (
            "request",
            "GET http localhost:8080 /",
            Network::Localhost,
            &[],
            none(),
        ),
        // A name of the machine itself is reached by `any` alone.
        (
            "request",
            "GET http own.example /",
            Network::Any,
            &[],
            none(),
        ),
        (
            "reach",
            connect.as_str(),
            Network::Localhost,
            &[tcp_line.as_str()],
            none(),
        ),
        (
            "reach",
            &by_name,
            Network::Localhost,
            &["lookup://own.example", &named_line],
            none(),
        ),
        ("reach", &send, Network::Localhost, &[&udp_line], none()),
        (
            "reach",
            "listen 127.0.0.1:0",
            Network::Localhost,
            &["listen://127.0.0.1:*"],
            none(),
        ),
        ("reach", "read /workspace/file", Network::None, &[], read()),
        ("reach", "list /workspace", Network::None, &[], read()),
        ("reach", "write /workspace/new", Network::None, &[], write()),
        (
            "reach",
            "append /workspace/file",
            Network::None,
            &[],
            write(),
        ),
        (
            "reach",
            "mkdir /workspace/made",
            Network::None,
            &[],
            write(),
        ),
        ("hello", "", Network::None, &[], none()),
    ] {
        let prepared = || {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("file"), "text").unwrap();
            folder
        };
        let folder = prepared();
        let (ran, policy) = observe(name, arguments, &world, folder.path()).await;
        assert!(!ran.said.starts_with("denied"), "{arguments}: {}", ran.said);
        let got = (
            &policy.network,
            policy.sockets.as_slice(),
            &policy.filesystem,
        );
        assert_eq!(got.0, &network, "{arguments}");
        assert_eq!(got.1, sockets, "{arguments}");
        assert_eq!(got.2, &filesystem, "{arguments}");

        let again = under(&policy, name, arguments, &world, prepared().path()).await;
        assert_eq!(again, ran.said, "{arguments} under {policy:?}");
        for less in with_less(&policy) {
            // A name without its lookup is no policy.
            if less.validate().is_err() {
                continue;
            }
            let said = under(&less, name, arguments, &world, prepared().path()).await;
            assert!(
                said.starts_with("denied"),
                "{arguments} under {less:?}: {said}"
            );
        }
    }
}
