//! From what clients are configured with to patterns.

use super::client::{Client, Found};
use swarm_flow_policy::{Authority, Scheme, pattern::check_registry};

/// Hosts as they are found, and what should be known of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    found: Vec<Found>,
    notes: Vec<String>,
}

impl Hosts {
    pub fn noting(note: String) -> Self {
        Self {
            found: Vec::new(),
            notes: vec![note],
        }
    }

    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The host of a URL that a setting gives. A path on this machine is no host.
    pub fn add(&mut self, url: &str, setting: &str) {
        let url = url.trim();
        if url.is_empty() || !url.contains("://") || url.starts_with("file:") {
            return;
        }
        match pattern(url) {
            Some(pattern) => {
                let found = Found {
                    pattern,
                    setting: setting.to_owned(),
                };
                if !self.found.contains(&found) {
                    self.found.push(found);
                }
            }
            // The URL itself may hold a password.
            None => self.note(format!("{setting} names no host that HTTP could reach")),
        }
    }

    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.found.iter().map(|found| found.pattern.as_str())
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub fn of(self, name: &'static str) -> Client {
        Client {
            name,
            found: self.found,
            notes: self.notes,
        }
    }
}

/// `https://host[:port]`, without user, password, path and query.
pub fn pattern(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    // Cargo and git say with what a host is spoken to.
    let scheme = scheme.rsplit('+').next().and_then(Scheme::parse)?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit('@').next()?;
    let Authority { host, port } = Authority::parse(authority).ok()?;
    let port = match port.filter(|port| *port != scheme.default_port()) {
        Some(port) => format!(":{port}"),
        None => String::new(),
    };
    let pattern = format!("{}://{host}{port}", scheme.name());
    check_registry(&pattern).ok()?;
    Some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_its_host_is_left() {
        for (url, expected) in [
            (
                "https://registry.example/simple/",
                Some("https://registry.example"),
            ),
            (
                "https://Registry.Example:443",
                Some("https://registry.example"),
            ),
            (
                "http://registry.example:8081/npm?x",
                Some("http://registry.example:8081"),
            ),
            (
                "https://me:s3cret@registry.example/a",
                Some("https://registry.example"),
            ),
            (
                "https://me:s@cret@registry.example/a",
                Some("https://registry.example"),
            ),
            (
                "sparse+https://registry.example/index/",
                Some("https://registry.example"),
            ),
            ("http://10.0.0.5:4873", Some("http://10.0.0.5:4873")),
            ("http://localhost:4873/", Some("http://localhost:4873")),
            ("http://169.254.169.254/", None),
            ("git+ssh://git@registry.example/a", None),
            ("https://${HOST}/simple", None),
            ("https://", None),
            ("registry.example", None),
        ] {
            assert_eq!(pattern(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_host_is_noted_without_its_password() {
        let mut hosts = Hosts::default();
        hosts.add("https://me:s3cret@a b/", "index-url");
        hosts.add("file:///opt/mirror", "index-url");
        hosts.add("/opt/mirror", "index-url");
        let client = hosts.of("pip");
        assert!(client.found.is_empty());
        assert_eq!(
            client.notes,
            ["index-url names no host that HTTP could reach"]
        );
    }
}
