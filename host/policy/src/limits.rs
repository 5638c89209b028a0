//! How much a sandbox may use. Zero is refused: it would read as "unlimited".

use crate::Invalid;
use serde::{Deserialize, Serialize};

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
    /// What a workspace's files may occupy. Kept and shown; no crate enforces it yet.
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

/// The most that a wasm32 guest can address.
const MEMORY_BYTES_MAX: u64 = 4 << 30;
/// A page of linear memory.
const MEMORY_BYTES_MIN: u64 = 64 << 10;

impl Limits {
    pub(crate) fn validate(&self) -> Result<(), Invalid> {
        let fields = [
            ("limits.memory_bytes", self.memory_bytes),
            ("limits.cpu_time_ms", self.cpu_time_ms),
            ("limits.wall_time_ms", self.wall_time_ms),
            ("limits.handles", self.handles.into()),
            ("limits.output_bytes", self.output_bytes),
            ("limits.disk_bytes", self.disk_bytes),
            ("limits.sandboxes", self.sandboxes.into()),
        ];
        if let Some((field, _)) = fields.iter().find(|(_, value)| *value == 0) {
            return Err(Invalid {
                field: (*field).to_owned(),
                message: "is 0, which lets nothing run; give a number of at least 1".to_owned(),
            });
        }
        if !(MEMORY_BYTES_MIN..=MEMORY_BYTES_MAX).contains(&self.memory_bytes) {
            return Err(Invalid {
                field: "limits.memory_bytes".to_owned(),
                message: format!(
                    "is {}, must be {MEMORY_BYTES_MIN} to {MEMORY_BYTES_MAX}",
                    self.memory_bytes
                ),
            });
        }
        Ok(())
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
    fn zero_is_refused_and_named() {
        let mut policy = Preset::Standard.policy();
        policy.limits.handles = 0;
        assert_eq!(policy.validate().unwrap_err().field, "limits.handles");
    }
}
