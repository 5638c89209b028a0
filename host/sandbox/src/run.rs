//! One run: a store made from what is granted, a guest called in it, what came of it.

use crate::egress::Egress;
use crate::engine::Engine;
use crate::guest::Guest;
use crate::meter::{Meter, Metered, OutOfCpuTime, Usage};
use crate::output::Output;
use bytes::Bytes;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use swarm_flow_policy::{Access, Limits};
use wasmtime::Store;
use wasmtime::component::ResourceTable;
use wasmtime::{Result, error::Context};
use wasmtime_wasi::p2::pipe::MemoryInputPipe;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx};
use wasmtime_wasi_http::WasiHttpCtx;

/// Everything that a sandbox is given. Nothing else is there.
pub struct Grants {
    /// The program's name, then its arguments.
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// Where the guest starts, a path in the sandbox.
    pub cwd: String,
    pub stdin: Bytes,
    pub stdout: Output,
    pub stderr: Output,
    pub directories: Vec<Directory>,
    pub egress: Egress,
    pub limits: Limits,
}

/// A directory that is opened for a sandbox.
pub struct Directory {
    pub host: PathBuf,
    /// Its path in the sandbox.
    pub guest: String,
    pub access: Access,
}

/// Why a sandbox ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End<R> {
    /// The call came back.
    Returned(R),
    /// The guest asked to exit with this code.
    Exited(u8),
    /// The guest did something impossible.
    Trapped(String),
    /// `memory`, `cpu_time`, `wall_time`, `handles`; in the units of the policy's field.
    Limit {
        name: &'static str,
        used: u64,
        allowed: u64,
    },
}

/// How a sandbox ended and what it used.
#[derive(Debug)]
pub struct Ended<R> {
    pub end: End<R>,
    pub usage: Usage,
    /// The guest was refused memory at some time, whether or not that ended it.
    pub memory_denied: bool,
}

/// Makes a store, calls the guest, and ends it at its limits. Dropping the future ends the guest at once.
pub async fn run<T, R>(
    engine: &Engine,
    grants: Grants,
    imports: T,
    call: impl AsyncFnOnce(&mut Store<Guest<T>>) -> wasmtime::Result<R>,
) -> Result<Ended<R>>
where
    T: Send + 'static,
{
    let _entered = engine.enter().await;
    let started = Instant::now();
    let limits = grants.limits.clone();
    let meter = Arc::new(Meter::default());
    let mut store = store(engine, grants, imports, meter.clone())?;
    let metered = Metered {
        call: Box::pin(call(&mut store)),
        meter: &meter,
        cpu_ns_max: limits.cpu_time_ms.saturating_mul(1_000_000),
    };
    let wall_time = Duration::from_millis(limits.wall_time_ms);
    let end = match tokio::time::timeout(wall_time, metered).await {
        Ok(Ok(Ok(returned))) => End::Returned(returned),
        Ok(Ok(Err(error))) => end_of(&error, &meter, &limits),
        Ok(Err(OutOfCpuTime)) => End::Limit {
            name: "cpu_time",
            used: meter.cpu_ns() / 1_000_000,
            allowed: limits.cpu_time_ms,
        },
        Err(_) => End::Limit {
            name: "wall_time",
            used: started.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
            allowed: limits.wall_time_ms,
        },
    };
    drop(store);
    Ok(Ended {
        end,
        usage: meter.usage(started.elapsed()),
        memory_denied: meter.memory_denied(),
    })
}

fn store<T: Send + 'static>(
    engine: &Engine,
    grants: Grants,
    imports: T,
    meter: Arc<Meter>,
) -> Result<Store<Guest<T>>> {
    let mut table = ResourceTable::new();
    table.set_max_capacity(grants.limits.handles as usize);
    let guest = Guest {
        imports,
        table,
        wasi: wasi(&grants)?,
        http: WasiHttpCtx::new(),
        egress: grants.egress,
        meter,
        memory_bytes_max: grants.limits.memory_bytes,
    };
    let mut store = Store::new(engine.wasmtime(), guest);
    store.limiter(|guest| guest);
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    Ok(store)
}

fn wasi(grants: &Grants) -> Result<WasiCtx> {
    let mut builder = WasiCtx::builder();
    builder
        .args(&grants.arguments)
        .envs(&grants.environment)
        .env("PWD", &grants.cwd)
        .initial_cwd(&grants.cwd)
        .stdin(MemoryInputPipe::new(grants.stdin.clone()))
        .stdout(grants.stdout.clone())
        .stderr(grants.stderr.clone())
        // Files are local: the switch to another thread would cost more than the call.
        .allow_blocking_current_thread(true)
        // The builder grants no socket and no name lookup unless told so. This says it once more.
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    for directory in &grants.directories {
        let permissions = match directory.access {
            Access::Read => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        builder
            .preopened_dir(&directory.host, &directory.guest, permissions)
            .with_context(|| {
                format!(
                    "cannot open {} for {}",
                    directory.host.display(),
                    directory.guest
                )
            })?;
    }
    Ok(builder.build())
}

fn end_of<R>(error: &wasmtime::Error, meter: &Meter, limits: &Limits) -> End<R> {
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        // A process has eight bits for its exit code.
        return End::Exited(*code as u8);
    }
    if error
        .chain()
        .any(|cause| cause.is::<wasmtime_wasi::ResourceTableError>())
    {
        let allowed = u64::from(limits.handles);
        return End::Limit {
            name: "handles",
            used: allowed,
            allowed,
        };
    }
    if meter.memory_denied() {
        let used = meter.usage(Duration::ZERO).peak_memory_bytes;
        return End::Limit {
            name: "memory",
            used,
            allowed: limits.memory_bytes,
        };
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => End::Trapped(trap.to_string()),
        None => End::Trapped(format!("{error:#}")),
    }
}
