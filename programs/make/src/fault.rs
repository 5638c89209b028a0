//! What ends a run of `make` early, and the places in makefiles that messages name.

use std::fmt;
use std::rc::Rc;

/// A line of a makefile.
#[derive(Clone)]
pub struct Location {
    pub file: Rc<str>,
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file, self.line)
    }
}

pub enum Fault {
    /// `*** text.  Stop.`
    Stop {
        location: Option<Location>,
        text: String,
    },
    /// All has been said already.
    Exit(i32),
}

pub type Outcome<T> = Result<T, Fault>;

impl Fault {
    pub fn at(location: Option<Location>, text: impl Into<String>) -> Self {
        Self::Stop {
            location,
            text: text.into(),
        }
    }

    /// An error that no line of a makefile is to blame for.
    pub fn plain(text: impl Into<String>) -> Self {
        Self::at(None, text)
    }
}
