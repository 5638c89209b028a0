//! Files that `cargo xtask build` makes.

use std::path::{Path, PathBuf};

/// The repository. Cargo says where it is as it runs a test: what was compiled may come from a build elsewhere.
pub fn root() -> PathBuf {
    let tests = std::env::var_os("CARGO_MANIFEST_DIR");
    tests
        .as_deref()
        .map_or(Path::new(env!("CARGO_MANIFEST_DIR")), Path::new)
        .parent()
        .expect("tests/ lies in the repository")
        .to_owned()
}

/// A guest of `tests/guests`.
pub fn guest(name: &str) -> PathBuf {
    built(&format!("target/guests/{name}.wasm"))
}

/// A component of the app, or an agent.
pub fn component(name: &str) -> PathBuf {
    built(&format!("target/components/{name}.wasm"))
}

/// An example that is a component, where it could be built.
pub fn example(name: &str) -> Option<PathBuf> {
    let path = root().join(format!("target/examples/{name}.wasm"));
    path.exists().then_some(path)
}

fn built(path: &str) -> PathBuf {
    let path = root().join(path);
    assert!(
        path.exists(),
        "{} is missing; `cargo xtask build` makes it",
        path.display()
    );
    path
}

/// Compiled components, shared by all tests: compiling takes longer than most of them.
pub fn compiled() -> PathBuf {
    root().join("target/compiled")
}
