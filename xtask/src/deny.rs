//! `cargo deny`: which crates, licences and sources may be in the tree (`deny.toml`).
//!
//! When it is not installed, it is built once into the user's cache folder. What cannot be had without
//! the network (the tool itself, the database of advisories) is said and not counted as a failure:
//! a checkout must be testable behind a closed door.

use crate::file;
use crate::project::{Project, cache};
use crate::step::{self, step};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;

/// One that knows the lock file and licence expressions of our Rust.
const VERSION: &str = "0.20.2";

pub fn deny(project: &Project) -> Result<()> {
    let tool = match find() {
        Ok(tool) => tool,
        Err(error) => {
            eprintln!("    NOT CHECKED, because cargo-deny cannot be had: {error:#}");
            eprintln!("    install it by `cargo install cargo-deny --locked --version {VERSION}`");
            return Ok(());
        }
    };
    let run = |arguments: &[&str]| {
        step::run(
            Command::new(&tool)
                .current_dir(&project.root)
                .args(arguments),
        )
    };
    run(&["check", "bans", "licenses", "sources"])?;
    if let Err(error) = run(&["fetch", "db"]) {
        eprintln!(
            "    NOT CHECKED: advisories, because their database cannot be fetched: {error:#}"
        );
        return Ok(());
    }
    run(&["check", "--disable-fetch", "advisories"])
}

fn find() -> Result<PathBuf> {
    if step::exists("cargo-deny") {
        return Ok("cargo-deny".into());
    }
    let root = cache()
        .context("there is no cache folder; set HOME or XDG_CACHE_HOME")?
        .join("tools");
    let tool = root
        .join("bin")
        .join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if !tool.exists() {
        file::make_folder(&root)?;
        step(
            &format!(
                "install cargo-deny {VERSION} into {} (once; takes minutes)",
                root.display()
            ),
            || {
                let mut cargo = Command::new("cargo");
                // Outside the checkout, so that neither our target directory nor our toolchain's lock matters.
                cargo.current_dir(&root).env_remove("CARGO_TARGET_DIR");
                cargo
                    .args([
                        "install",
                        "cargo-deny",
                        "--locked",
                        "--debug",
                        "--version",
                        VERSION,
                        "--root",
                    ])
                    .arg(&root);
                step::run(&mut cargo)
            },
        )?;
    }
    Ok(tool)
}
