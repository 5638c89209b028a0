//! Files of the worktree: what is there, and writing it.

use crate::fail::{Result, error, fatal};
use crate::ignore::Ignored;
use crate::index::{Entry, Index, stat_of};
use crate::objects::{self, MODE_COMMIT, MODE_EXECUTABLE, MODE_FILE, MODE_LINK};
use crate::pathspec::Pathspec;
use crate::repository::Repository;
use gix_hash::ObjectId;
use gix_object::Kind;
use std::fs::Metadata;
use std::path::Path;

/// What is at a path.
pub enum Found {
    Nothing,
    Folder,
    File(Metadata),
}

pub fn look(path: &Path) -> Found {
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Found::Folder,
        Ok(metadata) => Found::File(metadata),
        Err(_) => Found::Nothing,
    }
}

/// The mode for a file. What may be executed is not to be seen, so it is what the index says.
pub fn mode_of(metadata: &Metadata, known: Option<u32>) -> u32 {
    match metadata.file_type().is_symlink() {
        true => MODE_LINK,
        false if known == Some(MODE_EXECUTABLE) => MODE_EXECUTABLE,
        false => MODE_FILE,
    }
}

/// The content as git stores it.
pub fn content(path: &Path, mode: u32) -> Result<Vec<u8>> {
    let read = match mode {
        MODE_LINK => return objects::link_bytes(path),
        _ => std::fs::read(path),
    };
    read.map_err(|reason| {
        fatal(format!(
            "could not open '{}' for reading: {}",
            path.display(),
            swarm_flow_posix::reason(&reason)
        ))
    })
}

/// How a file of the worktree differs from the index.
pub enum Difference {
    None,
    Gone,
    /// Its mode now, and its id.
    Changed(u32, ObjectId),
}

/// Looks at content only where size and time do not tell. Then it is remembered in the entry.
pub fn compare(repository: &Repository, path: &[u8], entry: &mut Entry) -> Result<Difference> {
    if entry.is_skipped() {
        return Ok(Difference::None);
    }
    let file = repository.file(path)?;
    let metadata = match look(&file) {
        Found::File(metadata) => metadata,
        Found::Folder if entry.mode == MODE_COMMIT => return Ok(Difference::None),
        _ => return Ok(Difference::Gone),
    };
    let mode = mode_of(&metadata, Some(entry.mode));
    if mode == entry.mode && entry.is_fresh(&metadata) {
        return Ok(Difference::None);
    }
    let id = objects::hash(Kind::Blob, &content(&file, mode)?)?;
    if mode == entry.mode && id == entry.id && !entry.intent {
        entry.stat = stat_of(&metadata);
        return Ok(Difference::None);
    }
    Ok(Difference::Changed(mode, id))
}

/// Which files nobody tracks are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Untracked {
    No,
    /// A folder without tracked files is one line.
    Folders,
    All,
}

#[derive(Default)]
pub struct Walked {
    pub untracked: Vec<Vec<u8>>,
    pub ignored: Vec<Vec<u8>>,
}

struct Walk<'a> {
    repository: &'a Repository,
    index: &'a Index,
    specs: &'a Pathspec,
    all: bool,
    with_ignored: bool,
    ignored: Ignored,
    out: Walked,
}

/// Files and folders that are not in the index. Folders have a slash at their end.
pub fn walk(
    repository: &Repository,
    index: &Index,
    specs: &Pathspec,
    untracked: Untracked,
    with_ignored: bool,
) -> Result<Walked> {
    if untracked == Untracked::No {
        return Ok(Walked::default());
    }
    let mut walk = Walk {
        repository,
        index,
        specs,
        all: untracked == Untracked::All,
        with_ignored,
        ignored: Ignored::new(repository)?,
        out: Walked::default(),
    };
    walk.folder(b"")?;
    walk.out.untracked.sort();
    walk.out.ignored.sort();
    Ok(walk.out)
}

impl Walk<'_> {
    fn folder(&mut self, folder: &[u8]) -> Result<()> {
        self.ignored.enter(folder)?;
        let result = self.entries(folder);
        self.ignored.leave();
        result
    }

    fn entries(&mut self, folder: &[u8]) -> Result<()> {
        for (name, is_folder) in list(&self.repository.file(folder)?) {
            let path = [folder, &name].concat();
            if name == b".git" {
                continue;
            }
            match is_folder {
                true => self.inner(path)?,
                false => self.file(path),
            }
        }
        Ok(())
    }

    fn file(&mut self, path: Vec<u8>) {
        if self.index.has_path(&path) || !self.specs.matches(&path) {
            return;
        }
        match self.ignored.matches(&path, false) {
            true if self.with_ignored => self.out.ignored.push(path),
            true => {}
            false => self.out.untracked.push(path),
        }
    }

    fn inner(&mut self, path: Vec<u8>) -> Result<()> {
        let below = [path.as_slice(), b"/"].concat();
        if !self.specs.may_match_below(&below) && !self.specs.matches(&path) {
            return Ok(());
        }
        let tracked = self.index.has_folder(&path);
        if self
            .index
            .get(&path)
            .is_some_and(|entry| entry.mode == MODE_COMMIT)
        {
            return Ok(());
        }
        let ignored = self.ignored.matches(&path, true);
        if ignored && !tracked {
            if self.with_ignored
                && self.specs.matches(&path)
                && !is_empty(&self.repository.file(&below)?)
            {
                self.out.ignored.push(below);
            }
            return Ok(());
        }
        let whole = self.specs.matches(&path);
        if !tracked && self.repository.file(&below)?.join(".git").exists() {
            if whole {
                self.out.untracked.push(below);
            }
            return Ok(());
        }
        if tracked || self.all || !whole {
            return self.folder(&below);
        }
        // One line for the folder, if there is anything in it.
        let (before, ignored_before) = (self.out.untracked.len(), self.out.ignored.len());
        self.folder(&below)?;
        if self.out.untracked.len() > before {
            self.out.untracked.truncate(before);
            self.out.untracked.push(below);
        } else if self.out.ignored.len() > ignored_before {
            self.out.ignored.truncate(ignored_before);
            self.out.ignored.push(below);
        }
        Ok(())
    }
}

fn is_empty(folder: &Path) -> bool {
    list(folder)
        .into_iter()
        .all(|(name, is_folder)| is_folder && is_empty(&folder.join(crate::paths::to_path(&name))))
}

/// Names in a folder in order, and which are folders.
fn list(folder: &Path) -> Vec<(Vec<u8>, bool)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<(Vec<u8>, bool)> = entries
        .filter_map(|entry| {
            let kind = entry.file_type().ok()?;
            let name = crate::paths::to_bytes(Path::new(&entry.file_name()));
            (kind.is_dir() || kind.is_file() || kind.is_symlink()).then(|| (name, kind.is_dir()))
        })
        .collect();
    names.sort();
    names
}

/// Puts a blob at a path, and says in the entry what it looks like now.
pub fn write(repository: &Repository, path: &[u8], entry: &mut Entry) -> Result<()> {
    let file = repository.file(path)?;
    if entry.mode == MODE_COMMIT {
        std::fs::create_dir_all(&file)?;
        return Ok(());
    }
    let bytes = repository.objects.blob(&entry.id)?;
    write_bytes(repository, path, entry.mode, &bytes)?;
    if let Found::File(metadata) = look(&file) {
        entry.stat = stat_of(&metadata);
    }
    Ok(())
}

pub fn write_bytes(repository: &Repository, path: &[u8], mode: u32, bytes: &[u8]) -> Result<()> {
    let file = repository.file(path)?;
    let failed = |reason: std::io::Error| {
        error(format!(
            "unable to create file {}: {}",
            String::from_utf8_lossy(path),
            swarm_flow_posix::reason(&reason)
        ))
    };
    make_room(repository, path)?;
    match mode {
        MODE_LINK => link(bytes, &file).map_err(failed),
        _ => std::fs::write(&file, bytes).map_err(failed),
    }
}

/// Folders above a file, in the place of files that stand there, and no link in its own place.
fn make_room(repository: &Repository, path: &[u8]) -> Result<()> {
    for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
        let folder = repository.file(path.get(..at).unwrap_or_default())?;
        match look(&folder) {
            Found::Folder => {}
            Found::Nothing => std::fs::create_dir(&folder)?,
            Found::File(_) => {
                std::fs::remove_file(&folder)?;
                std::fs::create_dir(&folder)?;
            }
        }
    }
    let file = repository.file(path)?;
    match look(&file) {
        Found::File(_) => std::fs::remove_file(&file)?,
        Found::Folder => {
            // Only what is empty goes away.
            let _ = std::fs::remove_dir(&file);
        }
        Found::Nothing => {}
    }
    Ok(())
}

#[cfg(unix)]
fn link(target: &[u8], path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(crate::paths::to_path(target), path)
}

#[cfg(not(unix))]
fn link(target: &[u8], path: &Path) -> std::io::Result<()> {
    let text = |bytes: Vec<u8>| std::ffi::CString::new(bytes).map_err(std::io::Error::other);
    let (target, path) = (text(target.to_vec())?, text(crate::paths::to_bytes(path))?);
    // SAFETY: both are strings that end with a null byte and live until the call returns.
    match unsafe { libc::symlink(target.as_ptr(), path.as_ptr()) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Removes a file, and the folders above it that are empty then.
pub fn remove(repository: &Repository, path: &[u8]) -> Result<()> {
    let file = repository.file(path)?;
    match std::fs::remove_file(&file) {
        Err(reason) if !matches!(look(&file), Found::Nothing) => {
            return Err(error(format!(
                "unable to unlink '{}': {}",
                file.display(),
                swarm_flow_posix::reason(&reason)
            )));
        }
        _ => {}
    }
    let root = repository.root()?;
    let here = crate::paths::absolute(Path::new("."));
    let mut parent = file.parent();
    while let Some(folder) = parent {
        // Git keeps the folder in which it was started.
        if folder == root
            || !folder.starts_with(root)
            || here.starts_with(folder)
            || std::fs::remove_dir(folder).is_err()
        {
            break;
        }
        parent = folder.parent();
    }
    Ok(())
}

/// Reads a file into the object database and the index.
pub fn add(repository: &Repository, index: &mut Index, path: &[u8]) -> Result<()> {
    let file = repository.file(path)?;
    let Found::File(metadata) = look(&file) else {
        index.remove(path);
        return Ok(());
    };
    // In a conflict our side says whether it can be executed.
    let known = [0, 2, 3, 1]
        .iter()
        .find_map(|stage| index.entries.get(&(path.to_vec(), *stage)))
        .map(|entry| entry.mode);
    let mode = mode_of(&metadata, known);
    if let Some(entry) = index.get(path)
        && entry.mode == mode
        && !entry.intent
        && entry.is_fresh(&metadata)
    {
        return Ok(());
    }
    let id = repository
        .objects
        .write(Kind::Blob, &content(&file, mode)?)?;
    let mut entry = Entry::new(mode, id);
    entry.stat = stat_of(&metadata);
    index.put(path, entry);
    Ok(())
}
