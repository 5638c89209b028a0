//! The only build script: `cargo xtask build | up | test | bench | check | wit`.
//!
//! Each step says what it does and how long it took. What a step makes lies below `target/` of the
//! checkout, where `spin.toml` looks for it, even when cargo's own target directory is elsewhere.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "tests may stop at once"
    )
)]

mod agents;
mod build;
mod check;
mod compose;
mod deny;
mod examples;
mod file;
mod fixtures;
mod programs;
mod project;
mod step;
mod test;
mod up;
mod wit;

use clap::{Parser, Subcommand, ValueEnum};
use project::{Profile, Project};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Builds, starts, tests and checks Swarm Flow"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything, or one part
    Build {
        part: Option<Part>,
        /// Optimise the host, as `up` does
        #[arg(long)]
        release: bool,
    },
    /// Build everything in release and start `swarm-flow up`
    Up {
        /// Arguments for `swarm-flow up`, after `--`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Build everything and run every test
    Test {
        /// Arguments for `cargo test`, after `--`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Build everything in release and measure
    Bench {
        /// What to measure; without it everything. `sandbox` has `live` and `noise` in it
        #[arg(value_parser = ["sandbox", "live", "noise", "programs", "swarm", "survive", "undo", "start", "http"])]
        parts: Vec<String>,
    },
    /// Format, lints, dependencies and documentation
    Check,
    /// Vendor `wit/deps` again from the crates that it comes from
    Wit,
}

#[derive(Clone, Copy, ValueEnum)]
enum Part {
    Components,
    Programs,
    Examples,
    Host,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    let project = Project::find()?;
    match command {
        Command::Build { part, release } => {
            let profile = if release {
                Profile::Release
            } else {
                Profile::Dev
            };
            match part {
                None => build::everything(&project, profile),
                Some(Part::Components) => build::components(&project),
                Some(Part::Programs) => programs::build(&project),
                Some(Part::Examples) => examples::build(&project),
                Some(Part::Host) => build::host(&project, profile),
            }
        }
        Command::Up { arguments } => up::up(&project, &arguments),
        Command::Test { arguments } => test::test(&project, &arguments),
        Command::Bench { parts } => test::bench(&project, &parts),
        Command::Check => check::check(&project),
        Command::Wit => wit::vendor(&project),
    }
}
