//! Paths as bytes, as the index and trees have them, and as git prints them.

use std::path::{Component, Path, PathBuf};

/// WASI has paths that are text; a name that is none is not found.
pub fn to_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

pub fn to_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

/// An absolute path without `.` and `..`. The sandbox has no links to directories above what it was granted, so text is
/// enough.
pub fn absolute(path: &Path) -> PathBuf {
    let base = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let mut out = PathBuf::new();
    for part in base.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    out
}

/// As git prints a name: in quotes with escapes if it has characters that need them.
pub fn quoted(name: &[u8], ascii: bool) -> String {
    match needs_quotes(name, ascii) {
        true => format!("\"{}\"", escaped(name, ascii)),
        false => String::from_utf8_lossy(name).into_owned(),
    }
}

pub fn needs_quotes(name: &[u8], ascii: bool) -> bool {
    name.iter()
        .any(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f | 0x7f) || ascii && *byte >= 0x80)
}

pub fn escaped(name: &[u8], ascii: bool) -> String {
    let mut out: Vec<u8> = Vec::new();
    for byte in name {
        match byte {
            b'"' => out.extend(b"\\\""),
            b'\\' => out.extend(b"\\\\"),
            7 => out.extend(b"\\a"),
            8 => out.extend(b"\\b"),
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            11 => out.extend(b"\\v"),
            12 => out.extend(b"\\f"),
            b'\r' => out.extend(b"\\r"),
            0..=0x1f | 0x7f => out.extend(format!("\\{byte:03o}").bytes()),
            0x80.. if ascii => out.extend(format!("\\{byte:03o}").bytes()),
            _ => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A name from the root of the worktree as seen from a folder in it (`prefix` ends in `/` or is empty).
pub fn relative(name: &[u8], prefix: &[u8]) -> Vec<u8> {
    if prefix.is_empty() {
        return name.to_vec();
    }
    let mut shared = 0;
    for (at, byte) in prefix.iter().enumerate() {
        if name.get(at) != Some(byte) {
            break;
        }
        if *byte == b'/' {
            shared = at + 1;
        }
    }
    // The folder itself.
    if name.len() + 1 == prefix.len() && prefix.starts_with(name) {
        return b"./".to_vec();
    }
    let ups = prefix.get(shared..).unwrap_or_default();
    let ups = ups.iter().filter(|byte| **byte == b'/').count();
    let mut out = b"../".repeat(ups);
    out.extend(name.get(shared..).unwrap_or_default());
    match out.is_empty() {
        true => b"./".to_vec(),
        false => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_seen_from_a_folder() {
        for (name, prefix, expected) in [
            ("a/b", "", "a/b"),
            ("a/b", "a/", "b"),
            ("x", "a/", "../x"),
            ("a/c/d", "a/b/", "../c/d"),
            ("a/", "a/", "./"),
        ] {
            assert_eq!(
                relative(name.as_bytes(), prefix.as_bytes()),
                expected.as_bytes()
            );
        }
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted(b"a b", true), "a b");
        assert_eq!(quoted("ä".as_bytes(), true), "\"\\303\\244\"");
        assert_eq!(quoted("ä".as_bytes(), false), "ä");
        assert_eq!(quoted(b"a\"b", false), "\"a\\\"b\"");
    }
}
