//! An undo log on disk: a folder with one file of records, a line of JSON each, and beside it what was removed or overwritten.
//!
//! A record is written before what it is about is done, with one `write`: that is enough for a process that may be killed at
//! any instant, and not for a machine that loses its power. The last line may be torn, and is then about nothing that was
//! done.

use rustix::fs::{Stat, Timespec, Timestamps};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

const RECORDS: &str = "records";
/// A log of a version that writes other records cannot be read, and says so.
const VERSION: u32 = 1;

/// Whose changes these are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub workspace: String,
    /// Of the one who runs the command, to find out whether it was committed.
    pub key: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    version: u32,
    #[serde(flatten)]
    subject: Subject,
}

/// Something is about to be done. Paths are relative to the workspace's folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub(super) enum Record {
    /// A name appears, of which there is nothing yet.
    Made { path: String },
    /// A name goes; what it named is in the log's folder.
    Removed { path: String, kept: u64 },
    /// What has this inode gets another name.
    Renamed {
        from: String,
        to: String,
        inode: u64,
    },
    /// A file grows, or what was in it is kept as a copy.
    Written {
        at: At,
        inode: u64,
        length: u64,
        copy: Option<u64>,
        times: Times,
    },
    /// Times are set, or those of a directory change with what is in it.
    Touched {
        path: String,
        inode: u64,
        times: Times,
    },
}

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum At {
    Path(String),
    /// In the log's folder: it was opened before its name went.
    Kept(u64),
}

/// When something was read and changed last: seconds and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Times {
    read: (i64, i64),
    changed: (i64, i64),
}

impl Times {
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_possible_wrap,
        reason = "not every system has the same types here"
    )]
    pub(super) fn of(stat: &Stat) -> Self {
        Self {
            read: (stat.st_atime as i64, stat.st_atime_nsec as i64),
            changed: (stat.st_mtime as i64, stat.st_mtime_nsec as i64),
        }
    }

    pub(super) fn stamps(self) -> Timestamps {
        let time = |(seconds, nanoseconds)| Timespec {
            tv_sec: seconds,
            tv_nsec: nanoseconds,
        };
        Timestamps {
            last_access: time(self.read),
            last_modification: time(self.changed),
        }
    }
}

/// A log that is being written.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    records: File,
    kept_last: u64,
    #[cfg(test)]
    pub(super) records_left: Option<usize>,
}

impl Log {
    pub(super) fn create(folder: &Path, subject: &Subject) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let records = OpenOptions::new()
            .create_new(true)
            .append(true)
            .open(folder.join(RECORDS))?;
        let mut log = Self {
            folder: folder.to_owned(),
            records,
            kept_last: 0,
            #[cfg(test)]
            records_left: None,
        };
        let header = Header {
            version: VERSION,
            subject: subject.clone(),
        };
        log.line(&header)?;
        Ok(log)
    }

    pub(super) fn append(&mut self, record: &Record) -> io::Result<()> {
        self.line(record)?;
        #[cfg(test)]
        if let Some(left) = &mut self.records_left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Err(io::Error::other("killed here"));
            }
        }
        Ok(())
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.records.write_all(&line)
    }

    /// A new name in the log's folder, by its number.
    pub(super) fn keep(&mut self) -> (u64, PathBuf) {
        self.kept_last += 1;
        (self.kept_last, kept(&self.folder, self.kept_last))
    }
}

/// The path of what is kept under a number.
pub(super) fn kept(folder: &Path, number: u64) -> PathBuf {
    folder.join(number.to_string())
}

/// A log that was left over.
pub(super) struct Left {
    records: File,
    /// Each with the length of the file before it.
    pub(super) read: Vec<(u64, Record)>,
}

impl Left {
    /// Whose log it is; none if it had not begun, so that nothing was changed.
    pub(super) fn open(folder: &Path) -> io::Result<Option<(Subject, Self)>> {
        let path = folder.join(RECORDS);
        let mut records = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(records) => records,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        records.read_to_end(&mut bytes)?;
        // What stands behind the last end of a line is torn.
        let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
        let mut lines = lines.by_ref().take_while(|line| line.ends_with(b"\n"));
        let Some(first) = lines.next() else {
            return Ok(None);
        };
        let header: Header = serde_json::from_slice(first)?;
        if header.version != VERSION {
            let message = format!("an undo log of version {}, not {VERSION}", header.version);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let mut at = first.len() as u64;
        let mut read = Vec::new();
        for line in lines {
            read.push((at, serde_json::from_slice(line)?));
            at += line.len() as u64;
        }
        Ok(Some((header.subject, Self { records, read })))
    }

    /// All from there on has been taken back.
    pub(super) fn cut(&self, length: u64) -> io::Result<()> {
        self.records.set_len(length)
    }
}
