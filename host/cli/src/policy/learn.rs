//! `policy learn`: runs a program under a policy that denies little, and prints the narrowest one that would have let it do
//! what it did. With a workspace it runs there, under the workspace's own policy, and prints that with what was denied.
//!
//! What no policy grants stays denied while it is observed: metadata services, link-local and reserved addresses.

mod local;
mod workspace;

use crate::arguments::{Connection, variable};
use crate::output;
use crate::sandbox::{Mount, mount};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use swarm_flow_policy::learn;
use swarm_flow_policy::{Network, Preset};

#[derive(Args)]
#[command(after_help = HELP)]
pub struct Learn {
    /// A component, a core module of WASI preview 1, or the name of a program that was built, such as `python`
    #[arg(required_unless_present = "workspace")]
    pub program: Option<String>,
    /// Open a directory of this machine, for reading only with `:ro`; as a workspace has it, it is `/workspace` or `/tmp`
    #[arg(long = "dir", value_name = "HOST::GUEST[:ro]", value_parser = mount)]
    pub directories: Vec<Mount>,
    /// Set a variable; the program inherits none
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// The addresses that the program may reach while it is observed
    #[arg(long, value_enum, default_value = "any")]
    pub net: Reach,
    /// The preset whose limits hold while it is observed; what is not measured is taken from it
    #[arg(long, default_value = "standard", value_parser = str::parse::<Preset>)]
    pub preset: Preset,
    /// How paths of requests become paths of patterns
    #[arg(long, value_enum, default_value = "prefix")]
    pub paths: Paths,
    /// Limits of just what was used, which a second run may pass
    #[arg(long)]
    pub exact_limits: bool,
    /// Write the policy to this file; without it, it is printed, and the program's output goes to standard error
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Run a command in this workspace (its id, or its name when no other has it)
    #[arg(long, value_name = "ID|NAME", conflicts_with_all = ["directories", "net", "preset", "exact_limits"])]
    pub workspace: Option<String>,
    /// Arguments for the program, after `--`; with --workspace the program too
    #[arg(last = true, value_name = "ARGUMENT")]
    pub arguments: Vec<String>,
}

const HELP: &str = "\
Examples:
  swarm-flow policy learn --dir .::/workspace -o policy.toml python -- /workspace/x.py
  swarm-flow policy learn --workspace demo -o policy.toml -- python x.py
    then `swarm-flow workspace policy demo --policy-file policy.toml`, and once more, until nothing is denied
Paths: `exact` grants each path that was asked for; `prefix` the directory that several share, and the whole host where
  that would be more than eight; `host` the whole host. Every path of a pattern grants what is beneath it too.";

/// The addresses that an observed program reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Reach {
    None,
    /// Loopback addresses
    Localhost,
    /// Addresses of private networks
    Private,
    /// All that some policy grants
    Any,
}

impl Reach {
    fn network(self) -> Network {
        match self {
            Self::None => Network::None,
            Self::Localhost => Network::Localhost,
            Self::Private => Network::Private,
            Self::Any => Network::Any,
        }
    }
}

/// How paths of requests become paths of patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Paths {
    Exact,
    Prefix,
    Host,
}

impl From<Paths> for learn::Paths {
    fn from(paths: Paths) -> Self {
        match paths {
            Paths::Exact => Self::Exact,
            Paths::Prefix => Self::Prefix,
            Paths::Host => Self::Host,
        }
    }
}

/// Ends with the program's own code.
pub async fn learn(connection: &Connection, learn: Learn) -> Result<ExitCode> {
    match (&learn.workspace, &learn.program) {
        (Some(_), Some(program)) => {
            bail!("what runs in a workspace stands after `--`: give `-- {program} …`")
        }
        (Some(meant), None) => workspace::learn(connection, meant, &learn).await,
        (None, Some(program)) => local::learn(program, &learn).await,
        (None, None) => bail!("name a program"),
    }
}

/// Where it was asked for.
fn deliver(policy: &str, learn: &Learn) -> Result<()> {
    const HEAD: &str = "# What a run did, as a policy: made by `swarm-flow policy learn`\n";
    let text = format!("{HEAD}{policy}");
    match &learn.output {
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
        }
        None => output::line(&text),
    }
}
