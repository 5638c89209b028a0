//! A sandbox as a runner starts it: policy, limits, directories, an allowance on disk, a policy that may change, and the
//! audit log; beside the least that wasmtime needs for the same output, and beside itself without the log.

use crate::figures::{Figures, compare};
use crate::sandbox::{Bare, grants};
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::time::{Duration, Instant};
use swarm_flow_audit::{Ended, Log, Recording, Settings, Started, Subject};
use swarm_flow_policy::{Access, Policy, Preset};
use swarm_flow_protocol::AuditHead;
use swarm_flow_sandbox::{
    Decided, Decisions, Disk, Egress, End, Engine, Live, Output, Program, Recorder, Sockets,
};
use swarm_flow_tests::artefact;
use swarm_flow_tests::sandbox::component;

const TURNS: usize = 5_000;
/// For the CPU time of the whole process, the log's own thread with it.
const BLOCKS: usize = 20;
const BLOCK: usize = 500;

struct Bench {
    program: Program,
    policy: Policy,
    folder: tempfile::TempDir,
    disk: Arc<Disk>,
    live: Live,
    log: Log,
}

struct Recorded(Recording);

impl Recorder for Recorded {
    fn record(&self, decided: &Decided<'_>) {
        self.0
            .record(decided.capability, decided.resource, decided.decision);
    }
}

pub async fn hello() {
    let engine = Engine::new().unwrap();
    let component = component(&engine, &artefact::guest("hello"));
    let bare = Bare::new(engine.wasmtime(), &component);
    let bench = Bench::new(Program::new(&engine, &component).unwrap());
    let (mut audited, mut plain, mut floor) = (Vec::new(), Vec::new(), Vec::new());
    for turn in 0..TURNS {
        // Who runs right after the same code finds it in the processor's caches.
        let audited_first = turn % 2 == 0;
        for is_audited in [audited_first, !audited_first] {
            let figures = if is_audited { &mut audited } else { &mut plain };
            figures.push(bench.run(is_audited).await);
        }
        floor.push(bare.run().await);
        if turn % 200 == 0 {
            bench.empty_log();
        }
    }
    let (audited, plain) = (Figures::of(audited), Figures::of(plain));
    compare(
        "hello sandbox with policy, limits, allowance and audit log",
        &audited,
        "a bare wasmtime loop",
        &Figures::of(floor),
    );
    compare("the same", &audited, "itself without the audit log", &plain);
    let (mut with, mut without) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..BLOCKS {
        with += bench.block(true).await;
        without += bench.block(false).await;
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / (BLOCKS * BLOCK) as f64;
    println!(
        "    CPU time of the process, the log's own thread with it: {:.1} µs each, {:.1} µs without the log",
        each(with),
        each(without)
    );
}

impl Bench {
    fn new(program: Program) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("files");
        std::fs::create_dir(&workspace).unwrap();
        let policy = Preset::Standard.policy();
        let log = Settings::new(folder.path().join("audit"), "bench");
        let log = Log::open(log, || ()).unwrap();
        log.begin(&AuditHead::default()).unwrap();
        Self {
            program,
            disk: Arc::new(Disk::new(vec![workspace], policy.limits.disk_bytes)),
            policy,
            folder,
            live: Live::default(),
            log,
        }
    }

    async fn run(&self, audited: bool) -> Duration {
        let stdout = Output::collected(1 << 20);
        let started = Instant::now();
        let (decisions, _denials) = Decisions::denials();
        let mut grants = grants(&["hello"], &self.folder.path().join("files"), &stdout);
        grants.egress = Egress::new(self.policy.network.clone(), [].into());
        grants.sockets = Sockets::of(&self.policy);
        grants.disk = Some(self.disk.clone());
        grants.live = Some(self.live.joined());
        // With or without a log its caller is told.
        let sandbox = format!("sb_{}", uuid::Uuid::now_v7().simple());
        let trail = audited.then(|| self.log.start(subject(&sandbox), &about()).unwrap());
        grants.decisions = Some(match &trail {
            Some(trail) => decisions.and(Decisions::new(Recorded(trail.recording()))),
            None => decisions,
        });
        let ended = self.program.run(grants).await.unwrap();
        if let Some(trail) = trail {
            trail.end(Ended {
                exit_code: Some(0),
                wall_ms: ended.usage.wall_ms,
                cpu_ms: ended.usage.cpu_ms,
                peak_memory_bytes: ended.usage.peak_memory_bytes,
                ..Ended::without_usage("exited")
            });
        }
        let elapsed = started.elapsed();
        assert_eq!(ended.end, End::Returned(0));
        assert_eq!(stdout.take().0, b"hello\n");
        elapsed
    }

    /// What the process computes for some sandboxes, until they are recorded.
    async fn block(&self, audited: bool) -> Duration {
        let before = process_cpu();
        for _ in 0..BLOCK {
            self.run(audited).await;
        }
        assert!(self.log.flush(Duration::from_secs(10)));
        let spent = process_cpu().saturating_sub(before);
        self.empty_log();
        spent
    }

    /// As an app that takes everything.
    fn empty_log(&self) {
        assert!(self.log.flush(Duration::from_secs(10)));
        while let Some(batch) = self.log.batch().unwrap() {
            self.log.taken(batch);
        }
    }
}

/// As a runner makes it for each sandbox.
fn subject(sandbox: &str) -> Subject<'_> {
    Subject {
        workspace: "ws_00000000000000000000000000000000",
        sandbox,
        actor: "user",
    }
}

fn about() -> Started<'static> {
    let opened = ["/workspace", "/tmp"];
    Started {
        program: "hello",
        environment: "base",
        policy: "standard",
        revision: 1,
        directories: opened.map(|path| (path, Access::ReadWrite)).to_vec(),
        network: "public",
    }
}

fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap(),
        time.tv_nsec.try_into().unwrap(),
    )
}
