//! Room in the folder of compiled files.
//!
//! A file's time of change is when it was last used. When there is more than may be, those that were not used for the
//! longest time go first; never one that this process used. One that another process uses may go: it has it open,
//! and compiles it again when it starts anew.

use super::tag_path;
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// What this process used, in all folders.
static USED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A file that is written aside for longer was left over by a crash.
const ASIDE: Duration = Duration::from_secs(3600);

fn kept() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    USED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on this one stays.
pub(super) fn keep(path: &Path) {
    kept().insert(path.to_owned());
}

/// The same, and it was used just now.
pub(super) fn used(path: &Path) {
    keep(path);
    // In a folder that is not ours to write nothing is removed either.
    _ = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

/// Removes what there is too much of.
pub(super) fn make(directory: &Path, bytes_max: u64) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let (mut bytes, mut unused) = (0_u64, Vec::new());
    let used = kept().clone();
    for entry in entries.flatten() {
        let path = entry.path();
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("cwasm") => {
                bytes = bytes.saturating_add(metadata.len());
                if !used.contains(&path) {
                    unused.push((modified(&metadata), path, metadata.len()));
                }
            }
            Some("tmp") if modified(&metadata).elapsed().is_ok_and(|age| age > ASIDE) => {
                _ = fs::remove_file(&path);
            }
            _ => {}
        }
    }
    unused.sort();
    for (_, path, size_bytes) in unused {
        if bytes <= bytes_max {
            return;
        }
        // Without its tag it is not loaded, so a crash between the two does no harm.
        _ = fs::remove_file(tag_path(&path));
        match fs::remove_file(&path) {
            Ok(()) => {
                tracing::info!("removed {}: it was not used for long", path.display());
                bytes = bytes.saturating_sub(size_bytes);
            }
            Err(error) => tracing::warn!("cannot remove {}: {error}", path.display()),
        }
    }
}

fn modified(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}
