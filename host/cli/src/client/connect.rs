//! Where the server is, how it is reached, and what proves who asks.

use crate::arguments::Connection;
use anyhow::{Context, Result, bail};
use reqwest::Url;
use std::time::Duration;

pub fn base(url: &str) -> Result<Url> {
    let base: Url = url
        .parse()
        .with_context(|| format!("`{url}` is not a URL"))?;
    if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
        bail!("`{url}` is not a server; give http://HOST:PORT or https://HOST");
    }
    Ok(base)
}

/// The token of `--token`, or the one that `up` made. That one is for this machine: it is never sent to another.
pub fn token(connection: &Connection, base: &Url) -> Result<String> {
    let given = connection
        .token
        .clone()
        .or_else(|| std::env::var("SWARM_FLOW_TOKEN").ok());
    if let Some(token) = given
        .as_deref()
        .map(str::trim)
        .filter(|token| !token.is_empty())
    {
        return Ok(token.to_owned());
    }
    if !is_local(base) {
        bail!("{base} is another machine; give its token by --token or SWARM_FLOW_TOKEN");
    }
    let path = connection.state.join("token");
    let token = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "there is no token: read {}; start a server by `swarm-flow up`, name its folder by --state, or give --token",
            path.display()
        )
    })?;
    Ok(token.trim().to_owned())
}

/// No redirects: an API has none, and a token must not travel. No time limit but for connecting: a command may
/// take hours.
pub fn http(base: &Url) -> Result<reqwest::Client> {
    // reqwest was built with TLS and without cryptography, and wants it even for plain HTTP. An error says that
    // there is some already, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("swarm-flow/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .tcp_nodelay(true);
    if is_local(base) {
        builder = builder.no_proxy();
    }
    builder.build().context("set up the HTTP client")
}

pub fn is_local(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            let address = host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .parse::<std::net::IpAddr>();
            address.is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_local() {
        for (url, local) in [
            ("http://127.0.0.1:3000", true),
            ("http://[::1]:3000", true),
            ("http://localhost", true),
            ("https://example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_local(&base(url).unwrap()), local, "{url}");
        }
    }

    #[test]
    fn the_local_token_stays_on_this_machine() {
        let state = tempfile::tempdir().unwrap();
        std::fs::write(state.path().join("token"), "secret\n").unwrap();
        let connection = |url: &str, token: Option<&str>| Connection {
            url: url.to_owned(),
            token: token.map(str::to_owned),
            state: state.path().to_owned(),
        };
        let read = |connection: Connection| token(&connection, &base(&connection.url)?);
        assert_eq!(
            read(connection("http://127.0.0.1:3000", None)).unwrap(),
            "secret"
        );
        assert_eq!(
            read(connection("https://example.com", Some("other"))).unwrap(),
            "other"
        );
        assert!(
            read(connection("https://example.com", None))
                .unwrap_err()
                .to_string()
                .contains("another machine")
        );
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for url in [
            "127.0.0.1:3000",
            "ftp://example.com",
            "",
            "file:///etc/passwd",
        ] {
            assert!(base(url).is_err(), "{url}");
        }
    }
}
