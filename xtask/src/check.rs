//! What a machine can say about the sources. Everything is checked, then what failed is named.

use crate::project::{self, INITIALISE, Project, WASM_TARGET};
use crate::step::{self, step};
use crate::{build, deny, programs};
use anyhow::{Result, bail};

type Check = fn(&Project) -> Result<()>;

pub fn check(project: &Project) -> Result<()> {
    let checks: [(&str, Check); 5] = [
        ("format", format),
        ("lints of the native crates", native_lints),
        ("lints of the components and guests", guest_lints),
        (
            "dependencies: bans, licences, sources, advisories",
            deny::deny,
        ),
        ("documentation", documentation),
    ];
    let mut failed = Vec::new();
    for (title, check) in checks {
        if let Err(error) = step(title, || check(project)) {
            eprintln!("    {error:#}");
            failed.push(title);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join("; "));
    }
    Ok(())
}

fn format(project: &Project) -> Result<()> {
    step::run(&mut project.cargo(&["fmt", "--all", "--check"]))
}

fn native_lints(project: &Project) -> Result<()> {
    let mut cargo = project.cargo(&["clippy", "--all-targets"]);
    step::run(project.native(&mut cargo)?.args(["--", "-D", "warnings"]))?;
    step::run(&mut project.cargo(&["clippy", "--package", INITIALISE, "--", "-D", "warnings"]))
}

fn guest_lints(project: &Project) -> Result<()> {
    build::need_wasm_target(project)?;
    let mut cargo = project.cargo(&["clippy", "--target", WASM_TARGET]);
    let mut guests = project.guest_packages()?;
    // What has parts in C needs their compiler even to be looked at.
    for source in programs::sources(project)? {
        if source.has_c() {
            guests.retain(|guest| *guest != programs::package(&source));
        }
    }
    let components = project::components();
    let guests = guests.iter().chain(&components);
    cargo.args(guests.flat_map(|package| ["--package", package.as_str()]));
    step::run(cargo.args(["--", "-D", "warnings"]))
}

fn documentation(project: &Project) -> Result<()> {
    let mut cargo = project.cargo(&["doc", "--no-deps"]);
    step::run(
        project
            .native(&mut cargo)?
            .env("RUSTDOCFLAGS", "-D warnings"),
    )
}
