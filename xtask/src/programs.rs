//! The programs that `exec` finds: `target/programs/python.wasm`, and beside it `python.toml`, which describes it.
//!
//! Building Python takes a minute or so and the network. So the result is kept under the hash of its sources,
//! beside the result and in the user's cache folder, and is built again only when those change.

use crate::file;
use crate::project::{Project, cache};
use crate::step::{self, step};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

pub fn build(project: &Project) -> Result<()> {
    step("build the programs", || python(project))
}

/// What lies beside Python's sources and does not change the result.
const NOT_SOURCES: [&str; 3] = ["README.md", "program.toml", "tests"];

fn python(project: &Project) -> Result<()> {
    let folder = project.root.join("programs/python");
    let out = project.programs().join("python.wasm");
    let mark = project.programs().join("python.sources");
    let sources = file::digest(&folder, &NOT_SOURCES)?;
    if out.exists() && fs::read_to_string(&mark).is_ok_and(|built| built == sources) {
        eprintln!("    unchanged: {}", out.display());
        return describe(project, &folder);
    }
    let kept = cache().map(|cache| {
        cache
            .join("programs")
            .join(format!("python-{sources}.wasm"))
    });
    match &kept {
        Some(kept) if kept.exists() => {
            eprintln!("    found in the cache: {}", kept.display());
            file::write_if_changed(&out, &file::read(kept)?)?;
        }
        _ if !step::exists("python3") => {
            eprintln!(
                "    `python3` is missing, so the program `python` is not built and commands that name it will fail;"
            );
            eprintln!("    install Python 3.10 or newer with its `venv` module and run this again");
            return Ok(());
        }
        _ => {
            run_builder(project, &out)?;
            keep(&out, kept.as_deref());
        }
    }
    describe(project, &folder)?;
    file::write_if_changed(&mark, sources.as_bytes())
}

/// A program without a description is none.
fn describe(project: &Project, folder: &Path) -> Result<()> {
    file::write_if_changed(
        &project.programs().join("python.toml"),
        &file::read(&folder.join("program.toml"))?,
    )
}

fn run_builder(project: &Project, out: &Path) -> Result<()> {
    file::make_folder(&project.programs())?;
    let mut command = Command::new("python3");
    command
        .current_dir(&project.root)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("programs/python/build.py");
    command
        .arg("--out")
        .arg(out)
        .arg("--venv")
        .arg(project.root.join("target/venv"));
    step::run(&mut command).context("build the program `python`")
}

/// A cache that cannot be written is a pity and no more.
fn keep(out: &Path, kept: Option<&Path>) {
    let Some(kept) = kept else { return };
    if let Err(error) = file::read(out).and_then(|bytes| file::write_if_changed(kept, &bytes)) {
        eprintln!("    not kept in the cache: {error:#}");
    }
}
