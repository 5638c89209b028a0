//! Components, guests and the host.

use crate::compose::{self, Part};
use crate::project::{self, AGENTS, Profile, Project, WASM_TARGET};
use crate::step::{self, step};
use crate::{agents, file, programs};
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::Path;
use std::process::Command;

pub fn everything(project: &Project, profile: Profile) -> Result<()> {
    components(project)?;
    programs::build(project)?;
    host(project, profile)
}

/// The components of the app: `gateway.wasm`, `platform.wasm` and, for runners, `script.wasm` and the agents that think.
pub fn components(project: &Project) -> Result<()> {
    step("build the components", || {
        let packages = project::components();
        let packages: Vec<&str> = packages.iter().map(String::as_str).collect();
        build_wasm(project, &packages)?;
        let out = project.components();
        copy(&project.wasm("gateway"), &out.join("gateway.wasm"))?;
        copy(&project.wasm("agent-script"), &out.join("script.wasm"))?;
        file::write_if_changed(&out.join("platform.wasm"), &platform(project)?)?;
        AGENTS
            .iter()
            .try_for_each(|name| agents::put(project, name))
    })
}

/// The self-asserting programs that tests run, and agents of theirs.
pub fn guests(project: &Project) -> Result<()> {
    step("build the guests", || {
        build_wasm(
            project,
            &[
                "guests",
                "guest-agent",
                "guest-counter",
                "guest-social",
                "guest-thinker",
            ],
        )?;
        for (package, name) in [
            ("guest-agent", "contrary"),
            ("guest-counter", "counter"),
            ("guest-social", "social"),
            ("guest-thinker", "thinker"),
        ] {
            let agent = project.guests().join(format!("{name}.wasm"));
            copy(&project.wasm(package), &agent)?;
        }
        for name in binaries(&project.metadata()?, "guests")? {
            copy(
                &guest(project, &name),
                &project.guests().join(format!("{name}.wasm")),
            )?;
        }
        Ok(())
    })
}

/// `swarm-flow` alone in release; in development all native binaries, so that `cargo test` finds
/// every dependency already built with the same features.
pub fn host(project: &Project, profile: Profile) -> Result<()> {
    match profile {
        Profile::Release => step(
            "build the host, optimised (the first time this takes minutes)",
            || step::run(&mut project.cargo(&["build", "--release", "--package", "swarm-flow"])),
        ),
        Profile::Dev => step("build the host (the first time this takes minutes)", || {
            let mut cargo = project.cargo(&["build", "--bins"]);
            step::run(project.native(&mut cargo)?)
        }),
    }
}

/// Makes sure that the compiler can build for [`WASM_TARGET`].
pub fn need_wasm_target(project: &Project) -> Result<()> {
    let mut rustc = Command::new("rustc");
    let sysroot = step::output(
        rustc
            .current_dir(&project.root)
            .args(["--print", "sysroot"]),
    )?;
    let sysroot = String::from_utf8(sysroot).context("read the path that `rustc` printed")?;
    if Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(WASM_TARGET)
        .exists()
    {
        return Ok(());
    }
    step(&format!("install the target {WASM_TARGET}"), || {
        step::run(Command::new("rustup").current_dir(&project.root).args([
            "target",
            "add",
            WASM_TARGET,
        ]))
    })
}

pub fn build_wasm(project: &Project, packages: &[&str]) -> Result<()> {
    need_wasm_target(project)?;
    let mut cargo = project.cargo_for_wasm();
    step::run(cargo.args(packages.iter().flat_map(|package| ["--package", package])))
}

/// All that the gateway depends on, as one component: Spin takes one dependency for a WIT package.
fn platform(project: &Project) -> Result<Vec<u8>> {
    let names = ["workspace", "agent-tools", "agent-script", "swarm"];
    let mut parts = Vec::new();
    for name in names {
        parts.push(Part {
            name,
            bytes: file::read(&project.wasm(name))?,
        });
    }
    compose::compose(parts).context("compose platform.wasm")
}

/// A binary keeps its hyphens in the name of its file, a library does not.
fn guest(project: &Project, name: &str) -> std::path::PathBuf {
    project.wasm(name).with_file_name(format!("{name}.wasm"))
}

fn binaries(metadata: &Value, package: &str) -> Result<Vec<String>> {
    let packages = metadata["packages"]
        .as_array()
        .context("`cargo metadata` says no `packages`")?;
    let found = packages.iter().find(|found| found["name"] == package);
    let targets = found.and_then(|found| found["targets"].as_array());
    let targets =
        targets.with_context(|| format!("`cargo metadata` knows no package `{package}`"))?;
    let is_binary = |target: &&Value| {
        target["kind"]
            .as_array()
            .is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"))
    };
    Ok(targets
        .iter()
        .filter(is_binary)
        .filter_map(|target| target["name"].as_str())
        .map(str::to_owned)
        .collect())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    file::write_if_changed(to, &file::read(from)?)
}
