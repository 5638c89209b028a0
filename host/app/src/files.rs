//! The `files` that a component may read.
//!
//! A directory with a destination is opened where it is. Single files and patterns are copied into a folder of
//! the component, which is opened as `/`: a directory cannot be opened in part. Either way reading is all
//! that is granted.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use glob::{MatchOptions, Pattern, glob_with};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::filesystem::FsPerms;

use crate::manifest::{Component, FileMount, Manifest};

/// A wildcard stays within one level of folders, `**` does not.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Directories of the host and where a guest finds them.
#[derive(Default)]
pub(crate) struct FileMounts(Vec<(PathBuf, String)>);

impl FileMounts {
    /// `staging` is made anew if copies are needed.
    pub fn prepare(manifest: &Manifest, component: &Component, staging: &Path) -> Result<Self> {
        let staged = Staging::new(manifest, component, staging)?;
        let mut mounts = Vec::new();
        let mut copied = false;
        for mount in &component.files {
            let done = match mount.get_ref() {
                FileMount::Pattern(pattern) => staged.copy_matching(pattern),
                FileMount::Placement {
                    source,
                    destination,
                } => {
                    let directory = staged.root.join(source);
                    if directory.is_dir() && staged.excluded.is_empty() {
                        mounts.push((directory, absolute(destination)));
                        continue;
                    }
                    staged.copy_placed(&directory, destination)
                }
            };
            copied = true;
            done.map_err(|error| manifest.error(mount, format!("`files`: {error:#}")))?;
        }
        if copied {
            mounts.insert(0, (staging.to_owned(), "/".to_owned()));
        }
        Ok(Self(mounts))
    }

    pub fn open(&self, builder: &mut WasiCtxBuilder) -> wasmtime::Result<()> {
        for (source, destination) in &self.0 {
            builder.preopened_dir(source, destination, FsPerms::ReadOnly)?;
        }
        Ok(())
    }
}

struct Staging<'a> {
    root: &'a Path,
    staging: &'a Path,
    excluded: Vec<Pattern>,
}

impl<'a> Staging<'a> {
    fn new(manifest: &'a Manifest, component: &Component, staging: &'a Path) -> Result<Self> {
        if staging.exists() {
            fs::remove_dir_all(staging)
                .with_context(|| format!("cannot empty {}", staging.display()))?;
        }
        let mut excluded = Vec::new();
        for pattern in &component.exclude_files {
            let parsed = Pattern::new(pattern.get_ref());
            excluded.push(
                parsed.map_err(|error| {
                    manifest.error(pattern, format!("`exclude_files`: {error}"))
                })?,
            );
        }
        Ok(Self {
            root: manifest.directory(),
            staging,
            excluded,
        })
    }

    fn copy_matching(&self, pattern: &str) -> Result<()> {
        ensure!(
            !pattern.split('/').any(|part| part == "..") && !pattern.starts_with('/'),
            "{pattern:?} leads out of the application"
        );
        let absolute = format!(
            "{}/{pattern}",
            Pattern::escape(&self.root.to_string_lossy())
        );
        let mut found = false;
        for path in glob_with(&absolute, OPTIONS)? {
            let path = path?;
            found = true;
            if path.is_file() {
                self.copy(&path, path.strip_prefix(self.root)?)?;
            } else if path.to_string_lossy().ends_with(pattern) {
                self.copy_folder(&path, path.strip_prefix(self.root)?)?;
            }
        }
        ensure!(
            found || pattern.contains(['*', '?', '[']),
            "{pattern:?} does not exist"
        );
        Ok(())
    }

    fn copy_placed(&self, source: &Path, destination: &str) -> Result<()> {
        let destination = Path::new(destination.trim_start_matches('/'));
        if source.is_dir() {
            return self.copy_folder(source, destination);
        }
        ensure!(source.is_file(), "{} does not exist", source.display());
        self.copy(source, destination)
    }

    fn copy_folder(&self, folder: &Path, destination: &Path) -> Result<()> {
        for entry in
            fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            match path.is_dir() {
                true => self.copy_folder(&path, &destination.join(name))?,
                false => self.copy(&path, &destination.join(name))?,
            }
        }
        Ok(())
    }

    fn copy(&self, source: &Path, destination: &Path) -> Result<()> {
        let within = source.strip_prefix(self.root).unwrap_or(source);
        if self
            .excluded
            .iter()
            .any(|pattern| pattern.matches_path_with(within, OPTIONS))
        {
            return Ok(());
        }
        if destination
            .components()
            .any(|part| !matches!(part, std::path::Component::Normal(_)))
        {
            bail!("{} is no path of a file", destination.display());
        }
        let target = self.staging.join(destination);
        let parent = target.parent().unwrap_or(self.staging);
        fs::create_dir_all(parent).with_context(|| format!("cannot make {}", parent.display()))?;
        fs::copy(source, &target).with_context(|| format!("cannot copy {}", source.display()))?;
        Ok(())
    }
}

fn absolute(destination: &str) -> String {
    format!("/{}", destination.trim_start_matches('/'))
}

#[cfg(test)]
mod tests;
