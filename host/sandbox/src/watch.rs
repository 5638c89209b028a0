//! What ends a sandbox while its guest waits: the time from start to end, and a change of its policy that takes what it uses.

use crate::live::{Bounds, Live};
use crate::meter::{Meter, cpu_ns_max};
use crate::output::Output;
use crate::run::End;
use crate::sockets;
use std::future::pending;
use std::time::{Duration, Instant};
use swarm_flow_policy::Limit;

/// Looks at a sandbox beside its guest.
pub(crate) struct Watch<'a> {
    pub(crate) bounds: &'a Bounds,
    pub(crate) meter: &'a Meter,
    pub(crate) sockets: Option<sockets::Granted>,
    pub(crate) outputs: &'a [Output],
    pub(crate) started: Instant,
}

impl Watch<'_> {
    /// Waits until the sandbox has to end, and says why.
    pub(crate) async fn end<R>(&self) -> End<R> {
        let live = self.bounds.live.as_ref();
        let mut seen = live.map_or(0, Live::since);
        loop {
            let wall_time = Duration::from_millis(self.bounds.of(Limit::WallTimeMs));
            let left = wall_time.saturating_sub(self.started.elapsed());
            tokio::select! {
                () = tokio::time::sleep(left) => return self.out_of_wall_time(),
                generation = changed(live, seen) => seen = generation,
            }
            for output in self.outputs {
                output.limit(self.bounds.of(Limit::OutputBytes));
            }
            if let Some(end) = self.taken() {
                return end;
            }
        }
    }

    /// What is used and not granted any more.
    fn taken<R>(&self) -> Option<End<R>> {
        let memory_bytes_max = self.bounds.of(Limit::MemoryBytes);
        if self.meter.memory_bytes() > memory_bytes_max {
            return Some(End::Limit {
                name: "memory",
                used: self.meter.memory_bytes(),
                allowed: memory_bytes_max,
            });
        }
        if self.meter.cpu_ns() > cpu_ns_max(self.bounds) {
            return Some(self.out_of_cpu_time());
        }
        self.sockets.as_ref()?.revoked().map(End::Revoked)
    }

    pub(crate) fn out_of_cpu_time<R>(&self) -> End<R> {
        End::Limit {
            name: "cpu_time",
            used: self.meter.cpu_ns() / 1_000_000,
            allowed: self.bounds.of(Limit::CpuTimeMs),
        }
    }

    fn out_of_wall_time<R>(&self) -> End<R> {
        let elapsed = self.started.elapsed().as_millis();
        End::Limit {
            name: "wall_time",
            used: elapsed.try_into().unwrap_or(u64::MAX),
            allowed: self.bounds.of(Limit::WallTimeMs),
        }
    }
}

async fn changed(live: Option<&Live>, seen: u64) -> u64 {
    match live {
        Some(live) => live.changed(seen).await,
        None => pending().await,
    }
}
