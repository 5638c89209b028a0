//! Outgoing HTTP.

use super::world::{Server, World, world};
use super::{Ran, egress, run};
use std::net::TcpListener;
use std::time::{Duration, Instant};

const NAMES: &[&str] = &[
    "api.example=93.184.216.34",
    "deep.api.example=93.184.216.34",
    "evil.example=93.184.216.35",
    "api.example.evil.example=93.184.216.35",
    "evilapi.example=93.184.216.35",
    "xn--bcher-kva.example=93.184.216.34",
    "inside.example=10.0.0.5",
    "own.example=127.0.0.1",
    "mapped.example=::ffff:127.0.0.1",
    "nat.example=64:ff9b::a00:5",
    "metadata.example=169.254.169.254",
    "link.example=fe80::1",
    "empty.example=",
];

async fn request(network: &str, request: &str, world: &World) -> Ran {
    run("request", request, &egress(network).by(world.clone()), None).await
}

/// Each line: the network, the request, what the guest says. What is not granted does not leave the sandbox.
async fn holds(lines: &[(&str, &str, &str)]) {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let mut wrong = Vec::new();
    for (network, line, expected) in lines {
        let ran = request(network, line, &world).await;
        let (dialled, heads) = (world.dialled(), server.heads());
        let sent = usize::from(expected.starts_with("granted"));
        // What was denied is said to whoever runs the sandbox; what cannot be asked for is not.
        let denied = expected.starts_with("denied");
        let as_it_should = (ran.said == *expected || ran.said.starts_with(&format!("{expected} ")))
            && (dialled.len(), heads.len()) == (sent, sent)
            && ran.denials.is_empty() != denied;
        if !as_it_should {
            wrong.push(format!(
                "{line} under {network}: {}, not {expected}; connected to {dialled:?}, denied {:?}",
                ran.said, ran.denials
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const API: &str = "http://api.example;GET,HEAD http://*.api.example:8080/v1/";
const DENIED: &str = "denied HttpRequestDenied";
const PROHIBITED: &str = "denied DestinationIpProhibited";
const INVALID: &str = "denied HttpRequestUriInvalid";

#[tokio::test(flavor = "multi_thread")]
async fn a_request_leaves_by_the_pattern_that_names_it_and_its_neighbours_do_not() {
    holds(&[
        (API, "GET http api.example /", "granted 200"),
        (API, "POST http api.example /any/../path", "granted 200"),
        (API, "GET http evil.example /", DENIED),
        ("none", "GET http api.example /", DENIED),
        // Another name that looks like it.
        (API, "GET http API.Example. /", "granted 200"),
        (API, "GET http deep.api.example /", DENIED),
        (API, "GET http evilapi.example /", DENIED),
        (API, "GET http api.example.evil.example /", DENIED),
        (API, "GET http api.example.. /", INVALID),
        (
            "http://xn--bcher-kva.example",
            "GET http xn--bcher-kva.example /",
            "granted 200",
        ),
        (
            "http://xn--bcher-kva.example",
            "GET http xn--bcher-kvb.example /",
            INVALID,
        ),
        // Another port, another scheme.
        (API, "GET http api.example:80 /", "granted 200"),
        (API, "GET http api.example:81 /", DENIED),
        (API, "GET http api.example:443 /", DENIED),
        (API, "GET https api.example /", DENIED),
        (API, "GET https api.example:80 /", DENIED),
        (API, "GET ftp api.example /", "failed HttpProtocolError"),
        // Another method, another path.
        (API, "GET http deep.api.example:8080 /v1/x", "granted 200"),
        (API, "POST http deep.api.example:8080 /v1/x", DENIED),
        (API, "get http deep.api.example:8080 /v1/x", DENIED),
        (API, "GET http deep.api.example:8080 /v1", DENIED),
        (API, "GET http deep.api.example:8080 /v10", DENIED),
        (API, "GET http deep.api.example:8080 /v1/../v2", DENIED),
        (API, "GET http deep.api.example:8080 /v1/%2e%2e/v2", DENIED),
        (API, "GET http deep.api.example:8080 //v1/x", DENIED),
        (API, "GET http deep.api.example:8080 ?/v1/", DENIED),
        (
            API,
            "GET http deep.api.example:8080 /v1/?x=/../",
            "granted 200",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_decided_by_what_it_is_however_it_is_written() {
    for loopback in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "0x7f.0.0.1",
        "0x7F000001",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::FFFF:7f00:1]",
        "[0:0:0:0:0:ffff:7f00:0001]",
        "[64:ff9b::7f00:1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
    ] {
        let line = format!("GET http {loopback}:8080 /");
        let named = loopback.to_ascii_lowercase().contains("localhost");
        let denied = if named { DENIED } else { PROHIBITED };
        holds(&[
            ("localhost", &line, "granted 200"),
            ("any", &line, "granted 200"),
            ("private", &line, denied),
            (API, &line, denied),
            ("none", &line, denied),
        ])
        .await;
    }
    for private in ["10.0.0.5", "167772165", "[fd12::1]", "[::ffff:10.0.0.5]"] {
        let line = format!("GET http {private} /");
        holds(&[
            ("private", &line, "granted 200"),
            ("localhost", &line, PROHIBITED),
            (API, &line, PROHIBITED),
        ])
        .await;
    }
    let public = "http://93.184.216.34";
    holds(&[
        (public, "GET http 93.184.216.34 /", "granted 200"),
        (public, "GET http 0x5db8d822 /", "granted 200"),
        (public, "GET http 93.184.216.35 /", DENIED),
        (public, "GET http 93.184.216.34.evil.example /", DENIED),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_network_reaches_metadata_link_local_and_reserved_addresses() {
    for never in [
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "169.254.1.1",
        "[fe80::1]",
        "0.0.0.0",
        "0",
        "[::]",
        "224.0.0.1",
        "255.255.255.255",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
    ] {
        let line = format!("GET http {never} /latest/meta-data/");
        for network in ["any", "private", "localhost", API] {
            holds(&[(network, &line, PROHIBITED)]).await;
        }
    }
    holds(&[
        (
            "any",
            "GET http 93.184.216.34 /latest/meta-data/",
            "granted 200",
        ),
        ("any", "GET http metadata.example /", PROHIBITED),
        ("any", "GET http link.example /", PROHIBITED),
        ("any", "GET http own.example /", "granted 200"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_granted_is_decided_again_by_its_address() {
    const ALL: &str = "http://api.example;http://inside.example;http://own.example;http://mapped.example;\
                       http://nat.example;http://metadata.example;http://empty.example;http://nobody.example";
    holds(&[
        (ALL, "GET http api.example /", "granted 200"),
        (ALL, "GET http inside.example /", PROHIBITED),
        (ALL, "GET http own.example /", PROHIBITED),
        (ALL, "GET http mapped.example /", PROHIBITED),
        (ALL, "GET http nat.example /", PROHIBITED),
        (ALL, "GET http metadata.example /", PROHIBITED),
        (
            ALL,
            "GET http empty.example /",
            "failed DestinationNotFound",
        ),
        (ALL, "GET http nobody.example /", "failed DnsError"),
        ("private", "GET http inside.example /", "granted 200"),
        ("private", "GET http own.example /", PROHIBITED),
        ("private", "GET http api.example /", PROHIBITED),
        ("localhost", "GET http own.example /", DENIED),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_granted_is_not_even_looked_up() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    for (network, name, asked) in [
        (API, "secret-that-leaks.evil.example", 0),
        ("none", "api.example", 0),
        ("localhost", "api.example", 0),
        ("localhost", "a.localhost", 0),
        (API, "api.example", 1),
    ] {
        request(network, &format!("GET http {name} /"), &world).await;
        assert_eq!(world.asked().len(), asked, "{name} under {network}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_goes_to_the_address_that_was_checked_when_a_name_changes_its_mind() {
    let server = Server::start();
    let flips = ["flip.example=93.184.216.34;127.0.0.1;169.254.169.254;93.184.216.36"];
    let world = world(server.address, &flips);
    for (expected, dialled) in [
        ("granted 200", &["93.184.216.34:80"][..]),
        (PROHIBITED, &[]),
        (PROHIBITED, &[]),
        ("granted 200", &["93.184.216.36:80"]),
    ] {
        let ran = request("http://flip.example", "GET http flip.example /", &world).await;
        assert!(ran.said.starts_with(expected), "{}", ran.said);
        assert_eq!(world.dialled(), dialled);
        assert_eq!(world.asked().len(), 1, "once, and not again to connect");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_addresses_those_that_are_granted_are_tried_in_their_order() {
    let server = Server::start();
    let mixed = world(
        server.address,
        &[
            "mixed.example=10.0.0.5,93.184.216.1,127.0.0.1,93.184.216.2,93.184.216.3,::1",
            "down.example=93.184.216.1",
            "refuses=93.184.216.1",
        ],
    );
    let both = "http://mixed.example;http://down.example";
    let ran = request(both, "GET http mixed.example /", &mixed).await;
    assert!(ran.said.starts_with("granted 200"), "{}", ran.said);
    assert_eq!(mixed.dialled(), ["93.184.216.1:80", "93.184.216.2:80"]);
    let dropped: Vec<_> = ran.denials.iter().map(|denial| &denial.message).collect();
    assert_eq!(dropped.len(), 3, "{dropped:?}");
    assert!(
        dropped[0].contains("10.0.0.5 is a private address"),
        "{dropped:?}"
    );

    let ran = request(both, "GET http down.example /", &mixed).await;
    assert_eq!(ran.said, "failed ConnectionRefused");

    let silent = world(
        server.address,
        &[
            "slow.example=93.184.216.1,93.184.216.2",
            "silent=93.184.216.1",
        ],
    );
    let line = "GET http slow.example / connect=600";
    let ran = request("http://slow.example", line, &silent).await;
    assert!(ran.said.starts_with("granted 200"), "{}", ran.said);
    assert_eq!(silent.dialled().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_from_not_granted_on_real_sockets() {
    let server = Server::start();
    let port = server.address.port();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    for (network, target, expected) in [
        ("localhost", format!("127.0.0.1:{port}"), "granted 200"),
        ("localhost", format!("localhost:{port}"), "granted 200"),
        (
            "localhost",
            format!("[::ffff:127.0.0.1]:{port}"),
            "granted 200",
        ),
        (
            "localhost",
            format!("127.0.0.1:{closed}"),
            "failed ConnectionRefused",
        ),
        ("none", format!("127.0.0.1:{port}"), PROHIBITED),
        ("none", format!("127.0.0.1:{closed}"), PROHIBITED),
        ("private", format!("localhost:{port}"), DENIED),
    ] {
        let line = format!("GET http {target} /");
        let ran = run("request", &line, &egress(network), None).await;
        assert!(ran.said.starts_with(expected), "{line}: {}", ran.said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_be_read_in_two_ways_is_not_sent() {
    const NO_FIELD: &str = "refused field";
    holds(&[
        // The authority.
        (API, "GET http api.example@evil.example /", INVALID),
        (API, "GET http user:word@api.example /", INVALID),
        (API, "GET http api.example:80@evil.example /", INVALID),
        (API, "GET http api.example: /", INVALID),
        (API, "GET http api.example:080 /", INVALID),
        ("any", "GET http 1.2.3.256 /", INVALID),
        ("any", "GET http 127.0.0.08 /", INVALID),
        ("any", "GET http [fe80::1%25eth0] /", INVALID),
        (API, "GET http api.example/ /", "refused authority"),
        (
            API,
            "GET http api.example#@evil.example /",
            "refused authority",
        ),
        (
            API,
            "GET http api.example\\@evil.example /",
            "refused authority",
        ),
        // The request's target.
        ("any", "CONNECT http api.example:443 /", DENIED),
        ("any", "connect http api.example:443 /", DENIED),
        ("any", "TRACE http api.example /", DENIED),
        ("any", "trace http api.example /", DENIED),
        ("any", "GET\\r\\nX http api.example /", "refused method"),
        (
            API,
            "GET http api.example http://evil.example/",
            "refused path",
        ),
        (API, "GET http api.example evil.example:80", "refused path"),
        (API, "OPTIONS http api.example *", "refused path"),
        (API, "OPTIONS http api.example /", "granted 200"),
        // The head.
        (API, "GET http api.example / host=evil.example", NO_FIELD),
        (API, "GET http api.example / Host=api.example", NO_FIELD),
        (API, "GET http api.example / connection=upgrade", NO_FIELD),
        (API, "GET http api.example / upgrade=websocket", NO_FIELD),
        (
            API,
            "GET http api.example / proxy-authorization=x",
            NO_FIELD,
        ),
        (
            API,
            "POST http api.example / transfer-encoding=chunked body=x",
            NO_FIELD,
        ),
        (
            API,
            "POST http api.example / content-length=1 content-length=2 body=x",
            NO_FIELD,
        ),
        (
            API,
            "POST http api.example / content-length=+1 body=x",
            NO_FIELD,
        ),
        (
            API,
            "GET http api.example / x=a\\r\\nHost:evil.example",
            NO_FIELD,
        ),
        (API, "GET http api.example / x=a\\n", NO_FIELD),
        (API, "GET http api.example / x=a\\0b", NO_FIELD),
        (API, "GET http api.example / x\\r\\ny=a", NO_FIELD),
        (API, "GET http api.example / x:=a", NO_FIELD),
        (API, "GET http api.example / x=a", "granted 200"),
        // The body.
        (
            API,
            "GET http api.example / content-length=5",
            "failed HttpRequestBodySize",
        ),
        (
            API,
            "POST http api.example / content-length=1 body=x",
            "granted 200 POST / HTTP/1.1|x",
        ),
        (
            API,
            "POST http api.example / body=xyz",
            "granted 200 POST / HTTP/1.1|xyz",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_as_long_as_its_head_says_or_the_request_is_broken_off() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    for (body, expected) in [
        (
            "content-length=3 body=xyz",
            "granted 200 POST / HTTP/1.1|xyz",
        ),
        ("content-length=3 body=xy", "failed HttpRequestBodySize"),
        ("content-length=3 body=xyzGET", "failed HttpRequestBodySize"),
    ] {
        let ran = request(API, &format!("POST http api.example / {body}"), &world).await;
        assert_eq!(ran.said, expected, "{body}");
    }
    let heads = server.heads();
    let smuggled = heads.iter().any(|head| head.starts_with("GET"));
    assert!(!smuggled, "{heads:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_sees_the_host_that_was_decided_and_a_path_alone() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    for (authority, path, line, host) in [
        ("API.example.", "/a?b", "GET /a?b HTTP/1.1", "api.example"),
        ("api.example:80", "?b", "GET /?b HTTP/1.1", "api.example"),
        (
            "2130706433:8080",
            "//evil.example/",
            "GET //evil.example/ HTTP/1.1",
            "127.0.0.1:8080",
        ),
    ] {
        let ran = request("any", &format!("GET http {authority} {path}"), &world).await;
        assert!(ran.said.starts_with("granted 200"), "{}", ran.said);
        let heads = server.heads();
        let lines: Vec<_> = heads[0].lines().collect();
        assert_eq!(lines[0], line);
        let hosts: Vec<_> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("host: "))
            .collect();
        assert_eq!(hosts, [host], "{heads:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_an_answer_and_each_request_has_a_connection_of_its_own() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let ran = request(API, "GET http api.example /redirect", &world).await;
    assert_eq!(ran.said, "granted 302");
    let ran = request(API, "GET http evil.example /", &world).await;
    assert_eq!(ran.said, DENIED);
    request(API, "GET http api.example /", &world).await;
    request(API, "GET http api.example /", &world).await;
    assert_eq!(world.dialled(), ["93.184.216.34:80"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_silent_costs_the_time_that_was_given() {
    let server = Server::start();
    let silent = world(
        server.address,
        &[
            "api.example=93.184.216.34",
            "away.example=93.184.216.9",
            "silent=93.184.216.9",
        ],
    );
    let both = "http://api.example;http://away.example";
    for (line, expected) in [
        (
            "GET http away.example / connect=200",
            "failed ConnectionTimeout",
        ),
        (
            "GET http api.example /silent first-byte=200",
            "failed HttpResponseTimeout",
        ),
        (
            "GET http api.example /half between-bytes=200",
            "failed stream: connection read timeout",
        ),
        ("GET http api.example /cut", "failed stream: "),
        (
            "GET http api.example /fields",
            "failed HttpResponseHeaderSectionSize",
        ),
        ("GET http api.example /nonsense", "failed HttpProtocolError"),
        (
            "GET http api.example / first-byte=5000 between-bytes=5000",
            "granted 200",
        ),
    ] {
        let started = Instant::now();
        let ran = request(both, line, &silent).await;
        assert!(ran.said.starts_with(expected), "{line}: {}", ran.said);
        assert!(started.elapsed() < Duration::from_secs(8), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_says_what_would_allow_it_to_whoever_runs_the_sandbox() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    for (network, line, message) in [
        (
            API,
            "GET http evil.example /x?key=secret",
            "GET http://evil.example/x is not granted; add \"http://evil.example\" to network.public",
        ),
        (
            "http://inside.example",
            "GET http inside.example /",
            "GET http://inside.example/ is not sent there: 10.0.0.5 is a private address, which `network.public` does \
             not reach; set network = \"private\"",
        ),
        (
            API,
            "GET http user:secret@api.example /",
            "GET http://api.example/ is refused: a user name or password (`@`) is never sent from a sandbox",
        ),
        (
            "not a pattern",
            "GET http api.example /",
            "GET http://api.example/ is refused: network.public[0]: ",
        ),
    ] {
        let ran = request(network, line, &world).await;
        assert!(ran.denial().starts_with(message), "{}", ran.denial());
        assert_eq!(ran.denials[0].capability, "http");
        assert!(!ran.denials[0].resource.contains("secret"));
    }
}
