//! The examples that are components: agents in Rust and in TypeScript, and `examples/cross-language`, which is an agent in
//! Python and a library in Rust in one.

mod typescript;

use crate::build::build_wasm;
use crate::file;
use crate::programs::python;
use crate::project::Project;
use crate::step::{self, step};
use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::Path;
use std::process::Command;
use wac_graph::{CompositionGraph, EncodeOptions, plug};
use wac_types::Package;

/// `target/examples/NAME.wasm` for each.
pub fn build(project: &Project) -> Result<()> {
    step("build the examples", || {
        rust(project)?;
        typescript::build(project)?;
        cross_language(project)
    })
}

fn rust(project: &Project) -> Result<()> {
    let names = ["tester", "librarian"];
    let packages = names.map(|name| format!("example-{name}"));
    build_wasm(project, &packages.each_ref().map(String::as_str))?;
    for (name, package) in names.iter().zip(&packages) {
        let out = project.root.join(format!("target/examples/{name}.wasm"));
        file::write_if_changed(&out, &file::read(&project.wasm(package))?)?;
    }
    Ok(())
}

fn cross_language(project: &Project) -> Result<()> {
    let source = project.root.join("examples/cross-language");
    let out = project.root.join("target/examples/nearest.wasm");
    build_wasm(project, &["example-distance"])?;
    let distance = file::read(&project.wasm("example-distance"))?;
    let mut hash = Sha256::new();
    for folder in [&source, &project.root.join("wit")] {
        hash.update(file::digest(folder, &["README.md"])?);
    }
    hash.update(&distance);
    let sources = format!("{:x}", hash.finalize());
    let mark = out.with_extension("sources");
    if out.exists() && fs::read_to_string(&mark).is_ok_and(|built| built == sources) {
        return Ok(());
    }
    let Some(builder) = python::builder(project)? else {
        eprintln!("    `python3` is missing: the example `cross-language` is not built");
        return Ok(());
    };
    let agent = agent_in_python(project, &source.join("agent"), &builder)?;
    file::write_if_changed(&out, &plugged(agent, distance)?)?;
    file::write_if_changed(&mark, sources.as_bytes())
}

fn agent_in_python(project: &Project, source: &Path, builder: &Path) -> Result<Vec<u8>> {
    let folder = project.root.join("target/examples/cross-language");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("remove what was built before")?;
    }
    let (contracts, ours) = (folder.join("wit"), project.root.join("wit"));
    let deps = contracts.join("deps");
    copy(&source.join("wit"), &contracts)?;
    copy(&ours.join("deps"), &deps)?;
    copy(&ours, &deps.join("swarm-flow-core"))?;
    let library = project.root.join("examples/cross-language/wit");
    copy(&library, &deps.join("example-text"))?;
    let made = folder.join("agent.wasm");
    let mut componentize = Command::new(builder);
    componentize
        .current_dir(source)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .arg("--wit-path")
        .arg(&contracts)
        .args(["--world", "nearest", "componentize", "app", "--output"])
        .arg(&made);
    step::run(&mut componentize).context("build the agent in Python")?;
    file::read(&made)
}

/// The agent with its import met by the library.
fn plugged(agent: Vec<u8>, library: Vec<u8>) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let mut add = |name: &str, bytes: Vec<u8>| -> Result<_> {
        let package = Package::from_bytes(name, None, bytes, graph.types_mut())?;
        Ok(graph.register_package(package)?)
    };
    let (agent, library) = (add("agent", agent)?, add("library", library)?);
    plug(&mut graph, vec![library], agent).context("meet the agent's import")?;
    graph
        .encode(EncodeOptions::default())
        .context("encode the composition")
}

/// What is in a folder, but for its own `deps`.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for path in file::list(from)? {
        let name = path.strip_prefix(from).unwrap_or(&path);
        if !name.starts_with("deps") {
            let copy = to.join(name);
            file::make_folder(copy.parent().unwrap_or(to))?;
            fs::copy(&path, &copy).with_context(|| format!("write {}", copy.display()))?;
        }
    }
    Ok(())
}
