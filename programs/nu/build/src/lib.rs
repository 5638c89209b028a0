//! Takes the snapshot of a component: calls its export `initialise`, and makes a component whose memory is as that left it.

use anyhow::{Context, Result};
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wizer::Wizer;

/// The export that is called. It stays in the result: the module that `initialise` is lifted from refers to it.
const INITIALISE: &str = "initialise";

/// What `component` is after its initialisation. It gets no variables, no arguments and no files; its errors are shown.
pub async fn preinitialise(component: &[u8]) -> Result<Vec<u8>> {
    let mut config = Config::new();
    config.max_wasm_stack(32 << 20);
    config.async_stack_size(40 << 20);
    let engine = Engine::new(&config).map_err(anyhow::Error::from)?;
    let mut linker = Linker::<State>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(anyhow::Error::from)?;
    let state = State {
        wasi: WasiCtxBuilder::new().inherit_stderr().build(),
        table: ResourceTable::new(),
    };
    let mut store = Store::new(&engine, state);
    let mut wizer = Wizer::new();
    wizer.init_func(INITIALISE).keep_init_func(true);
    let instantiate = async |store: &mut Store<State>, component: &wasmtime::component::Component| {
        // What it imports beside WASI's command line traps; it is not used until the snapshot runs.
        linker.define_unknown_imports_as_traps(component)?;
        linker.instantiate_async(store, component).await
    };
    let (snapshot, _) = wizer
        .run_component(&mut store, component, instantiate)
        .await
        .map_err(anyhow::Error::from)
        .context("take the snapshot")?;
    Ok(snapshot)
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
