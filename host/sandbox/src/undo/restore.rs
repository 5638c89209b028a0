//! Taking back what a log says was done, the last first.
//!
//! Each step can be done twice, and the log is cut behind it, so that whoever is killed meanwhile goes on where it was. A step
//! looks at what is there before it touches it: what the log announced may not have been done any more.

use super::log::{At, Left, Record, Times, kept};
use super::place::{id, is_directory, open_noted};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, Stat, openat, renameat, statat, unlinkat, utimensat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Takes back what is in a log, in this folder of a workspace.
pub(super) fn restore(left: &Left, log: &Path, root: &Path) -> io::Result<()> {
    let root = match File::open(root) {
        Ok(root) => root,
        // The workspace is gone, and all that was changed in it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let restore = Restore { root: &root, log };
    for (before, record) in left.read.iter().rev() {
        match restore.record(record) {
            Err(Errno::NOENT) => tracing::warn!("cannot take back {record:?}: it is not there"),
            done => done?,
        }
        left.cut(*before)?;
    }
    Ok(())
}

struct Restore<'a> {
    root: &'a File,
    log: &'a Path,
}

type Done = Result<(), Errno>;

impl Restore<'_> {
    fn record(&self, record: &Record) -> Done {
        match record {
            Record::Made { path } => self.remove(path),
            Record::Removed { path, kept } => self.put_back(path, *kept),
            Record::Renamed { from, to, inode } => self.rename(to, from, *inode),
            Record::Written {
                at,
                inode,
                length,
                copy,
                times,
            } => self.write(at, *inode, *length, *copy, *times),
            Record::Touched { path, inode, times } => self.touch(path, *inode, *times),
        }
    }

    fn parent<'p>(&self, path: &'p str) -> Result<(OwnedFd, &'p str), Errno> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        Ok((self.directory(parent)?, name))
    }

    fn directory(&self, path: &str) -> Result<OwnedFd, Errno> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY;
        open_noted(self.root, path, flags).map_err(errno)
    }

    fn remove(&self, path: &str) -> Done {
        let (parent, name) = self.parent(path)?;
        let Some(stat) = stat(&parent, name)? else {
            return Ok(());
        };
        let flags = if is_directory(&stat) {
            AtFlags::REMOVEDIR
        } else {
            AtFlags::empty()
        };
        unlinkat(parent, name, flags)
    }

    fn put_back(&self, path: &str, number: u64) -> Done {
        let kept = kept(self.log, number);
        match statat(CWD, &kept, AtFlags::SYMLINK_NOFOLLOW) {
            // It was put back already, or never taken away.
            Err(Errno::NOENT) => return Ok(()),
            kept => kept?,
        };
        let (parent, name) = self.parent(path)?;
        renameat(CWD, &kept, parent, name)
    }

    fn rename(&self, from: &str, to: &str, inode: u64) -> Done {
        let (old, old_name) = self.parent(from)?;
        if stat(&old, old_name)?.is_none_or(|stat| id(&stat).1 != inode) {
            return Ok(());
        }
        let (new, new_name) = self.parent(to)?;
        renameat(old, old_name, new, new_name)
    }

    fn write(&self, at: &At, inode: u64, length: u64, copy: Option<u64>, times: Times) -> Done {
        let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let opened = match at {
            At::Path(path) => open_noted(self.root, path, flags).map_err(errno),
            At::Kept(number) => openat(CWD, kept(self.log, *number), flags, Mode::empty()),
        };
        let mut file = File::from(opened?);
        if id(&rustix::fs::fstat(&file)?).1 != inode {
            return Err(Errno::NOENT);
        }
        let mut write = || -> io::Result<()> {
            if let Some(copy) = copy {
                io::copy(&mut File::open(kept(self.log, copy))?, &mut file)?;
            }
            file.set_len(length)
        };
        write().map_err(errno)?;
        rustix::fs::futimens(&file, &times.stamps())
    }

    fn touch(&self, path: &str, inode: u64, times: Times) -> Done {
        let (parent, name) = self.parent(path)?;
        if stat(&parent, name)?.is_none_or(|stat| id(&stat).1 != inode) {
            return Ok(());
        }
        utimensat(parent, name, &times.stamps(), AtFlags::SYMLINK_NOFOLLOW)
    }
}

fn stat(parent: &OwnedFd, name: &str) -> Result<Option<Stat>, Errno> {
    match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

fn errno(error: io::Error) -> Errno {
    Errno::from_io_error(&error).unwrap_or(Errno::IO)
}

/// Each step is done and, as if killed before its record was cut off, done again.
#[cfg(test)]
pub(super) fn restore_twice(log: &Path, root: &Path) -> io::Result<()> {
    let root = File::open(root)?;
    while let Some((_, mut left)) = Left::open(log)? {
        let Some((before, last)) = left.read.pop() else {
            break;
        };
        let restore = Restore { root: &root, log };
        for _ in 0..2 {
            match restore.record(&last) {
                Err(Errno::NOENT) => {}
                done => done?,
            }
        }
        left.cut(before)?;
    }
    Ok(())
}
