//! Files that `cargo xtask build` makes.

use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
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
