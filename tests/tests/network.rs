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
#[path = "network/sockets.rs"]
mod sockets;
#[path = "network/tls.rs"]
mod tls;
#[path = "network/world.rs"]
mod world;

use swarm_flow_policy::{Limits, Network, Preset};
use swarm_flow_sandbox::{Decisions, Denial, Egress, End, Grants, Input, Output, Sockets};
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
    let stdout = Output::collected(1 << 20);
    let (decisions, denials) = Decisions::denials();
    let grants = Grants {
        arguments: std::iter::once(name)
            .chain(arguments.split(' '))
            .map(str::to_owned)
            .collect(),
        environment: Vec::new(),
        cwd: String::new(),
        stdin: Input::bytes(Vec::new()),
        stdout: stdout.clone(),
        stderr: Output::collected(1 << 20),
        directories: Vec::new(),
        egress: egress.clone(),
        sockets,
        decisions: Some(decisions),
        disk: None,
        limits: Limits {
            wall_time_ms: 20_000,
            ..Preset::Isolated.policy().limits
        },
    };
    let ended = program(name).run(grants).await.unwrap();
    assert_eq!(ended.end, End::Returned(0), "{arguments}");
    let (said, _) = stdout.take();
    Ran {
        said: String::from_utf8(said).unwrap().trim().to_owned(),
        denials: denials.first(),
    }
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
