//! Hosts that something is bound to, a secret for one: patterns as in `network.public`.
//!
//! A binding grants nothing by itself, so a pattern may name whatever address some policy can grant; whether a sandbox
//! gets there is for its policy to say. The group `@package-registries` is none of them: who binds names each host.

use crate::Invalid;
use crate::decide::HttpRequest;
use crate::path::without_query;
use crate::pattern::{PACKAGE_REGISTRIES, Pattern};

/// Patterns that are parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosts(Vec<Pattern>);

impl Hosts {
    /// The most patterns; there is at least one.
    pub const PATTERNS_MAX: usize = 64;

    /// Refuses what is no pattern by its place: `hosts[1]`.
    pub fn parse(patterns: &[String]) -> Result<Self, Invalid> {
        if patterns.is_empty() || patterns.len() > Self::PATTERNS_MAX {
            let most = Self::PATTERNS_MAX;
            return Err(Invalid::new(
                "hosts",
                format!("must be 1 to {most} patterns, is {}", patterns.len()),
            ));
        }
        let parse = |(index, text): (usize, &String)| {
            let pattern = if text == PACKAGE_REGISTRIES {
                Err(format!("`{text}` is a group; name each host"))
            } else {
                Pattern::parse_of_any_network(text)
            };
            pattern.map_err(|message| Invalid::new(format!("hosts[{index}]"), message))
        };
        let patterns = patterns.iter().enumerate().map(parse);
        Ok(Self(patterns.collect::<Result<_, _>>()?))
    }

    /// Whether one of the patterns names this request. A path that servers could read in two ways is named by none that
    /// has a path.
    pub fn cover(&self, request: &HttpRequest<'_>) -> bool {
        self.0.iter().any(|pattern| {
            pattern.reaches(request.scheme, request.host, request.port)
                && pattern.allows_method(request.method)
                && pattern.allows_path(without_query(request.path))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Host, Scheme};

    fn hosts(patterns: &[&str]) -> Result<Hosts, Invalid> {
        let patterns: Vec<_> = patterns.iter().map(|text| (*text).to_owned()).collect();
        Hosts::parse(&patterns)
    }

    #[test]
    fn a_request_is_covered_by_the_pattern_that_names_it_and_its_neighbours_are_not() {
        let bound = hosts(&[
            "https://api.example",
            "GET https://*.files.example:8443/v1/",
            "http://127.0.0.1:8080",
            "http://localhost",
            "http://10.0.0.5",
        ])
        .unwrap();
        use Scheme::{Http, Https};
        for (method, scheme, host, port, path, covered) in [
            ("GET", Https, "api.example", 443, "/a?b", true),
            ("DELETE", Https, "api.example", 443, "/", true),
            ("CONNECT", Https, "api.example", 443, "/", false),
            ("GET", Http, "api.example", 443, "/", false),
            ("GET", Https, "api.example", 8443, "/", false),
            ("GET", Https, "deep.api.example", 443, "/", false),
            ("GET", Https, "evilapi.example", 443, "/", false),
            ("GET", Https, "a.files.example", 8443, "/v1/x", true),
            ("POST", Https, "a.files.example", 8443, "/v1/x", false),
            ("GET", Https, "a.files.example", 8443, "/v1/../v2", false),
            (
                "GET",
                Https,
                "a.files.example",
                8443,
                "/v1/%2e%2E/v2",
                false,
            ),
            ("GET", Https, "files.example", 8443, "/v1/x", false),
            ("GET", Http, "127.0.0.1", 8080, "/", true),
            ("GET", Http, "127.0.0.1", 80, "/", false),
            ("GET", Http, "localhost", 80, "/", true),
            ("GET", Http, "10.0.0.5", 80, "/", true),
            ("GET", Http, "10.0.0.6", 80, "/", false),
        ] {
            let parsed = Host::parse(host).unwrap();
            let request = HttpRequest {
                method,
                scheme,
                host: &parsed,
                port,
                path,
            };
            assert_eq!(
                bound.cover(&request),
                covered,
                "{method} {host}:{port}{path}"
            );
        }
    }

    #[test]
    fn what_binds_to_nothing_or_to_more_than_it_seems_is_refused_by_its_place() {
        let many = vec!["https://api.example"; 65];
        for (patterns, field, hint) in [
            (&[][..], "hosts", "1 to 64"),
            (&many, "hosts", "is 65"),
            (
                &["https://a.example", "b.example"],
                "hosts[1]",
                "write `https://b.example`",
            ),
            (&["@package-registries"], "hosts[0]", "name each host"),
            (&["https://169.254.169.254"], "hosts[0]", "no policy grants"),
            (&["http://10.0.0.0/8"], "hosts[0]", "a block of addresses"),
            (&["*"], "hosts[0]", "not a pattern"),
        ] {
            let invalid = hosts(patterns).unwrap_err();
            assert_eq!(invalid.field, field, "{invalid}");
            assert!(invalid.message.contains(hint), "{invalid}");
        }
    }
}
