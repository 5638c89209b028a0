//! What a guest asks for by names, as data: what it needs to hold, and how it is done.

use super::place::{Root, id};
use super::{Stop, Undo};
use crate::owners::Want;
use rustix::fs::Timestamps;
use std::fs::File;
use std::io;
use std::sync::Arc;

/// Paths are relative to the directories that come with it, in the same order.
pub(crate) enum Change<'a> {
    CreateDirectory(&'a str),
    RemoveDirectory(&'a str),
    Unlink(&'a str),
    /// The target, then the link's own path.
    Symlink(&'a str, &'a str),
    Link(&'a str, &'a str),
    Rename(&'a str, &'a str),
    /// Through links at the end or not.
    Times(&'a str, bool, Timestamps),
    Open(&'a str, Creation),
}

/// What opening a file does before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Creation {
    pub(crate) creates: bool,
    pub(crate) exclusive: bool,
    /// Through links at the end of its path.
    pub(crate) follow: bool,
    pub(crate) truncates: bool,
}

impl Change<'_> {
    /// What it changes, for who only holds it.
    pub(super) fn wants(&self, root: &Root, at: &[Arc<File>]) -> io::Result<Vec<Want>> {
        let each = |paths: &[&str], want: fn(String) -> Want| {
            let named = at.iter().zip(paths);
            named
                .map(|(at, path)| Ok(want(root.entry(at, path)?.path)))
                .collect()
        };
        match self {
            Self::CreateDirectory(path) | Self::Unlink(path) | Self::Symlink(_, path) => {
                each(&[path], Want::Name)
            }
            Self::Link(old, new) => each(&[old, new], Want::Name),
            Self::RemoveDirectory(path) => each(&[path], Want::Tree),
            Self::Rename(old, new) => each(&[old, new], Want::Tree),
            Self::Times(path, follow, _) => opened(root, at, path, *follow, true),
            Self::Open(path, how) => opened(root, at, path, how.follow, how.truncates),
        }
    }
}

impl Undo {
    /// Notes and does it.
    pub(crate) fn change(&self, change: &Change<'_>, at: &[Arc<File>]) -> Result<(), Stop> {
        match (change, at) {
            (Change::CreateDirectory(path), [at]) => self.create_directory(at, path),
            (Change::RemoveDirectory(path), [at]) => self.remove_directory(at, path),
            (Change::Unlink(path), [at]) => self.unlink(at, path),
            (Change::Symlink(target, path), [at]) => self.symlink(target, at, path),
            (Change::Link(old, new), [from, to]) => self.link((from, old), (to, new)),
            (Change::Rename(old, new), [from, to]) => self.rename((from, old), (to, new)),
            (Change::Times(path, follow, times), [at]) => {
                self.set_times_at(at, path, *follow, times)
            }
            (Change::Open(path, how), [at]) if how.creates => self.create_file(at, path, *how),
            (Change::Open(..), [_]) => Ok(()),
            _ => Err(rustix::io::Errno::INVAL.into()),
        }
    }
}

/// The file if it is changed, its name if it is made.
fn opened(
    root: &Root,
    at: &[Arc<File>],
    path: &str,
    follow: bool,
    changes: bool,
) -> io::Result<Vec<Want>> {
    let mut wants = Vec::new();
    for directory in at {
        let entry = root.named(directory, path, follow)?;
        match entry.stat()? {
            Some(stat) if changes => wants.push(Want::File(id(&stat))),
            Some(_) => {}
            None => wants.push(Want::Name(entry.path)),
        }
    }
    Ok(wants)
}
