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

mod added;
mod agent;
mod announcement;
mod api;
mod approvals;
mod atomic;
mod audit;
mod calls;
mod catalog;
mod directories;
mod exec;
mod executable;
mod files;
mod join;
mod journal;
mod lease;
mod memory;
mod model;
mod programs;
mod queue;
mod replay;
mod roots;
mod running;
mod secrets;
mod spawn;
mod spending;
mod stdin;
mod tools;
mod traced;
mod tree;
mod workspace;

use crate::atomic::Recovered;
pub use api::router;
pub use catalog::{AgentFile, Catalog, ProgramFile};
pub use join::{AppCall, AppResponse, Joined, join};
pub use model::Delta;
pub use roots::Root;

use added::AddedFolder;
use announcement::Announcements;
use anyhow::{Context, Result};
use queue::Queue;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use stdin::Inputs;
use swarm_flow_audit::{Log, Settings};
use swarm_flow_model::Models;
use swarm_flow_policy::Surroundings;
use swarm_flow_protocol::Wall;
use swarm_flow_sandbox::Threads;
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
    /// Holds `workspaces/`, `undo/`, `programs/` and `audit/`.
    pub state: PathBuf,
    /// What the audit log may keep for an app that does not take it, before no sandbox starts any more.
    pub audit_bytes_max: u64,
    pub catalog: Catalog,
    /// How long people have to approve a call of an agent's tool, before it is denied.
    pub approval_timeout: Duration,
    /// What shuts this process off from its machine.
    pub walls: Vec<Wall>,
    /// What `@package-registries` stands for.
    pub registries: Vec<String>,
    /// Those that agents may ask.
    pub models: Arc<Models>,
    /// What `filesystem = "full"` opens beside a workspace's own directories.
    pub roots: Vec<Root>,
}

/// A runner. Cheap to clone.
#[derive(Clone)]
pub struct Runner {
    shared: Arc<Shared>,
}

struct Shared {
    config: RunnerConfig,
    workspaces: Workspaces,
    /// Who starts a sandbox next.
    queue: Queue,
    threads: Threads,
    inputs: Inputs,
    registries: Arc<[String]>,
    surroundings: Surroundings,
    audit: Log,
    /// The files of users' programs.
    added: AddedFolder,
    /// Held by who adds or removes one.
    changing_programs: tokio::sync::Mutex<()>,
    announcements: Announcements,
    /// What models say.
    deltas: model::Deltas,
    /// There is more in the audit log.
    recorded: Arc<Notify>,
    /// Someone said that there may be work.
    wake: Notify,
    /// Leases were taken away.
    leases_lost: Notify,
}

impl Runner {
    pub fn new(config: RunnerConfig) -> Result<Self> {
        let workspaces = Workspaces::open(&config.state)
            .with_context(|| format!("cannot open the workspaces in {}", config.state.display()))?;
        // Before anything can touch a workspace.
        let journals = &workspaces.journals;
        let recovered = workspaces
            .recover(|workspace, key| journals.is_recorded(workspace, key))
            .context("cannot read the undo logs")?;
        if recovered != Recovered::default() {
            tracing::info!(
                ?recovered,
                "ended the commands of tasks that an earlier process left half done"
            );
        }
        let threads =
            Threads::start(config.catalog.engine()).context("cannot start the sandbox threads")?;
        let registries = config.registries.clone().into();
        let surroundings = Surroundings {
            registries: config.registries.clone(),
            directories: config.roots.iter().map(|root| root.guest.clone()).collect(),
        };
        let queue = Queue::new(config.catalog.places());
        let recorded = Arc::new(Notify::new());
        let settings = Settings {
            spool_bytes_max: config.audit_bytes_max,
            ..Settings::new(config.state.join("audit"), &config.id)
        };
        let told = recorded.clone();
        let audit = Log::open(settings, move || told.notify_one())?;
        let added = added(&config).context("cannot load the programs of users")?;
        let shared = Shared {
            config,
            workspaces,
            queue,
            threads,
            inputs: Inputs::default(),
            registries,
            surroundings,
            audit,
            added,
            changing_programs: tokio::sync::Mutex::default(),
            announcements: Announcements::default(),
            deltas: model::Deltas::default(),
            recorded,
            wake: Notify::new(),
            leases_lost: Notify::new(),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// What models say to agents from now on, as they say it. Who is slow misses some.
    pub fn watch_models(&self) -> tokio::sync::broadcast::Receiver<Delta> {
        self.shared.deltas.watch()
    }

    pub fn id(&self) -> &str {
        &self.shared.config.id
    }

    /// The names of the programs that have to be compiled before they can run.
    pub fn uncompiled(&self) -> Vec<String> {
        self.catalog().uncompiled()
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

/// Offers the programs that users added before.
fn added(config: &RunnerConfig) -> Result<AddedFolder> {
    let folder = AddedFolder::open(&config.state)?;
    for file in folder.load()? {
        let size = std::fs::metadata(&file.path);
        let size = size.with_context(|| format!("cannot read {}", file.path.display()))?;
        if config.catalog.check_free(&file.name).is_err() {
            tracing::warn!(
                "a program that comes along has the name of the added one `{}`, which is not offered",
                file.name
            );
            continue;
        }
        config.catalog.offer(file, size.len(), None);
    }
    Ok(folder)
}
