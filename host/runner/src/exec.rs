//! Runs a command in a workspace: finds the program, opens the directories that the policy grants, runs the
//! sandbox on the sandbox threads.

mod check;

use crate::Runner;
use crate::approvals::{self, Approved};
use crate::atomic::{Atomic, Attempt, beside};
use crate::audit::{self, sandbox_id};
use crate::directories::{cwd, directories, opened};
use crate::executable::Executable;
use crate::spawn::{Children, Command};
use crate::workspace::missing;
use bytes::Bytes;
use check::check;
use std::collections::BTreeMap;
use std::sync::Arc;
use swarm_flow_audit::Subject;
use swarm_flow_policy::{SANDBOX_DIRECTORIES, ToolCall};
use swarm_flow_protocol::{Denial, Error, ExecRequest, ExecResult, Outcome, PolicyChange};
use swarm_flow_sandbox::undo::Changes;
use swarm_flow_sandbox::{
    Decisions, Denials, Egress, End, Ended, Grants, Input, Output, OutputChunk, Sockets, Stream,
    Unfinished,
};
use tokio::sync::{mpsc, oneshot};

/// The exit codes of a command that did not end by itself, as shells give them.
const EXIT_OUT_OF_TIME: u8 = 124;
const EXIT_TRAPPED: u8 = 134;
const EXIT_KILLED: u8 = 137;

/// What goes on while a command runs.
pub(crate) struct Streams {
    pub(crate) outputs: mpsc::Sender<OutputChunk>,
    /// Where input follows: is told the id under which the command takes it.
    pub(crate) started: Option<oneshot::Sender<String>>,
}

impl Runner {
    /// Runs a command to its end. With streams the outputs go there as they come, and the result has none.
    /// Dropping the future ends the command, and where it is atomic takes back what it changed. However such a command ends
    /// by itself, at a limit for one, its result is committed.
    pub(crate) async fn exec(
        &self,
        id: &str,
        mut request: ExecRequest,
        streams: Option<Streams>,
        atomic: Option<Atomic>,
    ) -> Result<ExecResult, Error> {
        check(&request)?;
        let place = self.workspaces().place(id)?;
        if !place.files.is_dir() {
            return Err(missing(id));
        }
        let running = &self.workspaces().running;
        let entry = running.enter(id, &mut request, &self.shared.surroundings)?;
        let _turn = tokio::select! {
            turn = self.shared.queue.enter(id, request.policy.limits.sandboxes) => turn?,
            () = entry.stop.cancelled() => return Err(stopped()),
        };
        let limits = request.policy.limits.narrowed(&request.limits);
        let (sender, started) = match streams {
            None => (None, None),
            Some(Streams { outputs, started }) => (Some(outputs), started),
        };
        let (stdout, stderr) = outputs(sender, limits.output_bytes);
        let filesystem = request.policy.filesystem.clone();
        let opened = opened(&filesystem, &place, &self.shared.config.roots);
        let cwd = cwd(request.cwd.as_deref(), &opened)?;
        let argv = request.command.clone();
        let executable = self.executable(&request.environment, argv, &cwd, &opened);
        let Executable {
            program, env, argv, ..
        } = executable.await?;
        let (decisions, denials) = Decisions::denials();
        let sandbox = sandbox_id();
        let stdin = Bytes::from(std::mem::take(&mut request.stdin));
        let disk = self.workspaces().disk(id, limits.disk_bytes)?;
        let disk = Arc::new(disk.following(entry.live.clone()));
        let secrets = self.workspaces().secrets(id)?;
        let idempotency = atomic.as_ref().map(|atomic| atomic.key.clone());
        let (attempt, changes) = match atomic {
            None => (None, beside(&self.workspaces().owners(id), &place)),
            Some(atomic) => {
                let begun = Attempt::begin(self.workspaces(), id, &place, &disk, atomic).await?;
                (Some(begun.0), Changes::Undone(begun.1))
            }
        };
        let directories = directories(&opened, &cwd);
        let subject = Subject {
            workspace: id,
            sandbox: &sandbox,
            actor: &request.actor,
        };
        let trail = self.record(subject, &audit::started(&request, &directories))?;
        let approved = request.approved.take().map(|lines| Approved {
            lines,
            told: decisions.clone().and(audit::decisions(&trail)),
        });
        if let Some(approved) = &approved {
            let commands = (request.command.as_slice(), argv.as_slice());
            let decision = self.approval(
                id,
                &request.environment,
                &request.policy,
                commands,
                &approved.lines,
            );
            if !decision.is_allow() {
                let command = [request.command];
                approved.tell(ToolCall::Exec(&command), &decision);
                trail.end(audit::refused());
                return Err(approvals::denied(ToolCall::Exec(&command), &decision));
            }
        }
        let (_running, family) = Command {
            runner: self.clone(),
            workspace: id.to_owned(),
            environment: request.environment,
            policy: request.policy.clone(),
            policy_name: request.policy_name,
            revision: request.revision,
            actor: request.actor,
            limits: limits.clone(),
            live: entry.live.clone(),
            disk: disk.clone(),
            decisions: decisions.clone(),
            changes: changes.clone(),
            idempotency: idempotency.clone(),
            children: Children::default(),
            approved,
            place,
        }
        .begin();
        let mut grants = Grants {
            directories,
            arguments: argv,
            environment: environment(env, std::iter::once(home()).chain(request.env)),
            cwd,
            stdin: Input::bytes(stdin.clone()),
            stdout: stdout.clone(),
            stderr: stderr.clone(),
            sockets: Sockets::of(&request.policy),
            decisions: Some(decisions.and(audit::decisions(&trail))),
            egress: Egress::new(request.policy.network, self.shared.registries.clone()),
            secrets,
            disk: Some(disk),
            changes,
            idempotency,
            family: Some(family),
            live: Some(entry.live.clone()),
            determined: None,
            limits,
        };
        // Input is taken as long as the first of the two lives: to the end of this call.
        let (_opened, reader) = started
            .map(|started| {
                let (opened, reader) = self.shared.inputs.open(id, stdin);
                // Who is not there to be told has dropped this call as well.
                _ = started.send(opened.id.clone());
                (opened, reader)
            })
            .unzip();
        let running = self.shared.threads.spawn(id, async move {
            if let Some(reader) = reader {
                grants.stdin = Input::streamed(reader);
            }
            program.run(grants).await
        });
        let ended = tokio::select! {
            ended = running => Some(ended),
            () = entry.stop.cancelled() => None,
        };
        let result = match ended {
            None => Ok(cancelled(&stdout, &stderr)),
            Some(Ok(Ok(ended))) => Ok(result(ended, &stdout, &stderr)),
            Some(Ok(Err(error))) => Err(not_run(&error)),
            Some(Err(unfinished)) => Err(lost(unfinished)),
        };
        trail.end(audit::ended(&result));
        let result = ExecResult {
            sandbox,
            denials: denied(&denials),
            ..result?
        };
        match attempt {
            None => Ok(result),
            Some(attempt) => attempt.end(result).await,
        }
    }

    /// From now on the workspace's sandboxes, those that run included, have no more than this policy grants.
    pub(crate) fn change_policy(&self, id: &str, change: PolicyChange) -> Result<(), Error> {
        if !self.workspaces().place(id)?.files.is_dir() {
            return Err(missing(id));
        }
        let sandboxes = change.policy.limits.sandboxes;
        let running = &self.workspaces().running;
        running.change(id, change, &self.shared.surroundings)?;
        self.shared.queue.limit(id, sandboxes);
        Ok(())
    }
}

/// It had not started.
fn stopped() -> Error {
    Error::Conflict {
        message: "workspace-stopped: the workspace was stopped before the command had its turn"
            .to_owned(),
    }
}

fn not_run(error: &wasmtime::Error) -> Error {
    tracing::error!("cannot run a sandbox: {error:#}");
    Error::Internal {
        message: format!("cannot run the sandbox: {error:#}"),
    }
}

fn lost(unfinished: Unfinished) -> Error {
    match unfinished {
        Unfinished::Stopping => Error::Unavailable {
            message: "the runner is stopping".to_owned(),
        },
        Unfinished::Panicked(panic) => {
            tracing::error!("a sandbox panicked: {panic}");
            Error::Internal {
                message: "the sandbox ended by a fault of the runner".to_owned(),
            }
        }
    }
}

fn denied(denials: &Denials) -> Vec<Denial> {
    denials.first().into_iter().map(denial).collect()
}

/// In the words of `types.denial`.
fn denial(denied: swarm_flow_sandbox::Denial) -> Denial {
    Denial {
        capability: denied.capability.to_owned(),
        resource: denied.resource,
        rule: denied.rule,
    }
}

/// A sandbox's variables: the program's own, and over them what is asked for. The runner's are not among them.
pub(crate) fn environment(
    defaults: Option<&BTreeMap<String, String>>,
    asked: impl IntoIterator<Item = (String, String)>,
) -> Vec<(String, String)> {
    let mut environment = defaults.cloned().unwrap_or_default();
    environment.extend(asked);
    environment.into_iter().collect()
}

/// What a command has that its caller does not say; what it starts has what it is given.
fn home() -> (String, String) {
    ("HOME".to_owned(), SANDBOX_DIRECTORIES[0].to_owned())
}

fn outputs(sender: Option<mpsc::Sender<OutputChunk>>, bytes_max: u64) -> (Output, Output) {
    match sender {
        None => (Output::collected(bytes_max), Output::collected(bytes_max)),
        Some(sender) => (
            Output::streamed(Stream::Stdout, sender.clone(), bytes_max),
            Output::streamed(Stream::Stderr, sender, bytes_max),
        ),
    }
}

/// The exit code that stands for such an end.
pub(crate) fn exit_of(end: &End<u8>) -> u8 {
    match end {
        End::Returned(code) | End::Exited(code) => *code,
        End::Trapped(_) => EXIT_TRAPPED,
        End::Limit {
            name: "wall_time" | "cpu_time",
            ..
        } => EXIT_OUT_OF_TIME,
        End::Limit { .. } | End::Revoked(_) => EXIT_KILLED,
    }
}

fn result(ended: Ended<u8>, stdout: &Output, stderr: &Output) -> ExecResult {
    let exit_code = exit_of(&ended.end);
    let outcome = match ended.end {
        End::Returned(_) | End::Exited(_) => Outcome::Exited,
        End::Trapped(message) => Outcome::Trapped { message },
        // What was taken stands among the denials.
        End::Revoked(_) => Outcome::Cancelled,
        End::Limit {
            name,
            used,
            allowed,
        } => Outcome::Limit {
            name: name.to_owned(),
            used,
            allowed,
        },
    };
    let usage = ended.usage;
    ExecResult {
        wall_ms: usage.wall_ms,
        cpu_ms: usage.cpu_ms,
        peak_memory_bytes: usage.peak_memory_bytes,
        read_bytes: usage.read_bytes,
        written_bytes: usage.written_bytes,
        ..with_outputs(exit_code, outcome, stdout, stderr)
    }
}

fn cancelled(stdout: &Output, stderr: &Output) -> ExecResult {
    with_outputs(EXIT_KILLED, Outcome::Cancelled, stdout, stderr)
}

fn with_outputs(exit_code: u8, outcome: Outcome, stdout: &Output, stderr: &Output) -> ExecResult {
    let (stdout, stdout_truncated) = stdout.take();
    let (stderr, stderr_truncated) = stderr.take();
    ExecResult {
        outcome,
        exit_code,
        stdout,
        stderr,
        stdout_truncated,
        stderr_truncated,
        wall_ms: 0.0,
        cpu_ms: 0.0,
        peak_memory_bytes: 0,
        read_bytes: 0,
        written_bytes: 0,
        sandbox: String::new(),
        denials: Vec::new(),
    }
}
