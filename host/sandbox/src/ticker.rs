//! The clock that interrupts guests: a thread that advances the engine's epoch while anything runs.
//!
//! It sleeps when nothing does, so that an idle process uses no CPU.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a guest runs before it yields to others. Limits are as precise as this.
const TICK: Duration = Duration::from_millis(2);
/// How long the thread ticks on after the last guest left: waking it costs more than a few ticks.
const LINGER: Duration = Duration::from_millis(200);

pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    each: OnceLock<Box<dyn Fn() + Send + Sync>>,
    running: AtomicUsize,
    parked: AtomicBool,
    stopped: AtomicBool,
}

impl Ticker {
    pub(crate) fn start(engine: wasmtime::Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            each: OnceLock::new(),
            running: AtomicUsize::new(0),
            parked: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
        });
        let thread = thread::Builder::new().name("epoch".to_owned()).spawn({
            let shared = shared.clone();
            move || tick(&shared, &engine)
        })?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Calls this after each tick. The first who says so stays.
    pub(crate) fn each(&self, each: impl Fn() + Send + Sync + 'static) {
        let _ = self.shared.each.set(Box::new(each));
    }

    pub(crate) fn enter(&self) {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.load(Ordering::SeqCst) {
            self.unpark();
        }
    }

    pub(crate) fn leave(&self) {
        self.shared.running.fetch_sub(1, Ordering::SeqCst);
    }

    fn unpark(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.unpark();
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has nothing left to harm.
            let _ = thread.join();
        }
    }
}

fn tick(shared: &Shared, engine: &wasmtime::Engine) {
    let mut busy_until = Instant::now();
    while !shared.stopped.load(Ordering::SeqCst) {
        if shared.running.load(Ordering::SeqCst) > 0 {
            busy_until = Instant::now() + LINGER;
        } else if Instant::now() >= busy_until {
            shared.parked.store(true, Ordering::SeqCst);
            // Someone may have entered between the two loads; then there is nothing to wait for.
            if shared.running.load(Ordering::SeqCst) == 0 && !shared.stopped.load(Ordering::SeqCst)
            {
                thread::park();
            }
            shared.parked.store(false, Ordering::SeqCst);
            continue;
        }
        thread::sleep(TICK);
        engine.increment_epoch();
        if let Some(each) = shared.each.get() {
            each();
        }
    }
}
