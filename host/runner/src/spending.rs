//! What an attempt has used of its run's budget, also under earlier leases: what the journal feeds counts again as it was, so that
//! the sum is the same after a crash. The app puts CPU time aside with the lease; more than that is not used.

use std::sync::{Arc, Mutex, PoisonError};
use swarm_flow_protocol::{AgentError, Lease, Usage};

use crate::agent::failure;

/// Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Spending(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Of CPU time; none when there is no such bound.
    cpu_us_max: Option<u64>,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    usage: Usage,
    /// Something was ended because the CPU time was used up.
    is_over: bool,
}

impl Spending {
    pub(crate) fn of(lease: &Lease) -> Self {
        Self(Arc::new(Inner {
            cpu_us_max: lease.cpu_time_us,
            used: Mutex::default(),
        }))
    }

    pub(crate) fn add(&self, usage: Usage) {
        let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.usage = used.usage.plus(usage);
    }

    pub(crate) fn add_cpu(&self, cpu_ms: f64) {
        self.add(Usage {
            cpu_time_us: microseconds(cpu_ms),
            ..Usage::default()
        });
    }

    pub(crate) fn usage(&self) -> Usage {
        let used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.usage
    }

    /// What a sandbox may use that starts now; none when there is no bound.
    pub(crate) fn cpu_ms_left(&self) -> Option<u64> {
        let max = self.0.cpu_us_max?;
        // A limit is at least a millisecond: less is nothing.
        Some(max.saturating_sub(self.usage().cpu_time_us) / 1000)
    }

    /// The attempt ends, because it would use more than it may.
    pub(crate) fn exceed(&self) -> wasmtime::Error {
        let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.is_over = true;
        wasmtime::format_err!("the CPU time of the run's budget is used up")
    }

    /// Why the attempt was ended, if it was.
    pub(crate) fn exceeded(&self) -> Option<AgentError> {
        let used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
        let max = self.0.cpu_us_max.filter(|_| used.is_over)?;
        Some(failure(
            "budget_exceeded",
            format!(
                "the attempt used {} ms of CPU time, and {} ms of the run's budget were put aside for it; the task's \
                 `cpu_time_ms` asks for more, up to the run's `budget.cpu_time_ms`",
                used.usage.cpu_time_us / 1000,
                max / 1000
            ),
        ))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time is neither negative nor so long"
)]
fn microseconds(ms: f64) -> u64 {
    (ms * 1000.0).ceil() as u64
}
