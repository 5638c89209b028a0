//! Paths as text.

/// An absolute path without `.`, `..` and double slashes.
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_lose_their_dots() {
        for (path, normal) in [("/a/../b/./c", "/b/c"), ("/..//", "/"), ("/a/b/", "/a/b")] {
            assert_eq!(super::normal(path), normal);
        }
    }
}
