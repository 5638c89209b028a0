//! A hash of all that a program in Rust is built from: its own folder, the crates that it depends on, and of what it shares
//! with everything else only the parts that reach it. Else each new crate of the platform would build all programs again.

use super::Source;
use super::rust::package;
use crate::file;
use crate::project::Project;
use anyhow::{Context, Result};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use toml::Table;

/// Beside the crates: what a program may import, and how it is made.
const SHARED: [&str; 6] = [
    "wit/process.wit",
    "wit/types.wit",
    "wit/deps",
    "xtask/src/programs",
    "xtask/initialise",
    "rust-toolchain.toml",
];

/// What is read once for all programs.
pub struct Keys {
    metadata: Value,
    manifest: Table,
    shared: String,
}

impl Keys {
    pub fn new(project: &Project) -> Result<Self> {
        let mut hash = Sha256::new();
        for name in SHARED {
            hash.update(digest(&project.root.join(name))?);
        }
        let manifest = file::read(&project.root.join("Cargo.toml"))?;
        Ok(Self {
            metadata: project.metadata()?,
            manifest: toml::from_slice(&manifest).context("read Cargo.toml")?,
            shared: format!("{:x}", hash.finalize()),
        })
    }

    pub fn of(&self, source: &Source) -> Result<String> {
        let mut hash = Sha256::new();
        hash.update(&self.shared);
        hash.update(file::digest(&source.folder, &["README.md", "tests"])?);
        let own = package(source);
        let mut names = BTreeSet::new();
        for crate_ in self.crates(&own)? {
            names.insert(crate_.name);
            hash.update(format!(
                "{} {} {}\n",
                crate_.name, crate_.version, crate_.source
            ));
            if crate_.source.is_empty() && crate_.name != own {
                hash.update(digest(crate_.folder)?);
            }
        }
        hash.update(self.settings(&names)?);
        Ok(format!("{:x}", hash.finalize()))
    }

    /// All crates that the package is built with, itself too.
    fn crates(&self, package: &str) -> Result<Vec<Crate<'_>>> {
        let packages = list(&self.metadata["packages"])?.iter().map(Crate::read);
        let packages = packages.collect::<Result<Vec<_>>>()?;
        let nodes = list(&self.metadata["resolve"]["nodes"])?;
        let nodes: HashMap<&str, &Value> = nodes
            .iter()
            .filter_map(|node| Some((node["id"].as_str()?, node)))
            .collect();
        let first = packages.iter().find(|one| one.name == package);
        let first = first.with_context(|| format!("`cargo metadata` knows no `{package}`"))?;
        let mut known = BTreeSet::from([first.id]);
        let mut open = vec![first.id];
        while let Some(id) = open.pop() {
            let node = nodes
                .get(id)
                .with_context(|| format!("`cargo metadata` resolves no `{id}`"))?;
            for dependency in list(&node["deps"])?.iter().filter(|one| is_built(one)) {
                let id = text(&dependency["pkg"])?;
                if known.insert(id) {
                    open.push(id);
                }
            }
        }
        let mut crates = packages;
        crates.retain(|one| known.contains(one.id));
        crates.sort_by_key(|one| (one.name, one.version));
        Ok(crates)
    }

    /// What the workspace's manifest says of how these crates are built.
    fn settings(&self, names: &BTreeSet<&str>) -> Result<String> {
        let workspace = self.manifest["workspace"].as_table();
        let workspace = workspace.context("Cargo.toml has no `workspace`")?;
        let dependencies = workspace["dependencies"].as_table();
        let dependencies = dependencies.context("Cargo.toml has no `workspace.dependencies`")?;
        let used = |(name, how): &(&String, &toml::Value)| {
            let package = how.get("package").and_then(toml::Value::as_str);
            names.contains(package.unwrap_or(name))
        };
        let dependencies: BTreeMap<_, _> = dependencies.iter().filter(used).collect();
        Ok(format!(
            "{:?} {:?} {:?} {dependencies:?}",
            self.manifest["profile"]["component"],
            workspace["package"],
            self.manifest.get("patch"),
        ))
    }
}

struct Crate<'a> {
    id: &'a str,
    name: &'a str,
    version: &'a str,
    /// Empty for one that lies here.
    source: &'a str,
    folder: &'a Path,
}

impl<'a> Crate<'a> {
    fn read(package: &'a Value) -> Result<Self> {
        let manifest = Path::new(text(&package["manifest_path"])?);
        Ok(Self {
            id: text(&package["id"])?,
            name: text(&package["name"])?,
            version: text(&package["version"])?,
            source: package["source"].as_str().unwrap_or_default(),
            folder: manifest.parent().unwrap_or(manifest),
        })
    }
}

/// Whether it is more than a dependency of tests.
fn is_built(dependency: &Value) -> bool {
    let kinds = dependency["dep_kinds"].as_array();
    kinds.is_none_or(|kinds| kinds.iter().any(|kind| kind["kind"] != "dev"))
}

fn digest(path: &Path) -> Result<String> {
    if path.is_dir() {
        file::digest(path, &[])
    } else {
        Ok(format!("{:x}", Sha256::digest(file::read(path)?)))
    }
}

fn list(value: &Value) -> Result<&Vec<Value>> {
    value
        .as_array()
        .context("a list of `cargo metadata` is missing")
}

fn text(value: &Value) -> Result<&str> {
    value
        .as_str()
        .context("a text of `cargo metadata` is missing")
}
