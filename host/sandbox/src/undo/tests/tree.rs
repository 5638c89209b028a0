//! A small workspace, and what it looks like.

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

pub(super) struct Tree {
    folder: tempfile::TempDir,
    pub(super) first: Snapshot,
}

/// By its path: mode, inode, names, when it was changed, what is in it.
pub(super) type Snapshot = BTreeMap<PathBuf, (u32, u64, u64, (i64, i64), Vec<u8>)>;

impl Tree {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("ws/files");
        for name in ["full", "empty"] {
            std::fs::create_dir_all(files.join(name)).unwrap();
        }
        std::fs::create_dir(folder.path().join("ws/tmp")).unwrap();
        for (name, length) in [
            ("long", 1_000),
            ("short", 1),
            ("nothing-in-it", 0),
            ("full/one", 10),
            ("full/two", 20),
            ("full/big", 1_000),
        ] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            std::fs::write(files.join(name), bytes).unwrap();
        }
        let mode = |name: &str, mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(files.join(name), mode).unwrap();
        };
        mode("short", 0o600);
        mode("empty", 0o700);
        std::os::unix::fs::symlink("long", files.join("link")).unwrap();
        std::fs::hard_link(files.join("full/one"), files.join("first")).unwrap();
        let all: Vec<PathBuf> = snapshot(&files).into_keys().collect();
        for (number, path) in all.iter().rev().enumerate() {
            let time = Timespec {
                tv_sec: 1_000_000 + number as i64,
                tv_nsec: 123,
            };
            let times = Timestamps {
                last_access: time,
                last_modification: time,
            };
            let flags = AtFlags::SYMLINK_NOFOLLOW;
            utimensat(CWD, files.join(path), &times, flags).unwrap();
        }
        let first = snapshot(&files);
        Self { folder, first }
    }

    pub(super) fn root(&self) -> PathBuf {
        self.folder.path().join("ws")
    }

    pub(super) fn files(&self) -> PathBuf {
        self.root().join("files")
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Says only where they differ.
pub(super) fn same(left: &Snapshot, right: &Snapshot) {
    let paths = left.keys().chain(right.keys());
    for path in paths {
        let (left, right) = (left.get(path), right.get(path));
        assert_eq!(left, right, "{}", path.display());
    }
}

/// Of a directory and all that is in it. Its own path is empty.
pub(super) fn snapshot(files: &Path) -> Snapshot {
    let mut seen = Snapshot::new();
    let mut next = vec![PathBuf::new()];
    while let Some(path) = next.pop() {
        let full = files.join(&path);
        let metadata = std::fs::symlink_metadata(&full).unwrap();
        let inside = if metadata.is_dir() {
            let entries = std::fs::read_dir(&full).unwrap();
            next.extend(entries.map(|entry| path.join(entry.unwrap().file_name())));
            Vec::new()
        } else if metadata.is_symlink() {
            let target = std::fs::read_link(&full).unwrap();
            target.into_os_string().into_encoded_bytes()
        } else {
            std::fs::read(&full).unwrap()
        };
        let changed = (metadata.mtime(), metadata.mtime_nsec());
        let what = (
            metadata.mode(),
            metadata.ino(),
            metadata.nlink(),
            changed,
            inside,
        );
        seen.insert(path, what);
    }
    seen
}
