//! Lines, from one file after the other.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use swarm_flow_posix::reason;

pub struct Line {
    pub bytes: Vec<u8>,
    /// It ended with a line end: the last of a file may not.
    pub ended: bool,
}

type Lines = BufReader<Box<dyn Read>>;

pub struct Input {
    files: VecDeque<String>,
    open: Option<(String, Lines)>,
    /// What was read ahead.
    ahead: Option<Line>,
    separator: u8,
    edits: bool,
    /// That some file could not be read, as an exit code.
    pub failed: i32,
}

impl Input {
    pub fn new(files: &[String], separator: u8, edits: bool) -> Self {
        Self {
            files: files.iter().cloned().collect(),
            open: None,
            ahead: None,
            separator,
            edits,
            failed: 0,
        }
    }

    /// The next line of the file that is open.
    pub fn next(&mut self) -> Option<Line> {
        if let Some(line) = self.ahead.take() {
            return Some(line);
        }
        let (name, lines) = self.open.as_mut()?;
        let mut bytes = Vec::new();
        if let Err(error) = lines.read_until(self.separator, &mut bytes) {
            eprintln!("sed: read error on {name}: {}", reason(&error));
            self.failed = 4;
            self.files.clear();
        }
        if bytes.is_empty() {
            return None;
        }
        let ended = bytes.last() == Some(&self.separator);
        if ended {
            bytes.pop();
        }
        Some(Line { bytes, ended })
    }

    /// Whether the file that is open has no more lines.
    pub fn at_end(&mut self) -> bool {
        if self.ahead.is_none() {
            self.ahead = self.next();
        }
        self.ahead.is_none()
    }

    /// Opens the next file that there is.
    pub fn open_next(&mut self) -> bool {
        while let Some(name) = self.files.pop_front() {
            let opened: io::Result<Box<dyn Read>> = match name.as_str() {
                "-" => Ok(Box::new(io::stdin())),
                name => File::open(name).and_then(|file| {
                    let found = file.metadata()?;
                    match found.is_dir() {
                        true => Err(io::ErrorKind::IsADirectory.into()),
                        false => Ok(Box::new(file) as Box<dyn Read>),
                    }
                }),
            };
            match opened {
                Ok(file) => {
                    self.open = Some((name, BufReader::with_capacity(1 << 16, file)));
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                    self.failed = 4;
                    if self.edits {
                        eprintln!("sed: couldn't edit {name}: not a regular file");
                        continue;
                    }
                    eprintln!("sed: read error on {name}: Is a directory");
                    self.files.clear();
                }
                Err(error) => {
                    eprintln!("sed: can't read {name}: {}", reason(&error));
                    self.failed = self.failed.max(2);
                }
            }
        }
        self.open = None;
        false
    }

    /// As the call named it; `-` for standard input.
    pub fn name(&self) -> &str {
        self.open.as_ref().map_or("-", |(name, _)| name)
    }
}
