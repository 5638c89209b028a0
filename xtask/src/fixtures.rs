//! Real projects that tests run: fetched by the package client, pinned by version and hash, kept in the cache.

use crate::file;
use crate::project::{Project, cache};
use crate::step::{self, step};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

const NAME: &str = "more_itertools.tar.gz";
const REQUIREMENT: &str = "more-itertools==11.2.1 --hash=sha256:cbf08fd0af284dc69718b9b76a8e6203df624d70209ea511e4219d350c856f63";
const ARCHIVE: &str = "more_itertools-11.2.1.tar.gz";

/// `target/fixtures/more_itertools.tar.gz`: the source distribution, with the project's own tests.
pub fn fetch(project: &Project) -> Result<()> {
    let out = project.root.join("target/fixtures").join(NAME);
    if out.exists() {
        return Ok(());
    }
    step("fetch the projects that tests run", || {
        let kept = cache().map(|cache| cache.join("fixtures").join(ARCHIVE));
        if let Some(kept) = kept.as_deref().filter(|kept| kept.exists()) {
            eprintln!("    found in the cache: {}", kept.display());
            return file::write_if_changed(&out, &file::read(kept)?);
        }
        let folder = project.root.join("target/fixtures/download");
        download(project, &folder)?;
        let archive = file::read(&folder.join(ARCHIVE))?;
        if let Some(Err(error)) = kept.map(|kept| file::write_if_changed(&kept, &archive)) {
            eprintln!("    not kept in the cache: {error:#}");
        }
        file::write_if_changed(&out, &archive)
    })
}

/// By pip, of the environment that the programs were built in where there is one: not every Python has pip.
fn download(project: &Project, folder: &Path) -> Result<()> {
    file::make_folder(folder)?;
    let requirements = folder.join("requirements.txt");
    file::write_if_changed(&requirements, REQUIREMENT.as_bytes())?;
    let of_venv = project.root.join("target/venv/bin/python");
    let python = if of_venv.exists() {
        of_venv
    } else {
        "python3".into()
    };
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
    ])
    .args(["--no-deps", "--no-binary", ":all:", "--requirement"])
    .arg(&requirements)
    .arg("--dest")
    .arg(folder);
    step::run(&mut pip).context("download a project that tests run")
}
