//! Files of a workspace: read, write, delete, list.
//!
//! Every path is resolved beneath the workspace's directory by cap-std: a symbolic link that a guest left
//! there cannot lead out. Only regular files are opened, so that a FIFO cannot hold a request.

use crate::tree;
use crate::workspace::{Workspaces, fresh_name, internal};
use bytes::Bytes;
use cap_std::fs::{Dir, DirEntry, File, Metadata, OpenOptions, OpenOptionsExt};
use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::UNIX_EPOCH;
use swarm_flow_protocol::{Error, FILE_BYTES_MAX, FileInfo, FileKind, FilePage, Written};
use swarm_flow_sandbox::DEPTH_MAX;
use swarm_flow_sandbox::undo::{Beside, Changing, NotChanged};

/// Bytes of a path, and of one part of it.
const PATH_BYTES_MAX: usize = 4_096;
const NAME_BYTES_MAX: usize = 255;

/// Where a file would be written that is asked for by this path: relative to the workspace, without the links on the way. The last
/// part is no link for who writes, which replaces it.
pub(crate) fn real(workspaces: &Workspaces, id: &str, path: &str) -> Option<String> {
    check(path).ok()?;
    let files = workspaces.files(id).ok()?;
    let mut missing = Vec::new();
    let mut parts: Vec<&str> = path.split('/').collect();
    missing.extend(parts.pop());
    let folder = loop {
        if parts.is_empty() {
            break String::new();
        }
        match files.canonicalize(parts.join("/")) {
            Ok(folder) => break folder.to_str()?.to_owned(),
            Err(_) => missing.extend(parts.pop()),
        }
    };
    let folder = Some(folder).filter(|folder| !matches!(folder.as_str(), "" | "."));
    let rest = missing.into_iter().rev().map(str::to_owned);
    let all: Vec<String> = folder.into_iter().chain(rest).collect();
    Some(all.join("/"))
}

/// Reads a file, or a part of one.
pub(crate) fn read(
    workspaces: &Workspaces,
    id: &str,
    path: &str,
    offset: u64,
    length: Option<u64>,
) -> Result<(FileInfo, Bytes), Error> {
    check(path)?;
    let files = workspaces.files(id)?;
    // To open a device or a socket may already do something.
    let found = files.metadata(path);
    only_a_file(path, &found.map_err(|error| file_error(path, &error))?)?;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let mut file = files
        .open_with(path, &options)
        .map_err(|error| file_error(path, &error))?;
    let metadata = file.metadata().map_err(|error| file_error(path, &error))?;
    only_a_file(path, &metadata)?;
    let left = metadata.len().saturating_sub(offset);
    let length = length.map_or(left, |length| length.min(left));
    if length > FILE_BYTES_MAX {
        return Err(Error::TooLarge {
            name: "file_bytes".to_owned(),
            allowed: FILE_BYTES_MAX,
        });
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.seek(SeekFrom::Start(offset))
        .and_then(|_| file.take(length).read_to_end(&mut bytes))
        .map_err(|error| file_error(path, &error))?;
    Ok((info(path, &metadata), bytes.into()))
}

/// Waits until no command is in the way of making, replacing or removing what lies at a path, and keeps those away that want
/// to as long as the result is there.
pub(crate) async fn changing(
    workspaces: &Workspaces,
    id: &str,
    path: &str,
) -> Result<Changing, Error> {
    check(path)?;
    let place = workspaces.place(id)?;
    let beside = Beside::new(&workspaces.owners(id), &place.root);
    let changing = beside.change(&place.files, path).await;
    changing.map_err(|failed| match failed {
        NotChanged::Failed(error) => file_error(path, &error),
        busy => conflict(format!("file-busy: `{path}` cannot be changed now: {busy}")),
    })
}

/// Writes a file as a whole or not at all: it is written aside and moved to its place.
pub(crate) fn write(
    workspaces: &Workspaces,
    id: &str,
    path: &str,
    bytes: &[u8],
    disk_bytes_max: u64,
) -> Result<Written, Error> {
    check(path)?;
    let files = workspaces.files(id)?;
    // As if all of it were new: what was there before comes back with the next measure.
    let entries = path.split('/').count() as u64;
    workspaces
        .disk(id, disk_bytes_max)?
        .take(bytes.len() as u64, entries)
        .map_err(|no_room| Error::TooLarge {
            name: format!("disk_{}", no_room.unit),
            allowed: no_room.allowed,
        })?;
    let (parent, name) = match path.rsplit_once('/') {
        Some((parent, name)) => (Some(parent), name),
        None => (None, path),
    };
    let target = match parent {
        None => files,
        Some(parent) => files
            .create_dir_all(parent)
            .and_then(|()| files.open_dir(parent))
            .map_err(|error| file_error(parent, &error))?,
    };
    let before = target.symlink_metadata(name);
    if before.as_ref().is_ok_and(Metadata::is_dir) {
        return Err(conflict(format!("`{path}` is a directory")));
    }
    let aside = workspaces.aside()?;
    let temporary = fresh_name();
    let moved = aside
        .create(&temporary)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| aside.rename(&temporary, &target, name));
    if let Err(error) = moved {
        // The write failed; what lies aside is of no use to anyone, and the next start removes it too.
        let _ = aside.remove_file(&temporary);
        return Err(file_error(path, &error));
    }
    let metadata = target
        .symlink_metadata(name)
        .map_err(|error| file_error(path, &error))?;
    Ok(Written {
        file: info(path, &metadata),
        created: before.is_err(),
    })
}

/// Removes a file, or a directory with all that is in it.
pub(crate) fn delete(workspaces: &Workspaces, id: &str, path: &str) -> Result<(), Error> {
    check(path)?;
    let files = workspaces.files(id)?;
    let metadata = files
        .symlink_metadata(path)
        .map_err(|error| file_error(path, &error))?;
    let removed = if metadata.is_dir() {
        let aside = workspaces.aside()?;
        let name = fresh_name();
        files
            .rename(path, &aside, &name)
            .and_then(|()| tree::remove(&aside, &name))
    } else {
        files.remove_file(path)
    };
    removed.map_err(|error| file_error(path, &error))
}

/// The entries of a directory in order of path, those after `cursor`.
pub(crate) fn list(
    workspaces: &Workspaces,
    id: &str,
    path: &str,
    recursive: bool,
    cursor: Option<&str>,
    limit: usize,
) -> Result<FilePage, Error> {
    let path = path.trim_end_matches('/');
    let files = workspaces.files(id)?;
    let directory = if path.is_empty() {
        files
    } else {
        check(path)?;
        files
            .open_dir(path)
            .map_err(|error| file_error(path, &error))?
    };
    let mut page = Page {
        after: cursor,
        items_max: limit + 1,
        items: BTreeMap::new(),
    };
    walk(&directory, path, recursive, &mut page).map_err(|error| file_error(path, &error))?;
    let more = page.items.len() > limit;
    let items: Vec<FileInfo> = page.items.into_values().take(limit).collect();
    let next = if more {
        items.last().map(|item| item.path.clone())
    } else {
        None
    };
    Ok(FilePage { items, next })
}

/// The first entries after a cursor. No more than these are kept: a guest may have made a million, with long paths.
struct Page<'a> {
    after: Option<&'a str>,
    items_max: usize,
    items: BTreeMap<String, FileInfo>,
}

impl Page<'_> {
    fn put(&mut self, info: FileInfo) {
        if self.after.is_some_and(|after| info.path.as_str() <= after) {
            return;
        }
        self.items.insert(info.path.clone(), info);
        if self.items.len() > self.items_max {
            self.items.pop_last();
        }
    }
}

/// Directories deeper than [`DEPTH_MAX`] are listed, not what is in them.
fn walk(directory: &Dir, prefix: &str, recursive: bool, page: &mut Page<'_>) -> io::Result<()> {
    let mut open = vec![(directory.entries()?, prefix.to_owned())];
    while let Some((entries, prefix)) = open.last_mut() {
        let Some(entry) = entries.next() else {
            open.pop();
            continue;
        };
        let entry: DirEntry = entry?;
        let name = entry.file_name();
        // A name that is not UTF-8 cannot be said in JSON. No guest can have made it.
        let Some(name) = name.to_str() else { continue };
        let path = if prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{prefix}/{name}")
        };
        let Some(metadata) = there(entry.metadata())? else {
            continue;
        };
        page.put(info(&path, &metadata));
        if metadata.is_dir()
            && recursive
            && open.len() < DEPTH_MAX
            && let Some(inner) = there(entry.open_dir().and_then(|inner| inner.entries()))?
        {
            open.push((inner, path));
        }
    }
    Ok(())
}

/// None for what a guest removed since it was listed, or put something else in the place of.
fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error)
            if matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
                || is_loop(&error) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Refuses what is there and no regular file.
fn only_a_file(path: &str, metadata: &Metadata) -> Result<(), Error> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(conflict(format!(
        "`{path}` is a {}, not a file",
        kind_name(kind(metadata))
    )))
}

/// Refuses a path that is not plainly beneath the workspace, before anything is opened.
fn check(path: &str) -> Result<(), Error> {
    let complaint = if path.is_empty() {
        "is empty"
    } else if path.len() > PATH_BYTES_MAX {
        "is longer than 4096 bytes"
    } else if path.contains('\0') {
        "contains NUL"
    } else if path.starts_with('/') {
        "is absolute; paths are relative to /workspace"
    } else if path.split('/').any(|part| part.len() > NAME_BYTES_MAX) {
        "has a part longer than 255 bytes"
    } else if path
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..")
    {
        "has a part that is empty, `.` or `..`"
    } else {
        return Ok(());
    };
    Err(Error::Invalid {
        field: "path".to_owned(),
        message: complaint.to_owned(),
    })
}

fn info(path: &str, metadata: &Metadata) -> FileInfo {
    let modified = metadata
        .modified()
        .ok()
        .map(cap_std::time::SystemTime::into_std);
    let since = modified
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .unwrap_or_default();
    FileInfo {
        path: path.to_owned(),
        kind: kind(metadata),
        size_bytes: metadata.len(),
        modified_at_ms: since.as_millis().try_into().unwrap_or(u64::MAX),
    }
}

fn kind(metadata: &Metadata) -> FileKind {
    if metadata.is_file() {
        FileKind::File
    } else if metadata.is_dir() {
        FileKind::Directory
    } else if metadata.is_symlink() {
        FileKind::Symlink
    } else {
        FileKind::Other
    }
}

fn kind_name(kind: FileKind) -> &'static str {
    match kind {
        FileKind::File => "file",
        FileKind::Directory => "directory",
        FileKind::Symlink => "symbolic link",
        FileKind::Other => "special file",
    }
}

fn conflict(message: String) -> Error {
    Error::Conflict { message }
}

fn file_error(path: &str, error: &io::Error) -> Error {
    use io::ErrorKind::{
        AlreadyExists, DirectoryNotEmpty, InvalidFilename, InvalidInput, IsADirectory,
        NotADirectory, NotFound, PermissionDenied, StorageFull,
    };
    match error.kind() {
        NotFound => Error::NotFound {
            kind: "file".to_owned(),
            id: path.to_owned(),
            known: Vec::new(),
        },
        NotADirectory | AlreadyExists => {
            conflict(format!("a part of `{path}` is a file, not a directory"))
        }
        IsADirectory | DirectoryNotEmpty => conflict(format!("`{path}` is a directory")),
        // cap-std says so when a path or a link leads out.
        PermissionDenied | InvalidInput => Error::Invalid {
            field: "path".to_owned(),
            message: "leads out of the workspace, or through a link that does".to_owned(),
        },
        // The path itself was looked at, so it is a link that a guest made.
        InvalidFilename => Error::Invalid {
            field: "path".to_owned(),
            message: "leads through a link to a name that is too long".to_owned(),
        },
        _ if is_loop(error) => Error::Invalid {
            field: "path".to_owned(),
            message: "has links that lead in a circle".to_owned(),
        },
        StorageFull => Error::Unavailable {
            message: "the runner's disk is full".to_owned(),
        },
        _ => internal("use a file", error),
    }
}

/// The directory beneath a workspace that a path in the sandbox names, when there is one.
pub(crate) fn is_directory(root: &Path, relative: &str) -> bool {
    let open = || -> io::Result<bool> {
        let root = Dir::open_ambient_dir(root, cap_std::ambient_authority())?;
        Ok(relative.is_empty() || root.metadata(relative)?.is_dir())
    };
    open().unwrap_or(false)
}

/// Opens a file beneath a directory that a sandbox has, as a program would. None if there is no file.
pub(crate) fn open(root: &Path, relative: &str) -> io::Result<Option<File>> {
    let root = Dir::open_ambient_dir(root, cap_std::ambient_authority())?;
    let is_file = |metadata: io::Result<Metadata>| match metadata {
        Ok(metadata) => Ok(metadata.is_file()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    // To open a device or a socket may already do something.
    if !is_file(root.metadata(relative))? {
        return Ok(None);
    }
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let file = root.open_with(relative, &options)?;
    Ok(file.metadata()?.is_file().then_some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "ws_00000000000000000000000000000000";

    #[test]
    fn a_link_to_a_name_that_is_too_long_is_no_fault_of_the_runner() {
        let state = tempfile::tempdir().unwrap();
        let workspaces = Workspaces::open(state.path()).unwrap();
        workspaces.create(ID).unwrap();
        let files = workspaces.files(ID).unwrap();
        files.symlink_contents("n".repeat(4_000), "long").unwrap();
        files.symlink_contents("file", "short").unwrap();
        let is_refused = |refused: Error| {
            let is_of_path = matches!(&refused, Error::Invalid { field, .. } if field == "path");
            assert!(
                is_of_path || matches!(refused, Error::Conflict { .. }),
                "{refused:?}"
            );
        };
        is_refused(read(&workspaces, ID, "long", 0, None).unwrap_err());
        is_refused(read(&workspaces, ID, "long/a", 0, None).unwrap_err());
        is_refused(write(&workspaces, ID, "long/a", b"", 1 << 20).unwrap_err());
        is_refused(delete(&workspaces, ID, "long/a").unwrap_err());
        is_refused(list(&workspaces, ID, "long", false, None, 10).unwrap_err());
        // Its twin leads to a name that could be there, and is; the links themselves go like any file.
        write(&workspaces, ID, "file", b"content", 1 << 20).unwrap();
        let (_, bytes) = read(&workspaces, ID, "short", 0, None).unwrap();
        assert_eq!(bytes, "content");
        delete(&workspaces, ID, "long").unwrap();
        assert!(
            list(&workspaces, ID, "", false, None, 10)
                .unwrap()
                .items
                .len()
                == 2
        );
    }
}
