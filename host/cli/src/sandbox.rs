//! `sandbox`: a bare `.wasm` file in a sandbox of this process, under a policy, without a server.
//!
//! It is the sandbox that a runner has, with the same limits. What is granted is what stands on the command line:
//! directories, variables and a class of addresses; the policy's limits hold, and its `filesystem` bounds what a
//! directory may be granted for. Nothing of this process's environment is handed on but its standard streams.
//!
//! `run` ends with the program's exit code, with 134 when it trapped, 124 when it ran out of time, 137 at any other
//! limit, and 125 when we failed.

mod file;
mod grant;
mod run;
mod serve;

use anyhow::Result;
use clap::{Args, Subcommand, ValueEnum};
pub use file::program;
pub use grant::{Granted, Mount, mount};
pub use run::{execute, exit_code};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Subcommand)]
pub enum Sandbox {
    /// Run a program and end with its exit code
    Run {
        #[command(flatten)]
        given: Given,
        /// Arguments for the program, after `--`
        #[arg(last = true, value_name = "ARGUMENT")]
        arguments: Vec<String>,
    },
    /// Answer HTTP requests with a component, each in a sandbox of its own; the URL is the first line on standard error
    Serve {
        #[command(flatten)]
        given: Given,
        /// Where to serve; port 0 takes a free one
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
}

/// The program, and what it is given.
#[derive(Args)]
pub struct Given {
    /// A component, or a core module of WASI preview 1
    pub file: PathBuf,
    /// A preset, or a file with a policy as `policy show` prints it [default: the limits of `standard`, no network]
    #[arg(long, value_name = "PRESET|FILE")]
    pub policy: Option<String>,
    /// Open a directory of this machine, for reading only with `:ro`
    #[arg(long = "dir", value_name = "HOST::GUEST[:ro]", value_parser = mount)]
    pub directories: Vec<Mount>,
    /// Set a variable; the program inherits none
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = crate::arguments::variable)]
    pub env: Vec<(String, String)>,
    /// The addresses that the program may reach, by HTTP and by raw sockets [default: what the policy grants to HTTP]
    #[arg(long, value_name = "CLASS")]
    pub net: Option<Net>,
}

/// A class of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Net {
    None,
    /// Loopback addresses
    Localhost,
    /// Addresses of private networks
    Private,
    /// Public addresses; by HTTP, those of the hosts that the policy lists
    Public,
}

pub async fn sandbox(command: Sandbox) -> Result<ExitCode> {
    // What the program prints is all that there is to see, unless more is asked for.
    if std::env::var_os("RUST_LOG").is_some() {
        crate::log::start();
    }
    match command {
        Sandbox::Run { given, arguments } => run::run(given, arguments).await,
        Sandbox::Serve { given, listen } => serve::serve(given, listen).await,
    }
}
