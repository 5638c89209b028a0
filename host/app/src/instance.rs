//! One instance of a component: what the store of a request holds.

use std::sync::Arc;

use swarm_flow_telemetry::Caller;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime::{Engine, Result, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::files::FileMounts;
use crate::key_value::{self, KeyValueContext, KeyValueView};
use crate::log::Log;
use crate::outbound::OutboundHooks;
use crate::sqlite::{self, SqliteContext, SqliteView};
use crate::variables::{self, VariablesContext, VariablesView};

/// What the manifest grants to a component.
pub(crate) struct Granted {
    pub component: Arc<str>,
    pub environment: Vec<(String, String)>,
    pub files: FileMounts,
    pub outbound: OutboundHooks,
    pub sqlite: SqliteContext,
    pub key_value: KeyValueContext,
    pub variables: VariablesContext,
}

pub(crate) struct Instance {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: OutboundHooks,
    sqlite: SqliteContext,
    key_value: KeyValueContext,
    variables: VariablesContext,
}

impl Instance {
    pub fn new(granted: &Granted) -> Result<Self> {
        let mut wasi = WasiCtx::builder();
        wasi.envs(&granted.environment)
            .stdout(Log::new(&granted.component, "stdout"))
            .stderr(Log::new(&granted.component, "stderr"));
        granted.files.open(&mut wasi)?;
        Ok(Self {
            table: ResourceTable::new(),
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: granted.outbound.clone(),
            sqlite: granted.sqlite.clone(),
            key_value: granted.key_value.clone(),
            variables: granted.variables.clone(),
        })
    }

    /// What it does from now on is for this request.
    pub fn called_by(&mut self, caller: Option<Caller>) {
        self.outbound.caller = caller;
    }

    /// A store that gives way to other tasks at every tick of the engine's epoch, and never stops its guest.
    pub fn into_store(self, engine: &Engine) -> Store<Self> {
        let mut store = Store::new(engine, self);
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }
}

impl WasiView for Instance {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for Instance {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Everything that a component may import.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Instance>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    sqlite::add_to_linker(&mut linker, |it: &mut Instance| SqliteView {
        context: &mut it.sqlite,
        table: &mut it.table,
    })?;
    key_value::add_to_linker(&mut linker, |it: &mut Instance| KeyValueView {
        context: &mut it.key_value,
        table: &mut it.table,
    })?;
    variables::add_to_linker(&mut linker, |it: &mut Instance| VariablesView {
        context: &it.variables,
    })?;
    Ok(linker)
}
