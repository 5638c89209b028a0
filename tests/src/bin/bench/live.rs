//! A thousand sandboxes that are alive at once, each waiting for its input: what one takes, and how long they take to
//! start, all at once, on the threads that a runner has for them.

use crate::sandbox::grants;
use std::sync::Arc;
use std::time::Instant;
use swarm_flow_sandbox::{Engine, Input, Output, Program, Stream, Threads};
use swarm_flow_tests::sandbox::component;
use tokio::sync::mpsc;

const SANDBOXES: usize = 1_000;

/// `PROGRAM` is what it is called in the figures; with these arguments it says something and then waits for input.
pub async fn live(program: &str, path: &std::path::Path, arguments: &[&str]) {
    let engine = Engine::new().unwrap();
    assert!(
        engine.sandboxes_max() as usize >= SANDBOXES,
        "this machine has room for {} sandboxes",
        engine.sandboxes_max()
    );
    let threads = Threads::start(&engine).unwrap();
    let compiled = Arc::new(Program::new(&engine, &component(&engine, path)).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (said, mut hears) = mpsc::channel(SANDBOXES);
    let start = |number: usize| {
        let output = Output::streamed(Stream::Stdout, said.clone(), 1 << 20);
        let mut grants = grants(arguments, folder.path(), &output);
        let (input, reader) = tokio::io::duplex(64);
        let program = compiled.clone();
        let share = (number % 100).to_string();
        let running = threads.spawn(&share, async move {
            grants.stdin = Input::streamed(reader);
            program.run(grants).await
        });
        (input, running)
    };
    // What the first one takes, all of them share.
    let first = start(0);
    hears.recv().await.unwrap();
    let (resident, proportional) = memory_bytes();
    let started = Instant::now();
    let running: Vec<_> = (1..=SANDBOXES).map(start).collect();
    for _ in 0..SANDBOXES {
        hears.recv().await.unwrap();
    }
    let elapsed = started.elapsed();
    let (resident_then, proportional_then) = memory_bytes();
    let each =
        |before: u64, after: u64| (after.saturating_sub(before)) as f64 / SANDBOXES as f64 / 1e6;
    println!(
        "{SANDBOXES} live `{program}`: {:.3} MB resident each ({:.3} MB proportional), all started in {:.1} ms, {:.3} ms each",
        each(resident, resident_then),
        each(proportional, proportional_then),
        elapsed.as_secs_f64() * 1e3,
        elapsed.as_secs_f64() * 1e3 / SANDBOXES as f64,
    );
    let ending = Instant::now();
    for (input, running) in std::iter::once(first).chain(running) {
        drop(input);
        running.await.unwrap().unwrap();
    }
    println!(
        "    all ended in {:.1} ms",
        ending.elapsed().as_secs_f64() * 1e3
    );
}

/// Resident and proportional, of this process.
fn memory_bytes() -> (u64, u64) {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let field = |name: &str| {
        let line = rollup.lines().find_map(|line| line.strip_prefix(name));
        let kibibytes = line.unwrap().split_whitespace().next().unwrap();
        kibibytes.parse::<u64>().unwrap() * 1_024
    };
    (field("Rss:"), field("Pss:"))
}
