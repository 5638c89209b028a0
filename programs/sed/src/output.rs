//! Where lines go: standard output, the files of `w`, a file that is edited.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::time::SystemTime;

pub struct Output {
    to: Box<dyn Write>,
    /// The line end that the last line lacked, in case another one comes.
    missing: Option<u8>,
    unbuffered: bool,
}

impl Output {
    pub fn new(to: impl Write + 'static, unbuffered: bool) -> Self {
        Self {
            to: Box::new(BufWriter::with_capacity(1 << 16, to)),
            missing: None,
            unbuffered,
        }
    }

    /// One of the files of a script.
    pub fn named(name: &str) -> io::Result<Self> {
        Ok(match name {
            "/dev/stdout" => Self::new(io::stdout(), true),
            "/dev/stderr" => Self::new(io::stderr(), true),
            name => Self::new(File::create(name)?, true),
        })
    }

    pub fn line(&mut self, bytes: &[u8], separator: u8, ended: bool) -> io::Result<()> {
        self.raw(bytes)?;
        match ended {
            true => self.to.write_all(&[separator])?,
            false => self.missing = Some(separator),
        }
        self.pass_on()
    }

    /// Text with its line ends.
    pub fn text(&mut self, text: &[u8]) -> io::Result<()> {
        self.raw(text)?;
        self.pass_on()
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(separator) = self.missing.take() {
            self.to.write_all(&[separator])?;
        }
        self.to.write_all(bytes)
    }

    fn pass_on(&mut self) -> io::Result<()> {
        match self.unbuffered {
            true => self.to.flush(),
            false => Ok(()),
        }
    }
}

/// A file that is being edited: what comes is beside it until the end.
pub struct Edited {
    path: String,
    beside: String,
}

impl Edited {
    pub fn begin(path: &str) -> io::Result<(Self, Output)> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let unique = now.map_or(0, |since| since.as_nanos());
        let beside = format!("{path}.sed-{unique:x}");
        let file = File::create(&beside)?;
        let edited = Self {
            path: path.to_owned(),
            beside,
        };
        Ok((edited, Output::new(file, false)))
    }

    /// `suffix` names the file as it was; none if it is not kept.
    pub fn end(self, suffix: &str) -> io::Result<()> {
        if !suffix.is_empty() {
            let (folder, name) = match self.path.rsplit_once('/') {
                Some((folder, name)) => (format!("{folder}/"), name),
                None => (String::new(), self.path.as_str()),
            };
            let kept = match suffix.contains('*') {
                true => suffix.replace('*', name),
                false => format!("{name}{suffix}"),
            };
            let kept = match kept.contains('/') {
                true => kept,
                false => folder + &kept,
            };
            fs::rename(&self.path, kept)?;
        }
        fs::rename(self.beside, self.path)
    }
}
