//! What a store holds for its guest.

use crate::disk::Disk;
use crate::egress::Egress;
use crate::live::Bounds;
use crate::meter::Meter;
use crate::opened::Opened;
use crate::process::Processes;
use crate::sockets;
use crate::undo::Changes;
use std::sync::Arc;
use swarm_flow_policy::Limit;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// A guest's side of the host. `imports` is what the embedder adds, an agent's tools for one.
pub struct Guest<T> {
    pub imports: T,
    /// The context and the table of every preview of WASI: preview 1 adds only its descriptors' numbers.
    pub(crate) wasi: WasiP1Ctx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) egress: Egress,
    pub(crate) sockets: Option<sockets::Granted>,
    /// What its files may grow by.
    pub(crate) disk: Option<Arc<Disk>>,
    pub(crate) changes: Changes,
    pub(crate) opened: Opened,
    pub(crate) meter: Arc<Meter>,
    pub(crate) bounds: Bounds,
    pub(crate) processes: Processes,
    /// The change of the policy by which `handles` was set.
    pub(crate) handles_since: u64,
}

/// What an embedder's own imports may touch.
pub struct GuestView<'a, T> {
    pub imports: &'a mut T,
    pub table: &'a mut ResourceTable,
}

impl<T> Guest<T> {
    pub fn view(&mut self) -> GuestView<'_, T> {
        GuestView {
            imports: &mut self.imports,
            table: self.wasi.ctx().table,
        }
    }

    /// What files are made of: WASI's part, where each came from, and the streams that have names in `/dev`.
    pub(crate) fn files(&mut self) -> (WasiCtxView<'_>, &mut Opened, &Processes) {
        (self.wasi.ctx(), &mut self.opened, &self.processes)
    }

    /// Lowers how much may be open when the policy was changed since the last call.
    fn keep_to_handles(&mut self) {
        let Some(live) = &self.bounds.live else {
            return;
        };
        let generation = live.generation();
        if generation != self.handles_since {
            self.handles_since = generation;
            let handles = self.bounds.of(Limit::Handles);
            let handles = usize::try_from(handles).unwrap_or(usize::MAX);
            self.wasi.ctx().table.set_max_capacity(handles);
        }
    }
}

impl<T: Send> WasiView for Guest<T> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.keep_to_handles();
        self.wasi.ctx()
    }
}

impl<T: Send> WasiHttpView for Guest<T> {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: self.wasi.ctx().table,
            hooks: &mut self.egress,
        }
    }
}

/// Counts all memories and tables of the store together: wasmtime's own `StoreLimits` is per memory, and a
/// guest may have many. What was counted is never given back, not even if the growth then fails, for which the
/// guest would have to go beyond what the host can map.
impl<T: Send> ResourceLimiter for Guest<T> {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, maximum, 1))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired, maximum, size_of::<usize>()))
    }
}

impl<T> Guest<T> {
    fn grow(
        &self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
        unit_bytes: usize,
    ) -> bool {
        // The module's own bound: that is no refusal of ours and takes nothing.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return false;
        }
        let bytes = desired.saturating_sub(current).saturating_mul(unit_bytes);
        self.meter
            .grow(bytes as u64, self.bounds.of(Limit::MemoryBytes))
    }
}
