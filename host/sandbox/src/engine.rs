//! The engine: one per process, shared by programs, agents and the app.

use crate::ticker::Ticker;
use std::sync::Arc;
use tokio::sync::Semaphore;
use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};
use wasmtime::{Result, error::Context};

/// Sandboxes that may be alive at once, and instances of the app. Beyond that callers wait their turn. The two
/// wait apart: an instance of the app often waits for a sandbox, and would hold the place that this one needs.
const SANDBOXES_MAX: u32 = 744;
const APP_INSTANCES_MAX: u32 = 256;
const INSTANCES_MAX: u32 = SANDBOXES_MAX + APP_INSTANCES_MAX;

/// What the largest component needs: the composed app is five components of three or four core instances, each
/// component with a memory. Only address space is set aside.
const CORE_INSTANCES_PER_INSTANCE: u32 = 24;
const MEMORIES_PER_INSTANCE: u32 = 6;

/// A wasmtime engine with the pool that instances come from, and the clock that interrupts them.
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    ticker: Arc<Ticker>,
    sandboxes: Arc<Semaphore>,
    app_instances: Arc<Semaphore>,
}

impl Engine {
    pub fn new() -> Result<Self> {
        let wasmtime =
            wasmtime::Engine::new(&config()).context("cannot make the wasmtime engine")?;
        let ticker = Ticker::start(wasmtime.clone()).context("cannot start the epoch thread")?;
        Ok(Self {
            wasmtime,
            ticker: Arc::new(ticker),
            sandboxes: Arc::new(Semaphore::new(SANDBOXES_MAX as usize)),
            app_instances: Arc::new(Semaphore::new(APP_INSTANCES_MAX as usize)),
        })
    }

    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
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

fn config() -> Config {
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(INSTANCES_MAX)
        .total_core_instances(INSTANCES_MAX * CORE_INSTANCES_PER_INSTANCE)
        .total_memories(INSTANCES_MAX * MEMORIES_PER_INSTANCE)
        .total_tables(INSTANCES_MAX * CORE_INSTANCES_PER_INSTANCE)
        .total_stacks(INSTANCES_MAX)
        .max_memory_size(4 << 30)
        // Only the pages that a guest wrote are put back when its slot is used again: the kernel is asked
        // which they are (PAGEMAP_SCAN, Linux 6.7), where it can tell.
        .pagemap_scan(Enabled::Auto)
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        .max_unused_warm_slots(400)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20);

    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .wasm_component_model(true)
        // An interpreter's snapshot is some 40 MiB with holes; up to this size it is mapped, not copied.
        .memory_guaranteed_dense_image_size(512 << 20)
        // CPython checks its own stack, not this one: a deeply nested value gets a RecursionError only if this one
        // is the larger. Measured: 24 MiB trap, 32 MiB do not. Only what is touched takes memory.
        .async_stack_size(34 << 20)
        .max_wasm_stack(32 << 20)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(20));
    config
}
