//! Where what came goes.

use crate::options::Place;
use crate::problem::{self, Problem};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use swarm_flow_posix::reason;
use url::Url;

/// Where files are made.
pub struct Folder<'a> {
    pub path: Option<&'a str>,
    pub create: bool,
}

/// What stands for a file.
enum Target {
    Stdout,
    Stderr,
    /// `/dev/null`, for which nothing has to be opened.
    Nowhere,
    File(PathBuf),
}

pub struct Output {
    target: Target,
    create_folders: bool,
    /// Made with the first byte: a request that fails leaves no file.
    file: Option<File>,
    dumped: bool,
}

impl Output {
    pub fn new(place: Place, url: &Url, folder: Folder<'_>) -> Result<Self, Problem> {
        let name = match place {
            Place::Stdout => "/dev/stdout".to_owned(),
            Place::File(path) => path,
            Place::Remote => {
                let last = url.path().rsplit('/').next().unwrap_or_default();
                if last.is_empty() {
                    return Err(Problem::new(
                        problem::WRITE,
                        "Remote file name has no length",
                    ));
                }
                last.to_owned()
            }
        };
        Ok(Self {
            target: match (name.as_str(), folder.path) {
                ("/dev/stdout", _) => Target::Stdout,
                ("/dev/stderr", _) => Target::Stderr,
                ("/dev/null", _) => Target::Nowhere,
                (name, Some(path)) => Target::File(Path::new(path).join(name)),
                (name, None) => Target::File(PathBuf::from(name)),
            },
            create_folders: folder.create,
            file: None,
            dumped: false,
        })
    }

    /// Empty for the output of the program.
    pub fn name(&self) -> String {
        match &self.target {
            Target::File(path) => path.display().to_string(),
            Target::Nowhere => "/dev/null".to_owned(),
            Target::Stdout | Target::Stderr => String::new(),
        }
    }

    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        let written = match &self.target {
            Target::Nowhere => Ok(()),
            Target::Stderr => std::io::stderr().write_all(bytes),
            // At once: what reads it may wait for each piece.
            Target::Stdout => {
                let mut out = std::io::stdout().lock();
                out.write_all(bytes).and_then(|()| out.flush())
            }
            Target::File(_) => {
                self.end()?;
                self.file
                    .as_mut()
                    .map_or(Ok(()), |file| file.write_all(bytes))
            }
        };
        written.map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Problem::new(
                problem::WRITE,
                "Failure writing output to destination: its reader has left",
            ),
            _ => Problem::new(
                problem::WRITE,
                format!("Failure writing output to destination: {}", reason(&error)),
            ),
        })
    }

    /// A body without a byte is an empty file.
    pub fn end(&mut self) -> Result<(), Problem> {
        let (Target::File(path), None) = (&self.target, &self.file) else {
            return Ok(());
        };
        let failed = |error| unwritable(&path.display().to_string(), &error);
        if let (Some(above), true) = (path.parent(), self.create_folders) {
            fs::create_dir_all(above).map_err(failed)?;
        }
        self.file = Some(File::create(path).map_err(failed)?);
        Ok(())
    }

    pub fn dump(&mut self, path: &str, head: &[u8]) -> Result<(), Problem> {
        if path == "-" {
            return self.write(head);
        }
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .append(self.dumped)
            .truncate(!self.dumped)
            .open(path);
        self.dumped = true;
        file.and_then(|mut file| file.write_all(head))
            .map_err(|error| unwritable(path, &error))
    }
}

fn unwritable(path: &str, error: &std::io::Error) -> Problem {
    Problem::new(
        problem::WRITE,
        format!("Failed to open the file {path}: {}", reason(error)),
    )
}
