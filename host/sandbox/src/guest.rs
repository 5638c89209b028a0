//! What a store holds for its guest.

use crate::egress::Egress;
use crate::meter::Meter;
use std::sync::Arc;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// A guest's side of the host. `imports` is what the embedder adds, an agent's tools for one.
pub struct Guest<T> {
    pub imports: T,
    pub(crate) table: ResourceTable,
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) egress: Egress,
    pub(crate) meter: Arc<Meter>,
    pub(crate) memory_bytes_max: u64,
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
            table: &mut self.table,
        }
    }
}

impl<T: Send> WasiView for Guest<T> {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl<T: Send> WasiHttpView for Guest<T> {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            ctx: &mut self.http,
            table: &mut self.table,
            hooks: &mut self.egress,
        }
    }
}

/// Counts all memories and tables of the store together: wasmtime's own `StoreLimits` is per memory, and a
/// guest may have many.
impl<T: Send> ResourceLimiter for Guest<T> {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.meter.grow(
            desired.saturating_sub(current) as u64,
            self.memory_bytes_max,
        ))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        const ELEMENT_BYTES: usize = size_of::<usize>();
        let bytes = desired
            .saturating_sub(current)
            .saturating_mul(ELEMENT_BYTES);
        Ok(self.meter.grow(bytes as u64, self.memory_bytes_max))
    }
}
