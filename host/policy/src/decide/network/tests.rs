use super::*;
use crate::Url;

fn decide(network: &Network, request: &str) -> Decision {
    let (method, url) = request.split_once(' ').unwrap();
    let url = Url::parse(url).unwrap();
    CompiledNetwork::new(network, &["https://registry.example/simple/".to_owned()])
        .unwrap()
        .http(&HttpRequest {
            method,
            scheme: url.scheme,
            host: &url.host,
            port: url.port,
            path: url.path,
        })
}

fn public(patterns: &[&str]) -> Network {
    Network::Public(patterns.iter().map(|&pattern| pattern.to_owned()).collect())
}

#[test]
fn each_grant_allows_its_requests_and_its_twin_is_denied() {
    let api = public(&[
        "GET,HEAD https://api.example.com/v1/",
        "http://*.example.net:8080",
    ]);
    let group = public(&["@package-registries"]);
    let literal = public(&["https://93.184.216.34"]);
    for (network, request, expected) in [
        (
            &api,
            "GET https://api.example.com/v1/users?x=/../",
            Ok("network.public[0]"),
        ),
        (
            &api,
            "GET https://API.example.com.:443/v1/",
            Ok("network.public[0]"),
        ),
        (
            &api,
            "POST https://api.example.com/v1/users",
            Err(Reason::MethodNotGranted),
        ),
        (
            &api,
            "get https://api.example.com/v1/users",
            Err(Reason::MethodNotGranted),
        ),
        (
            &api,
            "GET https://api.example.com/v2/users",
            Err(Reason::PathNotGranted),
        ),
        (
            &api,
            "GET https://api.example.com/v1/../v2",
            Err(Reason::AmbiguousPath),
        ),
        (
            &api,
            "GET https://api.example.com:8443/v1/",
            Err(Reason::NotGranted),
        ),
        (
            &api,
            "GET http://api.example.com/v1/",
            Err(Reason::NotGranted),
        ),
        (
            &api,
            "DELETE http://a.example.net:8080/../x",
            Ok("network.public[1]"),
        ),
        (
            &api,
            "CONNECT http://a.example.net:8080",
            Err(Reason::Tunnel),
        ),
        (
            &api,
            "connect http://a.example.net:8080",
            Err(Reason::Tunnel),
        ),
        (
            &api,
            "GET http://example.net:8080/",
            Err(Reason::NotGranted),
        ),
        (
            &api,
            "GET http://evilexample.net:8080/",
            Err(Reason::NotGranted),
        ),
        (
            &api,
            "GET https://2130706433/",
            Err(Reason::AddressNotGranted),
        ),
        (&api, "GET https://localhost/", Err(Reason::NotGranted)),
        (
            &group,
            "GET https://registry.example/simple/x",
            Ok("(https://registry.example/simple/)"),
        ),
        (
            &group,
            "GET https://registry.example/",
            Err(Reason::PathNotGranted),
        ),
        (
            &literal,
            "GET https://93.184.216.34/",
            Ok("network.public[0]"),
        ),
        (
            &literal,
            "GET https://[::ffff:93.184.216.34]/",
            Ok("network.public[0]"),
        ),
        (&literal, "GET https://0x5db8d822/", Ok("network.public[0]")),
        (
            &literal,
            "GET https://93.184.216.35/",
            Err(Reason::NotGranted),
        ),
        (
            &public(&[]),
            "GET https://example.com/",
            Err(Reason::NotGranted),
        ),
        (
            &Network::None,
            "GET https://example.com/",
            Err(Reason::NotGranted),
        ),
        (
            &Network::None,
            "GET http://127.0.0.1/",
            Err(Reason::AddressNotGranted),
        ),
        (
            &Network::Localhost,
            "GET http://127.1:8080/",
            Ok("network = \"localhost\""),
        ),
        (
            &Network::Localhost,
            "GET http://localhost:8080/",
            Ok("network = \"localhost\""),
        ),
        (
            &Network::Localhost,
            "GET http://a.localhost/",
            Ok("network = \"localhost\""),
        ),
        (
            &Network::Localhost,
            "GET http://secret.evil.example/",
            Err(Reason::NotGranted),
        ),
        (
            &Network::Localhost,
            "GET http://10.0.0.1/",
            Err(Reason::AddressNotGranted),
        ),
        (
            &Network::Private,
            "GET http://10.0.0.1/",
            Ok("network = \"private\""),
        ),
        (
            &Network::Private,
            "GET http://db.internal/",
            Ok("network = \"private\""),
        ),
        (
            &Network::Private,
            "GET http://[::1]/",
            Err(Reason::AddressNotGranted),
        ),
        (
            &Network::Private,
            "GET http://localhost/",
            Err(Reason::NotGranted),
        ),
        (
            &Network::Any,
            "GET http://localhost/",
            Ok("network = \"any\""),
        ),
        (
            &Network::Any,
            "GET http://93.184.216.34/",
            Ok("network = \"any\""),
        ),
        (
            &Network::Any,
            "GET http://169.254.169.254/",
            Err(Reason::NeverGranted),
        ),
        (
            &Network::Any,
            "GET http://[::ffff:a9fe:a9fe]/",
            Err(Reason::NeverGranted),
        ),
        (&Network::Any, "GET http://0/", Err(Reason::NeverGranted)),
        (
            &Network::Any,
            "CONNECT http://example.com/",
            Err(Reason::Tunnel),
        ),
    ] {
        match (decide(network, request), expected) {
            (Decision::Allow { rule }, Ok(expected)) => {
                assert!(rule.as_str().contains(expected), "{request}: {rule}");
            }
            (Decision::Deny { reason, .. }, Err(expected)) => {
                assert_eq!(reason, expected, "{request}");
            }
            (decision, expected) => panic!("{request}: {decision:?}, not {expected:?}"),
        }
    }
}

#[test]
fn a_denial_names_what_would_allow_it() {
    let api = public(&["GET https://api.example.com/v1/"]);
    for (network, request, message) in [
        (
            &api,
            "GET https://evil.example/",
            "GET https://evil.example/ is not granted; add \"https://evil.example\" to network.public",
        ),
        (
            &api,
            "POST https://api.example.com/v1/x",
            "POST https://api.example.com/v1/x is not granted: this host is, for other methods; \
             add \"POST https://api.example.com/v1/\" to network.public",
        ),
        (
            &api,
            "GET https://api.example.com/v2?x",
            "GET https://api.example.com/v2?x is not granted: this host is, for other paths; \
             add \"GET https://api.example.com/v2\" to network.public",
        ),
        (
            &api,
            "GET https://api.example.com/v1/..",
            "GET https://api.example.com/v1/.. is not granted: servers could read its path as another one; \
             add \"GET https://api.example.com\" to network.public",
        ),
        (
            &Network::None,
            "GET https://evil.example:8443/",
            "GET https://evil.example:8443/ is not granted; set network = { public = [\"https://evil.example:8443\"] }",
        ),
        (
            &api,
            "GET http://127.0.0.1:8080/",
            "GET http://127.0.0.1:8080/ is not granted: 127.0.0.1 is a loopback address, which `network.public` does not \
             reach; set network = \"localhost\"",
        ),
        (
            &Network::Any,
            "GET http://169.254.169.254/latest",
            "GET http://169.254.169.254/latest is not granted: 169.254.169.254 is a link-local or metadata address, \
             which no policy grants",
        ),
    ] {
        assert_eq!(decide(network, request).to_string(), message);
    }
}

#[test]
fn the_host_of_a_registry_may_be_private_as_its_operator_named_it_and_no_other() {
    let registries = [
        "https://mirror.example",
        "http://localhost:4873",
        "http://10.0.0.7",
        "http://169.254.169.254",
    ]
    .map(str::to_owned);
    let group = public(&["@package-registries", "https://plain.example"]);
    let written = public(&["https://mirror.example"]);
    let both = public(&["https://mirror.example", "@package-registries"]);
    for (network, url, address, sent) in [
        (&group, "https://mirror.example/x", "10.0.0.5", true),
        (&group, "https://mirror.example/x", "127.0.0.1", true),
        (&group, "https://mirror.example/x", "93.184.216.34", true),
        (&group, "https://mirror.example/x", "169.254.169.254", false),
        (&group, "https://mirror.example/x", "fe80::1", false),
        (&group, "https://mirror.example/x", "0.0.0.0", false),
        (&group, "https://mirror.example:8443/x", "10.0.0.5", false),
        (&group, "https://plain.example/x", "93.184.216.34", true),
        (&group, "https://plain.example/x", "10.0.0.5", false),
        (&group, "http://localhost:4873/x", "127.0.0.1", true),
        (&group, "http://localhost/x", "127.0.0.1", false),
        (&group, "http://10.0.0.7/x", "10.0.0.7", true),
        (&group, "http://10.0.0.8/x", "10.0.0.8", false),
        (&group, "http://169.254.169.254/", "169.254.169.254", false),
        (&written, "https://mirror.example/x", "93.184.216.34", true),
        (&written, "https://mirror.example/x", "10.0.0.5", false),
        (&both, "https://mirror.example/x", "10.0.0.5", true),
        (
            &Network::Localhost,
            "https://mirror.example/x",
            "127.0.0.1",
            false,
        ),
    ] {
        let compiled = CompiledNetwork::new(network, &registries).unwrap();
        let target = Url::parse(url).unwrap();
        let request = HttpRequest {
            method: "GET",
            scheme: target.scheme,
            host: &target.host,
            port: target.port,
            path: target.path,
        };
        let address = address.parse().unwrap();
        let allowed = compiled.http(&request).is_allow()
            && compiled.address_for(&request, address).is_allow();
        assert_eq!(allowed, sent, "{url} at {address}");
    }
}

#[test]
fn what_a_guest_wrote_is_escaped_and_cut_short() {
    let host = Host::parse("a.example").unwrap();
    let request = HttpRequest {
        method: "GET\n",
        scheme: Scheme::Https,
        host: &host,
        port: 443,
        path: &format!("/\u{1b}{}", "a".repeat(1_000)),
    };
    let text = request.to_string();
    assert!(
        text.starts_with("GET\\n https://a.example/\\u{1b}aaa"),
        "{text}"
    );
    assert!(text.len() < 300);
}
