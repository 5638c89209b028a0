//! Files that come out of archives.

use std::ffi::CString;
use std::fs::{self, File, FileTimes};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Where a name of an archive lies: never outside the folder. None for the folder itself.
pub fn place(name: &str) -> Result<Option<PathBuf>, String> {
    let mut place = PathBuf::new();
    for part in Path::new(name).components() {
        match part {
            Component::Normal(part) => place.push(part),
            Component::ParentDir => return Err(format!("{name}: Member name contains '..'")),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    Ok((!place.as_os_str().is_empty()).then_some(place))
}

pub fn make_parents(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => fs::create_dir_all(folder),
        _ => Ok(()),
    }
}

pub fn symlink(target: &str, path: &Path) -> io::Result<()> {
    let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
    let target = CString::new(target).map_err(invalid)?;
    let path = CString::new(path.as_os_str().as_encoded_bytes()).map_err(invalid)?;
    // SAFETY: both are strings with an end, and the call keeps neither.
    match unsafe { libc::symlink(target.as_ptr(), path.as_ptr()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A time that cannot be set is a pity; the file is there.
pub fn set_modified(path: &Path, seconds: u64) {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let times = FileTimes::new().set_modified(time).set_accessed(time);
    let folder = path.is_dir();
    let _ = File::options()
        .read(true)
        .write(!folder)
        .open(path)
        .and_then(|file| file.set_times(times));
}

pub fn modified(found: &fs::Metadata) -> u64 {
    let since = found
        .modified()
        .ok()
        .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}

/// A tree, folders before what they hold, names in order, without recursion.
pub fn tree(root: &str) -> Vec<PathBuf> {
    let mut open = vec![PathBuf::from(root)];
    let mut all = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() && !path.is_symlink() {
            let mut within: Vec<PathBuf> = fs::read_dir(&path)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
                .collect();
            within.sort();
            open.extend(within.into_iter().rev());
        }
        all.push(path);
    }
    all
}
