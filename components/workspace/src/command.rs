//! A command before it runs: checked, and put into the runner's words.

use crate::fault::{self, invalid};
use crate::model::{State, Workspace};
use crate::remote::{Ask, Remote, SILENCE_MS};
use crate::store;
use swarm_flow_policy::LimitsOverride;
use swarm_flow_protocol::{Error, ExecRequest, ExecResult, STDIN_BYTES_MAX};
use swarm_flow_state::Database;
use swarm_flow_wire::{Method, Wire};

/// A command to run, as `types.command` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    pub argv: Vec<String>,
    pub stdin: Vec<u8>,
    pub env: Vec<(String, String)>,
    pub cwd: Option<String>,
    /// `wall_time_ms` is the command's timeout.
    pub limits: LimitsOverride,
}

const ARGUMENTS_MAX: usize = 1024;
const ARGUMENT_BYTES_MAX: usize = 128 << 10;
const ENV_MAX: usize = 1024;
const ENV_BYTES_MAX: usize = 128 << 10;

/// Runs a command to its end.
pub fn exec(
    database: &impl Database,
    wire: &impl Wire,
    id: &str,
    command: Command,
) -> Result<ExecResult, Error> {
    ended(wire, &Ready::of(database, id, command, Streams::default())?)
}

/// The same for an agent of the app's, which can wait for nobody.
pub fn exec_for_agent(
    database: &impl Database,
    wire: &impl Wire,
    id: &str,
    command: Command,
) -> Result<ExecResult, Error> {
    let mut ready = Ready::of(database, id, command, Streams::default())?;
    ready.request.actor = "agent".to_owned();
    ready.request.approved = Some(Vec::new());
    ended(wire, &ready)
}

fn ended(wire: &impl Wire, ready: &Ready) -> Result<ExecResult, Error> {
    let remote = ready.remote(wire);
    let answer = remote.ask(ready.ask()?)?;
    remote.read(&answer)
}

/// Starts a command whose outputs come in pieces. Gives the runner's id too, for errors on the way.
pub fn open<W: Wire>(
    database: &impl Database,
    wire: &W,
    id: &str,
    command: Command,
    stdin_stream: bool,
) -> Result<(W::Pieces, String), Error> {
    let streams = Streams {
        outputs: true,
        stdin: stdin_stream,
    };
    let ready = Ready::of(database, id, command, streams)?;
    let pieces = ready.remote(wire).open(ready.ask()?)?;
    Ok((pieces, ready.workspace.made.runner))
}

/// What goes on while a command runs.
#[derive(Default)]
struct Streams {
    outputs: bool,
    stdin: bool,
}

/// A command and where it goes.
struct Ready {
    workspace: Workspace,
    url: String,
    request: ExecRequest,
}

impl Ready {
    fn of(
        database: &impl Database,
        id: &str,
        command: Command,
        streams: Streams,
    ) -> Result<Self, Error> {
        check(&command)?;
        let placed = store::find_placed(database, id)?;
        if placed.workspace.state == State::Stopped {
            return Err(fault::stopped(id));
        }
        let workspace = placed.workspace;
        let url = placed.runner_url.ok_or_else(|| left(&workspace))?;
        let request = ExecRequest {
            command: command.argv,
            stdin: command.stdin,
            env: command.env,
            cwd: command.cwd,
            environment: workspace.made.environment.name.clone(),
            policy: workspace.made.policy.clone(),
            policy_name: workspace.made.policy_name.clone(),
            revision: workspace.head.sequence,
            actor: "user".to_owned(),
            approved: None,
            limits: command.limits,
            stream: streams.outputs,
            stdin_stream: streams.stdin,
        };
        Ok(Self {
            workspace,
            url,
            request,
        })
    }

    fn remote<'a, W>(&'a self, wire: &'a W) -> Remote<'a, W> {
        Remote {
            wire,
            id: &self.workspace.made.runner,
            url: &self.url,
        }
    }

    fn ask(&self) -> Result<Ask<'_>, Error> {
        let body = serde_json::to_vec(&self.request).map_err(|error| Error::Internal {
            message: format!("cannot write a command: {error}"),
        })?;
        // A command may be silent for as long as it may run.
        let wall_time_ms = self
            .request
            .policy
            .limits
            .narrowed(&self.request.limits)
            .wall_time_ms;
        Ok(Ask {
            method: Method::Post,
            workspace: &self.workspace.id,
            rest: "/exec",
            body: Some(("application/json", body)),
            silence_ms_max: wall_time_ms.saturating_add(SILENCE_MS),
        })
    }
}

/// The runner of a workspace has left.
pub fn left(workspace: &Workspace) -> Error {
    fault::unavailable(format!(
        "runner `{}`, which holds the workspace, has left",
        workspace.made.runner
    ))
}

fn check(command: &Command) -> Result<(), Error> {
    if !(1..=ARGUMENTS_MAX).contains(&command.argv.len()) {
        return Err(invalid(
            "command",
            format!(
                "has {} items, must have 1 to {ARGUMENTS_MAX}",
                command.argv.len()
            ),
        ));
    }
    if command.argv.first().is_some_and(String::is_empty) {
        return Err(invalid("command[0]", "is empty; name a program".to_owned()));
    }
    if let Some(index) = command.argv.iter().position(|item| item.contains('\0')) {
        return Err(invalid(
            &format!("command[{index}]"),
            "contains a NUL character".to_owned(),
        ));
    }
    let bytes: usize = command.argv.iter().map(String::len).sum();
    if bytes > ARGUMENT_BYTES_MAX {
        return Err(invalid(
            "command",
            format!("has {bytes} bytes together, must have at most {ARGUMENT_BYTES_MAX}"),
        ));
    }
    check_env(&command.env)?;
    if let Some(cwd) = &command.cwd
        && (!cwd.starts_with('/') || cwd.contains('\0'))
    {
        return Err(invalid(
            "cwd",
            "must be an absolute path in the sandbox, such as `/workspace`".to_owned(),
        ));
    }
    if command.stdin.len() as u64 > STDIN_BYTES_MAX {
        return Err(Error::TooLarge {
            name: "stdin_bytes".to_owned(),
            allowed: STDIN_BYTES_MAX,
        });
    }
    check_limits(&command.limits)
}

fn check_env(env: &[(String, String)]) -> Result<(), Error> {
    if env.len() > ENV_MAX {
        return Err(invalid(
            "env",
            format!("has {} variables, must have at most {ENV_MAX}", env.len()),
        ));
    }
    for (name, value) in env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let rule = "must have a name without `=`, and no NUL character";
            return Err(invalid(
                &format!("env.{}", name.escape_default()),
                rule.to_owned(),
            ));
        }
    }
    let bytes: usize = env
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > ENV_BYTES_MAX {
        return Err(invalid(
            "env",
            format!("has {bytes} bytes together, must have at most {ENV_BYTES_MAX}"),
        ));
    }
    Ok(())
}

fn check_limits(limits: &LimitsOverride) -> Result<(), Error> {
    let fields = [
        ("timeout_ms", limits.wall_time_ms),
        ("limits.memory_bytes", limits.memory_bytes),
        ("limits.cpu_time_ms", limits.cpu_time_ms),
        ("limits.output_bytes", limits.output_bytes),
    ];
    match fields.iter().find(|(_, value)| *value == Some(0)) {
        Some((field, _)) => Err(invalid(field, "is 0, must be at least 1".to_owned())),
        None => Ok(()),
    }
}
