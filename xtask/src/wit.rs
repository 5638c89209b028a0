//! `wit/deps`: the interfaces of others, copied from the crates that we build against. And `sdk/agent/wit`: ours that an
//! agent needs, copied into the package that agents are written with.
//!
//! What else lies there is removed: ours stays out of `wit/deps`.

use crate::file;
use crate::project::Project;
use crate::step::step;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

pub fn vendor(project: &Project) -> Result<()> {
    step("vendor wit/deps", || {
        let metadata = project.metadata()?;
        let wasi = source(&metadata, "wasmtime-wasi-http", "48.")?.join("wit/deps");
        let spin = source(&metadata, "spin-sdk", "5.2.")?.join("wit/deps");
        let deps = project.root.join("wit/deps");
        let spin_files = ["sqlite.wit", "key-value.wit", "variables.wit"];
        let mut files = read(&wasi, &deps, |_| true)?;
        files.extend(read(
            &spin.join("wasi-runtime-config-2024-09-27"),
            &deps.join("wasi-config"),
            |_| true,
        )?);
        files.extend(read(
            &spin.join("spin@2.0.0"),
            &deps.join("fermyon-spin"),
            |name| spin_files.contains(&name),
        )?);
        files.push((
            deps.join("fermyon-spin/package.wit"),
            b"package fermyon:spin@2.0.0;\n".to_vec(),
        ));
        for (path, bytes) in &files {
            file::write_if_changed(path, bytes)?;
        }
        for path in file::list(&deps)? {
            if !files.iter().any(|(vendored, _)| *vendored == path) {
                fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
                eprintln!("    removed {}", path.display());
            }
        }
        Ok(())
    })?;
    step("copy the contracts of agents", || copy_for_agents(project))
}

/// The files whose interfaces an agent imports, exports, or uses by these.
const FOR_AGENTS: [&str; 3] = ["agent.wit", "model.wit", "types.wit"];

fn copy_for_agents(project: &Project) -> Result<()> {
    let (ours, copies) = (project.root.join("wit"), project.root.join("sdk/agent/wit"));
    for name in FOR_AGENTS {
        file::write_if_changed(&copies.join(name), &file::read(&ours.join(name))?)?;
    }
    let worlds = String::from_utf8(file::read(&ours.join("worlds.wit"))?)
        .context("read wit/worlds.wit as text")?;
    let world = worlds
        .split_inclusive("\n}\n")
        .find(|world| world.contains("world agent-component {"))
        .context("wit/worlds.wit has no world `agent-component`")?;
    let (package, _) = worlds.split_once('\n').unwrap_or_default();
    let world = match world.strip_prefix(package) {
        Some(first) => first.trim_start(),
        None => world.trim_start(),
    };
    let world = format!("{package}\n\n{world}");
    file::write_if_changed(&copies.join("world.wit"), world.as_bytes())
}

/// The folder of a crate's sources.
fn source(metadata: &Value, name: &str, version: &str) -> Result<PathBuf> {
    let packages = metadata["packages"]
        .as_array()
        .context("`cargo metadata` says no `packages`")?;
    let fits = |package: &&Value| {
        package["name"] == name
            && package["version"]
                .as_str()
                .is_some_and(|found| found.starts_with(version))
    };
    let manifest = packages
        .iter()
        .find(fits)
        .and_then(|package| package["manifest_path"].as_str());
    let manifest =
        manifest.with_context(|| format!("{name} {version}x is not in the lock file"))?;
    Ok(Path::new(manifest)
        .parent()
        .unwrap_or(Path::new(""))
        .to_owned())
}

/// The wanted files of a folder, each with where it goes.
fn read(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut files = Vec::new();
    for path in file::list(from)? {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        if name.ends_with(".wit") && wanted(&name) {
            files.push((to.join(&name), file::read(&path)?));
        }
    }
    if files.is_empty() {
        bail!(
            "{} has none of the files that are expected there",
            from.display()
        );
    }
    Ok(files)
}
