//! `wit/deps`: the interfaces of others, copied from the crates that we build against.
//!
//! Only these files are written. Ours stay out of `wit/deps`, so the folder can be emptied first.

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
        if deps.exists() {
            fs::remove_dir_all(&deps).with_context(|| format!("empty {}", deps.display()))?;
        }
        copy(&wasi, &deps, |_| true)?;
        copy(
            &spin.join("wasi-runtime-config-2024-09-27"),
            &deps.join("wasi-config"),
            |_| true,
        )?;
        let spin_files = ["sqlite.wit", "key-value.wit", "variables.wit"];
        copy(
            &spin.join("spin@2.0.0"),
            &deps.join("fermyon-spin"),
            |name| spin_files.contains(&name),
        )?;
        file::write_if_changed(
            &deps.join("fermyon-spin/package.wit"),
            b"package fermyon:spin@2.0.0;\n",
        )
    })
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

fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(from).with_context(|| format!("list {}", from.display()))? {
        let name = entry
            .with_context(|| format!("list {}", from.display()))?
            .file_name();
        let name = name.to_string_lossy().into_owned();
        if name.ends_with(".wit") && wanted(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        bail!(
            "{} has none of the files that are expected there",
            from.display()
        );
    }
    names.sort();
    for name in names {
        file::write_if_changed(&to.join(&name), &file::read(&from.join(&name))?)?;
    }
    Ok(())
}
