//! What a sandbox uses, counted while it runs.

use crate::live::Bounds;
use crate::threads::thread_cpu_ns;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use swarm_flow_policy::Limit;

/// Counters of one sandbox, shared with whoever watches it. Limits hold for what a command and all that it started use
/// together, which the command's own meter counts.
#[derive(Default, Debug)]
pub(crate) struct Meter {
    /// The command's, in the meter of something that it started.
    command: Option<Arc<Meter>>,
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
    /// Counts something that a command started.
    pub(crate) fn within(command: Arc<Self>) -> Self {
        let mut meter = Self::default();
        meter.command = Some(command);
        meter
    }

    /// This one, and the command's if that is another.
    fn each(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.command.as_deref())
    }

    fn of_the_command(&self) -> &Self {
        self.command.as_deref().unwrap_or(self)
    }

    pub(crate) fn usage(&self, wall: std::time::Duration) -> Usage {
        Usage {
            wall_ms: wall.as_secs_f64() * 1e3,
            cpu_ms: self.cpu_ns.load(Ordering::Relaxed) as f64 / 1e6,
            peak_memory_bytes: self.memory_bytes_peak.load(Ordering::Relaxed),
            read_bytes: self.read_bytes.load(Ordering::Relaxed),
            written_bytes: self.written_bytes.load(Ordering::Relaxed),
        }
    }

    /// Of the command and all that it started.
    pub(crate) fn cpu_ns(&self) -> u64 {
        self.of_the_command().cpu_ns.load(Ordering::Relaxed)
    }

    /// Linear memory and tables that there are, of the command and all that it started.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.of_the_command().memory_bytes.load(Ordering::Relaxed)
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
        for meter in self.each() {
            meter.read_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn add_written(&self, bytes: usize) {
        for meter in self.each() {
            meter
                .written_bytes
                .fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    fn add_cpu_ns(&self, spent: u64) {
        for meter in self.each() {
            meter.cpu_ns.fetch_add(spent, Ordering::Relaxed);
        }
    }

    /// Grants more memory, or notes that it was refused.
    pub(crate) fn grow(&self, bytes: u64, bytes_max: u64) -> bool {
        let grown = |total: u64| {
            let total = total.saturating_add(bytes);
            (total <= bytes_max).then_some(total)
        };
        let all = self.of_the_command();
        let taken = all
            .memory_bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown);
        match taken {
            Err(total) => {
                let total = total.saturating_add(bytes);
                self.memory_bytes_refused.store(total, Ordering::Relaxed);
                false
            }
            Ok(before) => {
                all.memory_bytes_peak
                    .fetch_max(before + bytes, Ordering::Relaxed);
                if self.command.is_some() {
                    let before = self.memory_bytes.fetch_add(bytes, Ordering::Relaxed);
                    self.memory_bytes_peak
                        .fetch_max(before + bytes, Ordering::Relaxed);
                }
                true
            }
        }
    }
}

/// Memory of the host's that is held for a command, until this is dropped.
pub(crate) struct Charge {
    command: Arc<Meter>,
    bytes: u64,
}

impl Meter {
    /// Takes memory of the command's for something that the host holds. None if it may not have so much.
    pub(crate) fn charge(self: &Arc<Self>, bytes: u64, bytes_max: u64) -> Option<Charge> {
        let command = self.command.as_ref().unwrap_or(self);
        let charge = || Charge {
            command: command.clone(),
            bytes,
        };
        if command.grow(bytes, bytes_max) {
            return Some(charge());
        }
        self.memory_bytes_refused
            .store(command.memory_bytes_refused(), Ordering::Relaxed);
        None
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.command
            .memory_bytes
            .fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Drop for Meter {
    /// The others of the family may use what this one had.
    fn drop(&mut self) {
        if let Some(command) = &self.command {
            let bytes = self.memory_bytes.load(Ordering::Relaxed);
            command.memory_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
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
        self.meter.add_cpu_ns(spent);
        let total = self.meter.cpu_ns();
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
