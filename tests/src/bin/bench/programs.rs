//! Every program that was built: how long its smallest command takes in a sandbox and natively, in turns, and one
//! computation of each that computes. The table goes into `docs/programs.md`.

use crate::figures::Figures;
use crate::sandbox::grants;
use serde::Deserialize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use swarm_flow_sandbox::{End, Engine, Output, Program};
use swarm_flow_tests::artefact;
use swarm_flow_tests::sandbox::component;

/// What is measured of a program.
#[derive(Deserialize)]
struct Measured {
    name: String,
    /// The smallest command; the first word is the native program's name too.
    start: Vec<String>,
    /// Something that computes.
    #[serde(default)]
    compute: Vec<String>,
    /// Where the native program has another name.
    #[serde(default)]
    native: Option<String>,
    works: String,
    #[serde(default)]
    lacks: String,
}

#[derive(Deserialize)]
struct Table {
    program: Vec<Measured>,
}

#[derive(Deserialize)]
struct Description {
    version: String,
    #[serde(default)]
    license: String,
}

/// Between these lines of the page stands what is made here.
const BEGIN: &str = "<!-- made by `cargo xtask bench programs` -->";
const END: &str = "<!-- end -->";

const STARTS: usize = 60;
const COMPUTATIONS: usize = 5;

/// Measures all, and writes the table.
pub async fn programs() {
    let text = std::fs::read_to_string(artefact::root().join("tests/programs.toml")).unwrap();
    let table: Table = toml::from_str(&text).unwrap();
    let engine = Engine::new().unwrap();
    let mut rows = vec![
        "| program | version | licence | size | start | native | ratio | a computation | native | memory | what works | what does not |"
            .to_owned(),
        "|---|---|---|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    for measured in &table.program {
        match row(&engine, measured).await {
            Some(row) => rows.push(row),
            None => println!("{}: not built", measured.name),
        }
    }
    let page = artefact::root().join("docs/programs.md");
    let before = std::fs::read_to_string(&page).unwrap();
    let (head, rest) = before.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let whole = format!("{head}{BEGIN}\n\n{}\n\n{END}{tail}", rows.join("\n"));
    std::fs::write(&page, whole).unwrap();
    println!("wrote {}", page.display());
}

async fn row(engine: &Engine, measured: &Measured) -> Option<String> {
    let folder = artefact::root().join("target/programs");
    let path = folder.join(format!("{}.wasm", measured.name));
    let bytes = std::fs::metadata(&path).ok()?.len();
    let description = std::fs::read_to_string(path.with_extension("toml")).unwrap();
    let description: Description = toml::from_str(&description).unwrap();
    let program = Program::new(engine, &component(engine, &path)).unwrap();
    let workspace = tempfile::tempdir().unwrap();
    let native = native(measured);
    let start = times(
        &program,
        native.as_deref(),
        &measured.start,
        workspace.path(),
        STARTS,
    )
    .await;
    let compute = if measured.compute.is_empty() {
        None
    } else {
        Some(
            times(
                &program,
                native.as_deref(),
                &measured.compute,
                workspace.path(),
                COMPUTATIONS,
            )
            .await,
        )
    };
    let ratio = start.native.as_ref().map(|native| {
        start.ours.percentile(0.5).as_secs_f64() / native.percentile(0.5).as_secs_f64()
    });
    let text = |time: Option<&Figures>| {
        time.map_or("–".to_owned(), |time| milliseconds(time.percentile(0.5)))
    };
    let row = format!(
        "| {} | {} | {} | {:.1} MB | {} | {} | {} | {} | {} | {:.1} MB | {} | {} |",
        measured.name,
        description.version,
        description.license,
        bytes as f64 / 1e6,
        milliseconds(start.ours.percentile(0.5)),
        text(start.native.as_ref()),
        ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}")),
        text(compute.as_ref().map(|compute| &compute.ours)),
        text(compute.as_ref().and_then(|compute| compute.native.as_ref())),
        start.memory_bytes as f64 / 1e6,
        measured.works,
        if measured.lacks.is_empty() {
            "–"
        } else {
            &measured.lacks
        },
    );
    println!("{row}");
    Some(row)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// The native program, if this machine has it.
fn native(measured: &Measured) -> Option<String> {
    let name = measured.native.as_ref().unwrap_or(measured.start.first()?);
    // Not the script that looks for an interpreter on some machines.
    let find = if name == "python3" {
        "python3 -c 'import sys; print(sys.executable)'".to_owned()
    } else {
        format!("command -v {name}")
    };
    let found = Command::new("bash").args(["-c", &find]).output().unwrap();
    let path = String::from_utf8(found.stdout).unwrap().trim().to_owned();
    Path::new(&path).is_absolute().then_some(path)
}

struct Times {
    ours: Figures,
    native: Option<Figures>,
    memory_bytes: u64,
}

async fn times(
    program: &Program,
    native: Option<&str>,
    command: &[String],
    workspace: &Path,
    rounds: usize,
) -> Times {
    let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut memory_bytes = 0;
    // In turns of five: a process that starts in between would leave neither its caches.
    for _ in 0..rounds.div_ceil(5) {
        for _ in 0..5 {
            let output = Output::collected(1 << 20);
            let started = Instant::now();
            let ended = program
                .run(grants(&arguments, workspace, &output))
                .await
                .unwrap();
            ours.push(started.elapsed());
            assert_eq!(
                ended.end,
                End::Returned(0),
                "{arguments:?}: {:?}",
                output.take()
            );
            memory_bytes = ended.usage.peak_memory_bytes;
        }
        let Some(native) = native else { continue };
        for _ in 0..5 {
            let started = Instant::now();
            let output = Command::new(native)
                .args(arguments.get(1..).unwrap_or_default())
                .current_dir(workspace)
                .stdin(Stdio::null())
                .output()
                .unwrap();
            theirs.push(started.elapsed());
            assert!(output.status.success(), "{native} {arguments:?}");
        }
    }
    Times {
        ours: Figures::of(ours),
        native: (!theirs.is_empty()).then(|| Figures::of(theirs)),
        memory_bytes,
    }
}
