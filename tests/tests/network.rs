//! What gets out of a sandbox and what does not: guests that try, each denied attempt beside one that is granted.
//!
//! A guest says `denied` where the sandbox did not let it, `refused` where there is no way to even ask, and `failed` where it
//! was let and nothing came of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may stop at once"
)]

#[path = "network/http.rs"]
mod http;
#[path = "network/learn.rs"]
mod learn;
#[path = "network/registries.rs"]
mod registries;
#[path = "network/secrets.rs"]
mod secrets;
#[path = "network/sockets.rs"]
mod sockets;
#[path = "network/tls.rs"]
mod tls;
#[path = "network/world.rs"]
mod world;

use std::path::Path;
use swarm_flow_policy::{Filesystem, Limits, Network, Preset};
use swarm_flow_sandbox::undo::Changes;
use swarm_flow_sandbox::{
    Decisions, Denial, Directory, Egress, End, Grants, Input, Output, Secrets, Sockets,
};
use swarm_flow_tests::sandbox::program;

/// What a guest said, and what was denied on the way.
struct Ran {
    said: String,
    denials: Vec<Denial>,
}

impl Ran {
    /// The words of the only denial.
    fn denial(&self) -> &str {
        assert_eq!(self.denials.len(), 1, "{}: {:?}", self.said, self.denials);
        &self.denials[0].message
    }
}

async fn run(name: &str, arguments: &str, egress: &Egress, sockets: Option<Sockets>) -> Ran {
    run_with(name, arguments, egress, sockets, Secrets::default()).await
}

async fn run_with(
    name: &str,
    arguments: &str,
    egress: &Egress,
    sockets: Option<Sockets>,
    secrets: Secrets,
) -> Ran {
    let (decisions, denials) = Decisions::denials();
    let grants = Grants {
        secrets,
        decisions: Some(decisions),
        ..grants(name, arguments, egress, sockets)
    };
    Ran {
        said: said(name, grants).await,
        denials: denials.first(),
    }
}

/// The same, with directories and whoever learns from it.
async fn run_observed(
    name: &str,
    arguments: &str,
    egress: &Egress,
    sockets: Option<Sockets>,
    directories: Vec<Directory>,
    observer: Option<Decisions>,
) -> Ran {
    let (decisions, denials) = Decisions::denials();
    let decisions = match observer {
        Some(observer) => decisions.and(observer),
        None => decisions,
    };
    let grants = Grants {
        directories,
        decisions: Some(decisions),
        ..grants(name, arguments, egress, sockets)
    };
    Ran {
        said: said(name, grants).await,
        denials: denials.first(),
    }
}

/// What a policy opens, each as a folder of its own.
fn directories(filesystem: &Filesystem, workspace: &Path) -> Vec<Directory> {
    let opened = filesystem.grants().into_iter();
    opened
        .filter(|(path, _)| *path == "/workspace")
        .map(|(path, access)| Directory {
            host: workspace.to_owned(),
            guest: path.to_owned(),
            access,
        })
        .collect()
}

fn grants(name: &str, arguments: &str, egress: &Egress, sockets: Option<Sockets>) -> Grants {
    Grants {
        arguments: std::iter::once(name)
            .chain(arguments.split(' '))
            .map(str::to_owned)
            .collect(),
        environment: Vec::new(),
        cwd: String::new(),
        stdin: Input::bytes(Vec::new()),
        stdout: Output::collected(1 << 20),
        stderr: Output::collected(1 << 20),
        directories: Vec::new(),
        egress: egress.clone(),
        secrets: Secrets::default(),
        sockets,
        decisions: None,
        disk: None,
        changes: Changes::Alone,
        idempotency: None,
        live: None,
        determined: None,
        family: None,
        limits: Limits {
            wall_time_ms: 20_000,
            ..Preset::Isolated.policy().limits
        },
    }
}

async fn said(name: &str, grants: Grants) -> String {
    let (stdout, arguments) = (grants.stdout.clone(), grants.arguments.join(" "));
    let ended = program(name).run(grants).await.unwrap();
    assert_eq!(ended.end, End::Returned(0), "{arguments}");
    let (said, _) = stdout.take();
    String::from_utf8(said).unwrap().trim().to_owned()
}

/// A network as one writes it: `none`, `any`, or patterns of public hosts with a `;` between them.
fn network(text: &str) -> Network {
    match text {
        "none" => Network::None,
        "localhost" => Network::Localhost,
        "private" => Network::Private,
        "any" => Network::Any,
        patterns => Network::Public(patterns.split(';').map(str::to_owned).collect()),
    }
}

fn egress(text: &str) -> Egress {
    Egress::new(network(text), [].into())
}
