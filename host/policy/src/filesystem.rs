//! Which directories of a sandbox are opened for it.
//!
//! A grant is an opened directory: all beneath it is granted in the same way, and there is one way for the whole policy,
//! so grants that overlap say nothing new.

use crate::{Invalid, suggest};
use serde::{Deserialize, Serialize};

/// Directories of the sandbox that are opened for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filesystem {
    None,
    ReadOnly(Vec<String>),
    ReadWrite(Vec<String>),
    Full,
}

/// How an opened directory may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Read,
    ReadWrite,
}

/// The directories that a runner has for every sandbox. `full` opens these and what the operator granted.
pub const SANDBOX_DIRECTORIES: [&str; 2] = ["/workspace", "/tmp"];

impl Filesystem {
    /// The paths that are opened, each with how it may be used.
    pub fn grants(&self) -> Vec<(&str, Access)> {
        match self {
            Self::None => Vec::new(),
            Self::Full => SANDBOX_DIRECTORIES
                .map(|path| (path, Access::ReadWrite))
                .to_vec(),
            Self::ReadOnly(paths) => with(paths, Access::Read),
            Self::ReadWrite(paths) => with(paths, Access::ReadWrite),
        }
    }

    /// Its name in a policy.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ReadOnly(_) => "read_only",
            Self::ReadWrite(_) => "read_write",
            Self::Full => "full",
        }
    }

    pub(crate) fn problems(&self) -> Vec<Invalid> {
        let (Self::ReadOnly(paths) | Self::ReadWrite(paths)) = self else {
            return Vec::new();
        };
        let unknown = |(index, path): (usize, &String)| {
            let message = why_not(path)?;
            Some(Invalid::new(
                format!("filesystem.{}[{index}]", self.kind()),
                message,
            ))
        };
        paths.iter().enumerate().filter_map(unknown).collect()
    }
}

fn why_not(path: &str) -> Option<String> {
    if SANDBOX_DIRECTORIES.contains(&path) {
        return None;
    }
    Some(match path.trim() {
        "" => "the path is empty; leave it out to grant nothing".to_owned(),
        "/" | "*" | "/*" | "**" | "/**" => format!(
            "`{path}` is not a directory that a sandbox can be granted; `filesystem = \"full\"` is all that the operator granted the runner"
        ),
        _ => format!(
            "`{path}` is not a directory that a sandbox can be granted{}",
            suggest::hint(path, &SANDBOX_DIRECTORIES)
        ),
    })
}

fn with(paths: &[String], access: Access) -> Vec<(&str, Access)> {
    paths.iter().map(|path| (path.as_str(), access)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_list_grants_nothing() {
        assert!(Filesystem::ReadWrite(Vec::new()).grants().is_empty());
        assert!(Filesystem::None.grants().is_empty());
    }

    #[test]
    fn a_path_outside_the_sandbox_is_refused_with_those_inside() {
        for (path, hint) in [
            ("/etc", "there are `/workspace` and `/tmp`"),
            ("/workspaces", "did you mean `/workspace`?"),
            ("workspace", "did you mean `/workspace`?"),
            ("/", "filesystem = \"full\""),
            ("", "is empty"),
            ("/workspace/../etc", "is not a directory"),
        ] {
            let problems =
                Filesystem::ReadOnly(vec!["/tmp".to_owned(), path.to_owned()]).problems();
            assert_eq!(problems.len(), 1, "{path}");
            assert_eq!(problems[0].field, "filesystem.read_only[1]");
            assert!(problems[0].message.contains(hint), "{}", problems[0]);
        }
    }
}
