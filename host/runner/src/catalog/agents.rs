//! The agents that a runner has: those that come along, and those that users added.

use super::{Catalog, Entry, OWN};
use crate::Runner;
use crate::agent::{Agent, linker};
use crate::calls::Parked;
use crate::spending::Spending;
use crate::tools::Tools;
use anyhow::{Context, Result};
use bytes::Bytes;
use std::sync::Arc;
use swarm_flow_policy::Preset;
use swarm_flow_protocol::{AgentProfile, Error, check_program_version};
use swarm_flow_sandbox as sandbox;
use swarm_flow_sandbox::Description;

impl Catalog {
    /// An agent, ready to do tasks. Who has it keeps it when it is replaced.
    pub(crate) async fn agent(&self, name: &str) -> Option<Result<Agent>> {
        let Some((file, cell)) = self.agents.get(name) else {
            let entry = self.shipped_agent(name).or_else(|| self.find_added(name))?;
            entry.profile.as_ref()?;
            return Some(self.compiled_agent(&entry).await.cloned());
        };
        let agent = cell
            .get_or_try_init(async || {
                let (engine, cache, path) =
                    (self.engine.clone(), self.cache.clone(), file.path.clone());
                tokio::task::spawn_blocking(move || {
                    let bytes = std::fs::read(&path)
                        .with_context(|| format!("cannot read {}", path.display()))?;
                    let digest = blake3::hash(&bytes);
                    let component =
                        cache
                            .load_or_compile(engine.wasmtime(), digest.as_bytes(), || Ok(bytes))?;
                    Ok(Agent::new(&engine, &component, digest)?)
                })
                .await?
            })
            .await;
        Some(agent.cloned())
    }

    /// One that comes along beside the app's own.
    fn shipped_agent(&self, name: &str) -> Option<Arc<Entry>> {
        let named = |entry: &&Arc<Entry>| entry.profile.is_some() && entry.file.name == name;
        self.programs.iter().find(named).cloned()
    }

    pub(super) async fn compiled_agent<'a>(&self, entry: &'a Arc<Entry>) -> Result<&'a Agent> {
        let made = entry.agent.get_or_try_init(async || {
            let digest = entry.digest;
            let make = move |engine: &_, component: &_| Agent::new(engine, component, digest);
            self.component(entry, make).await
        });
        made.await
    }

    /// The agent as it was when a task began, which may have been replaced since: then it is there as long as it is kept
    /// compiled.
    pub(crate) async fn agent_of(&self, name: &str, digest: &str) -> Result<Agent> {
        let now = self.agent(name).await;
        if let Some(Ok(agent)) = &now
            && agent.digest.to_hex().as_str() == digest
        {
            return Ok(agent.clone());
        }
        let digest = blake3::Hash::from_hex(digest).context("read the digest of an agent")?;
        let (engine, cache) = (self.engine.clone(), self.cache.clone());
        let kept = tokio::task::spawn_blocking(move || {
            let added = [OWN, digest.as_bytes()].concat();
            for inputs in [digest.as_bytes().as_slice(), &added] {
                let gone = || Err(anyhow::anyhow!("it is not kept"));
                if let Ok(component) = cache.load_or_compile(engine.wasmtime(), inputs, gone) {
                    return Ok(Agent::new(&engine, &component, digest)?);
                }
            }
            anyhow::bail!(
                "the agent was replaced or removed since, and what it was is not kept any more"
            )
        });
        kept.await?
    }

    /// Refuses what is no agent, and asks one what it is: its version and what it can.
    pub(crate) async fn examine_agent(
        &self,
        runner: &Runner,
        name: &str,
        bytes: Bytes,
    ) -> Result<(Description, String, AgentProfile), Error> {
        if self.agents.contains_key(name) || self.shipped_agent(name).is_some() {
            return Err(Error::Conflict {
                message: format!(
                    "`{name}` is an agent that comes with the platform and is not replaced; yours can have another name"
                ),
            });
        }
        let (engine, cache) = (self.engine.clone(), self.cache.clone());
        let compiled = tokio::task::spawn_blocking(move || {
            let linker = linker(&engine)?;
            let entry = sandbox::Entry::Agent;
            let description = sandbox::examine_with(&engine, &linker, &bytes, entry)?;
            let inputs = [OWN, blake3::hash(&bytes).as_bytes()].concat();
            let component =
                cache.load_or_compile(engine.wasmtime(), &inputs, || Ok(bytes.to_vec()))?;
            let digest = blake3::hash(&bytes);
            Ok((description, Agent::new(&engine, &component, digest)?))
        });
        let compiled: Result<_> = match compiled.await {
            Ok(compiled) => compiled,
            Err(panic) => Err(panic.into()),
        };
        let (description, agent) = compiled.map_err(|error| refused(format!("{error:#}")))?;
        let nowhere = Tools {
            runner: runner.clone(),
            workspace: String::new(),
            environment: String::new(),
            policy: Preset::Isolated.policy(),
            actor: "user".to_owned(),
            inputs: Vec::new(),
            recording: None,
            journal: None,
            leased: None,
            parked: Parked::default(),
            reporter: None,
            spending: Spending::default(),
        };
        let trail = runner.record_agent(name, &nowhere);
        let trail = trail.map_err(|closed| Error::Unavailable {
            message: closed.to_string(),
        })?;
        let said = agent.capabilities(nowhere, trail).await;
        let (version, profile) = said.map_err(refused)?;
        check_program_version("version", &version)?;
        Ok((description, version, profile))
    }
}

fn refused(message: String) -> Error {
    Error::Invalid {
        field: "body".to_owned(),
        message,
    }
}
