//! The guest `hold`, told line by line what to do.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use swarm_flow_policy::{Access, Filesystem, Limits, Policy, Preset, Surroundings};
use swarm_flow_sandbox::undo::Changes;
use swarm_flow_sandbox::{
    Decisions, Denials, Directory, Disk, Egress, Ended, Grants, Input, Live, Output, OutputChunk,
    Secrets, Sockets, Stream,
};
use swarm_flow_tests::sandbox::program;
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub struct Guest {
    live: Live,
    input: DuplexStream,
    output: mpsc::Receiver<OutputChunk>,
    said: Vec<u8>,
    pub stdout: Output,
    pub denials: Denials,
    running: JoinHandle<Ended<u8>>,
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Grants files, no network, and time enough.
pub fn policy() -> Policy {
    Policy {
        filesystem: Filesystem::ReadWrite(vec!["/workspace".to_owned()]),
        limits: Limits {
            wall_time_ms: 60_000,
            ..Preset::Isolated.policy().limits
        },
        ..Preset::Isolated.policy()
    }
}

impl Guest {
    pub fn start(policy: &Policy) -> Self {
        Self::start_in(policy, &[], None)
    }

    /// With directories as the policy's `filesystem` says, each by its path in the sandbox. It starts in the first.
    pub fn start_in(policy: &Policy, directories: &[(&Path, &str)], disk: Option<Disk>) -> Self {
        let live = Live::default().joined();
        let (input, reader) = tokio::io::duplex(1 << 10);
        let (sender, output) = mpsc::channel(16);
        let (decisions, denials) = Decisions::denials();
        let stdout = Output::streamed(Stream::Stdout, sender, policy.limits.output_bytes);
        let access = match policy.filesystem {
            Filesystem::ReadOnly(_) => Access::Read,
            _ => Access::ReadWrite,
        };
        let here = directories.first().map(|(host, _)| (*host, "."));
        let directories = here
            .iter()
            .chain(directories)
            .map(|(host, guest)| Directory {
                host: (*host).to_owned(),
                guest: (*guest).to_owned(),
                access,
            });
        let grants = Grants {
            arguments: vec!["hold".to_owned()],
            environment: Vec::new(),
            cwd: "/workspace".to_owned(),
            stdin: Input::streamed(reader),
            stdout: stdout.clone(),
            stderr: Output::collected(1 << 20),
            directories: directories.collect(),
            egress: Egress::new(policy.network.clone(), [].into()),
            secrets: Secrets::default(),
            sockets: Sockets::of(policy),
            decisions: Some(decisions),
            disk: disk.map(|disk| Arc::new(disk.following(live.clone()))),
            changes: Changes::Alone,
            idempotency: None,
            limits: policy.limits.clone(),
            live: Some(live.clone()),
            determined: None,
            family: None,
        };
        let running = tokio::spawn(async move { program("hold").run(grants).await.unwrap() });
        Self {
            live,
            input,
            output,
            said: Vec::new(),
            stdout,
            denials,
            running,
        }
    }

    /// Tells the guest to do something.
    pub async fn tell(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.input.write_all(line.as_bytes()).await.unwrap();
    }

    /// What came of what it was told first, of what it has not said yet.
    pub async fn said(&mut self) -> String {
        loop {
            if let Some(end) = self.said.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.said.drain(..=end).collect();
                return String::from_utf8(line).unwrap().trim().to_owned();
            }
            let chunk = timeout(PATIENCE, self.output.recv()).await.unwrap();
            self.said.extend(chunk.expect("the guest is there").bytes);
        }
    }

    pub async fn does(&mut self, line: &str) -> String {
        self.tell(line).await;
        self.said().await
    }

    /// Does all of it, and each has to come out so.
    pub async fn all(&mut self, lines: &[(&str, &str)]) {
        for (line, expected) in lines {
            assert_eq!(self.does(line).await, *expected, "{line}");
        }
    }

    /// From now on this is the policy.
    pub fn change(&self, policy: &Policy) {
        let surroundings = Surroundings {
            directories: vec!["/data".to_owned()],
            ..Default::default()
        };
        self.live.change(policy, &surroundings).unwrap();
    }

    /// How it ended, without being told to.
    pub async fn ended(self) -> Ended<u8> {
        let ended = timeout(PATIENCE, self.running).await;
        ended.expect("the guest ends by itself").unwrap()
    }

    /// How it ends when it has no more to do.
    pub async fn finish(self) -> Ended<u8> {
        let Self { input, running, .. } = self;
        drop(input);
        timeout(PATIENCE, running).await.unwrap().unwrap()
    }
}
