//! Compiles the programs into the folder that the tests share, once, before many servers would at the same time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

use swarm_flow_sandbox::{CompiledCache, Engine};
use swarm_flow_tests::artefact;

fn main() {
    let engine = Engine::new().unwrap();
    let cache = CompiledCache::open(&artefact::compiled()).unwrap();
    let mut programs: Vec<_> = std::fs::read_dir(artefact::root().join("target/programs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .collect();
    programs.sort();
    for program in programs {
        let bytes = std::fs::read(&program).unwrap();
        let digest = blake3::hash(&bytes);
        let known = cache.has(engine.wasmtime(), digest.as_bytes());
        cache
            .load_or_compile(engine.wasmtime(), digest.as_bytes(), || Ok(bytes))
            .unwrap();
        let what = if known { "was there" } else { "compiled" };
        println!("{what}: {}", program.file_name().unwrap().display());
    }
}
