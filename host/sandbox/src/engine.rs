//! The engine: one per process, shared by programs, agents and the app.

mod places;

use crate::ticker::Ticker;
use std::sync::Arc;
use tokio::sync::Semaphore;
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig, WasmFeatures,
};
use wasmtime::{Result, error::Context};

/// Instances of the app that may be alive at once, beside sandboxes. Beyond that callers wait their turn. The two
/// wait apart: an instance of the app often waits for a sandbox, and would hold the place that this one needs.
const APP_INSTANCES_MAX: u32 = 256;
/// Instances of the app that may wait for their next request, beside those that are at work.
pub const APP_INSTANCES_IDLE_MAX: u32 = 32;

/// What the largest component needs: the composed app is five components of three or four core instances, each
/// component with a memory. Only address space is set aside.
const CORE_INSTANCES_PER_INSTANCE: u32 = 24;
const MEMORIES_PER_INSTANCE: u32 = 6;
/// Elements of a table; the largest interpreter's has some 20 000.
const TABLE_ELEMENTS_MAX: usize = 1 << 17;

/// What an operator's own engine makes room for. Bare programs are taken as they come, so each may have more of
/// everything than one that runs beside hundreds.
const OWN_SANDBOXES_MAX: u32 = 32;
const OWN_CORE_INSTANCES: u32 = 128;
const OWN_MEMORIES: u32 = 64;
const OWN_TABLE_ELEMENTS_MAX: usize = 1 << 20;

/// Stack of WebAssembly code. CPython checks its own stack, not this one: a deeply nested value gets a RecursionError
/// only if this one is the larger. Measured: 24 MiB trap, 32 MiB do not. Only what is touched takes memory.
pub(crate) const WASM_STACK_BYTES: usize = 32 << 20;
/// What host calls may need on top of that.
const HOST_STACK_BYTES: usize = 2 << 20;

/// A wasmtime engine with the pool that instances come from, and the clock that interrupts them.
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    preview3: bool,
    ticker: Arc<Ticker>,
    sandboxes_max: u32,
    sandboxes: Arc<Semaphore>,
    app_instances: Arc<Semaphore>,
}

impl Engine {
    /// The engine of a runner and of the app: as many sandboxes at once as the machine has room for, preview 1 and 2
    /// of WASI.
    pub fn new() -> Result<Self> {
        let sandboxes = places::for_memory(places::memory_bytes());
        Self::with(config(pool(sandboxes)), false, sandboxes, APP_INSTANCES_MAX)
    }

    /// The engine of an operator who runs a program of their own: a few sandboxes, and preview 3 of WASI too.
    ///
    /// Runners do without preview 3: its implementation is new, and its authors promise no fixes to it in releases
    /// that are out.
    pub fn with_preview3() -> Result<Self> {
        Self::with(config(own_pool()), true, OWN_SANDBOXES_MAX, 0)
    }

    fn with(
        mut config: Config,
        preview3: bool,
        sandboxes: u32,
        app_instances: u32,
    ) -> Result<Self> {
        config.concurrency_support(preview3);
        let wasmtime = wasmtime::Engine::new(&config).context("cannot make the wasmtime engine")?;
        let ticker = Ticker::start(wasmtime.clone()).context("cannot start the epoch thread")?;
        Ok(Self {
            wasmtime,
            preview3,
            ticker: Arc::new(ticker),
            sandboxes_max: sandboxes,
            sandboxes: Arc::new(Semaphore::new(sandboxes as usize)),
            app_instances: Arc::new(Semaphore::new(app_instances as usize)),
        })
    }

    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }

    /// Sandboxes that may be alive at once. Beyond that callers wait their turn.
    pub fn sandboxes_max(&self) -> u32 {
        self.sandboxes_max
    }

    /// Calls this after each tick of the epoch, if nobody said so before.
    pub(crate) fn each_tick(&self, act: impl Fn() + Send + Sync + 'static) {
        self.ticker.each(act);
    }

    pub(crate) fn has_preview3(&self) -> bool {
        self.preview3
    }

    /// Whether files may be such that opening or reading one waits: an operator's own folders may hold FIFOs, which a
    /// workspace cannot.
    pub(crate) fn files_may_block(&self) -> bool {
        self.preview3
    }

    /// Waits for a sandbox's place in the pool. While the result is held, epochs tick.
    pub(crate) async fn enter(&self) -> Entered {
        self.enter_by(&self.sandboxes).await
    }

    /// The same for an instance of the app.
    pub async fn enter_app(&self) -> Entered {
        self.enter_by(&self.app_instances).await
    }

    async fn enter_by(&self, places: &Arc<Semaphore>) -> Entered {
        // The semaphore is never closed, so an error cannot happen; without a permit the pool itself would refuse.
        let permit = places.clone().acquire_owned().await.ok();
        self.ticker.enter();
        Entered {
            ticker: self.ticker.clone(),
            _permit: permit,
        }
    }
}

/// A place in the pool.
pub struct Entered {
    ticker: Arc<Ticker>,
    _permit: Option<tokio::sync::OwnedSemaphorePermit>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.ticker.leave();
    }
}

fn pool(sandboxes: u32) -> PoolingAllocationConfig {
    let instances = sandboxes + APP_INSTANCES_MAX + APP_INSTANCES_IDLE_MAX;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(instances * CORE_INSTANCES_PER_INSTANCE)
        .total_memories(instances * MEMORIES_PER_INSTANCE)
        .total_tables(instances * CORE_INSTANCES_PER_INSTANCE)
        .total_stacks(instances)
        // One component cannot take the places of the others.
        .max_core_instances_per_component(CORE_INSTANCES_PER_INSTANCE)
        .max_memories_per_component(MEMORIES_PER_INSTANCE)
        .max_tables_per_component(CORE_INSTANCES_PER_INSTANCE)
        .max_memories_per_module(MEMORIES_PER_INSTANCE)
        .max_tables_per_module(CORE_INSTANCES_PER_INSTANCE)
        .table_elements(TABLE_ELEMENTS_MAX)
        // Only the pages that a guest wrote are put back when its slot is used again: the kernel is asked
        // which they are (PAGEMAP_SCAN, Linux 6.7), where it can tell.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(400);
    pool
}

fn own_pool() -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(OWN_SANDBOXES_MAX)
        .total_core_instances(OWN_SANDBOXES_MAX * OWN_CORE_INSTANCES)
        .total_memories(OWN_SANDBOXES_MAX * OWN_MEMORIES)
        .total_tables(OWN_SANDBOXES_MAX * OWN_CORE_INSTANCES)
        .total_stacks(OWN_SANDBOXES_MAX * 4)
        .max_core_instances_per_component(OWN_CORE_INSTANCES)
        .max_memories_per_component(OWN_MEMORIES)
        .max_tables_per_component(OWN_CORE_INSTANCES)
        .max_memories_per_module(OWN_MEMORIES)
        .max_tables_per_module(OWN_CORE_INSTANCES)
        .table_elements(OWN_TABLE_ELEMENTS_MAX);
    pool
}

fn config(mut pool: PoolingAllocationConfig) -> Config {
    pool.max_memory_size(4 << 30)
        // What an instance needs beside memories and tables: its globals, functions and imports. The meter does not
        // see it, so this is the bound.
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        // An interpreter's snapshot is some 40 MiB with holes; up to this size it is mapped, not copied.
        .memory_guaranteed_dense_image_size(512 << 20)
        .async_stack_size(WASM_STACK_BYTES + HOST_STACK_BYTES)
        .max_wasm_stack(WASM_STACK_BYTES)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    features(&mut config);
    config
}

/// What of WebAssembly there is. Garbage collection, exceptions and shared memory are not even compiled in.
fn features(config: &mut Config) {
    config
        .wasm_component_model(true)
        .wasm_shared_everything_threads(false)
        .wasm_stack_switching(false)
        // No policy grants more than 32 bits can address, and bounds of 64 bits are checked by more code.
        .wasm_memory64(false)
        .wasm_custom_page_sizes(false)
        .wasm_features(WasmFeatures::FUNCTION_REFERENCES, false)
        .wasm_wide_arithmetic(false)
        .wasm_component_model_gc(false)
        .wasm_component_model_map(false)
        .wasm_component_model_memory64(false)
        .wasm_component_model_error_context(false)
        .wasm_component_model_fixed_length_lists(false)
        // The same program with the same input does the same on every machine: a task may be played back elsewhere.
        .relaxed_simd_deterministic(true);
}
