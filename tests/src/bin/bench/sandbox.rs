//! Sandboxes in process: beside a bare wasmtime loop, and Python beside the native one.

use crate::figures::{Figures, compare};
use bytes::Bytes;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use swarm_flow_policy::{Access, Network, Preset};
use swarm_flow_sandbox::undo::Changes;
use swarm_flow_sandbox::{Directory, Egress, End, Engine, Grants, Output, Program, Secrets};
use swarm_flow_tests::artefact;
use swarm_flow_tests::sandbox::component;
use wasmtime::Store;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

pub(crate) fn grants(arguments: &[&str], workspace: &std::path::Path, stdout: &Output) -> Grants {
    let policy = Preset::Standard.policy();
    let directory = |guest: &str| Directory {
        host: workspace.to_owned(),
        guest: guest.to_owned(),
        access: Access::ReadWrite,
    };
    Grants {
        arguments: arguments
            .iter()
            .map(|&argument| argument.to_owned())
            .collect(),
        environment: Vec::new(),
        cwd: "/workspace".to_owned(),
        stdin: Bytes::new().into(),
        stdout: stdout.clone(),
        stderr: Output::collected(policy.limits.output_bytes),
        directories: vec![directory("/workspace"), directory("/tmp")],
        egress: Egress::new(Network::None, [].into()),
        secrets: Secrets::default(),
        sockets: None,
        decisions: None,
        disk: None,
        changes: Changes::Alone,
        idempotency: None,
        live: None,
        determined: None,
        family: None,
        limits: policy.limits,
    }
}

async fn run(
    program: &Program,
    arguments: &[&str],
    workspace: &std::path::Path,
) -> (Duration, String) {
    let stdout = Output::collected(1 << 20);
    let started = Instant::now();
    let ended = program
        .run(grants(arguments, workspace, &stdout))
        .await
        .unwrap();
    let elapsed = started.elapsed();
    assert_eq!(ended.end, End::Returned(0));
    (elapsed, String::from_utf8(stdout.take().0).unwrap())
}

/// A sandbox with a policy, limits and directories, beside the least that wasmtime needs for the same output.
pub async fn hello() {
    let engine = Engine::new().unwrap();
    let component = component(&engine, &artefact::guest("hello"));
    let program = Program::new(&engine, &component).unwrap();
    let bare = Bare::new(engine.wasmtime(), &component);
    let folder = tempfile::tempdir().unwrap();
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..5_000 {
        let (elapsed, output) = run(&program, &["hello"], folder.path()).await;
        assert_eq!(output, "hello\n");
        ours.push(elapsed);
        floor.push(bare.run().await);
    }
    compare(
        "hello sandbox",
        &Figures::of(ours),
        "a bare wasmtime loop",
        &Figures::of(floor),
    );
}

/// The interpreter itself: on some machines `python3` is a script that looks for it.
fn native_python() -> String {
    let said = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .unwrap();
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

/// `python -c`, beside `python3 -c`.
pub async fn python() {
    let engine = Engine::new().unwrap();
    let path = artefact::root().join("target/programs/python.wasm");
    let program = Program::new(&engine, &component(&engine, &path)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let native_python = native_python();
    let code = "import json; print(json.dumps([1, 2]))";
    let (mut ours, mut native) = (Vec::new(), Vec::new());
    // In turns of ten: a process that starts in between would leave neither its caches.
    for _ in 0..10 {
        for _ in 0..10 {
            let (elapsed, output) = run(&program, &["python", "-c", code], folder.path()).await;
            assert_eq!(output, "[1, 2]\n");
            ours.push(elapsed);
        }
        for _ in 0..10 {
            let started = Instant::now();
            let output = Command::new(&native_python)
                .args(["-c", code])
                .stderr(Stdio::inherit())
                .output()
                .unwrap();
            native.push(started.elapsed());
            assert_eq!(output.stdout, b"[1, 2]\n");
        }
    }
    compare(
        "`python -c` in a sandbox",
        &Figures::of(ours),
        "native `python3 -c`",
        &Figures::of(native),
    );
}

/// wasmtime and WASI with nothing around them.
pub(crate) struct Bare {
    pre: CommandPre<State>,
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl Bare {
    pub(crate) fn new(engine: &wasmtime::Engine, component: &Component) -> Self {
        let mut linker = Linker::new(engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        Self {
            pre: CommandPre::new(linker.instantiate_pre(component).unwrap()).unwrap(),
        }
    }

    pub(crate) async fn run(&self) -> Duration {
        let started = Instant::now();
        let stdout = MemoryOutputPipe::new(4_096);
        let wasi = WasiCtx::builder().stdout(stdout.clone()).build();
        let mut store = Store::new(
            self.pre.engine(),
            State {
                wasi,
                table: ResourceTable::new(),
            },
        );
        store.set_epoch_deadline(u64::MAX / 2);
        let command = self.pre.instantiate_async(&mut store).await.unwrap();
        command
            .wasi_cli_run()
            .call_run(&mut store)
            .await
            .unwrap()
            .unwrap();
        drop(store);
        let elapsed = started.elapsed();
        assert_eq!(stdout.contents().as_ref(), b"hello\n");
        elapsed
    }
}
