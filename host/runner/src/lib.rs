//! The data plane: holds workspace directories, runs programs and agents in sandboxes, and answers the app.
//!
//! A runner alone touches files and sockets. It decides nothing about who may do what: the app sends the
//! policy with each command, and the runner enforces it. It *pulls* tasks by leases, so that it may vanish at
//! any time and its work is leased again.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod agent;
mod api;
mod catalog;
mod exec;
mod files;
mod join;
mod lease;
mod stdin;
mod threads;
mod tools;
mod tree;
mod workspace;

pub use api::router;
pub use catalog::{AgentFile, Catalog, ProgramFile};
pub use join::{AppCall, AppResponse, Joined, join};

use anyhow::{Context, Result};
use std::path::PathBuf;
use std::sync::Arc;
use stdin::Inputs;
use threads::SandboxThreads;
use tokio::sync::Notify;
use workspace::Workspaces;

/// How a runner is set up.
pub struct RunnerConfig {
    /// Stays the same across restarts: workspaces are bound to it.
    pub id: String,
    /// Where the app reaches it.
    pub url: String,
    /// The bearer token that both sides present.
    pub token: String,
    /// Holds `workspaces/`.
    pub state: PathBuf,
    pub catalog: Catalog,
    /// What `@package-registries` stands for.
    pub registries: Vec<String>,
}

/// A runner. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    shared: Arc<Shared>,
}

struct Shared {
    config: RunnerConfig,
    workspaces: Workspaces,
    threads: SandboxThreads,
    inputs: Inputs,
    registries: Arc<[String]>,
    /// Someone said that there may be work.
    wake: Notify,
}

impl Runner {
    pub fn new(config: RunnerConfig) -> Result<Self> {
        let workspaces = Workspaces::open(&config.state)
            .with_context(|| format!("cannot open the workspaces in {}", config.state.display()))?;
        let threads = SandboxThreads::start().context("cannot start the sandbox threads")?;
        let registries = config.registries.clone().into();
        let shared = Shared {
            config,
            workspaces,
            threads,
            inputs: Inputs::default(),
            registries,
            wake: Notify::new(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    pub fn id(&self) -> &str {
        &self.shared.config.id
    }

    /// Compiles the programs that have not been compiled yet, one after another.
    pub async fn compile_all(&self) {
        self.catalog().compile_all().await;
    }

    fn workspaces(&self) -> &Workspaces {
        &self.shared.workspaces
    }

    fn catalog(&self) -> &Catalog {
        &self.shared.config.catalog
    }
}
