//! What a command and the programs that it starts have in common, and how it starts one.
//!
//! Each gets a sandbox of its own under the policy and the limits of the command, a place of the workspace's, and a record
//! in the audit log. When the command ends, so do they.

use crate::Runner;
use crate::approvals::Approved;
use crate::audit::{self, sandbox_id};
use crate::directories::{cwd, directories, opened};
use crate::exec::{environment, exit_of};
use crate::executable;
use crate::queue::NoPlace;
use crate::workspace::Place;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use swarm_flow_audit::{Ended as Recorded, Started, Subject, Trail};
use swarm_flow_policy::{Limits, Policy, ToolCall};
use swarm_flow_protocol::Error;
use swarm_flow_sandbox::undo::Changes;
use swarm_flow_sandbox::{
    Child, ChildEnd, ChildOutcome, Decisions, Directory, Disk, Egress, End, Ended, Family, Grants,
    Live, Sockets, SpawnError, Spawned, Spawner, Start,
};
use tokio::sync::watch;

/// What a command has that all it starts have too.
pub(crate) struct Command {
    pub(crate) runner: Runner,
    pub(crate) workspace: String,
    pub(crate) environment: String,
    pub(crate) policy: Policy,
    pub(crate) policy_name: String,
    pub(crate) revision: u64,
    pub(crate) actor: String,
    /// The policy's, and narrower where the caller said so.
    pub(crate) limits: Limits,
    pub(crate) live: Live,
    pub(crate) place: Place,
    pub(crate) disk: Arc<Disk>,
    /// Where the command's caller hears what was denied.
    pub(crate) decisions: Decisions,
    pub(crate) changes: Changes,
    pub(crate) idempotency: Option<String>,
    pub(crate) children: Children,
    /// Of an agent's command.
    pub(crate) approved: Option<Approved>,
}

/// The programs that run; none once the command has ended.
pub(crate) struct Children(Mutex<Option<HashMap<u32, Spawned<()>>>>);

impl Default for Children {
    fn default() -> Self {
        Self(Mutex::new(Some(HashMap::new())))
    }
}

impl Children {
    /// Begins one, unless the command has ended.
    fn begin(&self, id: u32, begin: impl FnOnce() -> Spawned<()>) -> bool {
        let mut children = self.lock();
        // Under the lock, or it could have ended before it is there.
        let begun = children
            .as_mut()
            .map(|children| children.insert(id, begin()));
        begun.is_some()
    }

    /// It has ended, or is to end now.
    fn remove(&self, id: u32) {
        let gone = self
            .lock()
            .as_mut()
            .and_then(|children| children.remove(&id));
        // Its future may do anything when it goes, and not under the lock.
        drop(gone);
    }

    /// Ends all, for good.
    fn end(&self) {
        let gone = self.lock().take();
        drop(gone);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<HashMap<u32, Spawned<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The command runs. Dropping it ends what it started.
pub(crate) struct Running(Arc<Command>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.children.end();
    }
}

impl Command {
    /// The family of a command that starts now.
    pub(crate) fn begin(self) -> (Running, Family) {
        let command = Arc::new(self);
        let family = Family::new(Of(Arc::downgrade(&command)));
        (Running(command), family)
    }

    async fn spawn(self: &Arc<Self>, start: Start) -> Result<Child, SpawnError> {
        let filesystem = self.policy.filesystem.clone();
        let opened = opened(&filesystem, &self.place, &self.runner.shared.config.roots);
        let cwd = cwd(Some(&start.cwd), &opened).map_err(refused)?;
        let argv = start.argv.clone();
        let executable = self
            .runner
            .executable(&self.environment, argv, &cwd, &opened);
        let executable = executable.await.map_err(refused)?;
        self.check_approved(&start.argv, &executable.argv)?;
        let (program, env) = (executable.program, executable.env);
        // The sandbox says where it starts.
        let asked = start.env.iter().filter(|(name, _)| name != "PWD").cloned();
        let env = environment(env, asked);
        let sandboxes = self.policy.limits.sandboxes;
        let turn = self
            .runner
            .shared
            .queue
            .try_enter(&self.workspace, sandboxes);
        let turn = turn.map_err(|none| no_room(&none))?;
        let directories = directories(&opened, &cwd);
        let trail = self.record(&start, &directories)?;
        let (id, family) = (start.family.id(), start.family.clone());
        let start = Start {
            argv: executable.argv,
            stdout: start
                .stdout
                .ending_with_its_reader(executable.ends_with_reader),
            ..start
        };
        let grants = self.grants(start, env, cwd, directories, &trail)?;
        let (sender, end) = watch::channel(None);
        let command = self.clone();
        let run = async move {
            let ended = program.run(grants).await;
            let (end, recorded) = ended_as(&ended);
            // Before anybody hears of the end, there is room for the next.
            drop(turn);
            trail.end(recorded);
            sender.send_replace(Some(end));
            command.children.remove(id);
        };
        let threads = &self.runner.shared.threads;
        if !self
            .children
            .begin(id, || threads.spawn(&self.workspace, run))
        {
            return Err(SpawnError::Failed("the command has ended".to_owned()));
        }
        let command = Arc::downgrade(self);
        let kill = move || {
            if let Some(command) = command.upgrade() {
                command.children.remove(id);
            }
        };
        Ok(Child::new(&family, end, kill))
    }

    /// Refuses what a person would have to be asked about, who was not asked about it with the command.
    fn check_approved(&self, asked: &[String], run: &[String]) -> Result<(), SpawnError> {
        let Some(approved) = &self.approved else {
            return Ok(());
        };
        let decision = self.runner.approval(
            &self.workspace,
            &self.environment,
            &self.policy,
            (asked, run),
            &approved.lines,
        );
        if decision.is_allow() {
            return Ok(());
        }
        approved.tell(ToolCall::Exec(&[asked.to_vec()]), &decision);
        let name = asked.first().map_or("", String::as_str);
        Err(SpawnError::NotExecutable(format!(
            "`{name}` needs an approval, for which a program cannot wait: the agent has to call it directly"
        )))
    }

    fn record(&self, start: &Start, directories: &[Directory]) -> Result<Trail, SpawnError> {
        let subject = Subject {
            workspace: &self.workspace,
            sandbox: &sandbox_id(),
            actor: &self.actor,
        };
        let started = Started {
            program: start.argv.first().map_or("", String::as_str),
            environment: &self.environment,
            policy: &self.policy_name,
            revision: self.revision,
            directories: audit::named(directories),
            network: self.policy.network.kind(),
        };
        self.runner.record(subject, &started).map_err(refused)
    }

    fn grants(
        &self,
        start: Start,
        environment: Vec<(String, String)>,
        cwd: String,
        directories: Vec<Directory>,
        trail: &Trail,
    ) -> Result<Grants, SpawnError> {
        let workspaces = self.runner.workspaces();
        let registries = self.runner.shared.registries.clone();
        Ok(Grants {
            arguments: start.argv,
            environment,
            cwd,
            stdin: start.stdin,
            stdout: start.stdout,
            stderr: start.stderr,
            directories,
            egress: Egress::new(self.policy.network.clone(), registries),
            secrets: workspaces.secrets(&self.workspace).map_err(refused)?,
            sockets: Sockets::of(&self.policy),
            decisions: Some(self.decisions.clone().and(audit::decisions(trail))),
            disk: Some(self.disk.clone()),
            changes: self.changes.clone(),
            idempotency: self.idempotency.clone(),
            limits: self.limits.clone(),
            family: Some(start.family),
            live: Some(self.live.clone()),
            determined: None,
        })
    }
}

/// A command's family outlives it in the sandboxes that have not gone yet.
struct Of(Weak<Command>);

impl Spawner for Of {
    fn spawn(&self, start: Start) -> BoxFuture<'_, Result<Child, SpawnError>> {
        async move {
            match self.0.upgrade() {
                Some(command) => command.spawn(start).await,
                None => Err(SpawnError::Failed("the command has ended".to_owned())),
            }
        }
        .boxed()
    }

    fn programs(&self) -> Vec<String> {
        let command = self.0.upgrade();
        command.map_or_else(Vec::new, |command| {
            command.runner.catalog().names(&command.environment)
        })
    }
}

fn no_room(none: &NoPlace) -> SpawnError {
    SpawnError::NoRoom(match none {
        NoPlace::Workspace(sandboxes) => format!(
            "the workspace runs {sandboxes} sandboxes, as many as its policy's `limits.sandboxes` allows"
        ),
        NoPlace::Runner => "the runner has no room for another sandbox now".to_owned(),
    })
}

/// What keeps a program from starting, as the one that starts it sees it.
fn refused(error: Error) -> SpawnError {
    match error {
        Error::NotFound { id, .. } => SpawnError::NotFound(format!("there is no program `{id}`")),
        Error::Invalid { field, message } if field == executable::FIELD => {
            SpawnError::NotExecutable(message)
        }
        Error::Invalid { field, message } => SpawnError::Invalid(format!("{field}: {message}")),
        Error::Unavailable { message } | Error::Internal { message } => SpawnError::Failed(message),
        other => SpawnError::Failed(format!("{other:?}")),
    }
}

/// As its parent hears it, and as the audit log does.
fn ended_as(ended: &wasmtime::Result<Ended<u8>>) -> (ChildEnd, Recorded) {
    let recorded = audit::sandbox_ended(ended);
    let (exit_code, outcome) = match ended {
        Ok(ended) => (exit_of(&ended.end), outcome(&ended.end)),
        Err(error) => {
            tracing::error!("cannot run a sandbox: {error:#}");
            let message = format!("cannot run the sandbox: {error:#}");
            (NOT_RUN, ChildOutcome::Trapped(message))
        }
    };
    (ChildEnd { exit_code, outcome }, recorded)
}

/// The exit code of what could not be run, as shells give it.
const NOT_RUN: u8 = 126;

fn outcome(end: &End<u8>) -> ChildOutcome {
    match end {
        End::Returned(_) | End::Exited(_) => ChildOutcome::Exited,
        End::Trapped(message) => ChildOutcome::Trapped(message.clone()),
        End::Revoked(_) => ChildOutcome::Cancelled,
        End::Limit {
            name,
            used,
            allowed,
        } => ChildOutcome::Limit {
            name,
            used: *used,
            allowed: *allowed,
        },
    }
}
