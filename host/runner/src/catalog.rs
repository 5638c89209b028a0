//! What a runner can run: programs, the environments that have them, and agents.
//!
//! A program is compiled at its first use, or earlier in the background; the first use of one never waits
//! for another's.

use crate::agent::Agent;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use swarm_flow_protocol as protocol;
use swarm_flow_protocol::Origin;
use swarm_flow_sandbox::{CompiledCache, Description, Engine, Program, component_of};
use tokio::sync::{OnceCell, Semaphore};
use wasmtime::component::Component;

mod agents;
mod file;
mod offer;

pub use file::{AgentFile, ProgramFile};

/// Everything that a runner can run.
pub struct Catalog {
    engine: Engine,
    cache: CompiledCache,
    programs: Vec<Arc<Entry>>,
    /// What users added, in order of name. Who reads takes the whole list and lets go of the lock.
    added: RwLock<Arc<[Arc<Entry>]>>,
    /// One of those is compiled in the background at a time.
    background: Semaphore,
    own: Own,
    agents: BTreeMap<String, (AgentFile, OnceCell<Agent>)>,
}

struct Entry {
    file: ProgramFile,
    origin: Origin,
    digest: blake3::Hash,
    size_bytes: u64,
    /// What it says of itself where it is an agent.
    profile: Option<protocol::AgentProfile>,
    program: OnceCell<Program>,
    agent: OnceCell<Agent>,
    description: OnceCell<Description>,
}

/// Programs of users get no variables but a command's own.
static NO_VARIABLES: BTreeMap<String, String> = BTreeMap::new();

/// What a workspace's own programs are compiled from, apart from ours: a core module becomes a component first.
const OWN: &[u8] = b"own program 2, adapter 48.0.8:";
/// How many of them are kept ready to run.
const OWN_READY_MAX: usize = 64;

/// The workspaces' own programs.
struct Own {
    /// The last one that was used is the last one here.
    ready: Mutex<Vec<(blake3::Hash, Arc<OnceCell<Program>>)>>,
    compiling: Semaphore,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            ready: Mutex::default(),
            compiling: Semaphore::new(1),
        }
    }
}

impl Own {
    fn cell(&self, digest: blake3::Hash) -> Arc<OnceCell<Program>> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let known = ready.iter().position(|(known, _)| *known == digest);
        let cell = known.map(|index| ready.remove(index).1).unwrap_or_default();
        ready.push((digest, cell.clone()));
        if ready.len() > OWN_READY_MAX {
            ready.remove(0);
        }
        cell
    }
}

/// A program and what it gets by default.
pub(crate) struct Runnable<'a> {
    pub(crate) program: Program,
    pub(crate) env: &'a BTreeMap<String, String>,
    pub(crate) ends_with_reader: bool,
}

/// The environment without a language, for programs that the operator or the workspace brings.
const BASE: &str = "base";

impl Catalog {
    pub fn new(
        engine: &Engine,
        cache: CompiledCache,
        programs: Vec<ProgramFile>,
        agents: Vec<AgentFile>,
    ) -> Result<Self> {
        let mut entries: Vec<Arc<Entry>> = Vec::new();
        let (announced, agents): (Vec<_>, Vec<_>) =
            agents.into_iter().partition(|agent| agent.about.is_some());
        let programs = programs.into_iter().map(|file| (file, None));
        for (file, profile) in programs.chain(announced.into_iter().map(AgentFile::announced)) {
            if entries.iter().any(|entry| entry.file.name == file.name) {
                bail!("two programs are named `{}`", file.name);
            }
            let mut hasher = blake3::Hasher::new();
            hasher
                .update_mmap(&file.path)
                .with_context(|| format!("cannot read {}", file.path.display()))?;
            let size_bytes = hasher.count();
            entries.push(Arc::new(Entry {
                file,
                origin: Origin::Shipped,
                digest: hasher.finalize(),
                size_bytes,
                profile,
                program: OnceCell::new(),
                agent: OnceCell::new(),
                description: OnceCell::new(),
            }));
        }
        let agents = agents
            .into_iter()
            .map(|file| (file.name.clone(), (file, OnceCell::new())))
            .collect();
        Ok(Self {
            engine: engine.clone(),
            cache,
            programs: entries,
            added: RwLock::default(),
            background: Semaphore::new(1),
            own: Own::default(),
            agents,
        })
    }

    /// The program that a command names, ready to run. Where it would lie on other machines, it is found too.
    pub(crate) async fn program<'a>(
        &'a self,
        environment: &str,
        name: &str,
    ) -> Result<Runnable<'a>, protocol::Error> {
        let plain = in_a_program_folder(name).unwrap_or(name);
        if let Some(entry) = named(|| self.of_environment(environment), plain) {
            return Ok(Runnable {
                program: self.ready(entry).await?,
                env: &entry.file.env,
                ends_with_reader: entry.file.ends_with_reader,
            });
        }
        let added = self.find_added(plain);
        let added = added.filter(|entry| entry.profile.is_none());
        let entry = added.ok_or_else(|| protocol::Error::NotFound {
            kind: "program".to_owned(),
            id: name.to_owned(),
            known: self.own_names(environment),
        })?;
        Ok(Runnable {
            program: self.ready(&entry).await?,
            env: &NO_VARIABLES,
            ends_with_reader: false,
        })
    }

    async fn ready(&self, entry: &Arc<Entry>) -> Result<Program, protocol::Error> {
        self.compiled(entry).await.cloned().map_err(|error| {
            tracing::error!("cannot load program `{}`: {error:#}", entry.file.name);
            protocol::Error::Internal {
                message: format!("cannot load program `{}`: {error:#}", entry.file.name),
            }
        })
    }

    /// A workspace's own program, a component or a core module of preview 1. One of them is compiled at a time.
    pub(crate) async fn own(&self, bytes: Vec<u8>) -> Result<Program> {
        let digest = blake3::hash(&bytes);
        let cell = self.own.cell(digest);
        let program = cell
            .get_or_try_init(async || {
                let _turn = self.own.compiling.acquire().await?;
                let (engine, cache) = (self.engine.clone(), self.cache.clone());
                tokio::task::spawn_blocking(move || {
                    let inputs = [OWN, digest.as_bytes()].concat();
                    let component = cache
                        .load_or_compile(engine.wasmtime(), &inputs, || component_of(bytes))?;
                    Ok::<_, anyhow::Error>(Program::new(&engine, &component)?)
                })
                .await?
            })
            .await;
        program.cloned()
    }

    /// The names by which an environment's programs are found, in order.
    pub(crate) fn names(&self, environment: &str) -> Vec<String> {
        let files = self.of_environment(environment).map(|entry| &entry.file);
        let names = files.flat_map(|file| std::iter::once(&file.name).chain(&file.aliases));
        let mut names: Vec<String> = names.cloned().collect();
        let added = self.added();
        let added = added.iter().filter(|entry| entry.profile.is_none());
        names.extend(added.map(|entry| entry.file.name.clone()));
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The program's own name and its aliases.
    pub(crate) fn names_of(&self, environment: &str, name: &str) -> Option<(String, Vec<String>)> {
        let names = |entry: &Arc<Entry>| (entry.file.name.clone(), entry.file.aliases.clone());
        let shipped = named(|| self.of_environment(environment), name);
        shipped
            .map(names)
            .or_else(|| self.find_added(name).as_ref().map(names))
    }

    /// The same without aliases.
    fn own_names(&self, environment: &str) -> Vec<String> {
        let shipped = self.of_environment(environment);
        let added = self.added();
        let names = shipped.chain(added.iter().filter(|entry| entry.profile.is_none()));
        names.map(|entry| entry.file.name.clone()).collect()
    }

    /// Compiles what has not been compiled yet, one after another.
    pub async fn compile_all(&self) {
        let added = self.added();
        for entry in self
            .programs
            .iter()
            .chain(added.iter())
            .filter(|entry| entry.is_compiled_early())
        {
            if let Err(error) = self.compile(entry).await {
                tracing::error!("cannot load program `{}`: {error:#}", entry.file.name);
            }
        }
    }

    /// Makes a program or an agent ready.
    async fn compile(&self, entry: &Arc<Entry>) -> Result<()> {
        match entry.profile {
            None => self.compiled(entry).await.map(drop),
            Some(_) => self.compiled_agent(entry).await.map(drop),
        }
    }

    /// The names of the programs that have to be compiled before they can run.
    pub fn uncompiled(&self) -> Vec<String> {
        let added = self.added();
        let all = self.programs.iter().chain(added.iter());
        let missing = all.filter(|entry| entry.is_compiled_early() && !self.is_compiled(entry));
        missing.map(|entry| entry.file.name.clone()).collect()
    }

    /// Sandboxes that may be alive at once.
    pub(crate) fn places(&self) -> usize {
        self.engine.sandboxes_max() as usize
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What the runner tells the app of its programs.
    pub(crate) fn programs(&self) -> Vec<protocol::Program> {
        let all: Vec<String> = self
            .environments()
            .into_iter()
            .map(|environment| environment.name)
            .collect();
        let added = self.added();
        let programs = self.programs.iter().chain(added.iter());
        programs.map(|entry| entry.offered(&all)).collect()
    }

    pub(crate) fn environments(&self) -> Vec<protocol::Environment> {
        let mut environments = BTreeMap::from([(BASE.to_owned(), plain_environment(BASE))]);
        for entry in &self.programs {
            for name in &entry.file.environments {
                let environment = environments
                    .entry(name.clone())
                    .or_insert_with(|| plain_environment(name));
                let is_main = entry.file.environments.first() == Some(name);
                if is_main && !entry.file.language.is_empty() {
                    environment.language.clone_from(&entry.file.language);
                    environment.version.clone_from(&entry.file.version);
                }
            }
        }
        environments.into_values().collect()
    }

    fn of_environment<'a, 'e>(
        &'a self,
        environment: &'e str,
    ) -> impl Iterator<Item = &'a Arc<Entry>> + use<'a, 'e> {
        self.programs.iter().filter(move |entry| {
            let environments = &entry.file.environments;
            entry.profile.is_none()
                && (environments.is_empty() || environments.iter().any(|name| name == environment))
        })
    }

    async fn compiled<'a>(&self, entry: &'a Arc<Entry>) -> Result<&'a Program> {
        let made = entry
            .program
            .get_or_try_init(async || self.component(entry, Program::new).await);
        made.await
    }

    /// What is made of an entry's component, which is compiled unless it was before.
    async fn component<R: Send + 'static>(
        &self,
        entry: &Arc<Entry>,
        make: impl FnOnce(&Engine, &Component) -> wasmtime::Result<R> + Send + 'static,
    ) -> Result<R> {
        let (engine, cache, source) = (self.engine.clone(), self.cache.clone(), entry.clone());
        // Compiling an interpreter takes seconds to a minute of every core.
        tokio::task::spawn_blocking(move || {
            let component = cache
                .load_or_compile(engine.wasmtime(), &source.inputs(), || source.component())?;
            Ok(make(&engine, &component)?)
        })
        .await?
    }
}

/// The name of what lies in one of the folders that hold programs on other machines: scripts name them by these paths.
pub(crate) fn in_a_program_folder(path: &str) -> Option<&str> {
    let (folder, name) = path.rsplit_once('/')?;
    matches!(folder, "/bin" | "/usr/bin" | "/usr/local/bin").then_some(name)
}

/// The entry of that name; else the one that has it as an alias, as a name of one's own goes before another's alias.
fn named<'a, I: Iterator<Item = &'a Arc<Entry>>>(
    entries: impl Fn() -> I,
    name: &str,
) -> Option<&'a Arc<Entry>> {
    let own = entries().find(|entry| entry.file.name == name);
    own.or_else(|| entries().find(|entry| entry.is_named(name)))
}

/// An environment without a main language.
fn plain_environment(name: &str) -> protocol::Environment {
    protocol::Environment {
        name: name.to_owned(),
        language: String::new(),
        version: String::new(),
        packages: Vec::new(),
    }
}
