//! What a sandbox can say of a file: there are no modes and no owners, so each has those of a new file of its one user.

use std::fs::{self, Metadata};
use std::path::Path;

/// Everything belongs to this user and to the group of the same name.
pub const USER: &str = "user";
pub const USER_ID: &str = "1000";

pub struct Kind {
    /// As in `st_mode`.
    pub mode: u32,
    pub permissions: &'static str,
    pub name: &'static str,
}

pub fn kind(found: &Metadata) -> Kind {
    let (mode, permissions, name) = match () {
        () if found.is_symlink() => (0o120_777, "lrwxrwxrwx", "symbolic link"),
        () if found.is_dir() => (0o040_755, "drwxr-xr-x", "directory"),
        () if !found.is_file() => (0o020_666, "crw-rw-rw-", "character special file"),
        () => (0o100_644, "-rw-r--r--", "regular file"),
    };
    Kind {
        mode,
        permissions,
        name,
    }
}

/// Whether something is neither a file nor a folder: what lies in `/dev`.
pub fn is_device(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// In KiB. A sandbox does not see blocks: a file has what most file systems would give it, whole ones of 4 KiB; a link
/// lies in its folder.
pub fn allocated(found: &Metadata) -> u64 {
    match found.is_symlink() {
        true => 0,
        false => found.len().div_ceil(4_096) * 4,
    }
}

/// The number of a file and that of its names; of a link those of its own unless it is followed.
pub fn numbers(path: &Path, follow: bool) -> (u64, u64) {
    let found = match follow {
        true => rustix::fs::stat(path),
        false => rustix::fs::lstat(path),
    };
    found.map_or((0, 1), |found| (found.st_ino, found.st_nlink.max(1)))
}
