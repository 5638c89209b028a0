//! Files that come out of archives.

use std::ffi::CString;
use std::fs;
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

/// A time that cannot be set is a pity; the file is there. That of a link is its own.
pub fn set_modified(path: &Path, time: Duration) {
    let Ok(path) = CString::new(path.as_os_str().as_encoded_bytes()) else {
        return;
    };
    let Ok(seconds) = libc::time_t::try_from(time.as_secs()) else {
        return;
    };
    let mut moment = libc::timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    };
    moment.tv_nsec = time.subsec_nanos().try_into().unwrap_or_default();
    let times = [moment, moment];
    let flags = libc::AT_SYMLINK_NOFOLLOW;
    // SAFETY: a string with an end and two moments, and the call keeps neither.
    let _ = unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), times.as_ptr(), flags) };
}

pub fn modified(found: &fs::Metadata) -> Duration {
    let since = found
        .modified()
        .ok()
        .and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.unwrap_or_default()
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
