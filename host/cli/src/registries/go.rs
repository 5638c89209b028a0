//! Go: its proxies and the database of checksums.

use super::ask::Question;
use super::pattern::Hosts;

pub const QUESTION: Question = &["go", "env", "GOPROXY", "GOSUMDB"];

/// `GOPROXY` is a list with `,` and `|`; `GOSUMDB` a name, its key after `+`, and perhaps a URL.
pub fn hosts(text: &str) -> Hosts {
    let mut lines = text.lines();
    let (proxies, checksums) = (
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
    );
    let mut hosts = Hosts::default();
    for proxy in proxies.split([',', '|']) {
        match proxy.trim() {
            "direct" => hosts
                .note("`direct` in GOPROXY is the host of each module; add those that are needed"),
            proxy => hosts.add(proxy, "GOPROXY"),
        }
    }
    let mut parts = checksums.split_whitespace();
    match (parts.next(), parts.next()) {
        (None | Some("off"), _) => {}
        (_, Some(url)) => hosts.add(url, "GOSUMDB"),
        (Some(name), None) => {
            let name = name.split('+').next().unwrap_or_default();
            hosts.add(&format!("https://{name}"), "GOSUMDB");
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_and_the_checksums_are_found() {
        for (text, expected) in [
            (
                "https://a.example,http://b.example:8080/go|direct\nsums.example+0a1b+Az\n",
                "https://a.example http://b.example:8080 https://sums.example",
            ),
            ("off\noff\n", ""),
            (
                "direct\nname+key https://sums.example/x",
                "https://sums.example",
            ),
            ("", ""),
        ] {
            let found: Vec<_> = hosts(text).patterns().map(str::to_owned).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }
}
