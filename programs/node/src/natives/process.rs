//! This program and others: arguments, variables, clocks, randomness, exit, and starting programs.

use super::streams;
use super::table::Table;
use crate::bindings::process::{self as host, Child, Command, End, Reader, SpawnError, Writer};
use crate::bindings::types::Outcome;
use crate::bindings::wasi::cli::environment;
use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::wasi::random::random;
use rquickjs::prelude::{Func, List};
use rquickjs::{Ctx, Object, Result, TypedArray};

thread_local! {
    static CHILDREN: Table<Child> = const { Table::new() };
    static READERS: Table<Reader> = const { Table::new() };
    static WRITERS: Table<Writer> = const { Table::new() };
}

pub fn install(native: &Object<'_>) -> Result<()> {
    native.set("args", Func::from(environment::get_arguments))?;
    native.set(
        "env",
        Func::from(|| {
            environment::get_environment()
                .into_iter()
                .map(|(name, value)| vec![name, value])
                .collect::<Vec<_>>()
        }),
    )?;
    native.set("initialCwd", Func::from(environment::initial_cwd))?;
    native.set(
        "exit",
        Func::from(|code: i32| -> () { swarm_flow_process::exit(code) }),
    )?;
    native.set("now", Func::from(|| monotonic_clock::now() as f64 / 1e6))?;
    native.set(
        "monotonic",
        Func::from(|| {
            let now = monotonic_clock::now();
            List(((now / 1_000_000_000) as f64, (now % 1_000_000_000) as f64))
        }),
    )?;
    native.set(
        "wallTime",
        Func::from(|| {
            let now = wall_clock::now();
            now.seconds as f64 * 1e3 + f64::from(now.nanoseconds) / 1e6
        }),
    )?;
    native.set("randomBytes", Func::from(random_bytes))?;
    native.set("spawn", Func::from(spawn))?;
    native.set(
        "pipe",
        Func::from(|| {
            let (reader, writer) = host::pipe();
            List((
                READERS.with(|all| all.insert(reader)),
                WRITERS.with(|all| all.insert(writer)),
            ))
        }),
    )?;
    native.set(
        "standardReader",
        Func::from(|| READERS.with(|all| all.insert(host::stdin()))),
    )?;
    native.set(
        "standardWriter",
        Func::from(|number: u32| {
            let writer = if number == 2 {
                host::stderr()
            } else {
                host::stdout()
            };
            WRITERS.with(|all| all.insert(writer))
        }),
    )?;
    native.set(
        "readerStream",
        Func::from(|id| READERS.with(|all| all.with(id, |reader| streams::input(reader.stream())))),
    )?;
    native.set(
        "writerStream",
        Func::from(|id| {
            WRITERS.with(|all| all.with(id, |writer| streams::output(writer.stream())))
        }),
    )?;
    native.set(
        "closeReader",
        Func::from(|id| drop(READERS.with(|all| all.remove(id)))),
    )?;
    native.set(
        "closeWriter",
        Func::from(|id| drop(WRITERS.with(|all| all.remove(id)))),
    )?;
    native.set(
        "childPoll",
        Func::from(|id| {
            CHILDREN.with(|all| all.with(id, |child| streams::pollable(child.subscribe())))
        }),
    )?;
    native.set(
        "childPid",
        Func::from(|id| CHILDREN.with(|all| all.with(id, |child| child.id()))),
    )?;
    native.set(
        "childEnd",
        Func::from(|id| {
            CHILDREN.with(|all| all.with(id, |child| child.end().map(ended)).flatten())
        }),
    )?;
    native.set(
        "childKill",
        Func::from(|id| CHILDREN.with(|all| all.with(id, |child| child.kill()))),
    )?;
    native.set("ownPid", Func::from(host::id))?;
    native.set("programs", Func::from(host::programs))
}

/// How it ended, and its exit code.
fn ended(end: End) -> List<(&'static str, u8)> {
    let outcome = match end.outcome {
        Outcome::Exited => "exited",
        Outcome::Trapped(_) => "trapped",
        Outcome::Limit(_) => "limit",
        Outcome::Cancelled => "cancelled",
    };
    List((outcome, end.exit_code))
}

fn random_bytes<'js>(ctx: Ctx<'js>, count: f64) -> Result<TypedArray<'js, u8>> {
    TypedArray::new(ctx, random::get_random_bytes(count as u64))
}

/// A child's number, or why there is none: a kind and a text. A number of 0 is no reader and no writer.
fn spawn(
    argv: Vec<String>,
    env: Vec<Vec<String>>,
    cwd: String,
    streams: Vec<u32>,
) -> List<(u32, Option<String>, Option<String>)> {
    let taken = |index: usize| streams.get(index).copied().unwrap_or(0);
    let reader = READERS.with(|all| all.remove(taken(0)));
    let stdout = WRITERS.with(|all| all.remove(taken(1)));
    let stderr = WRITERS.with(|all| all.remove(taken(2)));
    let command = Command {
        argv,
        env: env
            .into_iter()
            .filter_map(|pair| {
                pair.try_into()
                    .ok()
                    .map(|[name, value]: [String; 2]| (name, value))
            })
            .collect(),
        cwd,
        stdin: reader.as_ref(),
        stdout: stdout.as_ref(),
        stderr: stderr.as_ref(),
    };
    match host::spawn(&command) {
        Ok(child) => List((CHILDREN.with(|all| all.insert(child)), None, None)),
        Err(error) => {
            let (kind, text) = match error {
                SpawnError::NotFound(text) => ("ENOENT", text),
                SpawnError::NotExecutable(text) => ("EACCES", text),
                SpawnError::NoRoom(text) => ("EAGAIN", text),
                SpawnError::Invalid(text) => ("EINVAL", text),
                SpawnError::Failed(text) => ("EIO", text),
            };
            List((0, Some(kind.to_owned()), Some(text)))
        }
    }
}
