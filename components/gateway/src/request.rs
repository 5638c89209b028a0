//! A request as the routes see it. Its body is read when a route asks for it, up to the route's limit.

use crate::json;
use crate::problem::Problem;
use crate::query::Query;
use serde::de::DeserializeOwned;
use std::cell::Cell;

/// Where a body comes from.
pub trait Body {
    /// All of it, or a problem as soon as it is larger than `most` bytes.
    fn read(&self, most: u64) -> Result<Vec<u8>, Problem>;
}

pub struct Request {
    pub id: String,
    /// What the route's template left open, in order.
    pub parameters: Vec<String>,
    /// What stands behind `?`, as it came.
    pub query: String,
    pub headers: Headers,
    pub body: Cell<Option<Box<dyn Body>>>,
}

/// The most bytes of a JSON body, where a route does not say otherwise.
pub const JSON_BYTES_MAX: u64 = 1 << 20;

impl Request {
    pub fn parameter(&self, index: usize) -> &str {
        self.parameters.get(index).map_or("", String::as_str)
    }

    /// The query, in which only these parameters may be.
    pub fn query(&self, known: &[&str]) -> Result<Query, Problem> {
        Query::parse(&self.query, known)
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        self.json_up_to(JSON_BYTES_MAX)
    }

    pub fn json_up_to<T: DeserializeOwned>(&self, most: u64) -> Result<T, Problem> {
        json::check_content_type(self.headers.text("content-type"))?;
        json::parse(&self.bytes(most)?)
    }

    /// The same, of a body that no problem may repeat. `fields` are all that it can have.
    pub fn private_json<T: DeserializeOwned>(&self, fields: &[&str]) -> Result<T, Problem> {
        self.json()
            .map_err(|problem| json::without_the_body(problem, fields))
    }

    /// The body as it is.
    pub fn bytes(&self, most: u64) -> Result<Vec<u8>, Problem> {
        // A length that is said to be too large is not even waited for.
        let said = self
            .headers
            .text("content-length")
            .and_then(|text| text.parse::<u64>().ok());
        if said.is_some_and(|said| said > most) {
            return Err(Problem::too_large("body_bytes", most));
        }
        self.body
            .take()
            .map_or(Ok(Vec::new()), |body| body.read(most))
    }

    /// Whether the caller names this media type among those it takes.
    pub fn accepts(&self, media_type: &str) -> bool {
        let accept = self.headers.text("accept").unwrap_or_default();
        accept.split(',').any(|part| {
            part.split(';')
                .next()
                .is_some_and(|part| part.trim().eq_ignore_ascii_case(media_type))
        })
    }

    /// The number in `If-Match: "3"`: of the version or revision that a change is meant for.
    pub fn if_match(&self) -> Result<Option<u64>, Problem> {
        let Some(text) = self.headers.text("if-match") else {
            return Ok(None);
        };
        let quoted = text.trim().strip_prefix('"');
        let digits = quoted.and_then(|rest| rest.strip_suffix('"'));
        let number = digits
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok());
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(Problem::invalid(
                "If-Match",
                "must be one `ETag` as it was given: a number in quotes",
            )),
        }
    }

    pub fn idempotency_key(&self) -> Option<String> {
        self.headers.text("idempotency-key").map(str::to_owned)
    }
}

/// Header fields, with names in lower case.
#[derive(Default)]
pub struct Headers(Vec<(String, Vec<u8>)>);

impl Headers {
    pub fn new(mut entries: Vec<(String, Vec<u8>)>) -> Self {
        for (name, _) in &mut entries {
            name.make_ascii_lowercase();
        }
        Self(entries)
    }

    pub fn add(&mut self, name: &str, value: String) {
        self.0.push((name.to_owned(), value.into_bytes()));
    }

    /// The first value of that name, when it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(other, _)| other == name)?;
        std::str::from_utf8(value).ok()
    }

    /// The request's id: the caller's own when it is fit for a log, otherwise none.
    pub fn request_id(&self) -> Option<&str> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        self.text("x-request-id")
            .filter(|id| (1..=128).contains(&id.len()) && id.bytes().all(plain))
    }
}

#[cfg(test)]
pub mod testing {
    use super::*;

    struct Fixed(Vec<u8>);

    impl Body for Fixed {
        fn read(&self, most: u64) -> Result<Vec<u8>, Problem> {
            if self.0.len() as u64 > most {
                Err(Problem::too_large("body_bytes", most))
            } else {
                Ok(self.0.clone())
            }
        }
    }

    pub fn request(headers: &[(&str, &str)], body: &[u8]) -> Request {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect();
        Request {
            id: "r1".to_owned(),
            parameters: Vec::new(),
            query: String::new(),
            headers: Headers::new(headers),
            body: Cell::new(Some(Box::new(Fixed(body.to_vec())))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::request;
    use super::*;

    #[test]
    fn a_body_over_the_limit_is_refused_by_its_said_and_by_its_real_length() {
        let json = ("content-type", "application/json");
        let large = vec![b' '; JSON_BYTES_MAX as usize + 1];
        for request in [
            request(&[json, ("content-length", "99999999")], b"{}"),
            request(&[json], &large),
        ] {
            assert_eq!(
                request.json::<crate::json::Any>().unwrap_err().code,
                "body-too-large"
            );
        }
    }

    #[test]
    fn media_types_are_found_among_others() {
        let request = request(&[("Accept", "text/html, text/event-stream;q=0.9")], b"");
        assert!(request.accepts("text/event-stream"));
        assert!(!request.accepts("application/json"));
    }

    #[test]
    fn a_request_id_unfit_for_a_log_is_not_taken_over() {
        for (id, taken) in [
            ("abc-1", true),
            ("", false),
            ("a b", false),
            ("a\nb", false),
            (&"a".repeat(129), false),
        ] {
            assert_eq!(
                request(&[("x-request-id", id)], b"")
                    .headers
                    .request_id()
                    .is_some(),
                taken,
                "{id}"
            );
        }
    }
}
