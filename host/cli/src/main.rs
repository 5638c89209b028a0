//! `swarm-flow`: the server, the runner, and a client for both.
//!
//! Exit codes: what a command did; 1 when it could not; 2 for wrong arguments. `exec` ends with the program's own
//! code, so there, and for `run` and `sandbox run`, our failures are 125. `swarm run` ends with 0, 1 or 2 as the run was done, failed
//! or cancelled, and with 130 on Ctrl-C; `replay` with 1 when an agent does something else. A closed standard output ends us with 141, without a word.
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
mod arguments;
mod audit;
mod built;
mod client;
mod code;
mod exec;
mod graph;
mod log;
mod mcp;
mod models;
mod output;
mod policy;
mod programs;
mod question;
mod registries;
mod replay;
mod roots;
mod run;
mod runner;
mod sandbox;
mod serving;
mod state;
mod stop;
mod swarm;
mod table;
mod telemetry;
mod transfer;
mod up;
mod walls;
mod workspace;

use arguments::{Arguments, Command};
use clap::Parser;
use client::Client;
use output::{Output, StdoutClosed};
use sandbox::Sandbox;
use std::process::ExitCode;
use std::sync::Arc;
use swarm_flow_model::Models;
use swarm_flow_protocol::Wall;
use swarm_flow_runner::Root;

/// Standard output was closed: what a shell says of a program that SIGPIPE ended.
const STDOUT_CLOSED: u8 = 141;
/// We failed, not the program: the same as `docker run`.
const OWN_FAILURE: u8 = 125;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let failure = match arguments.command {
        Command::Exec(_)
        | Command::Run(_)
        | Command::Sandbox(Sandbox::Run { .. })
        | Command::Policy(policy::Policy::Learn(_)) => OWN_FAILURE,
        _ => 1,
    };
    match start(arguments) {
        Ok(code) => code,
        Err(error) if error.is::<StdoutClosed>() => ExitCode::from(STDOUT_CLOSED),
        Err(error) => {
            output::say(&format!("error: {error:#}"));
            ExitCode::from(failure)
        }
    }
}

fn start(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let around = raise_walls(&arguments)?;
    // A client waits for one thing at a time; only who serves needs every core.
    let mut builder = match arguments.command {
        Command::Up(_) | Command::Runner(_) | Command::Sandbox(Sandbox::Serve { .. }) => {
            tokio::runtime::Builder::new_multi_thread()
        }
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = builder.enable_all().build()?;
    let result = runtime.block_on(dispatch(arguments, around));
    // A read of standard input may still block a thread; it must not keep us.
    runtime.shutdown_background();
    result
}

/// Before there is a second thread, which they would not be around.
fn raise_walls(arguments: &Arguments) -> anyhow::Result<Around> {
    let state = &arguments.connection.state;
    let (serving, needs) = match &arguments.command {
        Command::Up(up) => (&up.serving, up.needs(state)?),
        Command::Runner(runner) => (&runner.serving, runner.needs(state)?),
        _ => return Ok(Around::default()),
    };
    log::start();
    raise_open_files();
    let registries = registries::load(serving.registries.as_deref(), state)?;
    let models = models::load(serving.models.as_deref(), state)?;
    let walls = walls::raise(serving.walls, &needs)?;
    tracing::info!("walls: {walls}");
    Ok(Around {
        walls: walls.told(),
        registries,
        models: models.into(),
        roots: needs.roots,
    })
}

/// Each sandbox holds some files open. The soft limit is low for programs that cannot do with high numbers.
fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!("cannot raise the limit of open files: {error}");
    }
}

/// What is settled before there is a second thread.
#[derive(Default)]
pub struct Around {
    /// Those that stand around who serves.
    pub walls: Vec<Wall>,
    /// What `@package-registries` stands for. Behind the walls nobody could be asked.
    pub registries: Vec<String>,
    /// With their keys, which may be where the walls let nobody read.
    pub models: Arc<Models>,
    /// What the operator grants to sandboxes.
    pub roots: Vec<Root>,
}

async fn dispatch(arguments: Arguments, around: Around) -> anyhow::Result<ExitCode> {
    let connection = arguments.connection;
    let command = match arguments.command {
        Command::Up(up) => {
            return telemetry::around(up::up(up, connection.state, around)).await;
        }
        Command::Runner(runner) => {
            let runner = runner::runner(runner, connection.token, connection.state, around);
            return telemetry::around(runner).await;
        }
        Command::Sandbox(command) => return sandbox::sandbox(command).await,
        command => command,
    };
    let output = Output {
        json: arguments.json,
    };
    // A wrong file is said before a missing server is, and some need none.
    let command = match command {
        Command::Run(run) => {
            let plan = run::Plan::read(&run.file)?;
            return run::run(&Client::new(&connection)?, &run, plan, output).await;
        }
        Command::Registries(command) => {
            return registries::registries(&command, &connection.state, output);
        }
        Command::Models(command) => {
            return models::models(&command, &connection.state, output).await;
        }
        Command::Mcp(command) => return mcp::mcp(&connection, &command, output),
        Command::Policy(command) => return policy::policy(&connection, command, output).await,
        Command::Audit(command) => return audit::audit(&connection, command, output).await,
        command => command,
    };
    let client = Client::new(&connection)?;
    match command {
        Command::Up(_)
        | Command::Runner(_)
        | Command::Sandbox(_)
        | Command::Run(_)
        | Command::Mcp(_)
        | Command::Policy(_)
        | Command::Registries(_)
        | Command::Models(_)
        | Command::Audit(_) => Ok(ExitCode::SUCCESS),
        Command::Exec(command) => exec::exec(&client, command, output).await,
        Command::Workspace(command) => workspace::workspace(&client, command, output).await,
        Command::Programs(command) => programs::programs(&client, command, output).await,
        Command::Agent(command) => agent::agent(&client, command, output).await,
        Command::Swarm(command) => swarm::swarm(&client, command, output).await,
        Command::Question(command) => question::question(&client, &command, output).await,
        Command::Code(command) => code::code(&client, &command, output).await,
        Command::Replay(command) => replay::replay(&client, &command, output).await,
    }
}
