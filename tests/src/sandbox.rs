//! Programs in sandboxes of this process.

use crate::artefact;
use std::path::Path;
use std::sync::OnceLock;
use swarm_flow_sandbox::{CompiledCache, Engine, Program};
use wasmtime::component::Component;

/// One for all tests of a binary.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new().unwrap())
}

/// A guest of `tests/guests`.
pub fn program(name: &str) -> Program {
    Program::new(engine(), &component(engine(), &artefact::guest(name))).unwrap()
}

/// Compiled, or found compiled.
pub fn component(engine: &Engine, path: &Path) -> Component {
    let bytes = std::fs::read(path).unwrap();
    let cache = CompiledCache::open(&artefact::compiled()).unwrap();
    cache
        .load_or_compile(engine.wasmtime(), blake3::hash(&bytes).as_bytes(), || {
            Ok(bytes)
        })
        .unwrap()
}
