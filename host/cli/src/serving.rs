//! What `up` and `runner` have in common: the runner that both are, and what its sandboxes get of this machine.

use crate::Around;
use crate::arguments::variable;
use crate::built;
use crate::roots::Roots;
use crate::state::State;
use crate::walls::{self, Needs};
use anyhow::Result;
use clap::Args;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use swarm_flow_runner::{Runner, RunnerConfig};
use swarm_flow_sandbox::{CompiledCache, Engine};

#[derive(Args)]
pub struct Serving {
    /// A program for `exec`, beside those that were built: a component that exports `wasi:cli/run`
    #[arg(long = "program", value_name = "NAME=FILE", value_parser = variable)]
    programs: Vec<(String, String)>,
    #[command(flatten)]
    roots: Roots,
    /// Where compiled components are kept; without it `compiled` in the state folder
    #[arg(long)]
    compiled: Option<PathBuf>,
    /// What `@package-registries` stands for: a file, or `none`; without it `registries.toml` in the state folder, for
    /// which this machine's package clients are asked at the first start
    #[arg(long, value_name = "FILE|none")]
    pub registries: Option<String>,
    /// The models that agents may ask: a file, or `none`; without it `models.toml` in the state folder, where there is one.
    /// SWARM_FLOW_MODEL and the keys' variables count in any case but `none`
    #[arg(long, value_name = "FILE|none")]
    pub models: Option<String>,
    /// How much of the audit log may wait for an app that does not take it, before no sandbox starts any more
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    audit_spool_mib: u64,
    /// How long people have to approve a call of an agent's tool for which the policy wants them to be asked; then it is denied
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u64).range(1..=2_592_000))]
    approval_timeout_seconds: u64,
    /// Whether the process shuts itself off from what it does not need: Landlock, seccomp, capabilities
    #[arg(long, value_enum, default_value_t)]
    pub walls: walls::Mode,
}

/// Who a runner is, and how its app reaches it.
pub struct Known {
    pub id: String,
    pub url: String,
    pub token: String,
}

impl Serving {
    /// What the process needs of the machine. Makes the folders that it writes into. `sources` is what it is made of,
    /// beside the programs.
    pub fn needs(&self, state: &Path, sources: Vec<PathBuf>, listen: SocketAddr) -> Result<Needs> {
        Needs::new(
            state,
            self.compiled.as_deref(),
            sources,
            &self.programs,
            &self.roots,
            listen,
        )
    }

    /// Where compiled components are kept.
    pub fn compiled(&self, state: &State) -> PathBuf {
        self.compiled
            .clone()
            .unwrap_or_else(|| state.path().join("compiled"))
    }

    /// The runner, and its programs that are not compiled yet. `folder` is what was built.
    pub fn runner(
        &self,
        engine: &Engine,
        state: &State,
        folder: Option<&Path>,
        known: Known,
        around: Around,
    ) -> Result<(Runner, Vec<String>)> {
        let cache = CompiledCache::open(&self.compiled(state))?;
        let catalog = built::catalog(engine, cache, folder, &self.programs)?;
        let runner = Runner::new(RunnerConfig {
            id: known.id,
            url: known.url,
            token: known.token,
            state: state.path().to_owned(),
            audit_bytes_max: self.audit_spool_mib.saturating_mul(1 << 20),
            approval_timeout: Duration::from_secs(self.approval_timeout_seconds),
            catalog,
            walls: around.walls,
            registries: around.registries,
            models: around.models,
            roots: around.roots,
        })?;
        let uncompiled = runner.uncompiled();
        Ok((runner, uncompiled))
    }
}
