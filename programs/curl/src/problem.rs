//! Why a transfer failed, with curl's number for it.

use crate::bindings::http::types::ErrorCode;
use url::{Host, Url};

#[derive(Clone, Debug)]
pub struct Problem {
    pub code: i32,
    pub text: String,
}

pub const UNSUPPORTED_PROTOCOL: i32 = 1;
pub const USAGE: i32 = 2;
pub const MALFORMED_URL: i32 = 3;
pub const NOT_BUILT_IN: i32 = 4;
pub const NO_ADDRESS: i32 = 6;
pub const NO_CONNECTION: i32 = 7;
pub const PARTIAL: i32 = 18;
pub const REFUSED_BY_STATUS: i32 = 22;
pub const WRITE: i32 = 23;
pub const READ: i32 = 26;
pub const TIME: i32 = 28;
pub const TLS: i32 = 35;
pub const FILE: i32 = 37;
pub const REDIRECTS: i32 = 47;
pub const NO_ANSWER: i32 = 52;
pub const RECEIVE: i32 = 56;
pub const CERTIFICATE: i32 = 60;
pub const ENCODING: i32 = 61;

impl Problem {
    pub fn new(code: i32, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    /// What the runner says of a request.
    pub fn of(error: &ErrorCode, method: &str, url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let (code, text) = match error {
            ErrorCode::HttpRequestDenied => (NO_CONNECTION, denied(method, url)),
            ErrorCode::DestinationIpProhibited => (NO_CONNECTION, prohibited(url)),
            ErrorCode::DnsTimeout | ErrorCode::DnsError(_) | ErrorCode::DestinationNotFound => {
                (NO_ADDRESS, format!("Could not resolve host: {host}"))
            }
            ErrorCode::ConnectionRefused => (
                NO_CONNECTION,
                format!("Failed to connect to {host} port {port}: Connection refused"),
            ),
            ErrorCode::DestinationUnavailable
            | ErrorCode::DestinationIpUnroutable
            | ErrorCode::ConnectionLimitReached => (
                NO_CONNECTION,
                format!("Failed to connect to {host} port {port}: {error:?}"),
            ),
            ErrorCode::ConnectionTimeout => {
                (TIME, format!("Connection to {host} port {port} timed out"))
            }
            ErrorCode::ConnectionReadTimeout
            | ErrorCode::ConnectionWriteTimeout
            | ErrorCode::HttpResponseTimeout => (TIME, "Operation timed out".to_owned()),
            ErrorCode::TlsCertificateError => (
                CERTIFICATE,
                format!(
                    "SSL certificate problem: the certificate of {host} is not trusted by the runner"
                ),
            ),
            ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
                (TLS, format!("TLS connect error: {host} port {port}"))
            }
            ErrorCode::HttpResponseIncomplete => (
                PARTIAL,
                "transfer closed with outstanding read data remaining".to_owned(),
            ),
            ErrorCode::ConnectionTerminated => (NO_ANSWER, "Empty reply from server".to_owned()),
            ErrorCode::HttpRequestUriInvalid => (
                MALFORMED_URL,
                format!("URL using bad/illegal format: {url}"),
            ),
            ErrorCode::InternalError(Some(why)) => (RECEIVE, why.clone()),
            other => (RECEIVE, format!("the request failed: {other:?}")),
        };
        Self { code, text }
    }
}

/// The change of a policy that would allow a request, as far as it can be told from here.
fn denied(method: &str, url: &Url) -> String {
    let change = match url.host() {
        Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost") => {
            LOCALHOST.to_owned()
        }
        Some(Host::Ipv4(address)) if address.is_loopback() => LOCALHOST.to_owned(),
        Some(Host::Ipv6(address)) if address.is_loopback() => LOCALHOST.to_owned(),
        Some(Host::Ipv4(address)) if address.is_private() => PRIVATE.to_owned(),
        _ => format!(
            "add \"{}\" to network.public",
            url.origin().ascii_serialization()
        ),
    };
    format!("{method} {url} is denied: the workspace's policy does not grant it; {change}")
}

/// The name is granted, the addresses that it has are not.
fn prohibited(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    format!(
        "{host} is denied: the workspace's policy does not reach its addresses; {LOCALHOST} for this machine, {PRIVATE} for private networks"
    )
}

const LOCALHOST: &str = "set network = \"localhost\"";
const PRIVATE: &str = "set network = \"private\"";
