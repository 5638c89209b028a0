//! Names for what a sandbox asks others to do: a command that is run again because nobody knows whether it ended sends the same
//! ones, and a server that heeds them does nothing twice.

use http::{HeaderValue, Method, header::HeaderName, request::Parts};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use uuid::Uuid;

const FIELD: HeaderName = HeaderName::from_static("idempotency-key");
/// What our names are made in; it stands for nothing else.
const NAMESPACE: Uuid = Uuid::from_u128(0x8f0c_2f1e_6d0a_4b6e_9a53_6f1b_2d7c_41e8);

/// The names of one sandbox's requests, in their order. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keys(Arc<Inner>);

struct Inner {
    /// Of the command, and the sandbox's place in it.
    start: String,
    last: AtomicU64,
}

impl Keys {
    pub(crate) fn new(prefix: &str, place: &str) -> Self {
        Self(Arc::new(Inner {
            start: format!("{prefix}/{place}"),
            last: AtomicU64::new(0),
        }))
    }

    /// Names a request that may change something, if the guest did not.
    pub(crate) fn put(&self, request: &mut Parts) {
        if is_safe(&request.method) || request.headers.contains_key(FIELD) {
            return;
        }
        let number = self.0.last.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("{}/{number}", self.0.start);
        let key = Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string();
        if let Ok(key) = HeaderValue::from_str(&key) {
            request.headers.insert(FIELD, key);
        }
    }
}

/// Methods that are asked to change nothing (RFC 9110, 9.2.1).
fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(keys: &Keys, method: Method, given: Option<&str>) -> Option<String> {
        let mut request = http::Request::builder().method(method);
        if let Some(given) = given {
            request = request.header(FIELD, given);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        keys.put(&mut parts);
        let value = parts.headers.get(FIELD)?;
        Some(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_request_that_may_change_something_has_the_same_name_when_it_is_sent_again() {
        let run = |prefix: &str, place: &str| {
            let keys = Keys::new(prefix, place);
            [Method::POST, Method::PUT, Method::DELETE]
                .map(|method| key(&keys, method, None).unwrap())
        };
        let first = run("run/1/2", "0.1");
        assert_eq!(first, run("run/1/2", "0.1"));
        let others = [run("run/1/3", "0.1"), run("run/1/2", "0.2")].concat();
        for name in &first {
            assert_eq!(first.iter().filter(|other| *other == name).count(), 1);
            assert!(!others.contains(name));
            assert_eq!(Uuid::parse_str(name).unwrap().get_version_num(), 5);
        }
    }

    #[test]
    fn a_request_that_changes_nothing_has_none_and_takes_no_number() {
        let keys = Keys::new("run/1/2", "0");
        for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE] {
            assert_eq!(key(&keys, method, None), None);
        }
        assert_eq!(key(&keys, Method::POST, Some("mine")).unwrap(), "mine");
        let fresh = Keys::new("run/1/2", "0");
        assert_eq!(
            key(&keys, Method::POST, None),
            key(&fresh, Method::POST, None)
        );
    }
}
