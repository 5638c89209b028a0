//! Programs that were built, in the user's cache folder under what they were built from: a fresh clone finds them, and what
//! cargo would compile again for no reason is not compiled.

use crate::file;
use crate::project::cache;
use anyhow::Result;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The place of one.
pub struct Kept {
    name: String,
    /// None where there is no cache folder.
    path: Option<PathBuf>,
}

/// So many of one program are kept.
const VERSIONS_MAX: usize = 4;

impl Kept {
    /// `sources` is a hash of all that it is built from.
    pub fn of(name: &str, sources: &str) -> Self {
        let file = format!("{name}-{sources}.wasm");
        Self {
            name: name.to_owned(),
            path: cache().map(|cache| cache.join("programs").join(file)),
        }
    }

    /// Puts it where it belongs, if it is there.
    pub fn take(&self, out: &Path) -> Result<bool> {
        match &self.path {
            Some(path) if path.exists() => {
                eprintln!("    found in the cache: {}", path.display());
                file::write_if_changed(out, &file::read(path)?)?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Keeps what was built. A cache that cannot be written is a pity and no more.
    pub fn keep(&self, out: &Path) {
        let Some(path) = &self.path else { return };
        let kept = file::read(out).and_then(|bytes| file::write_if_changed(path, &bytes));
        if let Err(error) = kept.and_then(|()| self.forget(path)) {
            eprintln!("    not kept in the cache: {error:#}");
        }
    }

    /// Removes the oldest.
    fn forget(&self, path: &Path) -> Result<()> {
        let mut versions: Vec<(SystemTime, PathBuf)> = Vec::new();
        for path in path
            .parent()
            .map(file::list)
            .transpose()?
            .unwrap_or_default()
        {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let version = name
                .strip_prefix(&self.name)
                .and_then(|rest| rest.strip_prefix('-'));
            if version.is_some_and(|version| version.ends_with(".wasm")) {
                versions.push((fs::metadata(&path)?.modified()?, path));
            }
        }
        versions.sort();
        for (_, path) in versions.iter().rev().skip(VERSIONS_MAX) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}
