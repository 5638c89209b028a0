//! Whether a path is within an opened directory.
//!
//! This explains; it does not enforce. A sandbox has opened directories and resolves beneath them, so a link that leads out
//! of one is stopped there, whatever its name says here.

use super::CompiledPolicy;
use crate::decision::{Decision, Reason, Rule};
use crate::filesystem::{Access, Filesystem, SANDBOX_DIRECTORIES};
use crate::grant::{Grant, quoted};
use crate::suggest;

#[derive(Clone, Debug)]
pub(super) struct Directories {
    filesystem: Filesystem,
    opened: Vec<(String, Access, Rule)>,
    /// What `full` would open.
    operator: Vec<String>,
}

impl Directories {
    pub(super) fn new(filesystem: &Filesystem, operator: &[String]) -> Self {
        let rule = |index: usize, path: &str| match filesystem {
            Filesystem::ReadOnly(_) | Filesystem::ReadWrite(_) => {
                format!(
                    "filesystem.{}[{index}] = {}",
                    filesystem.kind(),
                    quoted(path)
                )
            }
            _ => format!("filesystem = {}", quoted(filesystem.kind())),
        };
        let mut opened: Vec<_> = filesystem
            .grants()
            .into_iter()
            .enumerate()
            .map(|(index, (path, access))| (path.to_owned(), access, Rule::new(rule(index, path))))
            .collect();
        if *filesystem == Filesystem::Full {
            let all = Rule::new(rule(0, ""));
            opened.extend(
                operator
                    .iter()
                    .map(|path| (path.clone(), Access::ReadWrite, all.clone())),
            );
        }
        Self {
            filesystem: filesystem.clone(),
            opened,
            operator: operator.to_vec(),
        }
    }
}

impl CompiledPolicy {
    /// Whether a path of the sandbox may be read, or written. `.` and `..` are resolved by name.
    pub fn path(&self, path: &str, access: Access) -> Decision {
        let what = format!(
            "{} {}",
            if access == Access::Read {
                "reading"
            } else {
                "writing"
            },
            path.escape_default()
        );
        let Some(path) = absolute(path) else {
            let what =
                format!("{what} makes no sense: give an absolute path, such as `/workspace/a`");
            return Decision::deny(Reason::Invalid, what, Vec::new());
        };
        let own = &self.directories;
        let mut holding = own
            .opened
            .iter()
            .filter(|(opened, ..)| is_beneath(&path, opened));
        match holding.next() {
            Some((_, opened, rule)) if access == Access::Read || *opened == Access::ReadWrite => {
                Decision::allow(rule)
            }
            Some((.., rule)) => Decision::deny(
                Reason::ReadOnly,
                format!("{what} is not granted: {rule} may be read"),
                vec![Grant::Filesystem(own.with(None, access))],
            ),
            None => self.deny_path(&what, &path, access),
        }
    }

    fn deny_path(&self, what: &str, path: &str, access: Access) -> Decision {
        let own = &self.directories;
        let of_the_sandbox = SANDBOX_DIRECTORIES
            .into_iter()
            .find(|directory| is_beneath(path, directory));
        let of_the_operator = own
            .operator
            .iter()
            .any(|directory| is_beneath(path, directory));
        let (reason, grant) = match of_the_sandbox {
            Some(directory) => (Reason::NotGranted, Some(own.with(Some(directory), access))),
            None if of_the_operator => (Reason::NotGranted, Some(Filesystem::Full)),
            None => (Reason::NeverGranted, None),
        };
        let why = if grant.is_some() {
            String::new()
        } else {
            format!(
                ": it is in no directory of a sandbox; there are {}, and with `full` those that the operator granted the runner",
                suggest::list(&SANDBOX_DIRECTORIES)
            )
        };
        Decision::deny(
            reason,
            format!("{what} is not granted{why}"),
            grant.map(Grant::Filesystem).into_iter().collect(),
        )
    }
}

impl Directories {
    /// What is granted, with one directory more, and written if that is asked.
    fn with(&self, directory: Option<&str>, access: Access) -> Filesystem {
        let mut paths = match &self.filesystem {
            Filesystem::ReadOnly(paths) | Filesystem::ReadWrite(paths) => paths.clone(),
            Filesystem::None | Filesystem::Full => Vec::new(),
        };
        paths.extend(directory.map(str::to_owned));
        let written = matches!(self.filesystem, Filesystem::ReadWrite(_));
        if written || access == Access::ReadWrite {
            Filesystem::ReadWrite(paths)
        } else {
            Filesystem::ReadOnly(paths)
        }
    }
}

/// Without `.`, `..`, and doubled slashes; `/` is the top, and above it too.
fn absolute(path: &str) -> Option<String> {
    if !path.starts_with('/') || path.contains('\0') {
        return None;
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some(format!("/{}", parts.join("/")))
}

pub(crate) fn is_beneath(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory.trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Preset, Surroundings};

    fn decide(filesystem: &Filesystem, path: &str, access: Access) -> Decision {
        let mut policy = Preset::Isolated.policy();
        policy.filesystem = filesystem.clone();
        let surroundings = Surroundings {
            directories: vec!["/data".to_owned()],
            ..Default::default()
        };
        CompiledPolicy::new(&policy, &surroundings)
            .unwrap()
            .path(path, access)
    }

    #[test]
    fn each_grant_allows_its_paths_and_its_twin_is_denied() {
        use Access::{Read, ReadWrite};
        let read = Filesystem::ReadOnly(vec!["/workspace".to_owned()]);
        let write = Filesystem::ReadWrite(vec!["/workspace".to_owned()]);
        for (filesystem, path, access, expected) in [
            (&read, "/workspace", Read, None),
            (&read, "/workspace/a/../b", Read, None),
            (&read, "/workspace/a", ReadWrite, Some(Reason::ReadOnly)),
            (&read, "/workspaces", Read, Some(Reason::NeverGranted)),
            (
                &read,
                "/workspace/../etc/passwd",
                Read,
                Some(Reason::NeverGranted),
            ),
            (
                &read,
                "/workspace/../../tmp/a",
                Read,
                Some(Reason::NotGranted),
            ),
            (&read, "workspace/a", Read, Some(Reason::Invalid)),
            (&read, "/workspace/\0", Read, Some(Reason::Invalid)),
            (&write, "/workspace/a", ReadWrite, None),
            (&write, "/tmp/a", Read, Some(Reason::NotGranted)),
            (&write, "/", Read, Some(Reason::NeverGranted)),
            (&write, "/data/a", Read, Some(Reason::NotGranted)),
            (
                &Filesystem::None,
                "/workspace",
                Read,
                Some(Reason::NotGranted),
            ),
            (&Filesystem::Full, "/tmp/a", ReadWrite, None),
            (&Filesystem::Full, "/data/a", ReadWrite, None),
            (
                &Filesystem::Full,
                "/database",
                Read,
                Some(Reason::NeverGranted),
            ),
            (
                &Filesystem::Full,
                "/proc/self/mem",
                Read,
                Some(Reason::NeverGranted),
            ),
        ] {
            let reason = match decide(filesystem, path, access) {
                Decision::Allow { .. } => None,
                Decision::Deny { reason, .. } => Some(reason),
            };
            assert_eq!(reason, expected, "{filesystem:?} {path} {access:?}");
        }
    }

    #[test]
    fn a_denial_names_what_would_allow_it() {
        let read = Filesystem::ReadOnly(vec!["/tmp".to_owned()]);
        assert_eq!(
            decide(&read, "/workspace/a", Access::ReadWrite).to_string(),
            "writing /workspace/a is not granted; set filesystem = { read_write = [\"/tmp\", \"/workspace\"] }"
        );
        assert_eq!(
            decide(&read, "/tmp/a", Access::ReadWrite).to_string(),
            "writing /tmp/a is not granted: filesystem.read_only[0] = \"/tmp\" may be read; \
             set filesystem = { read_write = [\"/tmp\"] }"
        );
    }
}
