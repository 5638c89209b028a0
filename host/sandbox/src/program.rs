//! A program: a component that exports `wasi:cli/run`, or a core module of preview 1, compiled and linked once.

use crate::decisions::observe;
use crate::engine::Engine;
use crate::filesystem;
use crate::guest::Guest;
use crate::lookup;
use crate::open_sockets;
use crate::process;
use crate::run::{End, Ended, Grants, run};
use crate::streams;
use crate::undo::Changes;
use wasmtime::component::{Component, Linker};
use wasmtime::{Module, Result, Store, bail, error::Context};
use wasmtime_wasi::{p1, p2, p3};

/// Ready to be instantiated, from memory, as often as wanted.
#[derive(Clone)]
pub struct Program {
    engine: Engine,
    linked: Linked,
}

#[derive(Clone)]
enum Linked {
    Module(wasmtime::InstancePre<Guest<()>>),
    Preview2(p2::bindings::CommandPre<Guest<()>>),
    Preview3(p3::bindings::CommandPre<Guest<()>>),
}

impl Program {
    /// A component of preview 2, or of preview 3 where the engine has that.
    pub fn new(engine: &Engine, component: &Component) -> Result<Self> {
        let pre = linker::<()>(engine)?
            .instantiate_pre(component)
            .context("the component asks for an import that a sandbox does not have")?;
        let linked = if has_export(engine, component, "wasi:cli/run@0.3.") {
            p3::bindings::CommandPre::new(pre).map(Linked::Preview3)
        } else {
            p2::bindings::CommandPre::new(pre).map(Linked::Preview2)
        };
        Ok(Self {
            engine: engine.clone(),
            linked: linked.context("the component does not export `wasi:cli/run`")?,
        })
    }

    /// A core module that imports nothing but preview 1 and exports `_start`.
    pub fn module(engine: &Engine, module: &Module) -> Result<Self> {
        let mut linker = wasmtime::Linker::<Guest<()>>::new(engine.wasmtime());
        p1::add_to_linker_async(&mut linker, |guest| &mut guest.wasi)
            .context("cannot link preview 1 of WASI")?;
        let pre = linker
            .instantiate_pre(module)
            .context("the module asks for an import that a sandbox does not have")?;
        if module.get_export(START).is_none() {
            bail!("the module does not export `{START}`");
        }
        Ok(Self {
            engine: engine.clone(),
            linked: Linked::Module(pre),
        })
    }

    /// Runs it to its end. The result is the exit code.
    ///
    /// The room on disk is counted, a policy that changes is followed, and changes wait or are taken back, for preview 2 only:
    /// with any of these nothing else is run.
    pub async fn run(&self, grants: Grants) -> Result<Ended<u8>> {
        let held = grants.disk.is_some()
            || grants.live.is_some()
            || !matches!(grants.changes, Changes::Alone);
        if held && !matches!(self.linked, Linked::Preview2(_)) {
            bail!("what a program of preview 1 or 3 writes cannot be counted or taken back");
        }
        if !matches!(self.linked, Linked::Preview2(_)) {
            // Its files do not pass by us.
            observe(grants.decisions.as_ref(), |uses| {
                for directory in &grants.directories {
                    uses.directory(&directory.guest, directory.access);
                }
            });
        }
        let ended = run(&self.engine, grants, (), async |store| {
            self.linked.call(store).await
        })
        .await?;
        let end = match ended.end.map(u8::from) {
            End::Exited(code) => End::Returned(code),
            end => end,
        };
        Ok(Ended {
            end,
            usage: ended.usage,
            memory_denied: ended.memory_denied,
        })
    }
}

/// Where a command of preview 1 begins.
pub(crate) const START: &str = "_start";
/// What a module may hand to a call. Reads and writes of files go by it though they are not copied, so it is what one
/// of them can be long.
const MODULE_CALL_BYTES_MAX: usize = 128 << 20;

impl Linked {
    /// Instantiates and calls it. The result is whether it failed: more than that `run` does not say.
    async fn call(&self, store: &mut Store<Guest<()>>) -> Result<bool> {
        match self {
            Self::Module(module) => {
                store.set_hostcall_fuel(MODULE_CALL_BYTES_MAX);
                let instance = module.instantiate_async(&mut *store).await?;
                let start = instance.get_typed_func::<(), ()>(&mut *store, START)?;
                start.call_async(store, ()).await?;
                Ok(false)
            }
            Self::Preview2(command) => {
                let command = command.instantiate_async(&mut *store).await?;
                Ok(command.wasi_cli_run().call_run(store).await?.is_err())
            }
            Self::Preview3(command) => {
                let command = command.instantiate_async(&mut *store).await?;
                let result = store
                    .run_concurrent(async |accessor| {
                        command.wasi_cli_run().call_run(accessor).await
                    })
                    .await??;
                Ok(result.is_err())
            }
        }
    }
}

/// Whether a component exports an interface whose name and version begin like this.
pub(crate) fn has_export(engine: &Engine, component: &Component, start: &str) -> bool {
    component
        .component_type()
        .exports(engine.wasmtime())
        .any(|(name, _)| name.starts_with(start))
}

/// What every sandbox can be linked with: WASI 0.2, with preview 3 where the engine has it, and outgoing HTTP. What of
/// it works is up to the grants.
pub fn linker<T: Send + 'static>(engine: &Engine) -> Result<Linker<Guest<T>>> {
    let mut linker = Linker::new(engine.wasmtime());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).context("cannot link WASI")?;
    streams::add_to_linker(&mut linker).context("cannot link the metered streams")?;
    filesystem::add_to_linker(&mut linker).context("cannot link the files")?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)
        .context("cannot link wasi:http")?;
    if engine.has_preview3() {
        wasmtime_wasi::p3::add_to_linker(&mut linker).context("cannot link preview 3 of WASI")?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)
            .context("cannot link preview 3 of wasi:http")?;
    }
    open_sockets::add_to_linker(&mut linker).context("cannot link the sockets")?;
    lookup::add_to_linker(engine, &mut linker).context("cannot link the lookup of names")?;
    process::add_to_linker(&mut linker).context("cannot link the other programs")?;
    Ok(linker)
}
