//! `initialise COMPONENT EXPORT OUT`: runs a program's start-up and keeps what it left in memory as the program's image.
//!
//! What the start-up sees is the same on every machine: no variables, arguments or files, clocks that stand still, and a
//! seed that is always the same. What differs from start to start, the program itself has to renew.

use anyhow::{Context, Result, bail};
use std::fs;
use std::time::Duration;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Instance, Linker, ResourceTable, ResourceType};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable};
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView, default_hooks};
use wasmtime_wizer::Wizer;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [from, export, to] = arguments.as_slice() else {
        bail!("usage: initialise COMPONENT EXPORT OUT");
    };
    let component = fs::read(from).with_context(|| format!("cannot read {from}"))?;
    let image = initialised(&component, export)?;
    fs::write(to, image).with_context(|| format!("cannot write {to}"))
}

/// As much as a runner gives.
const STACK_BYTES: usize = 32 << 20;

/// The component with the memory that its exported function left. Its other exports can be called as before.
fn initialised(component: &[u8], export: &str) -> Result<Vec<u8>> {
    let mut config = Config::new();
    config
        .max_wasm_stack(STACK_BYTES)
        .async_stack_size(STACK_BYTES + (2 << 20));
    let engine = Engine::new(&config)?;
    let mut store = Store::new(&engine, Machine::new());
    let mut wizer = Wizer::new();
    // Without the function's export the numbers of others are wrong.
    wizer.init_func(export).keep_init_func(true);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.context("cannot start a runtime")?;
    let image = runtime.block_on(wizer.run_component(&mut store, component, instantiate));
    let (image, _) = image?;
    Ok(image)
}

async fn instantiate(
    store: &mut Store<Machine>,
    component: &Component,
) -> wasmtime::Result<Instance> {
    let mut linker = Linker::new(store.engine());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    refuse_others(&mut linker, component)?;
    linker.instantiate_async(store, component).await
}

/// What else it imports its start-up may not call.
fn refuse_others(linker: &mut Linker<Machine>, component: &Component) -> wasmtime::Result<()> {
    let engine = component.engine();
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = import.ty else {
            continue;
        };
        if name.starts_with("wasi:") {
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
                    instance.resource(item, resource(item), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// An interface names again what it uses of `wasi:io`, and there it is the linker's.
fn resource(name: &str) -> ResourceType {
    match name {
        "input-stream" => ResourceType::host::<DynInputStream>(),
        "output-stream" => ResourceType::host::<DynOutputStream>(),
        "pollable" => ResourceType::host::<DynPollable>(),
        _ => ResourceType::host::<()>(),
    }
}

struct Machine {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
}

impl Machine {
    fn new() -> Self {
        let mut wasi = WasiCtxBuilder::new();
        wasi.inherit_stdout()
            .inherit_stderr()
            .wall_clock(StandingClock)
            .monotonic_clock(StandingClock)
            .insecure_random_seed(0);
        Self {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
        }
    }
}

impl WasiView for Machine {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Machine {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: default_hooks(),
        }
    }
}

struct StandingClock;

impl HostWallClock for StandingClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for StandingClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        0
    }
}
