//! Names: made, removed, renamed, linked.

use super::change::Creation;
use super::log::Record;
use super::place::{Entry, id, is_directory, is_file};
use super::{Noting, Stop, Undo};
use crate::owners::Want;
use rustix::fs::{
    AtFlags, CWD, Dir, Mode, OFlags, Stat, fstat, linkat, mkdirat, openat, renameat, symlinkat,
    unlinkat,
};
use rustix::io::Errno;
use std::fs::File;
use std::io;

type Done = Result<(), Stop>;

impl Undo {
    pub(super) fn create_directory(&self, directory: &File, path: &str) -> Done {
        let mut change = self.changing()?;
        let entry = change.new_entry(directory, path)?;
        change.made(&entry, |entry| {
            mkdirat(&entry.parent, &*entry.name, Mode::from_raw_mode(0o777))
        })
    }

    pub(super) fn symlink(&self, target: &str, directory: &File, path: &str) -> Done {
        if target.starts_with('/') {
            return Err(Errno::PERM.into());
        }
        let mut change = self.changing()?;
        let entry = change.new_entry(directory, path)?;
        if entry.slash {
            return Err(Errno::NOENT.into());
        }
        change.made(&entry, |entry| {
            symlinkat(target, &entry.parent, &*entry.name)
        })
    }

    pub(super) fn link(&self, old: (&File, &str), new: (&File, &str)) -> Done {
        let mut change = self.changing()?;
        let old = self.root.entry(old.0, old.1)?;
        let stat = old.there()?;
        let new = change.new_entry(new.0, new.1)?;
        if is_directory(&stat) {
            return Err(Errno::PERM.into());
        }
        change.hold(&[Want::Name(old.path.clone())])?;
        let was_made = change.state.made.contains(&id(&stat));
        change.made(&new, |new| {
            let (from, to) = (&old.parent, &new.parent);
            linkat(from, &*old.name, to, &*new.name, AtFlags::empty())
        })?;
        if !was_made {
            change.state.made.remove(&id(&stat));
        }
        Ok(())
    }

    /// Makes an empty file if there is nothing of this name. What is there already is refused if it has to be new.
    pub(super) fn create_file(&self, directory: &File, path: &str, how: Creation) -> Done {
        let mut change = self.changing()?;
        let entry = self.root.named(directory, path, how.follow)?;
        if entry.stat()?.is_some() {
            return match how.exclusive {
                true => Err(Errno::EXIST.into()),
                false => Ok(()),
            };
        }
        if entry.slash {
            return Err(Errno::ISDIR.into());
        }
        change.hold(&[Want::Name(entry.path.clone())])?;
        change.made(&entry, |entry| {
            let flags =
                OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(0o666);
            openat(&entry.parent, &*entry.name, flags, mode).map(drop)
        })
    }

    pub(super) fn unlink(&self, directory: &File, path: &str) -> Done {
        let mut change = self.changing()?;
        let entry = self.root.entry(directory, path)?;
        let stat = entry.there()?;
        if is_directory(&stat) {
            return Err(Errno::ISDIR.into());
        }
        change.hold(&[Want::Name(entry.path.clone())])?;
        change.remove(&entry, &stat)
    }

    pub(super) fn remove_directory(&self, directory: &File, path: &str) -> Done {
        let mut change = self.changing()?;
        let entry = self.root.entry(directory, path)?;
        let stat = entry.there()?;
        if !is_directory(&stat) {
            return Err(Errno::NOTDIR.into());
        }
        change.hold(&[Want::Tree(entry.path.clone())])?;
        only_empty(&entry)?;
        change.remove(&entry, &stat)
    }

    pub(super) fn rename(&self, old: (&File, &str), new: (&File, &str)) -> Done {
        let mut change = self.changing()?;
        let from = self.root.entry(old.0, old.1)?;
        let to = self.root.entry(new.0, new.1)?;
        let moved = from.there()?;
        let replaced = to.stat()?;
        if to.slash && !is_directory(&moved) {
            return Err(Errno::NOTDIR.into());
        }
        match &replaced {
            // One and the same: nothing is to be done.
            Some(replaced) if id(replaced) == id(&moved) => return Ok(()),
            Some(replaced) if is_directory(replaced) && !is_directory(&moved) => {
                return Err(Errno::ISDIR.into());
            }
            Some(replaced) if !is_directory(replaced) && is_directory(&moved) => {
                return Err(Errno::NOTDIR.into());
            }
            _ => {}
        }
        let inside = to.path.strip_prefix(&from.path);
        if inside.is_some_and(|rest| rest.starts_with('/')) {
            return Err(Errno::INVAL.into());
        }
        change.hold(&[Want::Tree(from.path.clone()), Want::Tree(to.path.clone())])?;
        if let Some(replaced) = replaced {
            change.replace(&to, &replaced)?;
        }
        change.touch(&from)?;
        change.touch(&to)?;
        change.note(&Record::Renamed {
            from: from.path.clone(),
            to: to.path.clone(),
            inode: id(&moved).1,
        })?;
        renameat(&from.parent, &*from.name, &to.parent, &*to.name)?;
        Ok(())
    }
}

impl Noting<'_> {
    pub(super) fn hold(&self, wants: &[Want]) -> Done {
        self.undo.owner.hold(wants).map_err(Stop::Blocked)
    }

    /// A name of which there is nothing yet.
    fn new_entry(&self, directory: &File, path: &str) -> Result<Entry, Stop> {
        let entry = self.undo.root.entry(directory, path)?;
        if entry.stat()?.is_some() {
            return Err(Errno::EXIST.into());
        }
        self.hold(&[Want::Name(entry.path.clone())])?;
        Ok(entry)
    }

    fn made(&mut self, entry: &Entry, make: impl FnOnce(&Entry) -> Result<(), Errno>) -> Done {
        self.touch(entry)?;
        self.note(&Record::Made {
            path: entry.path.clone(),
        })?;
        make(entry)?;
        if let Some(stat) = entry.stat()? {
            self.state.made.insert(id(&stat));
        }
        Ok(())
    }

    /// Notes the times of the directory that a name is in.
    fn touch(&mut self, entry: &Entry) -> Done {
        let stat = fstat(&entry.parent)?;
        let directory = id(&stat);
        if self.state.made.contains(&directory) || !self.state.touched.insert(directory) {
            return Ok(());
        }
        let path = entry.path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.note_times(path, &stat)
    }

    fn remove(&mut self, entry: &Entry, stat: &Stat) -> Done {
        self.touch(entry)?;
        if self.state.made.contains(&id(stat)) {
            return self.remove_made(entry, stat);
        }
        self.room(size(stat))?;
        let (number, kept) = self.log()?.keep();
        self.note(&Record::Removed {
            path: entry.path.clone(),
            kept: number,
        })?;
        renameat(&entry.parent, &*entry.name, CWD, kept)?;
        Ok(())
    }

    /// There was no such thing before, and there will be none.
    fn remove_made(&mut self, entry: &Entry, stat: &Stat) -> Done {
        let flags = if is_directory(stat) {
            AtFlags::REMOVEDIR
        } else {
            AtFlags::empty()
        };
        unlinkat(&entry.parent, &*entry.name, flags)?;
        self.gone(stat);
        Ok(())
    }

    /// Its inode may be another's soon.
    fn gone(&mut self, stat: &Stat) {
        if is_directory(stat) || stat.st_nlink < 2 {
            self.state.made.remove(&id(stat));
        }
    }

    /// Something else is about to get this name. A file stays until then.
    fn replace(&mut self, entry: &Entry, stat: &Stat) -> Done {
        if is_directory(stat) {
            only_empty(entry)?;
            return self.remove(entry, stat);
        }
        if self.state.made.contains(&id(stat)) {
            self.gone(stat);
            return Ok(());
        }
        self.touch(entry)?;
        self.room(size(stat))?;
        let (number, kept) = self.log()?.keep();
        linkat(&entry.parent, &*entry.name, CWD, kept, AtFlags::empty())?;
        let noted = self.note(&Record::Removed {
            path: entry.path.clone(),
            kept: number,
        });
        Ok(noted?)
    }
}

#[allow(clippy::cast_sign_loss, reason = "nothing has a length below zero")]
fn size(stat: &Stat) -> u64 {
    if is_file(stat) {
        stat.st_size as u64
    } else {
        0
    }
}

fn only_empty(entry: &Entry) -> io::Result<()> {
    let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(&entry.parent, &*entry.name, flags, Mode::empty())?;
    for inner in Dir::new(directory)? {
        if !matches!(inner?.file_name().to_bytes(), b"." | b"..") {
            return Err(Errno::NOTEMPTY.into());
        }
    }
    Ok(())
}
