//! The `.wasm` file, and where its machine code is kept so that the next run need not compile it.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use swarm_flow_sandbox::{CompiledCache, Engine, Program, Service};

pub fn program(engine: &Engine, path: &Path) -> Result<Program> {
    Program::from_wasm(engine, cache().as_ref(), read(path)?)
        .with_context(|| format!("cannot run {}", path.display()))
}

pub fn service(engine: &Engine, path: &Path) -> Result<Service> {
    Service::from_wasm(engine, cache().as_ref(), read(path)?)
        .with_context(|| format!("cannot serve {}", path.display()))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Without a folder to keep it in the program is compiled each time.
fn cache() -> Option<CompiledCache> {
    let folder = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => PathBuf::from(std::env::var_os("HOME")?).join(".cache"),
    };
    CompiledCache::open(&folder.join("swarm-flow/compiled")).ok()
}
