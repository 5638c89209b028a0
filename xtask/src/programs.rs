//! The programs that `exec` finds: `target/programs/NAME.wasm`, and beside it `NAME.toml`, which describes it.
//!
//! Each has a folder, `programs/NAME`, with its description, `program.toml`. One in Rust is a package of the workspace;
//! Python is built by a script of its own.

mod kept;
mod key;
mod merge;
pub mod python;
mod rust;

pub use rust::package;

use crate::file;
use crate::project::Project;
use crate::step::step;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs;
use std::path::PathBuf;
use toml::Table;

/// A folder of a program.
pub struct Source {
    pub name: String,
    pub folder: PathBuf,
    /// What a runner knows of it.
    description: Table,
    build: Build,
}

/// How a program in Rust is built: the table `build` of its description, which a runner does not see.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Build {
    /// The export whose work is done once, here: its memory is the program's image.
    initialise: Option<String>,
    /// It has parts in C.
    c: bool,
}

/// Builds all.
pub fn build(project: &Project) -> Result<()> {
    let sources = sources(project)?;
    let (rust, scripts): (Vec<_>, Vec<_>) = sources
        .into_iter()
        .partition(|source| source.folder.join("Cargo.toml").exists());
    step(
        "build the programs in Rust (the first time this takes minutes)",
        || rust::build(project, &rust),
    )?;
    for source in scripts {
        step(&format!("build the program `{}`", source.name), || {
            python::build(project, &source)
        })?;
    }
    Ok(())
}

/// The folders of programs, in order of name.
pub fn sources(project: &Project) -> Result<Vec<Source>> {
    let all = project.root.join("programs");
    let mut found = Vec::new();
    for entry in fs::read_dir(&all).with_context(|| format!("list {}", all.display()))? {
        let folder = entry.context("list the programs")?.path();
        let manifest = folder.join("program.toml");
        if !manifest.exists() {
            continue;
        }
        let text = file::read(&manifest)?;
        let read = || -> Result<(Table, Build)> {
            let mut description: Table = toml::from_slice(&text)?;
            let build = description.remove("build").map(toml::Value::try_into);
            Ok((description, build.transpose()?.unwrap_or_default()))
        };
        let (description, build) =
            read().with_context(|| format!("read {}", manifest.display()))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        found.push(Source {
            name: name.into_owned(),
            folder,
            description,
            build,
        });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

impl Source {
    pub fn has_c(&self) -> bool {
        self.build.c
    }

    /// A program without a description is none.
    fn describe(&self, project: &Project) -> Result<()> {
        let text = toml::to_string(&self.description).context("write a description")?;
        let path = project.programs().join(format!("{}.toml", self.name));
        file::write_if_changed(&path, text.as_bytes())
    }

    /// Where the component goes.
    fn out(&self, project: &Project) -> PathBuf {
        project.programs().join(format!("{}.wasm", self.name))
    }
}
