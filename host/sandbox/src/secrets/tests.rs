use super::*;
use swarm_flow_policy::{Host, Scheme};

fn secret(name: &str, host: &str, placement: Placement, value: &str) -> Secret {
    let value = Zeroizing::new(value.to_owned());
    Secret::new(name, &[host.to_owned()], placement, value).unwrap()
}

fn header(name: &str, format: &str) -> Placement {
    Placement::Header {
        name: name.to_owned(),
        format: format.to_owned(),
    }
}

fn variable(name: &str) -> Placement {
    Placement::Variable(name.to_owned())
}

/// What a server at `host` would get of these fields.
fn sent(
    secrets: &SandboxSecrets,
    host: &str,
    fields: &[(&'static str, &str)],
) -> Result<HeaderMap, Error> {
    let host = Host::parse(host).unwrap();
    let request = HttpRequest {
        method: "GET",
        scheme: Scheme::Https,
        host: &host,
        port: 443,
        path: "/",
    };
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    secrets.put(&request, &mut headers).map(|_| headers)
}

#[test]
fn a_header_is_set_for_its_host_in_the_place_of_the_guests_own() {
    let secrets = Secrets::new(vec![secret(
        "TOKEN",
        "https://api.example",
        header("authorization", "Bearer {}"),
        "hunter22",
    )]);
    let secrets = SandboxSecrets::of(&secrets);
    let own = [("authorization", "mine"), ("authorization", "and mine")];
    let headers = sent(&secrets, "api.example", &own).unwrap();
    let all: Vec<_> = headers.get_all("authorization").iter().collect();
    assert_eq!(all, ["Bearer hunter22"]);
    assert!(all[0].is_sensitive());
    assert_eq!(headers["accept-encoding"], "identity");
    let headers = sent(&secrets, "other.example", &own[..1]).unwrap();
    assert_eq!(headers["authorization"], "mine");
    assert_eq!(headers.get("accept-encoding"), None);
}

#[test]
fn a_placeholder_is_the_value_at_its_host_and_itself_elsewhere_and_in_another_sandbox() {
    let shared = Secrets::new(vec![
        secret("A", "https://api.example", variable("KEY_A"), "hunter22"),
        secret("B", "https://b.example", variable("KEY_B"), "tiger-333"),
    ]);
    let (one, other) = (SandboxSecrets::of(&shared), SandboxSecrets::of(&shared));
    let environment = one.environment().unwrap();
    let (name, placeholder) = &environment[0];
    assert_eq!((name.as_str(), placeholder.len()), ("KEY_A", 18 + 32));
    assert!(placeholder.starts_with("swarm-flow-secret-"));
    assert_ne!(environment, other.environment().unwrap());

    let twice = format!("a={placeholder}; b={placeholder}.");
    let fields = [("cookie", twice.as_str()), ("x-key", placeholder)];
    let headers = sent(&one, "api.example", &fields).unwrap();
    assert_eq!(headers["cookie"], "a=hunter22; b=hunter22.");
    assert_eq!(headers["x-key"], "hunter22");
    for (secrets, host) in [
        (&one, "b.example"),
        (&one, "c.example"),
        (&other, "api.example"),
    ] {
        let headers = sent(secrets, host, &fields).unwrap();
        assert_eq!(headers["cookie"], twice, "{host}");
    }
    let framing = [("content-length", placeholder.as_str())];
    let headers = sent(&one, "api.example", &framing).unwrap();
    assert_eq!(headers["content-length"], *placeholder);
}

#[test]
fn a_guest_cannot_make_a_request_larger_than_its_fields_may_be() {
    let long = "x".repeat(65_536);
    let shared = Secrets::new(vec![secret(
        "A",
        "https://api.example",
        variable("K"),
        &long,
    )]);
    let secrets = SandboxSecrets::of(&shared);
    let placeholder = secrets.environment().unwrap().remove(0).1;
    assert!(sent(&secrets, "api.example", &[("x", &placeholder)]).is_ok());
    for fields in [
        vec![("x", placeholder.repeat(1_000))],
        vec![("x", placeholder.clone()), ("y", placeholder.repeat(2))],
    ] {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let refused = sent(&secrets, "api.example", &fields);
        assert!(matches!(
            refused,
            Err(Error::HttpRequestHeaderSectionSize(_))
        ));
    }
}

#[test]
fn a_change_reaches_a_sandbox_that_runs_and_what_was_there_stays_masked() {
    let token = |value| {
        secret(
            "TOKEN",
            "https://api.example",
            header("x-token", "{}"),
            value,
        )
    };
    let shared = Secrets::new(vec![token("first-value")]);
    let secrets = SandboxSecrets::of(&shared);
    assert_eq!(
        sent(&secrets, "api.example", &[]).unwrap()["x-token"],
        "first-value"
    );
    let mut stream = Mask::new(&secrets);
    shared.replace(vec![token("second-value")]);
    assert_eq!(
        sent(&secrets, "api.example", &[]).unwrap()["x-token"],
        "second-value"
    );
    shared.replace(Vec::new());
    assert!(sent(&secrets, "api.example", &[]).unwrap().is_empty());
    let text = "first-value second-value";
    assert_eq!(stream.whole(text.as_bytes()), b"*********** ************");
    assert_eq!(secrets.masked(text.to_owned()), "*********** ************");
    // Who starts later is told nothing of them.
    assert_eq!(SandboxSecrets::of(&shared).masked(text.to_owned()), text);
}

#[test]
fn where_there_are_no_secrets_nothing_changes() {
    for secrets in [Secrets::default(), Secrets::new(Vec::new())] {
        let secrets = SandboxSecrets::of(&secrets);
        assert!(secrets.environment().unwrap().is_empty());
        assert!(sent(&secrets, "api.example", &[]).unwrap().is_empty());
        assert!(Mask::new(&secrets).is_empty());
    }
}

#[test]
fn an_answer_that_is_compressed_all_the_same_is_refused() {
    for (coding, ok) in [
        ("identity", true),
        ("Identity", true),
        ("gzip", false),
        ("br", false),
    ] {
        let mut fields = HeaderMap::new();
        fields.insert("content-encoding", HeaderValue::from_static(coding));
        assert_eq!(readable(&fields).is_ok(), ok, "{coding}");
    }
    assert!(readable(&HeaderMap::new()).is_ok());
}

#[test]
fn the_fields_of_an_answer_are_masked() {
    let shared = Secrets::new(vec![secret(
        "A",
        "https://a.example",
        variable("K"),
        "hunter22",
    )]);
    let mut fields = HeaderMap::new();
    fields.append("x", HeaderValue::from_static("-hunter22-"));
    fields.append("x", HeaderValue::from_static("hunter2"));
    fields.append("y", HeaderValue::from_static("2"));
    SandboxSecrets::of(&shared).mask_fields(&mut fields);
    let all: Vec<_> = fields.get_all("x").iter().collect();
    assert_eq!(all, ["-********-", "hunter2"]);
}

#[test]
fn a_value_is_shown_nowhere() {
    let token = secret("TOKEN", "https://a.example", header("x", "{}"), "hunter22");
    let shown = format!("{token:?}");
    assert!(
        shown.contains("TOKEN") && !shown.contains("hunter"),
        "{shown}"
    );
    let shown = format!("{:?}", Secrets::new(vec![token]));
    assert!(!shown.contains("hunter"), "{shown}");
    let bad = Secret::new(
        "TOKEN",
        &["https://a.example".to_owned()],
        header("x", "{}"),
        Zeroizing::new("hunter22\n".to_owned()),
    );
    assert_eq!(bad.unwrap_err(), Unusable::Header);
}
