//! Takes the snapshot of a component: calls its export `initialise`, and makes a component whose memory is as that left it.

use anyhow::{Context, Result};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceTable, ResourceType};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::p2::bindings::LinkOptions;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wizer::Wizer;

/// The export that is called. It stays in the result: the module that `initialise` is lifted from refers to it.
const INITIALISE: &str = "initialise";

/// What `component` is after its initialisation. It gets no variables, no arguments and no files; its errors are shown.
pub async fn preinitialise(component: &[u8]) -> Result<Vec<u8>> {
    let mut config = Config::new();
    config.max_wasm_stack(STACK_BYTES);
    config.async_stack_size(STACK_BYTES + (1 << 20));
    let engine = Engine::new(&config).map_err(anyhow::Error::from)?;
    let mut linker = Linker::<State>::new(&engine);
    let mut options = LinkOptions::default();
    options.cli_exit_with_code(true);
    wasmtime_wasi::p2::add_to_linker_with_options_async(&mut linker, &options)
        .map_err(anyhow::Error::from)?;
    let state = State {
        wasi: WasiCtxBuilder::new().inherit_stderr().build(),
        table: ResourceTable::new(),
    };
    let mut store = Store::new(&engine, state);
    let mut wizer = Wizer::new();
    wizer.init_func(INITIALISE).keep_init_func(true);
    let instantiate = async |store: &mut Store<State>, component: &Component| {
        refuse_others(&mut linker, component)?;
        linker.instantiate_async(store, component).await
    };
    let (snapshot, _) = wizer
        .run_component(&mut store, component, instantiate)
        .await
        .map_err(anyhow::Error::from)
        .context("take the snapshot")?;
    Ok(snapshot)
}

/// As much as the runner gives.
const STACK_BYTES: usize = 32 << 20;

/// The packages that the linker has.
const LINKED: [&str; 6] = [
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:filesystem/",
    "wasi:io/",
    "wasi:random/",
    "wasi:sockets/",
];

/// Everything else that is imported is an error when it is called: the snapshot may use it, its making may not.
fn refuse_others(linker: &mut Linker<State>, component: &Component) -> wasmtime::Result<()> {
    let engine = component.engine();
    let component = component.component_type();
    for (name, import) in component.imports(engine) {
        let ComponentItem::ComponentInstance(interface) = import.ty else {
            continue;
        };
        if LINKED.iter().any(|package| name.starts_with(package)) {
            continue;
        }
        let mut instance = linker.instance(name)?;
        for (item, export) in interface.exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(_) => {
                    let called = format!("`{item}` of `{name}` was called");
                    instance.func_new(item, move |_, _, _, _| {
                        Err(wasmtime::Error::msg(called.clone()))
                    })?;
                }
                ComponentItem::Resource(_) => {
                    instance.resource(item, ResourceType::host::<()>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
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
