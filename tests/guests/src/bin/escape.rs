//! Tries to leave the directories that it was granted, by the calls themselves and not by way of a C library, which would
//! tidy a path up first.
//!
//! Each line of its input is an attempt, words with a tab between them: what to do, then where, as `DIRECTORY:PATH`. `\0`
//! stands for NUL. To each it says `granted`, with what it saw, `denied: CODE`, or `failed: CODE` where it was let and
//! nothing came of it.

use std::time::{Duration, Instant};
use wasi::filesystem::preopens::get_directories;
use wasi::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, NewTimestamp, OpenFlags, PathFlags,
};

fn main() {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let line = line.replace("\\0", "\0");
        let words: Vec<&str> = line.split('\t').collect();
        match attempt(&words) {
            Ok(saw) => println!("granted {saw}"),
            Err(Denied::NoDirectory) => println!("denied: no-directory"),
            Err(Denied::By(code)) if is_denial(code) => println!("denied: {}", code.name()),
            Err(Denied::By(code)) => println!("failed: {}", code.name()),
            Err(Denied::NoSuchAttempt) => println!("failed: no such attempt"),
        }
    }
}

enum Denied {
    /// The sandbox has no such directory.
    NoDirectory,
    By(ErrorCode),
    NoSuchAttempt,
}

impl From<ErrorCode> for Denied {
    fn from(code: ErrorCode) -> Self {
        Self::By(code)
    }
}

fn is_denial(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Access | ErrorCode::NotPermitted | ErrorCode::ReadOnly
    )
}

/// A path and the granted directory that it is looked up in.
struct Place<'a> {
    directory: Descriptor,
    path: &'a str,
}

fn place(text: &str) -> Result<Place<'_>, Denied> {
    let (name, path) = text.split_once(':').ok_or(Denied::NoSuchAttempt)?;
    let found = get_directories().into_iter().find(|(_, at)| at == name);
    let (directory, _) = found.ok_or(Denied::NoDirectory)?;
    Ok(Place { directory, path })
}

impl Place<'_> {
    fn open(&self, open: OpenFlags, flags: DescriptorFlags) -> Result<Descriptor, ErrorCode> {
        self.directory
            .open_at(PathFlags::SYMLINK_FOLLOW, self.path, open, flags)
    }

    fn to_read(&self) -> Result<Descriptor, ErrorCode> {
        self.open(OpenFlags::empty(), DescriptorFlags::READ)
    }

    fn to_write(&self) -> Result<Descriptor, ErrorCode> {
        self.open(OpenFlags::empty(), DescriptorFlags::WRITE)
    }

    fn directory(&self) -> Result<Descriptor, ErrorCode> {
        self.open(OpenFlags::DIRECTORY, DescriptorFlags::READ)
    }
}

fn attempt(words: &[&str]) -> Result<String, Denied> {
    let done = String::new;
    match *words {
        ["race", at, milliseconds] => race(at, milliseconds),
        ["swap", at, target, milliseconds] => swap(at, target, milliseconds),
        // From an opened directory, which is a root of its own.
        ["within", outer, inner] => {
            let outer = place(outer)?.directory()?;
            let inner = Place {
                directory: outer,
                path: inner,
            };
            Ok(contents(&inner.to_read()?)?)
        }
        ["symlink", target, at] => {
            let at = place(at)?;
            at.directory.symlink_at(target, at.path)?;
            Ok(done())
        }
        ["rename", from, to] => {
            let (from, to) = (place(from)?, place(to)?);
            from.directory
                .rename_at(from.path, &to.directory, to.path)?;
            Ok(done())
        }
        ["link", from, to] => {
            let (from, to) = (place(from)?, place(to)?);
            let none = PathFlags::empty();
            from.directory
                .link_at(none, from.path, &to.directory, to.path)?;
            Ok(done())
        }
        // Opens it again and again, and closes nothing.
        ["hold", at] => {
            let at = place(at)?;
            loop {
                std::mem::forget(at.to_read()?);
            }
        }
        [what, at] => look(what, &place(at)?).unwrap_or_else(|| change(what, &place(at)?)),
        _ => Err(Denied::NoSuchAttempt),
    }
}

/// What leaves everything as it is.
fn look(what: &str, at: &Place<'_>) -> Option<Result<String, Denied>> {
    let seen = match what {
        "read" => at.to_read().and_then(|file| contents(&file)),
        "list" => at.directory().and_then(|directory| names(&directory)),
        "stat" => kind(at, PathFlags::SYMLINK_FOLLOW),
        "lstat" => kind(at, PathFlags::empty()),
        "readlink" => at.directory.readlink_at(at.path),
        "hash" => at
            .directory
            .metadata_hash_at(PathFlags::SYMLINK_FOLLOW, at.path)
            .map(|_| String::new()),
        _ => return None,
    };
    Some(seen.map_err(Denied::By))
}

/// What changes something, if it may.
fn change(what: &str, at: &Place<'_>) -> Result<String, Denied> {
    const BYTES: &[u8] = b"guest";
    let directory = &at.directory;
    let now = NewTimestamp::Now;
    let stream_failed = |_| ErrorCode::NotPermitted;
    match what {
        "create" => {
            at.open(OpenFlags::CREATE, DescriptorFlags::WRITE)?
                .write(BYTES, 0)?;
        }
        "create-new" => {
            let new = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
            at.open(new, DescriptorFlags::WRITE)?.write(BYTES, 0)?;
        }
        "truncate" => drop(at.open(OpenFlags::TRUNCATE, DescriptorFlags::WRITE)?),
        // The flag to write is left out.
        "truncate-to-read" => drop(at.open(OpenFlags::TRUNCATE, DescriptorFlags::READ)?),
        "create-to-read" => drop(at.open(OpenFlags::CREATE, DescriptorFlags::READ)?),
        "write" => drop(at.to_write()?.write(BYTES, 0)?),
        "stream" => (at.to_write()?.write_via_stream(0)?)
            .blocking_write_and_flush(BYTES)
            .map_err(stream_failed)?,
        "append" => (at.to_write()?.append_via_stream()?)
            .blocking_write_and_flush(BYTES)
            .map_err(stream_failed)?,
        "size" => at.to_write()?.set_size(0)?,
        "times" => directory.set_times_at(PathFlags::SYMLINK_FOLLOW, at.path, now, now)?,
        // By a file that was opened for reading.
        "write-as-reader" => drop(at.to_read()?.write(BYTES, 0)?),
        "size-as-reader" => at.to_read()?.set_size(0)?,
        "times-as-reader" => at.to_read()?.set_times(now, now)?,
        "stream-as-reader" => (at.to_read()?.write_via_stream(0)?)
            .blocking_write_and_flush(BYTES)
            .map_err(stream_failed)?,
        "append-as-reader" => (at.to_read()?.append_via_stream()?)
            .blocking_write_and_flush(BYTES)
            .map_err(stream_failed)?,
        "mkdir" => directory.create_directory_at(at.path)?,
        "rmdir" => directory.remove_directory_at(at.path)?,
        "unlink" => directory.unlink_file_at(at.path)?,
        _ => return Err(Denied::NoSuchAttempt),
    }
    Ok(String::new())
}

fn contents(file: &Descriptor) -> Result<String, ErrorCode> {
    let (bytes, _) = file.read(100, 0)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn names(directory: &Descriptor) -> Result<String, ErrorCode> {
    let entries = directory.read_directory()?;
    let mut names = Vec::new();
    while let Some(entry) = entries.read_directory_entry()? {
        names.push(entry.name);
    }
    names.sort_unstable();
    Ok(names.join(","))
}

fn kind(at: &Place<'_>, flags: PathFlags) -> Result<String, ErrorCode> {
    let found = at.directory.stat_at(flags, at.path)?;
    let name = match found.type_ {
        DescriptorType::RegularFile => "file",
        DescriptorType::Directory => "directory",
        DescriptorType::SymbolicLink => "link",
        _ => "special",
    };
    Ok(name.to_owned())
}

fn until(milliseconds: &str) -> Instant {
    Instant::now() + Duration::from_millis(milliseconds.parse().unwrap_or(0))
}

/// Reads a path again and again while others change it: how often it saw `inside`, and what else it saw.
fn race(at: &str, milliseconds: &str) -> Result<String, Denied> {
    let (at, until) = (place(at)?, until(milliseconds));
    let (mut inside, mut tries) = (0_u64, 0_u64);
    let mut other = String::new();
    while Instant::now() < until {
        tries += 1;
        match at.to_read().and_then(|file| contents(&file)) {
            Ok(seen) if seen == "inside" => inside += 1,
            Ok(seen) => other = seen,
            Err(_) => {}
        }
    }
    let often = if inside > 0 && tries > inside {
        "sometimes"
    } else {
        "always or never"
    };
    Ok(format!("{often} inside, other: {other:?}"))
}

/// Puts a link in the place of a directory and the directory back, again and again.
fn swap(at: &str, target: &str, milliseconds: &str) -> Result<String, Denied> {
    let (at, until) = (place(at)?, until(milliseconds));
    let aside = format!("{}-aside", at.path);
    while Instant::now() < until {
        at.directory.rename_at(at.path, &at.directory, &aside)?;
        at.directory.symlink_at(target, at.path)?;
        at.directory.unlink_file_at(at.path)?;
        at.directory.rename_at(&aside, &at.directory, at.path)?;
    }
    Ok(String::new())
}
