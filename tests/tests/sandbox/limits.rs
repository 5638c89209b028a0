//! Limits under attack: each guest of `tests/guests/limits` takes more than it may by some way, and has a twin that
//! stays within the same limit and succeeds.

use super::{engine, limits, workspace};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use swarm_flow_policy::{Access, Limits, Network};
use swarm_flow_sandbox::undo::Changes;
use swarm_flow_sandbox::{
    Directory, Egress, End, Ended, Engine, Grants, Input, Output, Program, Secrets,
};
use swarm_flow_tests::artefact;

/// Preview 1 and 3 run where an operator runs a program of their own.
fn own_engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::with_preview3().unwrap())
}

fn guest(name: &str) -> Vec<u8> {
    wat::parse_file(artefact::root().join(format!("tests/guests/limits/{name}.wat"))).unwrap()
}

struct Run<'a> {
    engine: &'a Engine,
    name: &'a str,
    arguments: &'a [&'a str],
    directories: Vec<Directory>,
    limits: Limits,
}

/// A component or a module, with nothing but its limits.
fn run(name: &str, limits: Limits) -> Run<'_> {
    Run {
        engine: engine(),
        name,
        arguments: &[],
        directories: Vec::new(),
        limits,
    }
}

/// The same on an operator's own engine.
fn own(name: &str, limits: Limits) -> Run<'_> {
    Run {
        engine: own_engine(),
        ..run(name, limits)
    }
}

impl Run<'_> {
    async fn ended(self) -> Ended<u8> {
        let program = Program::from_wasm(self.engine, None, guest(self.name)).unwrap();
        let name_and_arguments = std::iter::once(&self.name).chain(self.arguments);
        let grants = Grants {
            arguments: name_and_arguments.map(|text| (*text).to_owned()).collect(),
            environment: Vec::new(),
            cwd: String::new(),
            stdin: Input::bytes(Vec::new()),
            stdout: Output::collected(self.limits.output_bytes),
            stderr: Output::collected(self.limits.output_bytes),
            directories: self.directories,
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
            limits: self.limits,
        };
        program.run(grants).await.unwrap()
    }

    /// It has to end well.
    async fn succeeds(self) {
        let name = self.name.to_owned();
        let ended = self.ended().await;
        assert_eq!(ended.end, End::Returned(0), "{name}");
    }

    /// It has to end at this limit; used and allowed.
    async fn reaches(self, limit: &str) -> (u64, u64) {
        let name = self.name.to_owned();
        match self.ended().await.end {
            End::Limit {
                name: reached,
                used,
                allowed,
            } if reached == limit => {
                assert!(used >= allowed, "{name}: {used} of {allowed}");
                (used, allowed)
            }
            other => panic!("{name}: {other:?} instead of the limit {limit}"),
        }
    }
}

fn memory(mebibytes: u64) -> Limits {
    Limits {
        memory_bytes: mebibytes << 20,
        ..limits()
    }
}

fn cpu_time(milliseconds: u64) -> Limits {
    Limits {
        cpu_time_ms: milliseconds,
        ..limits()
    }
}

fn handles(count: u32) -> Limits {
    Limits {
        handles: count,
        ..limits()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memories_of_one_module_count_together() {
    assert_eq!(
        own("memories", memory(4)).reaches("memory").await.1,
        4 << 20
    );
    own("memories", memory(8)).succeeds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memories_and_tables_of_all_instances_count_together() {
    run("instances", memory(7)).reaches("memory").await;
    run("instances", memory(8)).succeeds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_memory() {
    own(
        "tables",
        Limits {
            memory_bytes: 512 << 10,
            ..limits()
        },
    )
    .reaches("memory")
    .await;
    own("tables", memory(2)).succeeds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_module_refuses_itself_is_not_counted() {
    own(
        "own-bound",
        Limits {
            memory_bytes: 128 << 10,
            ..limits()
        },
    )
    .succeeds()
    .await;
    own(
        "own-bound",
        Limits {
            memory_bytes: 64 << 10,
            ..limits()
        },
    )
    .reaches("memory")
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_place_where_a_guest_runs_is_beyond_its_cpu_time() {
    for name in ["realloc", "post-return", "destructor"] {
        let started = Instant::now();
        run(name, cpu_time(100)).reaches("cpu_time").await;
        assert!(started.elapsed() < Duration::from_secs(4), "{name}");
    }
    own("start", cpu_time(100)).reaches("cpu_time").await;
    run("resources-dropped", cpu_time(2_000)).succeeds().await;
}

/// One instruction on a lot of memory cannot be interrupted. It can overrun the limit by as long as it takes for the
/// memory that the guest may have, and what it took is counted.
#[tokio::test(flavor = "multi_thread")]
async fn an_instruction_on_much_memory_overruns_by_itself_alone() {
    let started = Instant::now();
    let limits = Limits {
        cpu_time_ms: 200,
        ..memory(64)
    };
    let (used, _) = own("fill", limits).reaches("cpu_time").await;
    assert!(used < 1_200, "{used} ms");
    assert!(started.elapsed() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_recursion_ends_at_the_stack() {
    own("recursion", limits()).reaches("stack").await;
    let within = Run {
        arguments: &["10000"],
        ..own("recursion", limits())
    };
    within.succeeds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_of_every_kind_end_at_their_limit() {
    let kept = Limits {
        cpu_time_ms: 20_000,
        ..handles(50)
    };
    run("resources", kept.clone()).reaches("handles").await;
    run("resources-dropped", kept.clone()).succeeds().await;
    run("pollables", kept.clone()).reaches("handles").await;
    run("pollables-dropped", kept.clone()).succeeds().await;
    own("streams", kept.clone()).reaches("handles").await;
    own("streams-dropped", kept).succeeds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn descriptors_of_preview_1_are_handles() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments| Run {
        arguments,
        directories: at_root(folder.path()),
        ..own("descriptors", handles(50))
    };
    run(&[]).reaches("handles").await;
    run(&["close"]).succeeds().await;
}

fn at_root(folder: &Path) -> Vec<Directory> {
    let [mut directory] = <[Directory; 1]>::try_from(workspace(folder, Access::Read))
        .ok()
        .unwrap();
    directory.guest = "/".to_owned();
    vec![directory]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_cannot_make_the_host_hold_much() {
    run("host-call", memory(64)).reaches("host_call").await;
    run("random-bytes", memory(64)).reaches("host_call").await;
    own("random", memory(64)).reaches("host_call").await;
    let within = Run {
        arguments: &["little"],
        ..own("random", memory(64))
    };
    within.succeeds().await;
    // What is not copied may be long.
    own("write", memory(64)).succeeds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_headers_are_bounded() {
    run("fields", memory(64)).reaches("http_fields").await;
    run("fields-within", memory(64)).succeeds().await;
}

#[test]
fn parts_of_webassembly_that_nobody_needs_are_off() {
    for (name, text) in [
        ("memory64", "(module (memory i64 1))"),
        ("threads", "(module (memory 1 1 shared))"),
        (
            "gc",
            "(module (type (struct (field i32))) (func (result anyref) ref.null any))",
        ),
        ("exceptions", "(module (tag $t) (func (throw $t)))"),
        (
            "function references",
            "(module (type $f (func)) (func (param (ref $f)) (call_ref $f (local.get 0))))",
        ),
        (
            "stack switching",
            "(module (type $f (func)) (type $c (cont $f)))",
        ),
        ("custom page sizes", "(module (memory 1 (pagesize 1)))"),
        (
            "wide arithmetic",
            "(module (func (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1))))",
        ),
    ] {
        let bytes = wat::parse_str(text).unwrap();
        for engine in [engine(), own_engine()] {
            let refused = Program::from_wasm(engine, None, bytes.clone())
                .err()
                .unwrap();
            assert!(
                format!("{refused:#}").contains("cannot compile"),
                "{name}: {refused:#}"
            );
        }
    }
    let with_simd = "(module (func (export \"_start\") (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i32x4 0 0 0 0)))))";
    Program::from_wasm(own_engine(), None, wat::parse_str(with_simd).unwrap()).unwrap();
}

#[test]
fn preview_3_is_for_an_operators_own_programs() {
    assert!(Program::from_wasm(engine(), None, guest("streams")).is_err());
    Program::from_wasm(own_engine(), None, guest("streams")).unwrap();
}

#[test]
fn every_guest_here_is_in_a_test() {
    let own_text =
        std::fs::read_to_string(artefact::root().join("tests/tests/sandbox/limits.rs")).unwrap();
    let folder: PathBuf = artefact::root().join("tests/guests/limits");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            own_text.contains(&format!("\"{name}\"")),
            "{name} has no test"
        );
    }
}
