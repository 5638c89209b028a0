//! Files by absolute path, through the directories that were granted.

use std::rc::Rc;
use swarm_flow_process::bindings::process::Writer;
use swarm_flow_process::bindings::wasi::filesystem::preopens;
use swarm_flow_process::bindings::wasi::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use swarm_flow_process::bindings::wasi::io::streams::InputStream;

pub struct File(Descriptor);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileError(ErrorCode);

/// How a file is opened for writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Truncate,
    /// Only if there is none.
    New,
    Append,
    /// As it is, from its begin.
    Update,
}

#[derive(Debug, Clone, Copy)]
pub struct Stat {
    pub kind: DescriptorType,
    pub size: u64,
    pub modified: Option<(u64, u32)>,
}

struct Granted {
    path: String,
    directory: Descriptor,
}

thread_local! {
    static GRANTED: Vec<Rc<Granted>> = granted();
}

fn granted() -> Vec<Rc<Granted>> {
    let directories = preopens::get_directories();
    let mut granted: Vec<Rc<Granted>> = directories
        .into_iter()
        .filter(|(_, path)| path.starts_with('/'))
        .map(|(directory, path)| {
            let path = path.trim_end_matches('/').to_owned();
            Rc::new(Granted { path, directory })
        })
        .collect();
    // The longest first: it is the nearest.
    granted.sort_by_key(|granted| std::cmp::Reverse(granted.path.len()));
    granted
}

/// The granted directory that holds the path, and the rest of it.
fn locate(path: &str) -> Result<(Rc<Granted>, String), FileError> {
    GRANTED.with(|granted| {
        for directory in granted {
            let Some(rest) = path.strip_prefix(directory.path.as_str()) else {
                continue;
            };
            if rest.is_empty() || rest.starts_with('/') {
                let rest = rest.trim_start_matches('/');
                let rest = if rest.is_empty() { "." } else { rest };
                return Ok((Rc::clone(directory), rest.to_owned()));
            }
        }
        Err(FileError(ErrorCode::NoEntry))
    })
}

/// Names of granted directories beneath a path that is in none of them, such as `/`.
fn above(path: &str) -> Vec<String> {
    let prefix = format!("{}/", path.trim_end_matches('/'));
    let mut names: Vec<String> = GRANTED.with(|granted| {
        let below = granted
            .iter()
            .filter_map(|directory| directory.path.strip_prefix(&prefix));
        below
            .filter_map(|rest| rest.split('/').next())
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    });
    names.sort();
    names.dedup();
    names
}

/// An absolute path without `.`, `..` and empty parts.
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn follow(follow: bool) -> PathFlags {
    if follow {
        PathFlags::SYMLINK_FOLLOW
    } else {
        PathFlags::empty()
    }
}

pub fn stat(path: &str, follow_links: bool) -> Result<Stat, FileError> {
    let virtual_directory = Stat {
        kind: DescriptorType::Directory,
        size: 4096,
        modified: None,
    };
    match locate(path) {
        Ok((granted, rest)) => {
            let stat = granted.directory.stat_at(follow(follow_links), &rest);
            Ok(plain(&stat.map_err(FileError)?))
        }
        Err(_) if path == "/" || !above(path).is_empty() => Ok(virtual_directory),
        Err(error) => Err(error),
    }
}

fn plain(stat: &DescriptorStat) -> Stat {
    let modified = stat.data_modification_timestamp;
    Stat {
        kind: stat.type_,
        size: stat.size,
        modified: modified.map(|time| (time.seconds, time.nanoseconds)),
    }
}

pub fn is_directory(path: &str) -> bool {
    stat(path, true).is_ok_and(|stat| stat.kind == DescriptorType::Directory)
}

pub fn exists(path: &str) -> bool {
    stat(path, false).is_ok()
}

pub fn is_same(left: &str, right: &str) -> bool {
    let hash = |path: &str| {
        let (granted, rest) = locate(path).ok()?;
        let hash = granted
            .directory
            .metadata_hash_at(follow(true), &rest)
            .ok()?;
        Some((hash.lower, hash.upper))
    };
    hash(left).is_some_and(|left| hash(right) == Some(left))
}

pub fn open(path: &str) -> Result<File, FileError> {
    let (granted, rest) = locate(path)?;
    let file = granted
        .directory
        .open_at(
            follow(true),
            &rest,
            OpenFlags::empty(),
            DescriptorFlags::READ,
        )
        .map_err(FileError)?;
    let kind = file.get_type().map_err(FileError)?;
    if kind == DescriptorType::Directory {
        return Err(FileError(ErrorCode::IsDirectory));
    }
    Ok(File(file))
}

pub fn create(path: &str, mode: Mode) -> Result<File, FileError> {
    let (granted, rest) = locate(path)?;
    let flags = match mode {
        Mode::Truncate => OpenFlags::CREATE | OpenFlags::TRUNCATE,
        Mode::New => OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
        Mode::Append | Mode::Update => OpenFlags::CREATE,
    };
    let access = match mode {
        Mode::Update => DescriptorFlags::READ | DescriptorFlags::WRITE,
        _ => DescriptorFlags::WRITE,
    };
    if rest == "." {
        return Err(FileError(ErrorCode::IsDirectory));
    }
    let file = granted
        .directory
        .open_at(follow(true), &rest, flags, access);
    file.map(File).map_err(FileError)
}

pub fn remove(path: &str) -> Result<(), FileError> {
    let (granted, rest) = locate(path)?;
    granted.directory.unlink_file_at(&rest).map_err(FileError)
}

/// The names in a directory, in no order.
pub fn list(path: &str) -> Result<Vec<(String, DescriptorType)>, FileError> {
    let virtual_names = above(path);
    let (granted, rest) = match locate(path) {
        Ok(found) => found,
        Err(_) if path == "/" || !virtual_names.is_empty() => {
            let names = virtual_names.into_iter();
            return Ok(names
                .map(|name| (name, DescriptorType::Directory))
                .collect());
        }
        Err(error) => return Err(error),
    };
    let directory = granted
        .directory
        .open_at(
            follow(true),
            &rest,
            OpenFlags::DIRECTORY,
            DescriptorFlags::READ,
        )
        .map_err(FileError)?;
    let entries = directory.read_directory().map_err(FileError)?;
    let mut names = Vec::new();
    while let Some(entry) = entries.read_directory_entry().map_err(FileError)? {
        if !matches!(entry.name.as_str(), "." | "..") {
            names.push((entry.name, entry.type_));
        }
    }
    Ok(names)
}

impl File {
    pub fn read(&self, length: u64, position: u64) -> Result<Vec<u8>, FileError> {
        self.0
            .read(length, position)
            .map(|(bytes, _)| bytes)
            .map_err(FileError)
    }

    pub fn write(&self, bytes: &[u8], position: u64) -> Result<u64, FileError> {
        self.0.write(bytes, position).map_err(FileError)
    }

    pub fn writer_at(&self, position: u64) -> Result<Writer, FileError> {
        let stream = self.0.write_via_stream(position);
        stream.map(Writer::from_stream).map_err(FileError)
    }

    pub fn reader(&self, position: u64) -> Result<InputStream, FileError> {
        self.0.read_via_stream(position).map_err(FileError)
    }

    pub fn read_all(&self) -> Result<Vec<u8>, FileError> {
        let mut all = Vec::new();
        loop {
            let bytes = self.read(256 * 1024, all.len() as u64)?;
            if bytes.is_empty() {
                return Ok(all);
            }
            all.extend_from_slice(&bytes);
        }
    }

    /// Everything goes to the file's end, so that copies and other programs write one behind the other.
    pub fn writer(&self) -> Result<Writer, FileError> {
        let stream = self.0.append_via_stream();
        stream.map(Writer::from_stream).map_err(FileError)
    }
}

impl std::fmt::Display for FileError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self.0 {
            ErrorCode::Access => "Permission denied",
            ErrorCode::NotPermitted => "Operation not permitted",
            ErrorCode::ReadOnly => "Read-only file system",
            ErrorCode::NoEntry => "No such file or directory",
            ErrorCode::IsDirectory => "Is a directory",
            ErrorCode::NotDirectory => "Not a directory",
            ErrorCode::Exist => "File exists",
            ErrorCode::InsufficientSpace => "No space left on device",
            ErrorCode::Quota => "Disk quota exceeded",
            ErrorCode::Loop => "Too many levels of symbolic links",
            ErrorCode::NameTooLong => "File name too long",
            ErrorCode::FileTooLarge => "File too large",
            ErrorCode::InsufficientMemory => "Cannot allocate memory",
            ErrorCode::Busy => "Device or resource busy",
            ErrorCode::Unsupported => "Operation not supported",
            other => return formatter.write_str(other.message()),
        })
    }
}
