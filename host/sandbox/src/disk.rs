//! Room on disk: what the files of a workspace may grow by.
//!
//! What is written is taken off an allowance, with no look at the disk. When the allowance is used up the files are
//! measured, and what was deleted or overwritten since comes back. A file counts with its length, so a sparse one
//! counts in full; one with several names counts once. Sandboxes of a workspace share what is known of it,
//! each under a limit of its own, and what they are writing while it is measured may be missed by that much.

use crate::live::{Live, latest};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Files and directories are limited with the bytes: one for so many bytes of room.
const BYTES_PER_ENTRY: u64 = 4_096;
const ENTRIES_MIN: u64 = 10_000;

/// Directories in directories. A tree that is deeper counts as full: whoever walks it could run out of descriptors.
pub const DEPTH_MAX: usize = 200;

/// There is no room for what should be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the workspace has no room left: {used} of {allowed} {unit} are used")]
pub struct NoRoom {
    pub used: u64,
    pub allowed: u64,
    /// `bytes`, or `files`, which directories and links are too.
    pub unit: &'static str,
}

/// What lies in some directories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupied {
    pub bytes: u64,
    pub entries: u64,
    pub too_deep: bool,
}

/// The allowance of one workspace.
pub struct Disk {
    folders: Arc<Folders>,
    bytes_max: u64,
    live: Option<Live>,
}

#[derive(Debug)]
struct Folders {
    paths: Vec<PathBuf>,
    used: Mutex<Used>,
}

/// No less than what is there, and a file that is removed comes off at the next measure.
#[derive(Debug)]
struct Used {
    bytes: u64,
    entries: u64,
}

impl Disk {
    /// Nothing is looked at before something is written.
    pub fn new(directories: Vec<PathBuf>, bytes_max: u64) -> Self {
        Self {
            folders: Arc::new(Folders {
                paths: directories,
                used: Mutex::new(Used::UNKNOWN),
            }),
            bytes_max,
            live: None,
        }
    }

    /// The same room under another limit.
    #[must_use]
    pub fn limited(&self, bytes_max: u64) -> Self {
        Self {
            folders: self.folders.clone(),
            bytes_max,
            live: None,
        }
    }

    /// Under the latest policy's limit where that is less.
    #[must_use]
    pub fn following(mut self, live: Live) -> Self {
        self.live = Some(live);
        self
    }

    /// Something has been changed without taking room or giving it back.
    pub fn measure_anew(&self) {
        let folders = &self.folders;
        *folders.used.lock().unwrap_or_else(PoisonError::into_inner) = Used::UNKNOWN;
    }

    pub fn bytes_max(&self) -> u64 {
        match latest(self.live.as_ref()) {
            Some(latest) => self.bytes_max.min(latest.limits.disk_bytes),
            None => self.bytes_max,
        }
    }

    /// Whether what lies there counts.
    pub(crate) fn holds(&self, path: &Path) -> bool {
        self.folders
            .paths
            .iter()
            .any(|directory| path.starts_with(directory))
    }

    /// Takes room for so many more bytes and so many more files, directories or links.
    pub fn take(&self, bytes: u64, entries: u64) -> Result<(), NoRoom> {
        if bytes == 0 && entries == 0 {
            return Ok(());
        }
        let bytes_max = self.bytes_max();
        let most = Used {
            bytes: bytes_max,
            entries: (bytes_max / BYTES_PER_ENTRY).max(ENTRIES_MIN),
        };
        let folders = &self.folders;
        let mut used = folders.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.take(bytes, entries, &most) {
            return Ok(());
        }
        // Who is at the limit pays for this each time, in its own CPU time.
        *used = Used::of(&occupied(&folders.paths));
        if used.take(bytes, entries, &most) {
            return Ok(());
        }
        Err(used.no_room(bytes, &most))
    }
}

impl Used {
    const UNKNOWN: Self = Self {
        bytes: u64::MAX,
        entries: u64::MAX,
    };

    fn of(occupied: &Occupied) -> Self {
        Self {
            bytes: occupied.bytes,
            entries: if occupied.too_deep {
                u64::MAX
            } else {
                occupied.entries
            },
        }
    }

    /// Of what there is too much already, nothing can still be taken.
    fn take(&mut self, bytes: u64, entries: u64, most: &Self) -> bool {
        let after = Self {
            bytes: self.bytes.saturating_add(bytes),
            entries: self.entries.saturating_add(entries),
        };
        let enough = (bytes == 0 || after.bytes <= most.bytes)
            && (entries == 0 || after.entries <= most.entries);
        if enough {
            *self = after;
        }
        enough
    }

    fn no_room(&self, bytes: u64, most: &Self) -> NoRoom {
        if bytes > 0 && self.bytes.saturating_add(bytes) > most.bytes {
            NoRoom {
                used: self.bytes,
                allowed: most.bytes,
                unit: "bytes",
            }
        } else {
            NoRoom {
                used: self.entries.min(most.entries),
                allowed: most.entries,
                unit: "files",
            }
        }
    }
}

/// Measures directories. What cannot be read, or vanishes meanwhile, counts nothing.
pub fn occupied(directories: &[PathBuf]) -> Occupied {
    let mut walk = Walk::default();
    for directory in directories {
        // Without it nothing is occupied.
        let _ = walk.directory(directory);
    }
    walk.occupied
}

#[derive(Default)]
struct Walk {
    occupied: Occupied,
    /// Files with several names that were counted.
    linked: HashSet<(u64, u64)>,
}

impl Walk {
    fn directory(&mut self, path: &Path) -> io::Result<()> {
        let root = Dir::open_ambient_dir(path, ambient_authority())?;
        let mut open = vec![root.entries()?];
        while let Some(entries) = open.last_mut() {
            let Some(entry) = entries.next() else {
                open.pop();
                continue;
            };
            // `metadata` does not follow a link.
            let Ok(entry) = entry else { continue };
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            self.occupied.entries = self.occupied.entries.saturating_add(1);
            if metadata.is_dir() {
                if open.len() >= DEPTH_MAX {
                    self.occupied.too_deep = true;
                } else if let Ok(inner) = entry.open_dir().and_then(|inner| inner.entries()) {
                    open.push(inner);
                }
            } else if metadata.nlink() < 2 || self.linked.insert((metadata.dev(), metadata.ino())) {
                self.occupied.bytes = self.occupied.bytes.saturating_add(metadata.len());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(folder: &tempfile::TempDir, bytes_max: u64) -> Disk {
        Disk::new(vec![folder.path().to_owned()], bytes_max)
    }

    #[test]
    fn room_is_taken_until_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder, 100);
        assert_eq!(disk.take(60, 1), Ok(()));
        std::fs::write(folder.path().join("a"), [0; 60]).unwrap();
        assert_eq!(
            disk.take(60, 1),
            Err(NoRoom {
                used: 60,
                allowed: 100,
                unit: "bytes"
            })
        );
        assert_eq!(disk.take(40, 1), Ok(()));
    }

    #[test]
    fn what_was_deleted_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder, 100);
        let file = folder.path().join("a");
        std::fs::write(&file, [0; 100]).unwrap();
        assert!(disk.take(1, 0).is_err());
        std::fs::remove_file(&file).unwrap();
        assert_eq!(disk.take(100, 0), Ok(()));
    }

    #[test]
    fn a_lower_limit_holds_for_who_shares_the_room() {
        let folder = tempfile::tempdir().unwrap();
        let (wide, narrow) = (disk(&folder, 100), disk(&folder, 100).limited(50));
        std::fs::write(folder.path().join("a"), [0; 60]).unwrap();
        assert_eq!(wide.take(1, 0), Ok(()));
        let error = narrow.take(1, 0).unwrap_err();
        assert_eq!((error.used, error.allowed), (60, 50));
        assert_eq!(narrow.take(0, 1), Ok(()), "there is room for names");
        assert_eq!(wide.limited(100).take(39, 0), Ok(()));
        assert!(
            wide.take(1, 0).is_ok(),
            "nothing was written: it is measured"
        );
    }

    #[test]
    fn room_follows_a_policy_that_is_changed() {
        use swarm_flow_policy::{Preset, Surroundings};
        let folder = tempfile::tempdir().unwrap();
        let live = Live::default();
        let disk = disk(&folder, 100).following(live.joined());
        std::fs::write(folder.path().join("a"), [0; 60]).unwrap();
        assert_eq!(disk.take(1, 0), Ok(()));
        let mut policy = Preset::Isolated.policy();
        for (bytes_max, expected) in [(50, 50), (1_000, 100)] {
            policy.limits.disk_bytes = bytes_max;
            live.change(&policy, &Surroundings::default()).unwrap();
            assert_eq!(disk.bytes_max(), expected);
        }
        policy.limits.disk_bytes = 50;
        live.change(&policy, &Surroundings::default()).unwrap();
        assert!(disk.take(1, 0).is_err());
    }

    #[test]
    fn a_hole_counts_and_a_second_name_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(folder.path().join("sparse")).unwrap();
        file.set_len(1 << 40).unwrap();
        std::fs::hard_link(folder.path().join("sparse"), folder.path().join("again")).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("link")).unwrap();
        let occupied = occupied(&[folder.path().to_owned()]);
        assert_eq!(occupied.entries, 3);
        assert_eq!(
            occupied.bytes,
            (1 << 40) + 1,
            "a link is as long as its target's name"
        );
        assert!(!occupied.too_deep);
    }

    #[test]
    fn files_are_limited_too() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder, 1 << 20);
        let error = disk.take(0, ENTRIES_MIN + 1).unwrap_err();
        assert_eq!((error.allowed, error.unit), (ENTRIES_MIN, "files"));
        assert_eq!(disk.take(0, ENTRIES_MIN), Ok(()));
    }

    #[test]
    fn a_tree_that_is_too_deep_counts_as_full() {
        let folder = tempfile::tempdir().unwrap();
        let mut deep = folder.path().to_owned();
        deep.extend(std::iter::repeat_n("d", DEPTH_MAX + 5));
        std::fs::create_dir_all(&deep).unwrap();
        assert!(occupied(&[folder.path().to_owned()]).too_deep);
        assert!(disk(&folder, 1 << 30).take(0, 1).is_err());
    }
}
