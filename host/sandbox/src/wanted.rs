//! A guest's request, read strictly: what is decided about is what is sent.
//!
//! | refused | why |
//! |---|---|
//! | an authority that [`Authority`] refuses | it could be read in two ways |
//! | `TRACE` | it sends back what others put into the request |
//! | a `Host` that is not the authority | a server would serve another host than was decided |
//! | `Transfer-Encoding`, two of `Content-Length`, fields of the connection | servers disagree where the request ends |
//! | a path with anything but printable ASCII | it would have to be rewritten |
//!
//! `CONNECT` is left to the policy, which never grants it. wasmtime refuses most of this when the guest says it;
//! here it holds whoever made the request.

use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, Method};
use std::fmt;
use swarm_flow_policy::{Authority, BadHost, Host, HttpRequest, Scheme};
use wasmtime_wasi_http::Error;

/// Where a request goes.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    method: Method,
    pub(crate) scheme: Scheme,
    pub(crate) host: Host,
    pub(crate) port: u16,
    path: PathAndQuery,
}

/// Why a request is no request that a sandbox sends.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("it has no scheme that is sent; use `https` or `http`")]
    Scheme,
    #[error("it has no host")]
    NoAuthority,
    #[error(transparent)]
    Host(#[from] BadHost),
    #[error("its path has something else than printable ASCII; write it as `%…`")]
    Path,
    #[error("`TRACE` is never sent from a sandbox")]
    Trace,
    #[error("its `Host` is another host than the one that it goes to")]
    OtherHost,
    #[error("`{0}` is for the connection, which is not the guest's")]
    Framing(HeaderName),
}

impl Refused {
    /// What the guest is told.
    pub(crate) fn code(&self) -> Error {
        match self {
            Self::Trace | Self::OtherHost | Self::Framing(_) => Error::HttpRequestDenied,
            _ => Error::HttpRequestUriInvalid,
        }
    }
}

/// Fields that say how a connection is used or where a message ends. `Content-Length` may stand once.
const OF_THE_CONNECTION: [HeaderName; 4] = [
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    HeaderName::from_static("proxy-connection"),
];

impl Wanted {
    pub(crate) fn of(request: &Parts) -> Result<Self, Refused> {
        let scheme = request.uri.scheme_str().and_then(Scheme::parse);
        let scheme = scheme.ok_or(Refused::Scheme)?;
        let authority = request.uri.authority().ok_or(Refused::NoAuthority)?;
        let authority = Authority::parse(authority.as_str())?;
        if request.method.as_str().eq_ignore_ascii_case("TRACE") {
            return Err(Refused::Trace);
        }
        let wanted = Self {
            method: request.method.clone(),
            scheme,
            host: authority.host,
            port: authority.port.unwrap_or(scheme.default_port()),
            path: path(&request.uri)?,
        };
        wanted.agrees_with(&request.headers)?;
        Ok(wanted)
    }

    /// What the policy is asked about. Queries stay out of messages and records.
    pub(crate) fn request(&self) -> HttpRequest<'_> {
        HttpRequest {
            method: self.method.as_str(),
            scheme: self.scheme,
            host: &self.host,
            port: self.port,
            path: self.path.path(),
        }
    }

    /// Makes the request say what was decided: the path alone, which goes to no proxy, and the host in its one form.
    pub(crate) fn put(self, request: &mut Parts) -> Result<(), Error> {
        let mut authority = self.host.to_string();
        if self.port != self.scheme.default_port() {
            authority = format!("{authority}:{}", self.port);
        }
        let authority =
            HeaderValue::try_from(authority).map_err(|_| Error::HttpRequestUriInvalid)?;
        request.headers.insert(header::HOST, authority);
        request.uri = Uri::from(self.path);
        request.version = http::Version::HTTP_11;
        Ok(())
    }

    fn agrees_with(&self, headers: &HeaderMap) -> Result<(), Refused> {
        for host in headers.get_all(header::HOST) {
            let host = host
                .to_str()
                .ok()
                .and_then(|text| Authority::parse(text).ok());
            let same = host.is_some_and(|host| {
                host.host == self.host
                    && host.port.unwrap_or(self.scheme.default_port()) == self.port
            });
            if !same {
                return Err(Refused::OtherHost);
            }
        }
        let of_the_connection = OF_THE_CONNECTION
            .into_iter()
            .find(|name| headers.contains_key(name));
        let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
        match of_the_connection {
            Some(name) => Err(Refused::Framing(name)),
            None if lengths > 1 => Err(Refused::Framing(header::CONTENT_LENGTH)),
            None => Ok(()),
        }
    }
}

/// From its first `/`.
fn path(uri: &Uri) -> Result<PathAndQuery, Refused> {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Refused::Path);
    }
    let absolute = match path.as_bytes().first() {
        Some(b'/') => path.to_owned(),
        Some(b'?') | None => format!("/{path}"),
        // `*` and whole URLs, which address whom they like.
        Some(_) => return Err(Refused::Path),
    };
    PathAndQuery::try_from(absolute).map_err(|_| Refused::Path)
}

/// A request that was refused before it was understood: no user name or password, no query, cut short.
pub(crate) struct Unread<'a>(pub(crate) &'a Parts);

impl fmt::Display for Unread<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARS_MAX: usize = 200;
        let Parts { method, uri, .. } = self.0;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let host = authority.rsplit('@').next().unwrap_or_default();
        let scheme = uri.scheme_str().unwrap_or_default();
        let text = format!("{method} {scheme}://{host}{}", uri.path());
        for char in text.escape_default().take(CHARS_MAX) {
            write!(formatter, "{char}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(method: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Wanted, Refused> {
        let mut request = http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Wanted::of(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn what_is_sent_is_what_was_decided() {
        for (uri, host, path) in [
            ("https://Example.com.:443/a?b", "example.com", "/a?b"),
            ("http://example.com?b", "example.com", "/?b"),
            ("http://example.com", "example.com", "/"),
            ("http://0x7f.1:8080/", "127.0.0.1:8080", "/"),
            ("http://[::FFFF:127.0.0.1]:80/", "127.0.0.1", "/"),
            (
                "https://example.com:80//evil.com/",
                "example.com:80",
                "//evil.com/",
            ),
        ] {
            let (mut parts, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
            Wanted::of(&parts).unwrap().put(&mut parts).unwrap();
            assert_eq!(parts.headers[header::HOST], host, "{uri}");
            assert_eq!(parts.uri.path_and_query().unwrap().as_str(), path, "{uri}");
            assert!(parts.uri.authority().is_none() && parts.uri.scheme().is_none());
        }
    }

    #[test]
    fn a_request_that_could_be_read_in_two_ways_is_refused() {
        let host = |host| wanted("GET", "https://a.example/", &[("host", host)]);
        assert!(host("A.example:443").is_ok());
        for other in ["b.example", "a.example:80", "a.example, b.example", ""] {
            assert_eq!(host(other).unwrap_err(), Refused::OtherHost, "{other}");
        }
        for (name, value) in [
            ("transfer-encoding", "chunked"),
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
        ] {
            let refused = wanted("POST", "https://a.example/", &[(name, value)]).unwrap_err();
            assert!(matches!(refused, Refused::Framing(_)), "{name}");
        }
        let length = ("content-length", "1");
        assert!(wanted("POST", "https://a.example/", &[length]).is_ok());
        assert!(wanted("POST", "https://a.example/", &[length, length]).is_err());
        for method in ["TRACE", "trace"] {
            let refused = wanted(method, "https://a.example/", &[]).unwrap_err();
            assert_eq!(refused, Refused::Trace);
        }
        for uri in [
            "/",
            "https://user@a.example/",
            "ftp://a.example/",
            "a.example:80",
        ] {
            let refused = wanted("GET", uri, &[]).unwrap_err();
            assert!(
                matches!(refused.code(), Error::HttpRequestUriInvalid),
                "{uri}"
            );
        }
    }

    #[test]
    fn a_password_does_not_stand_in_a_denial() {
        let request = http::Request::get("https://user:secret@a.example/x?key=secret");
        let (parts, ()) = request.body(()).unwrap().into_parts();
        assert_eq!(Unread(&parts).to_string(), "GET https://a.example/x");
    }
}
