//! Which component answers a path, and what Spin tells it about that.
//!
//! An exact route wins over one that ends in `/...`, and of those the longest wins. A slash at the end of the
//! path makes no difference.

use std::net::SocketAddr;
use std::sync::Arc;

use http::header::HOST;
use http::{HeaderName, HeaderValue, Request};

use crate::handle::Loaded;

pub(crate) struct Routes<T = Arc<Loaded>>(Vec<Route<T>>);

struct Route<T> {
    /// As in the manifest.
    text: String,
    /// Without `/...` and without a slash at its end.
    prefix: String,
    wildcard: bool,
    target: T,
}

pub(crate) struct Match<'a, T = Arc<Loaded>> {
    pub target: &'a T,
    route: &'a str,
    prefix: &'a str,
    /// The part of the path that the wildcard stands for.
    rest: &'a str,
}

impl<T> Routes<T> {
    pub fn new(routes: impl IntoIterator<Item = (String, T)>) -> Self {
        let mut routes: Vec<_> = routes
            .into_iter()
            .map(|(text, target)| Route::new(text, target))
            .collect();
        routes.sort_by_key(|route| (route.wildcard, std::cmp::Reverse(route.prefix.len())));
        Self(routes)
    }

    pub fn find<'a>(&'a self, path: &'a str) -> Option<Match<'a, T>> {
        self.0.iter().find_map(|route| {
            let rest = route.rest_of(path)?;
            Some(Match {
                target: &route.target,
                route: &route.text,
                prefix: &route.prefix,
                rest,
            })
        })
    }
}

impl<T> Route<T> {
    fn new(text: String, target: T) -> Self {
        let wildcard = text.ends_with("/...");
        let prefix = text
            .strip_suffix("/...")
            .unwrap_or(&text)
            .trim_end_matches('/')
            .to_owned();
        Self {
            text,
            prefix,
            wildcard,
            target,
        }
    }

    fn rest_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.prefix.as_str())?;
        let fits = if self.wildcard {
            rest.is_empty() || rest.starts_with('/')
        } else {
            matches!(rest, "" | "/")
        };
        fits.then_some(if self.wildcard { rest } else { "" })
    }
}

impl<T> Match<'_, T> {
    /// Adds the headers that Spin adds. What a client sent under their names is replaced.
    pub fn describe<B>(&self, request: &mut Request<B>, client: SocketAddr) {
        let host = request
            .headers()
            .get(HOST)
            .and_then(|host| host.to_str().ok());
        let authority = request
            .uri()
            .authority()
            .map(|authority| authority.as_str());
        let host = host.or(authority).unwrap_or("localhost");
        let path = request
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let prefix = if self.prefix.is_empty() {
            "/"
        } else {
            self.prefix
        };
        let headers = [
            ("spin-full-url", format!("http://{host}{path}")),
            ("spin-path-info", self.rest.to_owned()),
            ("spin-matched-route", self.route.to_owned()),
            ("spin-base-path", "/".to_owned()),
            ("spin-raw-component-route", self.route.to_owned()),
            ("spin-component-route", prefix.to_owned()),
            ("spin-client-addr", client.to_string()),
        ];
        for (name, value) in headers {
            let name = HeaderName::from_static(name);
            match HeaderValue::from_str(&value) {
                Ok(value) => request.headers_mut().insert(name, value),
                Err(_) => request.headers_mut().remove(name),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_exact_route_wins() {
        let texts = [
            "/...",
            "/api/...",
            "/api/v1/...",
            "/api",
            "/api/v1/health",
            "/slash/",
        ];
        let routes = Routes::new(texts.map(|text| (text.to_owned(), text)));
        let cases = [
            ("/", "/...", "/"),
            ("/other/x", "/...", "/other/x"),
            ("/api", "/api", ""),
            ("/api/", "/api", ""),
            ("/api/x", "/api/...", "/x"),
            ("/apix", "/...", "/apix"),
            ("/api/v1", "/api/v1/...", ""),
            ("/api/v1/a/b", "/api/v1/...", "/a/b"),
            ("/api/v1/health", "/api/v1/health", ""),
            ("/slash", "/slash/", ""),
        ];
        for (path, route, rest) in cases {
            let found = routes.find(path).unwrap();
            assert_eq!((*found.target, found.rest), (route, rest), "{path}");
        }
    }

    #[test]
    fn a_path_without_a_route_has_no_match() {
        let routes = Routes::new([("/a/...".to_owned(), ()), ("/b".to_owned(), ())]);
        for path in ["/", "/ab", "/b/c", "*"] {
            assert!(routes.find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn headers_of_spin_replace_those_of_the_client() {
        let routes = Routes::new([("/a/...".to_owned(), ())]);
        let uri = "/a/b?c=d";
        let mut request = Request::builder()
            .uri(uri)
            .header("host", "h:1")
            .header("spin-client-addr", "spoofed")
            .body(())
            .unwrap();
        routes
            .find("/a/b")
            .unwrap()
            .describe(&mut request, "127.0.0.1:9".parse().unwrap());
        let expected = [
            ("spin-full-url", "http://h:1/a/b?c=d"),
            ("spin-path-info", "/b"),
            ("spin-matched-route", "/a/..."),
            ("spin-base-path", "/"),
            ("spin-raw-component-route", "/a/..."),
            ("spin-component-route", "/a"),
            ("spin-client-addr", "127.0.0.1:9"),
        ];
        for (name, value) in expected {
            assert_eq!(
                request.headers().get_all(name).iter().collect::<Vec<_>>(),
                [value],
                "{name}"
            );
        }
    }
}
