//! One run: a store made from what is granted, a guest called in it, what came of it.

use crate::decisions::Decisions;
use crate::determined::Determined;
use crate::disk::Disk;
use crate::egress::Egress;
use crate::engine::Engine;
use crate::family::Family;
use crate::guest::Guest;
use crate::idempotency::Keys;
use crate::input::Input;
use crate::live::{Bounds, Live};
use crate::mask::Mask;
use crate::meter::{Meter, Metered, OutOfCpuTime, Usage};
use crate::opened::Opened;
use crate::output::Output;
use crate::process::Processes;
use crate::reached::{Reached, reached};
use crate::secrets::{SandboxSecrets, Secrets};
use crate::sockets::{self, Sockets};
use crate::undo::Changes;
use crate::watch::Watch;
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use std::os::fd::AsRawFd as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
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
    /// Put into what leaves by `egress`; the guest gets placeholders in its environment.
    pub secrets: Secrets,
    /// Raw sockets and the lookup of names, as far as this grants them; without it a guest cannot even make one.
    pub sockets: Option<Sockets>,
    /// Hears of every decision about the network; without it only the log does, of denials.
    pub decisions: Option<Decisions>,
    /// What its files may grow by; without it nobody counts.
    pub disk: Option<Arc<Disk>>,
    /// What becomes of what it changes in the workspace's files.
    pub changes: Changes,
    /// What it asks of others by HTTP gets an `Idempotency-Key` made from this, so that doing it again changes nothing.
    pub idempotency: Option<String>,
    pub limits: Limits,
    /// The programs that it may start, and those with which it shares its limits; without it there are none.
    pub family: Option<Family>,
    /// The policy that the limits, the directories, the egress and the sockets are of, as it changes; without it they stay.
    pub live: Option<Live>,
    /// Time and chance; without it they are the machine's.
    pub determined: Option<Determined>,
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
    /// The policy was changed, and does not grant what the guest had open. In words for people.
    Revoked(String),
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
    let bounds = Bounds {
        start: grants.limits.clone(),
        live: grants.live.clone(),
    };
    let meter = match &grants.family {
        Some(family) => family.meter(),
        None => Arc::default(),
    };
    let secrets = SandboxSecrets::of(&grants.secrets);
    let outputs = [grants.stdout.clone(), grants.stderr.clone()];
    let mut store = store(engine, grants, imports, meter.clone(), &bounds, &secrets)?;
    let watch = Watch {
        bounds: &bounds,
        meter: &meter,
        sockets: store.data().sockets.clone(),
        outputs: &outputs,
        started,
    };
    let metered = Metered {
        call: Box::pin(call(&mut store)),
        meter: &meter,
        bounds: &bounds,
    };
    let end = tokio::select! {
        biased;
        ended = metered => match ended {
            Ok(Ok(returned)) => End::Returned(returned),
            Ok(Err(error)) => end_of(&error, &meter, &bounds),
            Err(OutOfCpuTime) => watch.out_of_cpu_time(),
        },
        // A guest that uses up what tokio lets one task do at once must not keep its clock from being looked at.
        end = tokio::task::unconstrained(watch.end()) => end,
    };
    drop(store);
    let usage = meter.usage(started.elapsed());
    for output in outputs {
        output.finish().await;
    }
    Ok(Ended {
        end: end.masked(&secrets),
        usage,
        memory_denied: meter.memory_denied(),
    })
}

fn store<T: Send + 'static>(
    engine: &Engine,
    mut grants: Grants,
    imports: T,
    meter: Arc<Meter>,
    bounds: &Bounds,
    secrets: &SandboxSecrets,
) -> Result<Store<Guest<T>>> {
    give(secrets, &mut grants)?;
    let handles = bounds.start.handles as usize;
    let disk = grants.disk.clone();
    let changes = grants.changes.clone();
    let decisions = grants.decisions.clone();
    let live = grants.live.clone();
    let opened = Opened::new(&grants, disk.as_deref());
    let keys = grants.idempotency.take().map(|prefix| {
        let place = grants.family.as_ref().map_or("0", Family::place);
        Keys::new(&prefix, place)
    });
    let egress = grants
        .egress
        .clone()
        .recording(decisions.clone())
        .with_secrets(secrets.clone())
        .with_keys(keys)
        .following(live.clone());
    let sockets = grants.sockets.clone().map(|sockets| {
        sockets::Granted::new(sockets, egress.outside().clone(), decisions, live.clone())
    });
    let processes = Processes {
        stdin: grants.stdin.clone(),
        stdout: grants.stdout.clone(),
        stderr: grants.stderr.clone(),
        family: grants.family.take(),
    };
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
        changes,
        opened,
        meter,
        bounds: bounds.clone(),
        processes,
        handles_since: live.as_ref().map_or(0, Live::since),
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

/// The environment gets the placeholders, whatever else stood in these variables.
fn give(secrets: &SandboxSecrets, grants: &mut Grants) -> Result<()> {
    for (name, placeholder) in secrets.environment()? {
        grants.environment.retain(|(other, _)| *other != name);
        grants.environment.push((name, placeholder));
    }
    if secrets.may_change() {
        grants.stdout.mask(Mask::new(secrets));
        grants.stderr.mask(Mask::new(secrets));
    }
    Ok(())
}

fn wasi(engine: &Engine, grants: Grants, sockets: Option<&sockets::Granted>) -> Result<WasiP1Ctx> {
    // What was begun elsewhere could be done when all the rest has been taken back.
    let may_block =
        files_may_block(engine, &grants) && !matches!(grants.changes, Changes::Undone(_));
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
        .allow_blocking_current_thread(!may_block);
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
    if let Some(determined) = grants.determined {
        determined.give(&mut builder);
    }
    for directory in &grants.directories {
        let permissions = match directory.access {
            Access::Read => FsPerms::ReadOnly,
            Access::ReadWrite => FsPerms::ReadWrite,
        };
        let failed = || {
            format!(
                "cannot open {} for {}",
                directory.host.display(),
                directory.guest
            )
        };
        let start = start(directory, &grants.directories).with_context(failed)?;
        let host = match &start {
            Some(start) => format!("/proc/self/fd/{}", start.as_raw_fd()).into(),
            None => directory.host.clone(),
        };
        builder
            .preopened_dir(&host, &directory.guest, permissions)
            .with_context(failed)?;
    }
    Ok(builder.build_p1())
}

/// The directory that a guest starts in, found from the one that holds it: by now there may be a link in its place, put there
/// by another guest, that leads out.
fn start(directory: &Directory, all: &[Directory]) -> std::io::Result<Option<Dir>> {
    if directory.guest != "." || !cfg!(target_os = "linux") {
        return Ok(None);
    }
    let outer = all.iter().find_map(|outer| {
        let relative = directory.host.strip_prefix(&outer.host).ok()?;
        (!relative.as_os_str().is_empty()).then_some((outer, relative))
    });
    let Some((outer, relative)) = outer else {
        return Ok(None);
    };
    let outer = Dir::open_ambient_dir(&outer.host, ambient_authority())?;
    outer.open_dir(relative).map(Some)
}

/// Whether there are files of an operator's, which may lie on another machine.
fn files_may_block(engine: &Engine, grants: &Grants) -> bool {
    let of_an_operator = |disk: &Arc<Disk>| {
        let mut directories = grants.directories.iter();
        directories.any(|directory| !disk.holds(&directory.host))
    };
    engine.files_may_block() || grants.disk.as_ref().is_some_and(of_an_operator)
}

fn end_of<R>(error: &wasmtime::Error, meter: &Meter, bounds: &Bounds) -> End<R> {
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        // A process has eight bits for its exit code.
        return End::Exited(*code as u8);
    }
    if let Some(Reached {
        name,
        used,
        allowed,
    }) = reached(error, meter, bounds)
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
    fn masked(self, secrets: &SandboxSecrets) -> Self {
        match self {
            Self::Trapped(message) => Self::Trapped(secrets.masked(message)),
            end => end,
        }
    }

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
            Self::Revoked(message) => End::Revoked(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_guest_starts_in_the_directory_and_not_where_a_link_leads() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["files/inner", "outside"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let files = folder.path().join("files");
        std::os::unix::fs::symlink("../outside", files.join("link")).unwrap();
        std::os::unix::fs::symlink("inner", files.join("within")).unwrap();
        let directory = |guest: &str, host: &str| Directory {
            host: files.join(host),
            guest: guest.to_owned(),
            access: Access::Read,
        };
        let found = |name| {
            let all = [directory(".", name), directory("/workspace", "")];
            start(&all[0], &all).map(|start| start.is_some())
        };
        assert!(found("inner").unwrap() && found("within").unwrap());
        assert!(found("link").is_err() && found("missing").is_err());
        assert!(!found("").unwrap(), "there is nothing to be found");
    }
}
