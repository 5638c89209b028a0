//! Limits from what a run used.

use super::Learned;
use crate::limits::{Limit, Limits};

/// What one run used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    pub peak_memory_bytes: u64,
    pub cpu_ms: u64,
    pub wall_ms: u64,
    /// The longer of its two outputs.
    pub output_bytes: u64,
    /// What lies in the directories that it wrote to, in the end.
    pub disk_bytes: u64,
}

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

impl Measured {
    /// The limits that let it run once more, with room to spare unless they are to be exact; what is not measured is the
    /// base's.
    ///
    /// | limit | room |
    /// |---|---|
    /// | memory | half as much again, to the next MiB |
    /// | CPU time, wall time | twice, to the next second |
    /// | output | twice, to the next 64 KiB |
    /// | disk | twice, to the next MiB |
    pub fn limits(&self, base: &Limits, exact: bool) -> Limits {
        let mut limits = base.clone();
        for (limit, used) in self.each() {
            let (numerator, unit) = match limit {
                _ if exact => (2, 1),
                Limit::MemoryBytes => (3, MIB),
                Limit::OutputBytes => (4, 64 * KIB),
                Limit::DiskBytes => (4, MIB),
                _ => (4, 1_000),
            };
            let wanted = (used.saturating_mul(numerator) / 2)
                .max(1)
                .div_ceil(unit)
                .saturating_mul(unit);
            let range = limit.range();
            limit.put(&mut limits, wanted.clamp(*range.start(), *range.end()));
        }
        limits
    }

    fn each(&self) -> [(Limit, u64); 5] {
        [
            (Limit::MemoryBytes, self.peak_memory_bytes),
            (Limit::CpuTimeMs, self.cpu_ms),
            (Limit::WallTimeMs, self.wall_ms),
            (Limit::OutputBytes, self.output_bytes),
            (Limit::DiskBytes, self.disk_bytes),
        ]
    }
}

impl Learned {
    /// Says beside each limit what was measured.
    pub fn explain_limits(&mut self, measured: &Measured) {
        for (limit, used) in measured.each() {
            self.note(
                &format!("limits.{}", limit.name()),
                format!("it used {used}"),
            );
        }
        for limit in [Limit::Handles, Limit::Sandboxes] {
            let text = "not measured".to_owned();
            self.note(&format!("limits.{}", limit.name()), text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn limits_have_room_unless_they_are_to_be_exact() {
        let measured = Measured {
            peak_memory_bytes: 10 * MIB + 1,
            cpu_ms: 501,
            wall_ms: 0,
            output_bytes: 40_000,
            disk_bytes: 0,
        };
        let base = Preset::Isolated.policy().limits;
        let roomy = measured.limits(&base, false);
        assert_eq!(
            (roomy.memory_bytes, roomy.cpu_time_ms, roomy.wall_time_ms),
            (16 * MIB, 2_000, 1_000)
        );
        assert_eq!((roomy.output_bytes, roomy.disk_bytes), (128 * KIB, MIB));
        assert_eq!(
            (roomy.handles, roomy.sandboxes),
            (base.handles, base.sandboxes)
        );
        let exact = measured.limits(&base, true);
        assert_eq!(
            (exact.memory_bytes, exact.cpu_time_ms, exact.wall_time_ms),
            (10 * MIB + 1, 501, 1)
        );
        let nothing = Measured::default().limits(&base, true);
        assert_eq!(nothing.memory_bytes, 64 * KIB);
    }
}
