//! The path of a URL in a pattern: it grants itself and all beneath.
//!
//! | pattern | grants | does not grant |
//! |---|---|---|
//! | `/v1` | `/v1`, `/v1/`, `/v1/users?all=1` | `/v1x`, `/v10` |
//! | `/v1/` | `/v1/`, `/v1/users` | `/v1` |
//!
//! Servers differ in what they make of `..`, `%2f`, `\` or `..;`. A path that some server could read as another one is
//! ambiguous, and never within a pattern that has a path. It is refused, not tidied: what is decided is what is sent.

use std::borrow::Cow;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathPattern(String);

impl PathPattern {
    /// `None` for `/`, which is no restriction.
    pub(crate) fn parse(path: &str) -> Result<Option<Self>, String> {
        if matches!(path, "" | "/") {
            return Ok(None);
        }
        if path.contains(['?', '#']) {
            return Err(format!(
                "`{path}` has a query or fragment; a pattern ends with the path"
            ));
        }
        if let Some(prefix) = path.strip_suffix("*") {
            let prefix = prefix.trim_end_matches('*');
            return Err(format!(
                "`{path}` needs no `*`; `{prefix}` grants all beneath it"
            ));
        }
        if let Some(bad) = path.chars().find(|&char| !may_be_in_a_path(char)) {
            return Err(format!("`{}` cannot be in a path", bad.escape_default()));
        }
        if path.contains("//") || is_ambiguous(path) {
            return Err(format!(
                "`{path}` could be read as another path; write it without `..`, `//`, `%2f` or `\\`"
            ));
        }
        Ok(Some(Self(path.to_owned())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request's path, without its query, is granted.
    pub(crate) fn covers(&self, path: &str) -> bool {
        self.reaches(path) && !is_ambiguous(path)
    }

    /// Whether all that `other` covers is covered by this.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        self.reaches(&other.0)
    }

    fn reaches(&self, path: &str) -> bool {
        path.strip_prefix(self.0.as_str())
            .is_some_and(|rest| rest.is_empty() || self.0.ends_with('/') || rest.starts_with('/'))
    }
}

/// The path of a request's target, without its query.
pub(crate) fn without_query(target: &str) -> &str {
    target.split('?').next().unwrap_or(target)
}

/// Whether some server could take this path for another.
pub(crate) fn is_ambiguous(path: &str) -> bool {
    /// A server that decodes more often than this is not one.
    const DECODES_MAX: usize = 4;
    let mut path = Cow::Borrowed(path);
    for _ in 0..DECODES_MAX {
        let odd = |byte: u8| byte == b'\\' || byte == b'#' || !byte.is_ascii_graphic();
        if path.bytes().any(odd) || path.split('/').any(is_dots) {
            return true;
        }
        match decode(&path) {
            Decoded::Same => return false,
            Decoded::Other(decoded) => path = Cow::Owned(decoded),
            Decoded::Ambiguous => return true,
        }
    }
    true
}

/// `.` and `..`, also with parameters as in `..;a`, which some servers drop.
fn is_dots(segment: &str) -> bool {
    matches!(segment.split(';').next(), Some("." | ".."))
}

enum Decoded {
    Same,
    Other(String),
    Ambiguous,
}

/// One round of percent-decoding. Letters beyond ASCII are kept as `_`: they are no separator in any reading.
fn decode(path: &str) -> Decoded {
    if !path.contains('%') {
        return Decoded::Same;
    }
    let mut pieces = path.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let byte = piece
            .get(..2)
            .filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(byte) = byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
            return Decoded::Ambiguous;
        };
        if matches!(byte, b'/' | b'\\') {
            return Decoded::Ambiguous;
        }
        bytes.push(byte);
        bytes.extend_from_slice(piece.get(2..).unwrap_or_default().as_bytes());
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Decoded::Ambiguous;
    };
    let decoded = text
        .chars()
        .map(|char| if char.is_ascii() { char } else { '_' })
        // A space and the like are odd as they stand, and plain when they were encoded.
        .map(|char| if char == ' ' { '_' } else { char })
        .collect();
    Decoded::Other(decoded)
}

/// RFC 3986, without the `*` that would look like a wildcard.
fn may_be_in_a_path(char: char) -> bool {
    char.is_ascii_alphanumeric() || "/-._~!$&'()+,;=:@%".contains(char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_grants_itself_and_all_beneath() {
        for (pattern, path, covered) in [
            ("/v1", "/v1", true),
            ("/v1", "/v1/", true),
            ("/v1", "/v1/a/b", true),
            ("/v1", "/v1x", false),
            ("/v1", "/", false),
            ("/v1/", "/v1", false),
            ("/v1/", "/v1/", true),
            ("/v1/", "/v1/a", true),
            ("/v1/", "/V1/a", false),
            ("/v1/", "/%761/a", false),
            ("/v1/", "//v1/a", false),
            ("/v1/", "*", false),
            ("/v1/", "/v1/a%20b", true),
            ("/v1/", "/v1/%C3%BC", true),
            ("/v1/", "/v1/a..b/.c", true),
            ("/v1/", "/v1/100%25", false),
            ("/v1/", "/v1/../admin", false),
            ("/v1/", "/v1/..", false),
            ("/v1/", "/v1/.", false),
            ("/v1/", "/v1/%2e%2e/admin", false),
            ("/v1/", "/v1/.%2E/admin", false),
            ("/v1/", "/v1/%252e%252e/admin", false),
            ("/v1/", "/v1/..%2fadmin", false),
            ("/v1/", "/v1/a%2Fb", false),
            ("/v1/", "/v1/..%5cadmin", false),
            ("/v1/", "/v1/..\\admin", false),
            ("/v1/", "/v1/..;/admin", false),
            ("/v1/", "/v1/..;a=b/admin", false),
            ("/v1/", "/v1/%c0%ae%c0%ae/admin", false),
            ("/v1/", "/v1/%u002e", false),
            ("/v1/", "/v1/%", false),
            ("/v1/", "/v1/%00", false),
            ("/v1/", "/v1/\n", false),
            ("/v1/", "/v1/a#/../..", false),
        ] {
            let own = PathPattern::parse(pattern).unwrap().unwrap();
            assert_eq!(own.covers(path), covered, "{pattern} {path}");
        }
    }

    #[test]
    fn a_path_that_is_none_is_refused_with_what_would_be_one() {
        for (path, hint) in [
            ("/v1/*", "`/v1/` grants all beneath"),
            ("/v1/**", "`/v1/` grants all beneath"),
            ("/*/v1", "`*` cannot be in a path"),
            ("/v1?x", "ends with the path"),
            ("/v1/../v2", "another path"),
            ("/v1//v2", "another path"),
            ("/v1/%2e", "another path"),
            ("/v1/%zz", "another path"),
            ("/v 1", "cannot be in a path"),
            ("/ü", "cannot be in a path"),
        ] {
            let message = PathPattern::parse(path).unwrap_err();
            assert!(message.contains(hint), "{path}: {message}");
        }
        assert_eq!(PathPattern::parse("/"), Ok(None));
    }
}
