//! The text of a manifest and positions in it.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// What is wrong with a manifest, and where.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {message}", path.display())]
pub struct ManifestError {
    pub path: PathBuf,
    /// Counted from one.
    pub line: usize,
    pub message: String,
}

pub(super) struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    pub fn new(path: PathBuf, text: String) -> Self {
        Self { path, text }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn line(&self, offset: usize) -> usize {
        self.text
            .bytes()
            .take(offset)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1
    }

    pub fn error(&self, span: Range<usize>, message: impl Into<String>) -> ManifestError {
        ManifestError {
            path: self.path.clone(),
            line: self.line(span.start),
            message: message.into(),
        }
    }
}
