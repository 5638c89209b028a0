//! How much a sandbox may use. Zero is refused: it would read as "unlimited".
//!
//! | limit | least | most |
//! |---|---|---|
//! | `memory_bytes` | 64 KiB, a page of linear memory | 4 GiB, what a wasm32 guest can address |
//! | `cpu_time_ms`, `wall_time_ms` | 1 ms | 30 days |
//! | `handles` | 1 | 1 000 000 |
//! | `output_bytes` | 1 | 1 GiB, as it is held in memory |
//! | `disk_bytes` | 1 | 1 PiB |
//! | `sandboxes` | 1 | 100 000 |

use crate::Invalid;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The most of each that a sandbox may use; `disk_bytes` and `sandboxes` are per workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Linear memory and tables of all instances together, 64 KiB to 4 GiB.
    pub memory_bytes: u64,
    /// Time that the guest computes; waiting does not count.
    pub cpu_time_ms: u64,
    /// Time from start to end.
    pub wall_time_ms: u64,
    /// Open files, sockets and other resources at once.
    pub handles: u32,
    /// Standard output and standard error, each.
    pub output_bytes: u64,
    /// What a workspace's files may occupy.
    pub disk_bytes: u64,
    pub sandboxes: u32,
}

/// Limits of one sandbox that lie below its workspace's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsOverride {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_time_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_time_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}

/// One of the [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    MemoryBytes,
    CpuTimeMs,
    WallTimeMs,
    Handles,
    OutputBytes,
    DiskBytes,
    Sandboxes,
}

impl Limit {
    pub const ALL: [Self; 7] = [
        Self::MemoryBytes,
        Self::CpuTimeMs,
        Self::WallTimeMs,
        Self::Handles,
        Self::OutputBytes,
        Self::DiskBytes,
        Self::Sandboxes,
    ];

    /// The name of its field.
    pub fn name(self) -> &'static str {
        match self {
            Self::MemoryBytes => "memory_bytes",
            Self::CpuTimeMs => "cpu_time_ms",
            Self::WallTimeMs => "wall_time_ms",
            Self::Handles => "handles",
            Self::OutputBytes => "output_bytes",
            Self::DiskBytes => "disk_bytes",
            Self::Sandboxes => "sandboxes",
        }
    }

    /// What it can be set to.
    pub fn range(self) -> RangeInclusive<u64> {
        const DAYS_30_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
        match self {
            Self::MemoryBytes => 64 << 10..=4 << 30,
            Self::CpuTimeMs | Self::WallTimeMs => 1..=DAYS_30_MS,
            Self::Handles => 1..=1_000_000,
            Self::OutputBytes => 1..=1 << 30,
            Self::DiskBytes => 1..=1 << 50,
            Self::Sandboxes => 1..=100_000,
        }
    }

    pub fn of(self, limits: &Limits) -> u64 {
        match self {
            Self::MemoryBytes => limits.memory_bytes,
            Self::CpuTimeMs => limits.cpu_time_ms,
            Self::WallTimeMs => limits.wall_time_ms,
            Self::Handles => limits.handles.into(),
            Self::OutputBytes => limits.output_bytes,
            Self::DiskBytes => limits.disk_bytes,
            Self::Sandboxes => limits.sandboxes.into(),
        }
    }

    /// Puts `value` into `limits`; a count that is too large for its field becomes its largest value.
    pub(crate) fn put(self, limits: &mut Limits, value: u64) {
        let count = || u32::try_from(value).unwrap_or(u32::MAX);
        match self {
            Self::MemoryBytes => limits.memory_bytes = value,
            Self::CpuTimeMs => limits.cpu_time_ms = value,
            Self::WallTimeMs => limits.wall_time_ms = value,
            Self::Handles => limits.handles = count(),
            Self::OutputBytes => limits.output_bytes = value,
            Self::DiskBytes => limits.disk_bytes = value,
            Self::Sandboxes => limits.sandboxes = count(),
        }
    }

    /// Refuses what it cannot be set to.
    pub(crate) fn check(self, value: u64) -> Result<(), Invalid> {
        let (least, most) = (*self.range().start(), *self.range().end());
        let message = if self.range().contains(&value) {
            return Ok(());
        } else if value == 0 {
            format!("is 0, which lets nothing run; give {least} to {most}")
        } else {
            format!("is {value}; give {least} to {most}")
        };
        Err(Invalid::new(format!("limits.{}", self.name()), message))
    }
}

impl Limits {
    pub(crate) fn problems(&self) -> impl Iterator<Item = Invalid> {
        Limit::ALL
            .into_iter()
            .filter_map(|limit| limit.check(limit.of(self)).err())
    }

    /// These limits, lowered where `narrower` asks for less. Asking for more changes nothing.
    pub fn narrowed(&self, narrower: &LimitsOverride) -> Self {
        let least = |own: u64, asked: Option<u64>| asked.map_or(own, |asked| own.min(asked));
        Self {
            memory_bytes: least(self.memory_bytes, narrower.memory_bytes),
            cpu_time_ms: least(self.cpu_time_ms, narrower.cpu_time_ms),
            wall_time_ms: least(self.wall_time_ms, narrower.wall_time_ms),
            output_bytes: least(self.output_bytes, narrower.output_bytes),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;

    #[test]
    fn narrowing_never_widens() {
        let limits = Preset::Isolated.policy().limits;
        let asked = LimitsOverride {
            memory_bytes: Some(u64::MAX),
            cpu_time_ms: Some(5),
            ..Default::default()
        };
        let narrowed = limits.narrowed(&asked);
        assert_eq!(narrowed.memory_bytes, limits.memory_bytes);
        assert_eq!(narrowed.cpu_time_ms, 5);
    }

    #[test]
    fn each_limit_is_refused_outside_its_range_and_named() {
        for limit in Limit::ALL {
            for (value, hint) in [
                (0, "is 0, which lets nothing run"),
                (limit.range().start() - 1, "is "),
                (limit.range().end() + 1, "; give "),
            ] {
                let mut policy = Preset::Standard.policy();
                limit.put(&mut policy.limits, value);
                let invalid = policy.validate().unwrap_err();
                assert_eq!(invalid.field, format!("limits.{}", limit.name()));
                assert!(invalid.message.contains(hint), "{invalid}");
            }
            for value in [*limit.range().start(), *limit.range().end()] {
                let mut policy = Preset::Standard.policy();
                limit.put(&mut policy.limits, value);
                assert_eq!(policy.validate(), Ok(()));
                assert_eq!(limit.of(&policy.limits), value);
            }
        }
    }
}
