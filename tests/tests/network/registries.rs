//! What `@package-registries` stands for: hosts that the operator named, wherever they are.

use super::world::{Server, world};
use super::{network, run};
use swarm_flow_sandbox::Egress;

const NAMES: &[&str] = &[
    "mirror.example=10.0.0.5",
    "own.example=127.0.0.1",
    "public.example=93.184.216.34",
    "both.example=169.254.169.254,10.0.0.5",
    "metadata.example=169.254.169.254",
    "link.example=fe80::1",
    "other.example=10.0.0.5",
];
const REGISTRIES: &[&str] = &[
    "http://mirror.example",
    "http://own.example:4873",
    "http://public.example",
    "http://both.example",
    "http://metadata.example",
    "http://link.example",
    "http://localhost:4873",
    "http://10.0.0.7",
    // Nobody's to name.
    "http://169.254.169.254",
];
const GROUP: &str = "@package-registries";
const PROHIBITED: &str = "denied DestinationIpProhibited";
const DENIED: &str = "denied HttpRequestDenied";

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_may_be_private_where_the_group_is_granted_and_nowhere_else() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let registries: Vec<_> = REGISTRIES.iter().map(|&line| line.to_owned()).collect();
    let plain = "http://mirror.example;http://other.example";
    for (granted, line, expected) in [
        (GROUP, "GET http mirror.example /simple/", "granted 200"),
        // The same host, named by who wrote the policy.
        (plain, "GET http mirror.example /simple/", PROHIBITED),
        ("none", "GET http mirror.example /simple/", DENIED),
        (GROUP, "GET http own.example:4873 /", "granted 200"),
        (GROUP, "GET http own.example /", DENIED),
        (GROUP, "GET http localhost:4873 /", "granted 200"),
        (GROUP, "GET http localhost:4874 /", DENIED),
        (GROUP, "GET http 10.0.0.7 /", "granted 200"),
        (GROUP, "GET http 10.0.0.8 /", PROHIBITED),
        (GROUP, "GET http public.example /", "granted 200"),
        // What no policy grants, no operator's list grants.
        (GROUP, "GET http both.example /", "granted 200"),
        (GROUP, "GET http metadata.example /", PROHIBITED),
        (GROUP, "GET http link.example /", PROHIBITED),
        (GROUP, "GET http 169.254.169.254 /", PROHIBITED),
        // Another host at the address of a mirror.
        (
            "@package-registries;http://other.example",
            "GET http other.example /",
            PROHIBITED,
        ),
    ] {
        let egress = Egress::new(network(granted), registries.clone().into()).by(world.clone());
        let ran = run("request", line, &egress, None).await;
        let dialled = world.dialled();
        assert!(
            ran.said.starts_with(expected),
            "{line} under {granted}: {}",
            ran.said
        );
        assert_eq!(
            dialled.len(),
            usize::from(expected.starts_with("granted")),
            "{line}: {dialled:?}"
        );
        assert!(!dialled.iter().any(|address| address.starts_with("169.254")));
    }
}
