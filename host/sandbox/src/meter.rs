//! What a sandbox uses, counted while it runs.

use crate::live::Bounds;
use crate::threads::thread_cpu_ns;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use swarm_flow_policy::Limit;

/// Counters of one sandbox, shared with whoever watches it.
#[derive(Default, Debug)]
pub(crate) struct Meter {
    memory_bytes: AtomicU64,
    memory_bytes_peak: AtomicU64,
    /// What there would have been, had the guest got what it was refused last; 0 if nothing was.
    memory_bytes_refused: AtomicU64,
    cpu_ns: AtomicU64,
    read_bytes: AtomicU64,
    written_bytes: AtomicU64,
}

/// What a sandbox used, in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    pub wall_ms: f64,
    /// Time that guest and host spent computing for it; waiting does not count.
    pub cpu_ms: f64,
    /// Linear memory and tables of all its instances together, at the peak.
    pub peak_memory_bytes: u64,
    /// Through streams: files, standard input, HTTP bodies.
    pub read_bytes: u64,
    pub written_bytes: u64,
}

impl Meter {
    pub(crate) fn usage(&self, wall: std::time::Duration) -> Usage {
        Usage {
            wall_ms: wall.as_secs_f64() * 1e3,
            cpu_ms: self.cpu_ns() as f64 / 1e6,
            peak_memory_bytes: self.memory_bytes_peak.load(Ordering::Relaxed),
            read_bytes: self.read_bytes.load(Ordering::Relaxed),
            written_bytes: self.written_bytes.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn cpu_ns(&self) -> u64 {
        self.cpu_ns.load(Ordering::Relaxed)
    }

    /// Linear memory and tables that there are.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.memory_bytes.load(Ordering::Relaxed)
    }

    /// Whether the guest asked for more memory than it may have.
    pub(crate) fn memory_denied(&self) -> bool {
        self.memory_bytes_refused() > 0
    }

    /// How much there would have been with what was refused last.
    pub(crate) fn memory_bytes_refused(&self) -> u64 {
        self.memory_bytes_refused.load(Ordering::Relaxed)
    }

    pub(crate) fn add_read(&self, bytes: usize) {
        self.read_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_written(&self, bytes: usize) {
        self.written_bytes
            .fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Grants more memory, or notes that it was refused.
    pub(crate) fn grow(&self, bytes: u64, bytes_max: u64) -> bool {
        let total = self
            .memory_bytes
            .load(Ordering::Relaxed)
            .saturating_add(bytes);
        if total > bytes_max {
            self.memory_bytes_refused.store(total, Ordering::Relaxed);
            return false;
        }
        self.memory_bytes.store(total, Ordering::Relaxed);
        self.memory_bytes_peak.fetch_max(total, Ordering::Relaxed);
        true
    }
}

/// A guest's computation, its CPU time counted poll by poll. The guest yields at each epoch, so a poll is
/// short and the limit is noticed soon after it is passed.
pub(crate) struct Metered<'a, F> {
    pub(crate) call: F,
    pub(crate) meter: &'a Meter,
    pub(crate) bounds: &'a Bounds,
}

/// The guest has computed for longer than it may.
pub(crate) struct OutOfCpuTime;

impl<F: Future + Unpin> Future for Metered<'_, F> {
    type Output = Result<F::Output, OutOfCpuTime>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let before = thread_cpu_ns();
        let polled = Pin::new(&mut self.call).poll(context);
        let spent = thread_cpu_ns().saturating_sub(before);
        let total = self
            .meter
            .cpu_ns
            .fetch_add(spent, Ordering::Relaxed)
            .saturating_add(spent);
        match polled {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending if total > cpu_ns_max(self.bounds) => Poll::Ready(Err(OutOfCpuTime)),
            Poll::Pending => Poll::Pending,
        }
    }
}

pub(crate) fn cpu_ns_max(bounds: &Bounds) -> u64 {
    bounds.of(Limit::CpuTimeMs).saturating_mul(1_000_000)
}
