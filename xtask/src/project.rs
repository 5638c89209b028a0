//! Where things are: the checkout, cargo's target directory, the folders that we write.

use crate::step;
use anyhow::{Context, Result};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the host is built. Components have a profile of their own.
#[derive(Clone, Copy)]
pub enum Profile {
    Dev,
    Release,
}

/// The checkout and where cargo puts what it makes.
pub struct Project {
    pub root: PathBuf,
    /// As cargo says: `CARGO_TARGET_DIR` and cargo's configuration count.
    pub cargo_target: PathBuf,
}

/// The triple that components are built for.
pub const WASM_TARGET: &str = "wasm32-wasip2";

/// Starts programs while they are built. It needs parts of wasmtime that the host must not have, so it is built by itself: in one build
/// with others, all of them would have these parts.
pub const INITIALISE: &str = "swarm-flow-initialise";

/// The component crates of the app.
pub const COMPONENTS: [&str; 5] = [
    "gateway",
    "workspace",
    "swarm",
    "agent-script",
    "agent-tools",
];

/// The agents that come along and run in runners only, each a folder in `components/agents`: `agent-NAME`.
pub const AGENTS: [&str; 5] = ["coder", "judge", "planner", "researcher", "reviewer"];

/// The packages of both.
pub fn components() -> Vec<String> {
    let app = COMPONENTS.map(str::to_owned).into_iter();
    app.chain(AGENTS.map(|name| format!("agent-{name}")))
        .collect()
}

impl Project {
    pub fn find() -> Result<Self> {
        // Cargo says where we are as it runs us: what was compiled may come from a build elsewhere.
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let manifest = Path::new(&here).join("Cargo.toml");
        let metadata = metadata(&manifest, &["--no-deps"])?;
        Ok(Self {
            root: folder(&metadata, "workspace_root")?,
            cargo_target: folder(&metadata, "target_directory")?,
        })
    }

    /// What cargo knows of the workspace and of every crate that it depends on.
    pub fn metadata(&self) -> Result<Value> {
        metadata(&self.root.join("Cargo.toml"), &["--locked"])
    }

    /// The composed components of the app.
    pub fn components(&self) -> PathBuf {
        self.root.join("target/components")
    }

    /// What `exec` can run.
    pub fn programs(&self) -> PathBuf {
        self.root.join("target/programs")
    }

    /// What tests run.
    pub fn guests(&self) -> PathBuf {
        self.root.join("target/guests")
    }

    /// What cargo made for [`WASM_TARGET`].
    pub fn wasm(&self, name: &str) -> PathBuf {
        self.cargo_target
            .join(WASM_TARGET)
            .join("component")
            .join(format!("{}.wasm", name.replace('-', "_")))
    }

    pub fn binary(&self, profile: Profile, name: &str) -> PathBuf {
        let folder = match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        };
        self.cargo_target
            .join(folder)
            .join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The packages that are for WebAssembly alone: the programs, what they share, the examples and the guests of
    /// the tests.
    pub fn guest_packages(&self) -> Result<Vec<String>> {
        let metadata = metadata(&self.root.join("Cargo.toml"), &["--no-deps"])?;
        let folders = ["examples", "programs", "tests/guests"].map(|folder| self.root.join(folder));
        let packages = metadata["packages"].as_array();
        let packages = packages.context("`cargo metadata` says no `packages`")?;
        let is_guest = |package: &&Value| {
            let manifest = package["manifest_path"].as_str().map(Path::new);
            manifest
                .is_some_and(|manifest| folders.iter().any(|folder| manifest.starts_with(folder)))
        };
        let names = packages.iter().filter(is_guest);
        Ok(names
            .filter_map(|package| package["name"].as_str())
            .map(str::to_owned)
            .collect())
    }

    /// Tells cargo to take all packages but [`Self::guest_packages`] and [`INITIALISE`].
    pub fn native<'a>(&self, cargo: &'a mut Command) -> Result<&'a mut Command> {
        cargo.args(["--workspace", "--exclude", INITIALISE]);
        for package in self.guest_packages()? {
            cargo.args(["--exclude", &package]);
        }
        Ok(cargo)
    }

    /// Cargo that builds for WebAssembly. What it builds names no folder of this machine: panics show where they happened.
    pub fn cargo_for_wasm(&self) -> Command {
        let mut cargo = self.cargo(&["build", "--target", WASM_TARGET, "--profile", "component"]);
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
        // Our own sources are named as they lie in the checkout: where that is must not change the flags, or each clone would
        // compile everything again.
        if let Some(home) = home {
            let flag = format!("--remap-path-prefix={}=/cargo", home.display());
            cargo.env("CARGO_ENCODED_RUSTFLAGS", flag);
        }
        cargo
    }

    /// Cargo in the checkout, the same that runs us.
    pub fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root).args(arguments);
        command
    }
}

/// The folder in which results are kept over checkouts: `XDG_CACHE_HOME`, or else `~/.cache`.
pub fn cache() -> Option<PathBuf> {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("swarm-flow"))
}

/// What cargo tells us of our own package stays with us: a build script that looks at it would otherwise run
/// again, and all that stands on it be compiled again, whenever cargo is called in the other way.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let told = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if told {
            command.env_remove(name);
        }
    }
    command
}

fn metadata(manifest: &Path, arguments: &[&str]) -> Result<Value> {
    let mut command = cargo();
    command
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .args(arguments);
    let output = step::output(&mut command)?;
    serde_json::from_slice(&output).context("read what `cargo metadata` printed")
}

fn folder(metadata: &Value, name: &str) -> Result<PathBuf> {
    let text = metadata.get(name).and_then(Value::as_str);
    Ok(text
        .with_context(|| format!("`cargo metadata` says no `{name}`"))?
        .into())
}
