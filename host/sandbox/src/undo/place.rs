//! Where things are in a workspace: their paths relative to its folder, as the kernel knows them, without a link in them.
//!
//! A guest's path is resolved beneath the directory that the guest has, and never leads out of it; what is then done is done
//! in the directory that was found, by one name.

use crate::owners::FileId;
use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, openat, readlinkat, statat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

/// Links that are followed at the end of a path, as the kernel has it.
const LINKS_MAX: u32 = 40;

/// A name in a directory, which there may be or not.
pub(crate) struct Entry {
    pub(super) parent: OwnedFd,
    pub(super) name: String,
    /// Relative to the workspace's folder.
    pub(super) path: String,
    /// The path asked for a directory, by a slash at its end.
    pub(super) slash: bool,
}

impl Entry {
    /// What lies there itself, if there is something.
    pub(super) fn stat(&self) -> io::Result<Option<Stat>> {
        match statat(&self.parent, &*self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The same, where there has to be something of the kind that the path asks for.
    pub(super) fn there(&self) -> io::Result<Stat> {
        let stat = self.stat()?.ok_or(Errno::NOENT)?;
        if self.slash && !is_directory(&stat) {
            return Err(Errno::NOTDIR.into());
        }
        Ok(stat)
    }
}

pub(super) fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

pub(super) fn is_file(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

#[allow(
    clippy::unnecessary_cast,
    clippy::cast_sign_loss,
    reason = "not every system has the same types here"
)]
pub(super) fn id(stat: &Stat) -> FileId {
    (stat.st_dev as u64, stat.st_ino as u64)
}

/// A workspace's folder.
#[derive(Clone, Debug)]
pub(crate) struct Root(PathBuf);

impl Root {
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        folder.canonicalize().map(Self)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Where an open directory is, if it has not been removed.
    pub(crate) fn directory(&self, directory: impl AsFd) -> io::Result<String> {
        let found = self.find(directory.as_fd())?;
        found.ok_or_else(|| Errno::NOENT.into())
    }

    /// Where what is open lies, if that name is still there.
    pub(crate) fn find(&self, open: BorrowedFd<'_>) -> io::Result<Option<String>> {
        let path = path_of(open)?;
        let Ok(path) = path.strip_prefix(&self.0) else {
            return Ok(None);
        };
        let path = path.to_str().ok_or(Errno::ILSEQ)?;
        // A name that is gone is told with a remark at its end, which may be a name as well.
        let there = std::fs::symlink_metadata(self.0.join(path));
        let same = match there {
            Ok(there) => metadata_id(&there) == id(&rustix::fs::fstat(open)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        Ok(same.then(|| path.to_owned()))
    }

    /// What a path names, without following a link at its end.
    pub(crate) fn entry(&self, directory: &File, path: &str) -> io::Result<Entry> {
        if path.starts_with('/') {
            return Err(Errno::PERM.into());
        }
        let plain = path.trim_end_matches('/');
        let slash = plain.len() < path.len();
        let (parent, name) = plain.rsplit_once('/').unwrap_or(("", plain));
        let last = Path::new(name).components().next_back();
        match last {
            Some(Component::Normal(_)) => {}
            Some(_) => return Err(Errno::INVAL.into()),
            None => return Err(Errno::NOENT.into()),
        }
        let parent = if parent.is_empty() {
            directory.as_fd().try_clone_to_owned()?
        } else {
            let directory = Dir::from_std_file(directory.try_clone()?);
            directory.open_dir(parent)?.into_std_file().into()
        };
        let inside = self.directory(&parent)?;
        let path = if inside.is_empty() {
            name.to_owned()
        } else {
            format!("{inside}/{name}")
        };
        Ok(Entry {
            parent,
            name: name.to_owned(),
            path,
            slash,
        })
    }

    /// The same, through the links at its end or not.
    pub(crate) fn named(&self, directory: &File, path: &str, follow: bool) -> io::Result<Entry> {
        match follow {
            true => self.followed(directory, path),
            false => self.entry(directory, path),
        }
    }

    /// What a path names, where each link at its end leads to another name.
    fn followed(&self, directory: &File, path: &str) -> io::Result<Entry> {
        let mut path = path.to_owned();
        for _ in 0..LINKS_MAX {
            let entry = self.entry(directory, &path)?;
            let target = match readlinkat(&entry.parent, &*entry.name, Vec::new()) {
                Ok(target) => target.into_string().map_err(|_| Errno::ILSEQ)?,
                // It is no link, or not there.
                Err(Errno::INVAL | Errno::NOENT) => return Ok(entry),
                Err(error) => return Err(error.into()),
            };
            let plain = path.trim_end_matches('/');
            path = match plain.rsplit_once('/') {
                // An absolute target leads out.
                _ if target.starts_with('/') => return Err(Errno::PERM.into()),
                Some((parent, _)) => format!("{parent}/{target}"),
                None => target,
            };
        }
        Err(Errno::LOOP.into())
    }
}

/// Opens what lies at a path relative to a folder of ours, as it was noted; a link on the way is refused.
pub(super) fn open_noted(folder: &File, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let mut at = openat(
        folder,
        ".",
        OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    if path.is_empty() {
        return Ok(at);
    }
    let mut names = path.split('/').peekable();
    while let Some(name) = names.next() {
        if matches!(name, "" | "." | "..") {
            return Err(Errno::INVAL.into());
        }
        let flags = if names.peek().is_some() {
            OFlags::DIRECTORY | OFlags::RDONLY
        } else {
            flags
        };
        at = openat(
            &at,
            name,
            flags | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
    }
    Ok(at)
}

#[cfg(target_os = "linux")]
fn path_of(open: BorrowedFd<'_>) -> io::Result<PathBuf> {
    std::fs::read_link(itself(open))
}

#[cfg(not(target_os = "linux"))]
fn path_of(open: BorrowedFd<'_>) -> io::Result<PathBuf> {
    use std::os::unix::ffi::OsStringExt as _;
    let path = rustix::fs::getpath(open)?;
    Ok(std::ffi::OsString::from_vec(path.into_bytes()).into())
}

/// What is open as a path, to open it once more.
pub(super) fn itself(open: BorrowedFd<'_>) -> PathBuf {
    use std::os::fd::AsRawFd as _;
    format!("/proc/self/fd/{}", open.as_raw_fd()).into()
}

fn metadata_id(metadata: &std::fs::Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}
