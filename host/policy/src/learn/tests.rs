use super::*;
use crate::{Format, Preset, Url};

fn learn(uses: &Uses) -> Learned {
    uses.learn(Paths::Prefix, Preset::Isolated.policy().limits)
}

fn ask(uses: &mut Uses, method: &str, url: &str, address: &str) {
    let target = Url::parse(url).unwrap();
    uses.request(&HttpRequest {
        method,
        scheme: target.scheme,
        host: &target.host,
        port: target.port,
        path: target.path,
    });
    uses.resolved(&target.host, [address.parse().unwrap()]);
}

fn socket(uses: &mut Uses, usage: SocketUse, address: &str, names: &[Host]) {
    let address: std::net::SocketAddr = address.parse().unwrap();
    uses.socket(&SocketTarget {
        usage,
        address: address.ip(),
        port: address.port(),
        names,
    });
}

#[test]
fn nothing_done_is_nothing_granted() {
    let learned = learn(&Uses::default());
    assert_eq!(learned.policy.network, Network::None);
    assert_eq!(learned.policy.filesystem, Filesystem::None);
    assert!(learned.policy.sockets.is_empty());
}

#[test]
fn public_requests_become_patterns_and_others_a_class() {
    let public = "93.184.216.34";
    let patterns =
        |lines: &[&str]| Network::Public(lines.iter().map(|&line| line.to_owned()).collect());
    for (asked, expected) in [
        (
            &[
                ("GET", "https://a.example/v1/x?q", public),
                ("GET", "https://a.example/v1/y", public),
                ("POST", "https://a.example/v1/y", public),
                ("GET", "http://b.example:8080/", public),
            ][..],
            patterns(&[
                "GET http://b.example:8080",
                "GET https://a.example/v1/",
                "POST https://a.example/v1/y",
            ]),
        ),
        (
            &[("get", "https://a.example/v1", public)],
            patterns(&["https://a.example"]),
        ),
        (
            &[("GET", "http://127.0.0.1:80/", "127.0.0.1")],
            Network::Localhost,
        ),
        (
            &[("GET", "http://localhost/", "127.0.0.1")],
            Network::Localhost,
        ),
        (&[("GET", "http://own.example/", "127.0.0.1")], Network::Any),
        (
            &[("GET", "http://db.example/", "10.0.0.1")],
            Network::Private,
        ),
        (
            &[
                ("GET", "http://db.example/", "10.0.0.1"),
                ("GET", "http://a.example/", public),
            ],
            Network::Any,
        ),
    ] {
        let mut uses = Uses::default();
        for (method, url, address) in asked {
            ask(&mut uses, method, url, address);
        }
        assert_eq!(learn(&uses).policy.network, expected, "{asked:?}");
    }
}

#[test]
fn a_socket_is_granted_by_the_name_that_was_looked_up() {
    let mut uses = Uses::default();
    let name = Host::parse("db.example").unwrap();
    uses.lookup(&name, ["10.0.0.1".parse().unwrap()]);
    // Before each connection, whatever comes of that.
    socket(&mut uses, SocketUse::TcpBind, "0.0.0.0:0", &[]);
    assert_eq!(learn(&uses).policy.sockets, ["lookup://db.example"]);
    socket(&mut uses, SocketUse::TcpConnect, "10.0.0.1:5432", &[name]);
    let policy = learn(&uses).policy;
    assert_eq!(policy.network, Network::Private);
    assert_eq!(
        policy.sockets,
        ["lookup://db.example", "tcp://db.example:5432"]
    );
}

#[test]
fn a_port_that_the_system_chose_is_any_and_one_that_was_named_is_itself() {
    for (bound, expected) in [
        ("127.0.0.1:0", "listen://127.0.0.1:*"),
        ("127.0.0.1:8080", "listen://127.0.0.1:8080"),
    ] {
        let mut uses = Uses::default();
        socket(&mut uses, SocketUse::TcpBind, bound, &[]);
        socket(&mut uses, SocketUse::TcpListen, "127.0.0.1:8080", &[]);
        socket(&mut uses, SocketUse::TcpAccept, "127.0.0.1:50000", &[]);
        let policy = learn(&uses).policy;
        assert_eq!(policy.network, Network::Localhost);
        assert_eq!(policy.sockets, [expected]);
    }
}

#[test]
fn directories_are_opened_as_far_as_they_were_used() {
    for (used, expected) in [
        (
            &[("/workspace/a", Access::Read)][..],
            Filesystem::ReadOnly(vec!["/workspace".to_owned()]),
        ),
        (
            &[("/tmp", Access::ReadWrite), ("/workspace", Access::Read)],
            Filesystem::ReadWrite(vec!["/workspace".to_owned(), "/tmp".to_owned()]),
        ),
        (&[("/data", Access::Read)], Filesystem::Full),
    ] {
        let mut uses = Uses::default();
        for (path, access) in used {
            uses.directory(path, *access);
        }
        assert_eq!(learn(&uses).policy.filesystem, expected);
    }
}

#[test]
fn what_is_printed_is_read_again_with_its_notes_as_comments() {
    let mut uses = Uses::default();
    ask(
        &mut uses,
        "GET",
        "https://a.example/v1/\"x",
        "93.184.216.34",
    );
    uses.directory("/data\n", Access::Read);
    let mut learned = learn(&uses);
    learned.note("", "odd\nlines are one".to_owned());
    let text = learned.to_string();
    assert_eq!(
        Policy::read(&text, Format::Toml),
        Ok(learned.policy),
        "{text}"
    );
    assert!(text.starts_with("# odd\\nlines are one\n"), "{text}");
}

#[test]
fn a_program_that_does_too_much_is_said_to() {
    let mut uses = Uses::default();
    for path in 0..USES_MAX + 10 {
        let url = format!("https://a.example/v1/{path}");
        ask(&mut uses, "GET", &url, "93.184.216.34");
    }
    let learned = learn(&uses);
    let expected = Network::Public(vec!["GET https://a.example/v1/".to_owned()]);
    assert_eq!(learned.policy.network, expected);
    assert!(learned.to_string().contains("more things"), "{learned}");
}
