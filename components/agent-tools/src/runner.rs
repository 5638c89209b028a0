//! One request to a runner, and its answer.

use crate::bindings::types::Error;
use crate::convert;
use spin_sdk::http::{Method, Request, Response};

/// Sends a request to the runner at `url`; gives what it answers, or the error that it answers with.
pub fn call(
    method: Method,
    url: &str,
    path: &str,
    content_type: &str,
    body: Vec<u8>,
) -> Result<Vec<u8>, Error> {
    let token = spin_sdk::variables::get("runner_token").map_err(|error| {
        Error::Internal(format!("cannot read the variable `runner_token`: {error}"))
    })?;
    let request = Request::builder()
        .method(method)
        .uri(format!("{url}{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", content_type)
        .body(body)
        .build();
    // The runner's address is no business of the caller.
    let response: Response = spin_sdk::http::run(spin_sdk::http::send(request)).map_err(|_| {
        Error::Unavailable("the runner cannot be reached, or left in the middle".to_owned())
    })?;
    answer(*response.status(), response.into_body())
}

fn answer(status: u16, body: Vec<u8>) -> Result<Vec<u8>, Error> {
    if (200..300).contains(&status) {
        return Ok(body);
    }
    Err(match serde_json::from_slice(&body) {
        Ok(error) => convert::error(error),
        Err(_) => Error::Unavailable(format!(
            "the runner answered with status {status} and no reason"
        )),
    })
}

/// Encodes a path for a URL, part by part. Parts are kept as they are: the runner judges them.
pub fn encode_path(path: &str) -> String {
    path.split('/').map(encode).collect::<Vec<_>>().join("/")
}

/// Percent-encodes everything that RFC 3986 does not call unreserved.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_encoded_part_by_part() {
        for (path, expected) in [
            ("a/b.txt", "a/b.txt"),
            ("ä b/c?d#e", "%C3%A4%20b/c%3Fd%23e"),
            ("100%", "100%25"),
            ("", ""),
        ] {
            assert_eq!(encode_path(path), expected);
        }
    }

    #[test]
    fn an_error_of_the_runner_stays_what_it_is() {
        assert_eq!(answer(200, b"x".to_vec()).unwrap(), b"x");
        assert!(matches!(
            answer(429, br#"{"error":"busy","retry_after_ms":7}"#.to_vec()),
            Err(Error::Busy(7))
        ));
        assert!(matches!(
            answer(502, b"bad gateway".to_vec()),
            Err(Error::Unavailable(_))
        ));
    }
}
