//! Runs a command in a workspace: finds the program, opens the directories that the policy grants, runs the
//! sandbox on the sandbox threads.

use crate::Runner;
use crate::audit::{self, sandbox_id};
use crate::catalog::Runnable;
use crate::files::is_directory;
use crate::roots::Root;
use crate::workspace::{Place, missing};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use swarm_flow_audit::Subject;
use swarm_flow_policy::{Access, Filesystem, SANDBOX_DIRECTORIES};
use swarm_flow_protocol::{
    Denial, Error, ExecRequest, ExecResult, Outcome, PolicyChange, STDIN_BYTES_MAX,
};
use swarm_flow_sandbox::{
    Decisions, Denials, Directory, Egress, End, Ended, Grants, Input, Output, OutputChunk, Sockets,
    Stream, Unfinished,
};
use tokio::sync::{mpsc, oneshot};

/// The exit codes of a command that did not end by itself, as shells give them.
const EXIT_OUT_OF_TIME: u8 = 124;
const EXIT_TRAPPED: u8 = 134;
const EXIT_KILLED: u8 = 137;

/// Arguments and environment together.
const ARGUMENTS_MAX: usize = 1_024;
const ARGUMENT_BYTES_MAX: usize = 128 << 10;

/// What goes on while a command runs.
pub(crate) struct Streams {
    pub(crate) outputs: mpsc::Sender<OutputChunk>,
    /// Where input follows: is told the id under which the command takes it.
    pub(crate) started: Option<oneshot::Sender<String>>,
}

impl Runner {
    /// Runs a command to its end. With streams the outputs go there as they come, and the result has none.
    /// Dropping the future ends the command.
    pub(crate) async fn exec(
        &self,
        id: &str,
        mut request: ExecRequest,
        streams: Option<Streams>,
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
        let Runnable { program, env } = self
            .catalog()
            .program(&request.environment, &request.command[0])
            .await?;
        let limits = request.policy.limits.narrowed(&request.limits);
        let (sender, started) = match streams {
            None => (None, None),
            Some(Streams { outputs, started }) => (Some(outputs), started),
        };
        let (stdout, stderr) = outputs(sender, limits.output_bytes);
        let filesystem = request.policy.filesystem.clone();
        let opened = opened(&filesystem, &place, &self.shared.config.roots);
        let cwd = cwd(request.cwd.as_deref(), &opened)?;
        let (decisions, denials) = Decisions::denials();
        let sandbox = sandbox_id();
        let stdin = Bytes::from(std::mem::take(&mut request.stdin));
        let disk = self.workspaces().disk(id, limits.disk_bytes)?;
        let disk = disk.following(entry.live.clone());
        let mut about = audit::started(&request);
        let subject = Subject {
            workspace: id.to_owned(),
            sandbox: sandbox.clone(),
            actor: std::mem::take(&mut request.actor),
        };
        let mut grants = Grants {
            directories: directories(&opened, &cwd),
            arguments: request.command,
            environment: environment(env, request.env),
            cwd,
            stdin: Input::bytes(stdin.clone()),
            stdout: stdout.clone(),
            stderr: stderr.clone(),
            sockets: Sockets::of(&request.policy),
            decisions: None,
            egress: Egress::new(request.policy.network, self.shared.registries.clone()),
            secrets: self.workspaces().secrets(id)?,
            disk: Some(Arc::new(disk)),
            live: Some(entry.live.clone()),
            limits,
        };
        about.directories = listed(&grants.directories);
        let trail = self.record(subject, about)?;
        grants.decisions = Some(decisions.and(audit::decisions(&trail)));
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
            Some(Ok(Err(error))) => {
                tracing::error!("cannot run a sandbox: {error:#}");
                Err(Error::Internal {
                    message: format!("cannot run the sandbox: {error:#}"),
                })
            }
            Some(Err(Unfinished::Stopping)) => Err(Error::Unavailable {
                message: "the runner is stopping".to_owned(),
            }),
            Some(Err(Unfinished::Panicked(panic))) => {
                tracing::error!("a sandbox panicked: {panic}");
                Err(Error::Internal {
                    message: "the sandbox ended by a fault of the runner".to_owned(),
                })
            }
        };
        trail.end(audit::ended(&result));
        Ok(ExecResult {
            sandbox,
            denials: denied(&denials),
            ..result?
        })
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

/// The sandbox's variables: the runner's own are not among them.
fn environment(
    defaults: &BTreeMap<String, String>,
    asked: Vec<(String, String)>,
) -> Vec<(String, String)> {
    let mut environment = BTreeMap::from([("HOME".to_owned(), SANDBOX_DIRECTORIES[0].to_owned())]);
    environment.extend(defaults.clone());
    environment.extend(asked);
    environment.into_iter().collect()
}

fn check(request: &ExecRequest) -> Result<(), Error> {
    let invalid = |field: &str, message: String| {
        Err(Error::Invalid {
            field: field.to_owned(),
            message,
        })
    };
    if request.command.first().is_none_or(String::is_empty) {
        return invalid(
            "command",
            "is empty; give the program's name and its arguments".to_owned(),
        );
    }
    if request.command.len() > ARGUMENTS_MAX {
        return invalid(
            "command",
            format!(
                "has {} items; {ARGUMENTS_MAX} at most",
                request.command.len()
            ),
        );
    }
    let variables = request
        .env
        .iter()
        .map(|(name, value)| name.len() + value.len());
    let bytes: usize = request
        .command
        .iter()
        .map(String::len)
        .chain(variables)
        .sum();
    if bytes > ARGUMENT_BYTES_MAX {
        return invalid(
            "command",
            format!("with `env` has {bytes} bytes; {ARGUMENT_BYTES_MAX} at most"),
        );
    }
    if let Some(index) = request
        .command
        .iter()
        .position(|argument| argument.contains('\0'))
    {
        return invalid(&format!("command[{index}]"), "contains NUL".to_owned());
    }
    for (name, value) in &request.env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return invalid(
                &format!("env.{name}"),
                "a name is not empty, has no `=`, and nothing has NUL".to_owned(),
            );
        }
    }
    if request.stdin_stream && !request.stream {
        return invalid(
            "stdin_stream",
            "wants `stream`: where the input goes, the first event says".to_owned(),
        );
    }
    if request.stdin.len() as u64 > STDIN_BYTES_MAX {
        return Err(Error::TooLarge {
            name: "stdin_bytes".to_owned(),
            allowed: STDIN_BYTES_MAX,
        });
    }
    request.policy.validate().map_err(|invalid| Error::Invalid {
        field: format!("policy.{}", invalid.field),
        message: invalid.message,
    })
}

/// A directory that the policy opens: its path in the sandbox, and on this machine.
type Opened<'a> = (&'a str, &'a Path, Access);

/// Those of the workspace, and all of the operator's where the policy says `full`.
fn opened<'a>(filesystem: &'a Filesystem, place: &'a Place, roots: &'a [Root]) -> Vec<Opened<'a>> {
    let of_the_workspace = filesystem
        .grants()
        .into_iter()
        .map(|(path, access)| (path, host_path(path, place), access));
    let of_the_operator = roots
        .iter()
        .filter(|_| *filesystem == Filesystem::Full)
        .map(|root| (root.guest.as_str(), root.host.as_path(), root.access));
    of_the_workspace.chain(of_the_operator).collect()
}

fn host_path<'a>(guest: &str, place: &'a Place) -> &'a Path {
    if guest == SANDBOX_DIRECTORIES[0] {
        &place.files
    } else {
        &place.tmp
    }
}

/// Where the command starts: what was asked for, else `/workspace`, else `/` where that is not granted.
fn cwd(asked: Option<&str>, opened: &[Opened<'_>]) -> Result<String, Error> {
    let Some(asked) = asked else {
        let workspace = opened
            .iter()
            .any(|(path, ..)| *path == SANDBOX_DIRECTORIES[0]);
        return Ok(if workspace {
            SANDBOX_DIRECTORIES[0]
        } else {
            "/"
        }
        .to_owned());
    };
    let plain = asked.trim_end_matches('/');
    let found = opened.iter().find_map(|(path, host, _)| {
        let relative = beneath(plain, path)?;
        Some(is_directory(host, relative))
    });
    match found {
        Some(true) => Ok(plain.to_owned()),
        Some(false) => Err(Error::Invalid {
            field: "cwd".to_owned(),
            message: format!("`{asked}` is not a directory"),
        }),
        None => {
            let paths: Vec<String> = opened
                .iter()
                .map(|(path, ..)| format!("`{path}`"))
                .collect();
            let beneath = if paths.is_empty() {
                "anything".to_owned()
            } else {
                paths.join(" or ")
            };
            let message = format!(
                "`{asked}` is not beneath {beneath}, which is what the policy's `filesystem` grants"
            );
            Err(Error::Invalid {
                field: "cwd".to_owned(),
                message,
            })
        }
    }
}

/// The rest of a path, if it is a directory's or beneath it.
fn beneath<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    match path.strip_prefix(directory)? {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

/// What the policy grants, and the start directory once more as `.`: a program whose libc does not know a
/// current directory resolves relative paths there.
fn directories(opened: &[Opened<'_>], cwd: &str) -> Vec<Directory> {
    let mut directories: Vec<Directory> = Vec::with_capacity(opened.len() + 1);
    for (path, host, access) in opened {
        if let Some(relative) = beneath(cwd, path) {
            directories.push(Directory {
                host: host.join(relative),
                guest: ".".to_owned(),
                access: *access,
            });
        }
        directories.push(Directory {
            host: (*host).to_owned(),
            guest: (*path).to_owned(),
            access: *access,
        });
    }
    directories
}

/// As the audit log lists them.
fn listed(directories: &[Directory]) -> Vec<(String, Access)> {
    let named = directories.iter().filter(|one| one.guest != ".");
    named.map(|one| (one.guest.clone(), one.access)).collect()
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

fn result(ended: Ended<u8>, stdout: &Output, stderr: &Output) -> ExecResult {
    let (exit_code, outcome) = match ended.end {
        End::Returned(code) | End::Exited(code) => (code, Outcome::Exited),
        End::Trapped(message) => (EXIT_TRAPPED, Outcome::Trapped { message }),
        // What was taken stands among the denials.
        End::Revoked(_) => (EXIT_KILLED, Outcome::Cancelled),
        End::Limit {
            name,
            used,
            allowed,
        } => {
            let code = if name == "wall_time" || name == "cpu_time" {
                EXIT_OUT_OF_TIME
            } else {
                EXIT_KILLED
            };
            (
                code,
                Outcome::Limit {
                    name: name.to_owned(),
                    used,
                    allowed,
                },
            )
        }
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
