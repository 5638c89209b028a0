//! The agent in TypeScript, by the packages that its lock file names with a hash for each.

use crate::file;
use crate::project::Project;
use crate::step;
use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What it is made of. Its other files are what a user's own build leaves there, and what people read.
const SOURCES: [&str; 4] = [
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "src/agent.ts",
];

pub fn build(project: &Project) -> Result<()> {
    let source = project.root.join("examples/agent-typescript");
    let contracts = project.root.join("sdk/agent/wit");
    let out = project.root.join("target/examples/tester-ts.wasm");
    let sources = digest(&source, &contracts)?;
    let mark = out.with_extension("sources");
    if out.exists() && fs::read_to_string(&mark).is_ok_and(|built| built == sources) {
        return Ok(());
    }
    if let Some(missing) = ["node", "npm"].iter().find(|tool| !step::exists(tool)) {
        eprintln!("    `{missing}` is missing: the example `agent-typescript` is not built");
        return Ok(());
    }
    let folder = project.root.join("target/examples/agent-typescript");
    let contracts = file::list(&contracts)?;
    let own = SOURCES.map(|name| (source.join(name), folder.join(name)));
    let contracts = contracts.into_iter().map(|path| {
        let name = path.file_name().unwrap_or_default();
        let copy = folder.join("wit").join(name);
        (path, copy)
    });
    for (path, copy) in own.into_iter().chain(contracts) {
        file::write_if_changed(&copy, &file::read(&path)?)?;
    }
    install(&folder)?;
    step::run(npm(&folder).args(["run", "--silent", "build"]))
        .context("build the agent in TypeScript")?;
    file::write_if_changed(&out, &file::read(&folder.join("agent.wasm"))?)?;
    file::write_if_changed(&mark, sources.as_bytes())
}

fn digest(source: &Path, contracts: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for name in SOURCES {
        hash.update(file::read(&source.join(name))?);
    }
    hash.update(file::digest(contracts, &[])?);
    Ok(format!("{:x}", hash.finalize()))
}

/// Runs no script of a package's.
fn install(folder: &Path) -> Result<()> {
    let lock = file::read(&folder.join("package-lock.json"))?;
    let mark = folder.join("installed");
    if fs::read(&mark).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    let arguments = [
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ];
    step::run(npm(folder).args(arguments)).context("install what builds agents in TypeScript")?;
    file::write_if_changed(&mark, &lock)
}

fn npm(folder: &Path) -> Command {
    let mut npm = Command::new("npm");
    npm.current_dir(folder);
    npm
}
