//! What `cargo xtask build` made: where it lies, and what a runner makes of it.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use swarm_flow_runner::{AgentFile, Catalog, ProgramFile};
use swarm_flow_sandbox::{CompiledCache, Engine};

/// The folder that holds `components/` and `programs/`: `target` beside the manifest, or the one that the
/// executable lies in.
pub fn folder(manifest: Option<&Path>) -> Option<PathBuf> {
    let beside_manifest = manifest
        .and_then(Path::parent)
        .map(|folder| folder.join("target"));
    let around_executable = std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.parent()?.parent()?.to_owned()));
    let here = std::env::current_dir()
        .ok()
        .map(|folder| folder.join("target"));
    [beside_manifest, here, around_executable]
        .into_iter()
        .flatten()
        .find(|folder| folder.join("components").is_dir())
}

/// The manifest that was asked for, else `spin.toml` here, else the one of the repository that the
/// executable was built in.
pub fn manifest(asked: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(path) = asked {
        return Ok(path);
    }
    let here = std::env::current_dir()
        .context("there is no current directory")?
        .join("spin.toml");
    let around = std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.ancestors().nth(3)?.join("spin.toml")));
    for path in [Some(here.clone()), around].into_iter().flatten() {
        if path.is_file() {
            return Ok(path);
        }
    }
    bail!(
        "there is no {}; go to the repository, or name the manifest by --manifest",
        here.display()
    )
}

/// Programs and agents that were built, and those that the operator names.
pub fn catalog(
    engine: &Engine,
    cache: CompiledCache,
    folder: Option<&Path>,
    named: &[(String, String)],
) -> Result<Catalog> {
    let mut programs = Vec::new();
    let mut agents = Vec::new();
    if let Some(folder) = folder {
        programs.extend(ProgramFile::in_folder(&folder.join("programs"))?);
        let components = folder.join("components");
        agents.extend(AgentFile::in_folder(&components)?);
        let script = components.join("script.wasm");
        if script.is_file() {
            agents.push(AgentFile {
                name: "script".to_owned(),
                path: script,
                about: None,
            });
        }
    }
    for (name, path) in named {
        programs.retain(|program| program.name != *name);
        programs.push(ProgramFile::named(name, path.into()));
    }
    Catalog::new(engine, cache, programs, agents)
}
