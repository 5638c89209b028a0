//! What settings may say.

use std::net::IpAddr;
use url::{Host, Url};

/// Where a provider is: by TLS, or on this machine. What is wrong is said without the URL: a password may stand in it.
pub(super) fn check_base_url(text: &str, insecure: bool) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("is no server; give https://HOST/PATH".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user or a password in it; give the key by `key`".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment; give scheme, host and path".to_owned());
    }
    if url.scheme() == "http" && !is_loopback(&url) && !insecure {
        return Err(
            "is plain http to another machine, which shows everybody between the key and the messages; give https, or `insecure = true` in the file"
                .to_owned(),
        );
    }
    Ok(url)
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

/// Names of providers, models and kinds.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
    if (1..=128).contains(&name.len()) && name.bytes().all(fits) {
        return Ok(());
    }
    Err(format!(
        "`{name}` is no name; give 1 to 128 letters, digits, `-`, `_`, `.`, `/`, `:` or `@`"
    ))
}

pub(super) fn check_range(value: u64, range: std::ops::RangeInclusive<u64>) -> Result<u64, String> {
    if range.contains(&value) {
        return Ok(value);
    }
    let (least, most) = range.into_inner();
    Err(format!("is {value}; give {least} to {most}"))
}
