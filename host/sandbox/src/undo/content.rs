//! What is in a file, and when it was changed.

use super::log::{At, Record, Times};
use super::place::{id, is_file, itself};
use super::{NotChanged, Noting, Stop, Undo, Written};
use crate::owners::Want;
use rustix::fs::{AtFlags, CWD, Stat, Timestamps, fstat, futimens, linkat, utimensat};
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;

/// Up to where a file stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// It changes from here on.
    From(u64),
    /// It only grows.
    End,
}

impl Undo {
    pub(crate) fn set_size(&self, file: &File, size: u64) -> Result<(), Stop> {
        let mut change = self.changing()?;
        let length = change.before(file, Length::From(size))?;
        if size != length {
            file.set_len(size)?;
        }
        Ok(())
    }

    pub(crate) fn write(&self, file: &File, bytes: &[u8], offset: u64) -> Result<u64, Stop> {
        let mut change = self.changing()?;
        change.before(file, Length::From(offset))?;
        Ok(file.write_at(bytes, offset)? as u64)
    }

    /// All of it, behind what is there.
    pub(crate) fn append(&self, file: &File, bytes: &[u8]) -> Result<(), Stop> {
        let mut change = self.changing()?;
        let length = change.before(file, Length::End)?;
        Ok(file.write_all_at(bytes, length)?)
    }

    pub(crate) fn write_all(&self, file: &File, bytes: &[u8], offset: u64) -> Result<(), Stop> {
        let mut change = self.changing()?;
        change.before(file, Length::From(offset))?;
        Ok(file.write_all_at(bytes, offset)?)
    }

    /// That it may be written to is certain afterwards.
    pub(crate) fn hold_file(&self, file: &File) -> Result<(), Stop> {
        let mut change = self.changing()?;
        change.before(file, Length::End).map(drop)
    }

    /// Sets the times of what is open.
    pub(crate) fn set_times(&self, file: &File, times: &Timestamps) -> Result<(), Stop> {
        let mut change = self.changing()?;
        let stat = fstat(file)?;
        if is_file(&stat) {
            change.before(file, Length::End)?;
        } else if !change.state.made.contains(&id(&stat)) && stat.st_nlink > 0 {
            change.hold(&[Want::File(id(&stat))])?;
            if change.state.touched.insert(id(&stat)) {
                let path = self.root.directory(file)?;
                change.note_times(&path, &stat)?;
            }
        }
        Ok(futimens(file, times)?)
    }

    /// Sets the times of what a path names.
    pub(crate) fn set_times_at(
        &self,
        directory: &File,
        path: &str,
        follow: bool,
        times: &Timestamps,
    ) -> Result<(), Stop> {
        let mut change = self.changing()?;
        let entry = self.root.named(directory, path, follow)?;
        let stat = entry.there()?;
        let what = id(&stat);
        if !change.state.made.contains(&what) {
            change.hold(&[Want::File(what), Want::Name(entry.path.clone())])?;
            let noted = change.state.written.contains_key(&what);
            if !noted && change.state.touched.insert(what) {
                change.note_times(&entry.path, &stat)?;
            }
        }
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        Ok(utimensat(&entry.parent, &*entry.name, times, flags)?)
    }
}

#[allow(clippy::cast_sign_loss, reason = "nothing has a length below zero")]
fn length(stat: &Stat) -> u64 {
    stat.st_size as u64
}

impl Noting<'_> {
    pub(super) fn note_times(&mut self, path: &str, stat: &Stat) -> Result<(), Stop> {
        let noted = self.note(&Record::Touched {
            path: path.to_owned(),
            inode: id(stat).1,
            times: Times::of(stat),
        });
        Ok(noted?)
    }

    /// Notes what a file was, as far as it is about to be changed for the first time, and says how long it is now.
    fn before(&mut self, file: &File, changes: Length) -> Result<u64, Stop> {
        let stat = fstat(file)?;
        let what = id(&stat);
        let now = length(&stat);
        // What has no name any more is nobody's afterwards.
        if self.state.made.contains(&what) || stat.st_nlink == 0 {
            return Ok(now);
        }
        if !is_file(&stat) {
            return Err(Errno::ISDIR.into());
        }
        let known = self.state.written.get(&what);
        let overwrites = |length| matches!(changes, Length::From(offset) if offset < length);
        let mut written = match known {
            Some(known) if known.copied || !overwrites(known.length) => return Ok(now),
            Some(known) => known.clone(),
            None => Written {
                length: now,
                times: Times::of(&stat),
                copied: false,
            },
        };
        let at = self.at(file, &stat)?;
        written.copied = overwrites(written.length);
        let copy = match written.copied {
            true => Some(self.copy(file, written.length)?),
            false => None,
        };
        self.note(&Record::Written {
            at,
            inode: what.1,
            length: written.length,
            copy,
            times: written.times,
        })?;
        self.state.written.insert(what, written);
        Ok(now)
    }

    /// Where a file is now, which it is until the records from here on have been taken back.
    fn at(&mut self, file: &File, stat: &Stat) -> Result<At, Stop> {
        if let Some(path) = self.undo.root.find(file.as_fd())? {
            self.hold(&[Want::File(id(stat)), Want::Name(path.clone())])?;
            return Ok(At::Path(path));
        }
        // Its name went, and there is another, or it is in the log.
        self.hold(&[Want::File(id(stat))])?;
        let (number, kept) = self.log()?.keep();
        let open = itself(file.as_fd());
        linkat(CWD, open, CWD, kept, AtFlags::SYMLINK_FOLLOW)?;
        Ok(At::Kept(number))
    }

    /// A copy of the beginning of a file, which has not been changed yet.
    fn copy(&mut self, file: &File, length: u64) -> Result<u64, NotChanged> {
        self.room(length)?;
        let (number, kept) = self.log()?.keep();
        let mut copy = OpenOptions::new().write(true).create_new(true).open(kept)?;
        // The guest may have opened it for writing only.
        let mut file = File::open(itself(file.as_fd()))?;
        if clone(&copy, &file).is_err() {
            file.rewind()?;
            io::copy(&mut file.take(length), &mut copy)?;
        } else {
            copy.set_len(length)?;
        }
        Ok(number)
    }
}

/// Lets both have the same blocks, where the disk can.
#[cfg(target_os = "linux")]
fn clone(to: &File, from: &File) -> Result<(), Errno> {
    rustix::fs::ioctl_ficlone(to, from)
}

#[cfg(not(target_os = "linux"))]
fn clone(_: &File, _: &File) -> Result<(), Errno> {
    Err(Errno::NOTSUP)
}
