//! The header of a request, as curl puts it together, and of an answer, as it is shown.

use crate::data::Body;
use crate::options::Options;
use crate::problem::{self, Problem};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

/// Fields that are the runner's: how a connection is used and where a message ends.
const OF_THE_CONNECTION: [&str; 6] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
    "expect",
];

/// `trusted`: it goes where the call named, so it may carry the caller's secrets.
pub fn of_request(
    options: &Options,
    url: &Url,
    body: Option<&Body>,
    content_type: Option<&str>,
    trusted: bool,
) -> Result<Vec<(String, String)>, Problem> {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
    let user = options.user.clone().or_else(|| user_of(url));
    match (&options.bearer, user) {
        (Some(token), _) if trusted => add("Authorization", format!("Bearer {token}")),
        (None, Some(user)) if trusted => {
            add("Authorization", format!("Basic {}", STANDARD.encode(user)));
        }
        _ => {}
    }
    match options.agent.as_deref() {
        Some("") => {}
        Some(agent) => add("User-Agent", agent.to_owned()),
        None => add("User-Agent", crate::AGENT.to_owned()),
    }
    match options.json {
        true => add("Accept", "application/json".to_owned()),
        false => add("Accept", "*/*".to_owned()),
    }
    if options.compressed {
        add("Accept-Encoding", "deflate, gzip".to_owned());
    }
    if let Some(referer) = &options.referer {
        add("Referer", referer.clone());
    }
    if let Some(range) = &options.range {
        add("Range", format!("bytes={range}"));
    }
    if !options.cookies.is_empty() && trusted {
        add("Cookie", options.cookies.join("; "));
    }
    if let Some(length) = body.and_then(Body::length) {
        add("Content-Length", length.to_string());
    }
    if let (Some(content_type), Some(_)) = (content_type, body) {
        add("Content-Type", content_type.to_owned());
    }
    // What a call says itself stands instead.
    let mut said: Vec<&str> = Vec::new();
    for line in &options.headers {
        let (name, value) = match (line.split_once(':'), line.strip_suffix(';')) {
            (Some((name, value)), _) => (name.trim(), Some(value.trim()).filter(|v| !v.is_empty())),
            (None, Some(name)) => (name.trim(), Some("")),
            (None, None) => continue,
        };
        let lower = name.to_ascii_lowercase();
        if OF_THE_CONNECTION.contains(&lower.as_str()) {
            continue;
        }
        if lower == "host" {
            own_host(value, url)?;
            continue;
        }
        if !trusted && (lower == "authorization" || lower == "cookie") {
            continue;
        }
        if !said.contains(&lower.as_str()) {
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        }
        said.extend(KNOWN_TWICE.iter().find(|known| **known == lower));
        if let Some(value) = value {
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(headers)
}

/// Fields of which a call may give several.
const KNOWN_TWICE: [&str; 3] = ["accept", "cookie", "accept-encoding"];

fn own_host(value: Option<&str>, url: &Url) -> Result<(), Problem> {
    let host = url.host_str().unwrap_or_default();
    let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    match value {
        Some(value) if value != host && value != with_port => Err(Problem::new(
            problem::NOT_BUILT_IN,
            format!(
                "-H 'Host: {value}': a request is decided by the host of its URL, so it cannot name another one"
            ),
        )),
        _ => Ok(()),
    }
}

fn user_of(url: &Url) -> Option<String> {
    if url.username().is_empty() {
        return None;
    }
    let text = |part: &str| {
        percent_encoding::percent_decode_str(part)
            .decode_utf8_lossy()
            .into_owned()
    };
    let password = text(url.password().unwrap_or_default());
    Some(format!("{}:{password}", text(url.username())))
}

/// The status line and the fields of an answer.
pub fn shown(status: u16, headers: &[(String, String)]) -> Vec<String> {
    let known = http::StatusCode::from_u16(status).ok();
    let reason = known.and_then(|status| status.canonical_reason());
    let mut lines = vec![match reason {
        Some(reason) => format!("HTTP/1.1 {status} {reason}"),
        None => format!("HTTP/1.1 {status}"),
    }];
    let fields = headers
        .iter()
        .map(|(name, value)| format!("{}: {value}", titled(name)));
    lines.extend(fields);
    lines
}

/// `content-type` as `Content-Type`: the case in which a server wrote it is lost.
pub fn titled(name: &str) -> String {
    let mut first = true;
    name.chars()
        .map(|letter| {
            let shown = match first {
                true => letter.to_ascii_uppercase(),
                false => letter,
            };
            first = letter == '-';
            shown
        })
        .collect()
}
