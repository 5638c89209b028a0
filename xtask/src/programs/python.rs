//! Python: CPython with its standard library, by the script in its folder.
//!
//! It takes a minute or so and the network. So the result is kept under the hash of its sources, beside the result and in the
//! user's cache folder, and is built again only when those change. What its builder makes is many modules that share a
//! memory; `merge` makes them one.

use super::kept::Kept;
use super::{Source, merge};
use crate::file;
use crate::project::Project;
use crate::step;
use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What lies beside Python's sources and does not change the result.
const NOT_SOURCES: [&str; 3] = ["README.md", "program.toml", "tests"];

pub fn build(project: &Project, source: &Source) -> Result<()> {
    let folder = source.folder.clone();
    let out = project.programs().join("python.wasm");
    let mark = project.programs().join("python.sources");
    let sources = sources(project, &folder)?;
    if out.exists() && fs::read_to_string(&mark).is_ok_and(|built| built == sources) {
        eprintln!("    unchanged: {}", out.display());
        return source.describe(project);
    }
    let kept = Kept::of("python", &sources);
    if !kept.take(&out)? {
        if !step::exists("python3") {
            eprintln!(
                "    `python3` is missing, so the program `python` is not built and commands that name it will fail;"
            );
            eprintln!("    install Python 3.10 or newer with its `venv` module and run this again");
            return Ok(());
        }
        run_builder(project, &out)?;
        kept.keep(&out);
    }
    source.describe(project)?;
    file::write_if_changed(&mark, sources.as_bytes())
}

/// The program's sources, and ours that change what is built of them.
fn sources(project: &Project, folder: &Path) -> Result<String> {
    let ours = project.root.join("xtask/src/programs");
    let contracts = ["process.wit", "types.wit"].map(|name| project.root.join("wit").join(name));
    let mut hash = Sha256::new();
    hash.update(file::digest(folder, &NOT_SOURCES)?);
    for contract in contracts {
        hash.update(file::read(&contract)?);
    }
    let ours = file::digest(&ours, &["merge/tests.rs"])?;
    let theirs = format!("{:x}", hash.finalize());
    Ok(format!("{theirs:.32}-{ours:.32}"))
}

/// What makes components of Python, installed where there is a Python.
pub fn builder(project: &Project) -> Result<Option<PathBuf>> {
    if !step::exists("python3") {
        return Ok(None);
    }
    let mut install = script(project);
    step::run(install.arg("--builder")).context("install the builder of Python components")?;
    Ok(Some(venv(project).join("bin/componentize-py")))
}

fn venv(project: &Project) -> PathBuf {
    project.root.join("target/venv")
}

fn script(project: &Project) -> Command {
    let mut command = Command::new("python3");
    command
        .current_dir(&project.root)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("programs/python/build.py")
        .arg("--venv")
        .arg(venv(project));
    command
}

fn run_builder(project: &Project, out: &Path) -> Result<()> {
    file::make_folder(&project.programs())?;
    let built = out.with_extension("built");
    step::run(script(project).arg("--out").arg(&built)).context("build the program `python`")?;
    let merged = merge::merge(&file::read(&built)?).context("merge the modules of `python`")?;
    file::write_if_changed(out, &merged)?;
    fs::remove_file(&built).with_context(|| format!("remove {}", built.display()))
}
