//! How many sandboxes there is room for: that follows from the memory of the machine, or of the container.
//!
//! A place by itself costs address space only. This is not what keeps memory from running out, as a single guest may have
//! gigabytes; it keeps so many small ones from starting that none of them gets on.

use std::fs;

/// What a sandbox takes when it runs an interpreter, and some room beside it.
const MEMORY_BYTES_PER_SANDBOX: u64 = 16 << 20;
/// Where the machine does not say what it has, or has little.
const SANDBOXES_MIN: u32 = 256;
/// With more, the address space that is set aside for them, 24 GiB each, would come near the 128 TiB of a process.
const SANDBOXES_MAX: u32 = 3_000;

/// Sandboxes that may be alive at once where there is so much memory.
pub(super) fn for_memory(bytes: Option<u64>) -> u32 {
    let places = bytes.unwrap_or_default() / MEMORY_BYTES_PER_SANDBOX;
    u32::try_from(places)
        .unwrap_or(u32::MAX)
        .clamp(SANDBOXES_MIN, SANDBOXES_MAX)
}

/// What the machine has, or the container if that may have less. None where the kernel does not say.
pub(super) fn memory_bytes() -> Option<u64> {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let container = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let machine = machine.as_deref().and_then(total);
    let container = container.and_then(|most| most.trim().parse().ok());
    machine.into_iter().chain(container).min()
}

/// `MemTotal:       24684100 kB`
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_more_sandboxes_where_there_is_more_memory() {
        for (gibibytes, places) in [(1, 256), (4, 256), (24, 1_536), (1_024, 3_000)] {
            assert_eq!(for_memory(Some(gibibytes << 30)), places);
        }
        assert_eq!(for_memory(None), SANDBOXES_MIN);
        assert_eq!(for_memory(Some(u64::MAX)), SANDBOXES_MAX);
    }

    #[test]
    fn the_memory_of_the_machine_is_read_as_the_kernel_writes_it() {
        let text = "MemTotal:       24684100 kB\nMemFree:        20217440 kB\n";
        assert_eq!(total(text), Some(24_684_100 << 10));
        for text in ["", "MemTotal:", "MemTotal: x kB", "MemFree: 1 kB"] {
            assert_eq!(total(text), None, "{text}");
        }
        assert!(memory_bytes().is_none_or(|bytes| bytes > 0));
    }
}
