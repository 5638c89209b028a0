//! The files: `audit/00000000000000000001.jsonl` holds the records from the first on, one a line; `audit/sent.json` says which
//! the app has.
//!
//! What was being written as the process ended is a last line without its end, and is cut off. Anything else that does
//! not read as it was written is an [`Error::Damaged`].

use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use swarm_flow_protocol::{AuditEntry, AuditHead, Link};

/// Why a log cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {what} {}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error(
        "the audit log is damaged: {why} in {}; restore the file, or move its folder away: the log then goes on after the records that the app has",
        path.display()
    )]
    Damaged { path: PathBuf, why: String },
}

/// One line of a segment.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub(crate) sequence: u64,
    pub(crate) entry: AuditEntry,
}

impl Line {
    /// Whether it follows the record with this hash.
    pub(crate) fn follows(&self, stream: &str, previous_hash: &str) -> bool {
        let link = Link {
            previous_hash,
            stream,
            sequence: self.sequence,
            kind: &self.entry.kind,
            payload: &self.entry.payload,
            actor: &self.entry.actor,
            at_ms: self.entry.at_ms,
        };
        link.hash() == self.entry.hash
    }

    pub(crate) fn head(&self) -> AuditHead {
        AuditHead {
            sequence: self.sequence,
            hash: self.entry.hash.clone(),
        }
    }
}

const SENT: &str = "sent.json";
const EXTENSION: &str = "jsonl";

/// Makes the folder, for the owner alone.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(folder)
        .map_err(io("make the folder", folder))
}

pub(crate) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.{EXTENSION}"))
}

/// The first records of the segments, in order, and the sizes of the files.
pub(crate) fn list(folder: &Path) -> Result<Vec<(u64, u64)>, Error> {
    let mut segments = Vec::new();
    let failed = || io("list", folder);
    for entry in std::fs::read_dir(folder).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let path = entry.path();
        if path
            .extension()
            .is_none_or(|extension| extension != EXTENSION)
        {
            continue;
        }
        let name = path.file_stem().and_then(|name| name.to_str());
        let first = name.and_then(|name| name.parse().ok());
        let first = first.ok_or_else(|| damaged(&path, "the name is no number"))?;
        segments.push((first, entry.metadata().map_err(failed())?.len()));
    }
    segments.sort_unstable();
    Ok(segments)
}

/// A new segment, or one that was begun in vain.
pub(crate) fn create(folder: &Path, first: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path(folder, first))?;
    file.set_len(0)?;
    // The name survives a loss of power only with the folder.
    File::open(folder)?.sync_all()?;
    Ok(file)
}

pub(crate) fn remove(folder: &Path, first: u64) -> Result<(), Error> {
    let path = path(folder, first);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io("remove", &path)(error)),
        _ => Ok(()),
    }
}

/// Which records the app has; the default where nothing was noted.
pub(crate) fn sent(folder: &Path) -> Result<AuditHead, Error> {
    let path = folder.join(SENT);
    match std::fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| damaged(&path, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(AuditHead::default()),
        Err(error) => Err(io("read", &path)(error)),
    }
}

/// Notes which records the app has, whole or not at all.
pub(crate) fn note_sent(folder: &Path, sent: &AuditHead) -> Result<(), Error> {
    let (path, aside) = (folder.join(SENT), folder.join("sent.aside"));
    let write = || {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&aside)?;
        file.write_all(&serde_json::to_vec(sent)?)?;
        file.sync_data()?;
        std::fs::rename(&aside, &path)
    };
    write().map_err(io("write", &path))
}

/// The whole lines from an offset on, each with where it ends; of at most `bytes_max`, of which one line has less.
pub(crate) fn read(path: &Path, offset: u64, bytes_max: u64) -> Result<Vec<(Line, u64)>, Error> {
    let read = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(bytes_max).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(io("read", path))?;
    let mut end = offset;
    let mut lines = Vec::new();
    for line in whole_lines(&bytes) {
        end += line.len() as u64;
        let line = serde_json::from_slice(line)
            .map_err(|error| damaged(path, format_args!("{error} before byte {end}")))?;
        lines.push((line, end));
    }
    Ok(lines)
}

/// The last record of the last segment, and where it ends. What a killed process left of a line is cut off.
pub(crate) fn mend(
    folder: &Path,
    first: u64,
    stream: &str,
) -> Result<Option<(AuditHead, u64)>, Error> {
    let path = path(folder, first);
    let bytes = std::fs::read(&path).map_err(io("read", &path))?;
    let mut last: Option<(AuditHead, u64)> = None;
    let mut lines = whole_lines(&bytes);
    for line in lines.by_ref() {
        let sequence = last.as_ref().map_or(first, |(head, _)| head.sequence + 1);
        let Ok(read) = serde_json::from_slice::<Line>(line) else {
            break;
        };
        let follows = last
            .as_ref()
            .is_none_or(|(head, _)| read.follows(stream, &head.hash));
        if read.sequence != sequence || !follows {
            return Err(damaged(
                &path,
                format_args!("record {sequence} is another one"),
            ));
        }
        let start = last.as_ref().map_or(0, |(_, end)| *end);
        last = Some((read.head(), start + line.len() as u64));
    }
    let end = last.as_ref().map_or(0, |(_, end)| *end);
    if lines.any(|line| serde_json::from_slice::<Line>(line).is_ok()) {
        return Err(damaged(
            &path,
            format_args!("what is no record, after byte {end},"),
        ));
    }
    if end < bytes.len() as u64 {
        tracing::info!(
            "cut {} bytes off the audit log: a record that was not whole",
            bytes.len() as u64 - end
        );
        let file = OpenOptions::new().write(true).open(&path);
        file.and_then(|file| file.set_len(end))
            .map_err(io("shorten", &path))?;
    }
    Ok(last)
}

/// With their ends; what comes after the last end is none.
fn whole_lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split_inclusive(|byte| *byte == b'\n')
        .filter(|line| line.ends_with(b"\n"))
}

pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { what, path, source }
}

pub(crate) fn damaged(path: &Path, why: impl ToString) -> Error {
    Error::Damaged {
        path: path.to_owned(),
        why: why.to_string(),
    }
}
