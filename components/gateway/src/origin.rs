//! Which pages may call. A browser names the page's origin; others do not, and need not.
//!
//! Allowed are pages of this server, of the same machine, and those in the variable `allowed_origins`
//! (separated by spaces). The token would keep others out as well; this keeps them from trying.

/// Decides on an `Origin` header. `allowed` is asked only when it is needed.
pub fn allowed(origin: &str, host: Option<&str>, allowed: impl FnOnce() -> String) -> bool {
    let Some((_, authority)) = origin.split_once("://") else {
        return false;
    };
    host == Some(authority)
        || is_loopback(authority)
        || allowed()
            .split_ascii_whitespace()
            .any(|known| known == origin)
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_from_elsewhere_is_refused_unless_it_is_listed() {
        let list = || "https://console.example https://two.example".to_owned();
        for (origin, expected) in [
            ("http://localhost:5173", true),
            ("http://127.0.0.1", true),
            ("http://[::1]:3000", true),
            ("https://api.example", true),
            ("https://two.example", true),
            ("https://evil.example", false),
            ("http://localhost.evil.example", false),
            ("http://127.0.0.1.evil.example:80", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(
                allowed(origin, Some("api.example"), list),
                expected,
                "{origin}"
            );
        }
    }
}
