//! Reads `spin.toml`, version 2 of the manifest.
//!
//! A manifest is either understood completely or refused: a field that this host does not support is an error
//! with file, line and field, because an application that runs without something it asked for is worse than
//! one that does not start. What Spin refuses is refused here too, so that what runs here runs there.
//!
//! | Table | Accepted |
//! |---|---|
//! | `application` | `name`, `version`, `description`, `authors`, `targets`, `tool` |
//! | `variables` | `default` or `required`, `secret`, `description` |
//! | `trigger` | `http` with `route` (exact, or ending in `/...`) and `component` |
//! | `component` | all but `ai_models`, `allowed_http_hosts`, `profile`; sources and dependencies are local files |

mod check;
mod dependency;
mod schema;
mod source;
mod text_or_table;

use std::path::Path;

use anyhow::Context as _;

pub(crate) use dependency::{Dependency, DependencyName, Inherit};
pub(crate) use schema::{Component, Document};
pub use source::ManifestError;
use source::Source;
pub(crate) use text_or_table::{ComponentSource, FileMount};

/// The labels of databases and of key-value stores that exist.
pub(crate) const LABEL: &str = "default";

/// A manifest that passed every check.
pub struct Manifest {
    source: Source,
    document: Document,
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the manifest {}", path.display()))?;
        Ok(Self::parse(path, text)?)
    }

    /// Checks `text` as if it were the content of the file at `path`.
    pub fn parse(path: &Path, text: String) -> Result<Self, ManifestError> {
        let source = Source::new(path.to_owned(), text);
        let document = schema::parse(&source)?;
        let manifest = Self { source, document };
        check::all(&manifest)?;
        Ok(manifest)
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// A component with its id.
    pub(crate) fn component(&self, id: &str) -> Option<(&toml::Spanned<String>, &Component)> {
        self.document.component.get_key_value(id)
    }

    /// The file that positions refer to.
    pub(crate) fn path(&self) -> &Path {
        self.source.path()
    }

    /// The folder that paths in the manifest start from.
    pub(crate) fn directory(&self) -> &Path {
        match self.source.path().parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    /// The line, counted from one, of something in the document.
    pub(crate) fn line<T>(&self, at: &toml::Spanned<T>) -> usize {
        self.source.line(at.span().start)
    }

    /// An error about something in the document.
    pub(crate) fn error<T>(
        &self,
        at: &toml::Spanned<T>,
        message: impl Into<String>,
    ) -> ManifestError {
        self.source.error(at.span(), message)
    }
}

#[cfg(test)]
mod tests;
