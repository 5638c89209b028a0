//! One run: a store made from what is granted, a guest called in it, what came of it.

use crate::decisions::Decisions;
use crate::disk::Disk;
use crate::egress::Egress;
use crate::engine::Engine;
use crate::guest::Guest;
use crate::input::Input;
use crate::meter::{Meter, Metered, OutOfCpuTime, Usage};
use crate::output::Output;
use crate::reached::{Reached, reached};
use crate::sockets::{self, Sockets};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use swarm_flow_policy::{Access, Limits};
use wasmtime::Store;
use wasmtime::{Result, error::Context};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{FsPerms, I32Exit, WasiCtx, WasiView as _};
use wasmtime_wasi_http::WasiHttpCtx;

/// Everything that a sandbox is given. Nothing else is there.
pub struct Grants {
    /// The program's name, then its arguments.
    pub arguments: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// Where the guest starts, a path in the sandbox; empty if it is told nothing of that.
    pub cwd: String,
    pub stdin: Input,
    pub stdout: Output,
    pub stderr: Output,
    pub directories: Vec<Directory>,
    pub egress: Egress,
    /// Raw sockets and the lookup of names, as far as this grants them; without it a guest cannot even make one.
    pub sockets: Option<Sockets>,
    /// Hears of every decision about the network; without it only the log does, of denials.
    pub decisions: Option<Decisions>,
    /// What its files may grow by; without it nobody counts.
    pub disk: Option<Arc<Disk>>,
    pub limits: Limits,
}

/// What a host call may make the host hold: the lists and strings that are handed to it, the random bytes that it is
/// asked for. In bytes.
pub const HOST_CALL_BYTES_MAX: u64 = 32 << 20;
/// What the fields of one HTTP message may take: names and values, and what the host needs to keep them. In bytes.
pub(crate) const HTTP_FIELDS_BYTES_MAX: usize = 128 << 10;

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
    /// `memory`, `cpu_time`, `wall_time`, `handles`, in the units of the policy's field; `stack`, `host_call` and
    /// `http_fields`, which are the same for every sandbox, in bytes.
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
    let limits = grants.limits.clone();
    let handles = limits.handles as usize;
    let disk = grants.disk.clone();
    let decisions = grants.decisions.clone();
    let egress = grants.egress.clone().recording(decisions.clone());
    let sockets = grants
        .sockets
        .clone()
        .map(|sockets| sockets::Granted::new(sockets, egress.outside().clone(), decisions));
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(HTTP_FIELDS_BYTES_MAX);
    let mut wasi = wasi(engine, grants, sockets.as_ref())?;
    wasi.ctx().table.set_max_capacity(handles);
    let guest = Guest {
        imports,
        wasi,
        http,
        egress,
        sockets,
        disk,
        meter,
        memory_bytes_max: limits.memory_bytes,
    };
    let mut store = Store::new(engine.wasmtime(), guest);
    store.limiter(|guest| guest);
    // Three tables hold what a guest has open: WASI's own, the one by which components pass handles on, and that of
    // preview 3's tasks and streams. Each keeps to the limit.
    store.set_max_component_handles(handles);
    if let Some(table) = store.concurrent_resource_table() {
        table.set_max_capacity(handles);
    }
    store.set_hostcall_fuel(HOST_CALL_BYTES_MAX as usize);
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    Ok(store)
}

fn wasi(engine: &Engine, grants: Grants, sockets: Option<&sockets::Granted>) -> Result<WasiP1Ctx> {
    let mut builder = WasiCtx::builder();
    builder
        .args(&grants.arguments)
        .envs(&grants.environment)
        .stdin(grants.stdin)
        .stdout(grants.stdout)
        .stderr(grants.stderr)
        .max_random_size(HOST_CALL_BYTES_MAX)
        // Files are local: the switch to another thread would cost more than the call. Where one might block, no limit
        // of time would hold.
        .allow_blocking_current_thread(!engine.files_may_block());
    if !grants.cwd.is_empty() {
        builder.env("PWD", &grants.cwd).initial_cwd(&grants.cwd);
    }
    // The builder grants no socket and no name lookup unless told so. This says it once more.
    builder
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    if let Some(sockets) = sockets {
        sockets.open(&mut builder);
    }
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
    Ok(builder.build_p1())
}

fn end_of<R>(error: &wasmtime::Error, meter: &Meter, limits: &Limits) -> End<R> {
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        // A process has eight bits for its exit code.
        return End::Exited(*code as u8);
    }
    if let Some(Reached {
        name,
        used,
        allowed,
    }) = reached(error, meter, limits)
    {
        return End::Limit {
            name,
            used,
            allowed,
        };
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => End::Trapped(trap.to_string()),
        None => End::Trapped(format!("{error:#}")),
    }
}

impl<R> End<R> {
    /// The same end of a call that returned something else.
    pub(crate) fn map<S>(self, map: impl FnOnce(R) -> S) -> End<S> {
        match self {
            Self::Returned(returned) => End::Returned(map(returned)),
            Self::Exited(code) => End::Exited(code),
            Self::Trapped(message) => End::Trapped(message),
            Self::Limit {
                name,
                used,
                allowed,
            } => End::Limit {
                name,
                used,
                allowed,
            },
        }
    }
}
