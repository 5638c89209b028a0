//! What can be typed.

use crate::{
    agent, audit, code, exec, mcp, models, policy, programs, question, registries, replay, run,
    runner, sandbox, swarm, up, workspace,
};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// Swarm Flow: run untrusted code in WebAssembly sandboxes
#[derive(Parser)]
#[command(name = "swarm-flow", version, propagate_version = true)]
pub struct Arguments {
    #[command(flatten)]
    pub connection: Connection,
    /// Print JSON, as the API gives it
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

/// Which server, and who asks.
#[derive(Args)]
pub struct Connection {
    /// The server
    #[arg(
        long,
        global = true,
        env = "SWARM_FLOW_URL",
        default_value = "http://127.0.0.1:3000"
    )]
    pub url: String,
    /// The bearer token; without it SWARM_FLOW_TOKEN (for `runner`: SWARM_FLOW_RUNNER_TOKEN), or else, for a server
    /// on this machine, the file `token` in the state folder
    #[arg(long, global = true)]
    pub token: Option<String>,
    /// The folder in which `up` keeps its state
    #[arg(long, global = true, default_value = ".swarm-flow")]
    pub state: PathBuf,
}

#[derive(Subcommand)]
pub enum Command {
    /// Serve the app and be its runner, in one process
    Up(up::Up),
    /// Be a runner of an app that is served elsewhere
    Runner(runner::Runner),
    /// Run a program in a workspace and end with its exit code
    Exec(exec::Exec),
    /// Run the tasks of a file in a workspace that is made for them and removed after them
    Run(run::Run),
    /// A bare `.wasm` file in a sandbox of this process, without a server
    #[command(subcommand)]
    Sandbox(sandbox::Sandbox),
    /// Workspaces and their files
    #[command(subcommand)]
    Workspace(workspace::Workspace),
    /// The policies that a workspace can have
    #[command(subcommand)]
    Policy(policy::Policy),
    /// What was done and decided, as records that nobody changes unseen
    #[command(subcommand)]
    Audit(audit::Audit),
    /// The hosts that `@package-registries` stands for
    #[command(subcommand)]
    Registries(registries::Registries),
    /// The models that agents may ask
    Models(models::Models),
    /// The programs that `exec` finds, and your own among them
    Programs(programs::Programs),
    /// The agents that tasks can be given to
    #[command(subcommand)]
    Agent(agent::Agent),
    /// Agents that work together
    #[command(subcommand)]
    Swarm(swarm::Swarm),
    /// Have an agent work in a workspace until a check is green, and show what it changed
    Code(code::Code),
    /// What agents ask people
    #[command(subcommand)]
    Question(question::Question),
    /// The server as one for clients of the Model Context Protocol
    #[command(subcommand)]
    Mcp(mcp::Mcp),
    /// Make a run's tasks again from what their agents got then, without doing anything; ends with 1 when one does something else
    Replay(replay::Replay),
}

/// `KEY=VALUE`.
pub fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some(("", _)) | None => Err("give KEY=VALUE".to_owned()),
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
    }
}

/// `NAME` or `NAME=FORMAT`.
pub fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=').unwrap_or((text, "{}")) {
        ("", _) => Err("give NAME or NAME=FORMAT".to_owned()),
        (_, format) if !format.contains("{}") => {
            Err("in FORMAT stands `{}`, where the value goes: `authorization=Bearer {}`".to_owned())
        }
        (name, format) => Ok((name.to_owned(), format.to_owned())),
    }
}

/// A whole number and its unit: `500ms`, `30s`, `5m`, `1h`; without a unit, seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => 1,
        "s" | "" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(format!("`{unit}` is not a unit; give ms, s, m or h")),
    };
    let number: u64 = number
        .parse()
        .map_err(|_| "give a whole number and a unit: `30s`".to_owned())?;
    match number.checked_mul(unit_ms) {
        None | Some(0) => Err("give a time that is longer than 0 and not endless".to_owned()),
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_stands_after_the_dashes_is_the_programs() {
        let arguments = [
            "swarm-flow",
            "exec",
            "demo",
            "-e",
            "A=1=2",
            "--",
            "python",
            "--json",
            "-c",
            "1",
        ];
        let parsed = Arguments::try_parse_from(arguments).unwrap();
        assert!(!parsed.json);
        let Command::Exec(exec) = parsed.command else {
            panic!("not exec")
        };
        assert_eq!(exec.command, ["python", "--json", "-c", "1"]);
        assert_eq!(exec.env, [("A".to_owned(), "1=2".to_owned())]);
    }

    #[test]
    fn durations_have_units() {
        for (text, expected) in [
            ("500ms", Some(500)),
            ("30s", Some(30_000)),
            ("30", Some(30_000)),
            ("5m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("0s", None),
            ("", None),
            ("-1s", None),
            ("1.5s", None),
            ("99999999999999999999h", None),
            ("9999999999999999999h", None),
        ] {
            assert_eq!(
                duration(text).ok(),
                expected.map(Duration::from_millis),
                "{text}"
            );
        }
    }

    #[test]
    fn a_header_has_a_name_and_a_place_for_the_value() {
        let both = |name: &str, format: &str| Ok((name.to_owned(), format.to_owned()));
        assert_eq!(header("x-key"), both("x-key", "{}"));
        assert_eq!(header("cookie=a={}"), both("cookie", "a={}"));
        assert!(header("=Bearer {}").is_err() && header("x-key=hunter22").is_err());
    }

    #[test]
    fn a_variable_has_a_name() {
        assert_eq!(variable("A="), Ok(("A".to_owned(), String::new())));
        assert!(variable("A").is_err() && variable("=1").is_err());
    }
}
