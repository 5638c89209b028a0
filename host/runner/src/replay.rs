//! Tasks that have ended are made again from their journals, to see whether their agents do the same. Nothing is done: what
//! an agent asks for that is not in its journal ends it.

use crate::Runner;
use crate::agent::{Agent, failure};
use crate::audit::sandbox_id;
use crate::calls::Parked;
use crate::journal::{Header, Journal};
use crate::spending::Spending;
use crate::tools::Tools;
use std::io;
use std::sync::Arc;
use swarm_flow_policy::Preset;
use swarm_flow_protocol::{AgentError, Lease, ReplayTask, Replayed};

impl Runner {
    /// The journal of a leased task: one that was begun, or a new one.
    pub(crate) async fn journal(&self, lease: &Lease, agent: &Agent) -> io::Result<Journal> {
        let (run, index) = (&lease.id.run_id, lease.id.index);
        self.prepare_journals(&lease.workspace, run).await?;
        let journals = &self.workspaces().journals;
        journals.attempt(&lease.workspace, run, index, lease.attempt, || {
            let digest = agent.digest.to_hex();
            let agent = (lease.agent.as_str(), digest.as_str());
            Header::new(run, index, lease.attempt, agent, &lease.task)
        })
    }

    /// What takes a while holds up no other task.
    async fn prepare_journals(&self, workspace: &str, run: &str) -> io::Result<()> {
        if self.workspaces().journals.is_prepared(workspace, run) {
            return Ok(());
        }
        let (runner, workspace, run) = (self.clone(), workspace.to_owned(), run.to_owned());
        let prepare = move || runner.workspaces().journals.prepare(&workspace, &run);
        tokio::task::spawn_blocking(prepare).await?
    }

    /// Makes the last attempt of a task again.
    pub(crate) async fn replay(&self, task: &ReplayTask) -> Replayed {
        let mut replayed = Replayed {
            index: task.index,
            attempt: 0,
            steps: 0,
            divergence: None,
            failure: None,
        };
        if let Err(failure) = self.replay_into(task, &mut replayed).await {
            replayed.failure = Some(failure);
        }
        replayed
    }

    async fn replay_into(
        &self,
        task: &ReplayTask,
        replayed: &mut Replayed,
    ) -> Result<(), AgentError> {
        let unreadable = |error: &dyn std::fmt::Display| {
            failure(
                "unavailable",
                format!("the journal cannot be read: {error}"),
            )
        };
        self.workspaces()
            .place(&task.workspace)
            .map_err(|error| unreadable(&error))?;
        let prepared = self.prepare_journals(&task.workspace, &task.run_id).await;
        prepared.map_err(|error| unreadable(&error))?;
        let journals = &self.workspaces().journals;
        let journal = journals.last(&task.workspace, &task.run_id, task.index);
        let Some(journal) = journal.map_err(|error| unreadable(&error))? else {
            let why = journals.why_none(&task.workspace, &task.run_id);
            return Err(failure("no_journal", why));
        };
        let journal = Arc::new(journal);
        replayed.attempt = journal.header.attempt;
        let Header { agent, digest, .. } = &journal.header;
        let found = self.catalog().agent_of(agent, digest).await;
        let found = found.map_err(|error| failure("agent_replaced", format!("{error:#}")))?;
        let tools = Tools {
            runner: self.clone(),
            workspace: task.workspace.clone(),
            environment: String::new(),
            policy: Preset::Isolated.policy(),
            actor: format!("replay:{agent}"),
            inputs: Vec::new(),
            recording: None,
            journal: Some(journal.clone()),
            leased: None,
            parked: Parked::default(),
            reporter: None,
            spending: Spending::default(),
        };
        let trail = self
            .record_agent(agent, &tools)
            .map_err(|closed| failure("unavailable", closed.to_string()))?;
        let again = journal.header.task.clone();
        let execution = async move { found.execute(&again, tools, trail).await };
        // Beside the workspace's own sandboxes: one that is stopped can be replayed too.
        let execution = self.shared.threads.spawn(&sandbox_id(), execution);
        let outcome = execution
            .await
            .map_err(|unfinished| failure("unavailable", unfinished.to_string()))?;
        journal.end(&outcome).map_err(|error| unreadable(&error))?;
        let (steps, divergence) = journal.replayed();
        replayed.steps = steps as u64;
        replayed.divergence = divergence;
        Ok(())
    }
}
