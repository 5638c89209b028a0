use super::*;
use crate::{Catalog, ProgramFile, Runner, RunnerConfig, files};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;
use swarm_flow_policy::Preset;
use swarm_flow_protocol::{ExecRequest, Outcome};
use swarm_flow_sandbox::{CompiledCache, Engine, component_of};

const ID: &str = "ws_00000000000000000000000000000000";

/// Appends a line to a file, and then ends or does not.
fn program(end: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (import "wasi_snapshot_preview1" "path_open"
                (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write"
                (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "file")
            (data (i32.const 16) "line\n")
            (data (i32.const 32) "\10\00\00\00\05\00\00\00")
            (func (export "_start")
                (if (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1)
                        (i64.const 0x42) (i64.const 0) (i32.const 1) (i32.const 48))
                    (then unreachable))
                (if (call $write (i32.load (i32.const 48)) (i32.const 32) (i32.const 1) (i32.const 52))
                    (then unreachable))
                {end}))"#
    );
    component_of(wat::parse_str(text).unwrap()).unwrap()
}

struct Fixture {
    runner: Runner,
    state: tempfile::TempDir,
    /// What was committed: the keys, and how the commands ended.
    journal: Arc<Mutex<Vec<(String, Outcome)>>>,
}

impl Fixture {
    fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        // One for all: each sets aside much address space.
        static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new().unwrap());
        let cache = CompiledCache::open(&state.path().join("compiled")).unwrap();
        let programs = [("append", ""), ("hang", "(loop $again (br $again))")];
        let programs = programs.map(|(name, end)| {
            let path = state.path().join(format!("{name}.wasm"));
            std::fs::write(&path, program(end)).unwrap();
            ProgramFile::named(name, path)
        });
        let runner = Runner::new(RunnerConfig {
            id: "one".to_owned(),
            url: String::new(),
            token: String::new(),
            state: state.path().to_owned(),
            audit_bytes_max: 1 << 20,
            approval_timeout: Duration::from_secs(60),
            catalog: Catalog::new(&ENGINE, cache, programs.to_vec(), Vec::new()).unwrap(),
            walls: Vec::new(),
            registries: Vec::new(),
            models: std::sync::Arc::default(),
            roots: Vec::new(),
        });
        let runner = runner.unwrap();
        let audit = &runner.shared.audit;
        audit.begin(&audit.head()).unwrap();
        runner.workspaces().create(ID).unwrap();
        Self {
            runner,
            state,
            journal: Arc::default(),
        }
    }

    fn atomic(&self, key: &str) -> Atomic {
        let (journal, own) = (self.journal.clone(), key.to_owned());
        let commit = move |result: &ExecResult| {
            if own == "full" {
                return Err(io::Error::other("the journal is full"));
            }
            journal.lock().unwrap().push((own, result.outcome.clone()));
            Ok(())
        };
        Atomic {
            key: key.to_owned(),
            commit: Box::new(commit),
        }
    }

    fn exec(
        &self,
        program: &str,
        atomic: Option<Atomic>,
    ) -> impl Future<Output = Result<ExecResult, Error>> + Send + 'static {
        let mut policy = Preset::Standard.policy();
        policy.limits.wall_time_ms = 60_000;
        let request = serde_json::json!({
            "command": [program], "environment": "base", "policy": policy,
        });
        let request: ExecRequest = serde_json::from_value(request).unwrap();
        let runner = self.runner.clone();
        async move { runner.exec(ID, request, None, atomic).await }
    }

    /// None if there is no such file.
    fn file(&self) -> Option<String> {
        let path = self
            .state
            .path()
            .join(format!("workspaces/{ID}/files/file"));
        std::fs::read_to_string(path).ok()
    }

    fn logs(&self) -> usize {
        std::fs::read_dir(self.state.path().join("undo"))
            .unwrap()
            .count()
    }

    /// Starts one that hangs, and comes back when it has written.
    async fn hanging(&self, key: &str) -> tokio::task::JoinHandle<Result<ExecResult, Error>> {
        let length = |file: Option<String>| file.map_or(0, |file| file.len());
        let before = length(self.file());
        let hanging = tokio::spawn(self.exec("hang", Some(self.atomic(key))));
        // It may be there and empty still.
        while length(self.file()) == before || self.logs() == 0 {
            assert!(!hanging.is_finished());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        hanging
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_committed_with_its_changes_or_has_made_none() {
    let fixture = Fixture::new();
    fixture.exec("append", None).await.unwrap();
    let refused = fixture.exec("append", Some(fixture.atomic("full"))).await;
    assert!(matches!(refused, Err(Error::Internal { .. })));
    // Who changes the same next waits until that is taken back.
    let done = fixture
        .exec("append", Some(fixture.atomic("run/1/1")))
        .await;
    assert_eq!(done.unwrap().exit_code, 0);
    assert_eq!(fixture.file().unwrap(), "line\nline\n");
    let committed = [("run/1/1".to_owned(), Outcome::Exited)];
    assert_eq!(*fixture.journal.lock().unwrap(), committed);
    assert_eq!(fixture.logs(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_takes_the_changes_with_it() {
    let fixture = Fixture::new();
    fixture.exec("append", None).await.unwrap();
    let hanging = fixture.hanging("run/1/1").await;
    assert_eq!(fixture.file().unwrap(), "line\nline\n");
    hanging.abort();
    hanging.await.unwrap_err();
    // It is tried again, and waits for that.
    let again = fixture
        .exec("append", Some(fixture.atomic("run/1/1")))
        .await;
    again.unwrap();
    assert_eq!(fixture.file().unwrap(), "line\nline\n");
    assert_eq!(fixture.journal.lock().unwrap().len(), 1);
    assert_eq!(fixture.logs(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_stopped_from_outside_has_ended() {
    let fixture = Fixture::new();
    let hanging = fixture.hanging("run/1/1").await;
    fixture.runner.workspaces().running.stop(ID);
    let ended = hanging.await.unwrap().unwrap();
    assert_eq!(ended.outcome, Outcome::Cancelled);
    assert_eq!(fixture.file().unwrap(), "line\n");
    assert_eq!(fixture.journal.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_api_waits_for_a_command_that_may_be_taken_back() {
    let fixture = Fixture::new();
    let hanging = fixture.hanging("run/1/1").await;
    let (runner, free) = (fixture.runner.clone(), fixture.runner.clone());
    files::changing(free.workspaces(), ID, "other/file")
        .await
        .map(drop)
        .unwrap();
    let writing = tokio::spawn(async move {
        let _changing = files::changing(runner.workspaces(), ID, "file").await?;
        files::write(runner.workspaces(), ID, "file", b"theirs", 1 << 20)
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(fixture.file().unwrap(), "line\n");
    hanging.abort();
    writing.await.unwrap().unwrap();
    assert_eq!(fixture.file().unwrap(), "theirs");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_over_stays_if_it_was_committed() {
    for committed in [false, true] {
        let fixture = Fixture::new();
        fixture.exec("append", None).await.unwrap();
        let hanging = fixture.hanging("run/1/1").await;
        // As if this were the next process.
        let recovered = fixture.runner.workspaces().recover(|workspace, key| {
            assert_eq!((workspace, key), (ID, "run/1/1"));
            committed
        });
        let expected = Recovered {
            kept: usize::from(committed),
            taken_back: usize::from(!committed),
            failed: 0,
        };
        assert_eq!(recovered.unwrap(), expected);
        let lines = if committed { "line\nline\n" } else { "line\n" };
        assert_eq!(fixture.file().unwrap(), lines);
        assert_eq!(fixture.logs(), 0);
        hanging.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_goes_with_its_logs() {
    let fixture = Fixture::new();
    let hanging = fixture.hanging("run/1/1").await;
    fixture.runner.workspaces().delete(ID).unwrap();
    // What was under way may still end.
    _ = hanging.await.unwrap();
    assert_eq!(fixture.logs(), 0);
    assert!(!fixture.state.path().join("workspaces").join(ID).exists());
}
