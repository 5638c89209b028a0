use super::*;

#[test]
fn a_destination_is_allowed_only_by_scheme_host_and_port() {
    // pattern, allowed, denied
    let cases: [(&str, &[&str], &[&str]); 12] = [
        (
            "http://127.0.0.1:3001",
            &["http://127.0.0.1:3001/a?b"],
            &[
                "http://127.0.0.1/",
                "http://127.0.0.1:3002/",
                "https://127.0.0.1:3001/",
            ],
        ),
        (
            "http://runner.internal",
            &["http://runner.internal/", "http://RUNNER.internal:80/"],
            &["http://runner.internal:81/", "http://x.runner.internal/"],
        ),
        (
            "https://example.com",
            &["https://example.com/", "https://example.com:443/"],
            &["http://example.com/", "https://example.com.evil.test/"],
        ),
        (
            "https://example.com/",
            &["https://example.com/"],
            &["https://example.org/"],
        ),
        (
            "https://*.example.com",
            &["https://a.example.com/", "https://a.b.example.com/"],
            &["https://example.com/", "https://aexample.com/"],
        ),
        ("*://*:*", &["http://a:1/", "https://10.0.0.1/"], &[]),
        (
            "http://*",
            &["http://a/"],
            &["http://a:8080/", "https://a/"],
        ),
        (
            "*://localhost:*",
            &["http://localhost:1/", "https://localhost:2/"],
            &["http://127.0.0.1:1/"],
        ),
        (
            "http://a:1000..1002",
            &["http://a:1000/", "http://a:1001/"],
            &["http://a:1002/"],
        ),
        (
            "http://10.0.0.0/8:80",
            &["http://10.1.2.3/"],
            &["http://11.0.0.1/", "http://ten.test/"],
        ),
        (
            "http://[::1]:3000",
            &["http://[::1]:3000/"],
            &["http://[::2]:3000/", "http://[::1]/"],
        ),
        (
            "http://[fd00::]/8:80",
            &["http://[fd12::1]/"],
            &["http://[fe80::1]/"],
        ),
    ];
    for (pattern, allowed, denied) in cases {
        let hosts = AllowedHosts {
            patterns: vec![Pattern::parse(pattern).unwrap()],
            component: String::new(),
            manifest: String::new(),
            line: 0,
        };
        for uri in allowed {
            assert!(
                hosts.allow(&uri.parse().unwrap()),
                "{pattern} should allow {uri}"
            );
        }
        for uri in denied {
            assert!(
                !hosts.allow(&uri.parse().unwrap()),
                "{pattern} should deny {uri}"
            );
        }
    }
}

#[test]
fn what_is_no_pattern_is_refused() {
    let cases = [
        "",
        "*",
        "example.com",
        "http://",
        "http:///",
        "http://self",
        "https://self.alt",
        "ftp://example.com",
        "http://example.com/path",
        "http://ex*mple.com",
        "http://*.*.com",
        "http://a:port",
        "http://a:70000",
        "ht2p://a:1",
        "http://a.spin.internal",
        "http://{a,b}",
        "*://example.com",
        "http://user@host",
    ];
    for text in cases {
        assert!(Pattern::parse(text).is_err(), "{text}");
    }
}
