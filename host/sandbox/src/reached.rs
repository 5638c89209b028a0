//! Which limit a guest ran into, told from the error that ended it.
//!
//! Most limits are wasmtime's to keep, and it says what happened in an error that unwinds the guest. Some of those
//! have no type that one could ask for; those are known by their text, and the tests over real guests hold us to it.

use crate::engine::WASM_STACK_BYTES;
use crate::live::Bounds;
use crate::meter::Meter;
use crate::run::{HOST_CALL_BYTES_MAX, HTTP_FIELDS_BYTES_MAX};
use swarm_flow_policy::Limit;
use wasmtime::Trap;
use wasmtime_wasi::ResourceTableError;
use wasmtime_wasi_http::FieldMapError;

/// A limit by its name, in the unit of the policy's field; what belongs to no field is in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    pub name: &'static str,
    pub used: u64,
    pub allowed: u64,
}

/// The limit that `error` comes from, if it does.
pub(crate) fn reached(error: &wasmtime::Error, meter: &Meter, bounds: &Bounds) -> Option<Reached> {
    let full = |name, allowed| Reached {
        name,
        used: allowed,
        allowed,
    };
    for cause in error.chain() {
        if let Some(ResourceTableError::Full) = cause.downcast_ref() {
            return Some(full("handles", bounds.of(Limit::Handles)));
        }
        if let Some(FieldMapError::TooManyFields | FieldMapError::TotalSizeTooBig) =
            cause.downcast_ref()
        {
            return Some(full("http_fields", HTTP_FIELDS_BYTES_MAX as u64));
        }
        let text = cause.to_string();
        if text.ends_with("store handle limit exceeded") {
            return Some(full("handles", bounds.of(Limit::Handles)));
        }
        if text.ends_with("fuel allocated for hostcalls has been exhausted") {
            return Some(full("host_call", HOST_CALL_BYTES_MAX));
        }
        if let Some(used) = random_bytes(&text) {
            return Some(Reached {
                name: "host_call",
                used,
                allowed: HOST_CALL_BYTES_MAX,
            });
        }
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::StackOverflow) {
        return Some(full("stack", WASM_STACK_BYTES as u64));
    }
    let memory = meter.memory_denied() && trap.is_none_or(for_want_of_memory);
    memory.then(|| Reached {
        name: "memory",
        used: meter.memory_bytes_refused(),
        allowed: bounds.of(Limit::MemoryBytes),
    })
}

/// How much was asked for, if the text says that it was too much.
fn random_bytes(text: &str) -> Option<u64> {
    let (asked, limit) = text
        .strip_prefix("requested len ")?
        .split_once(" exceeds limit ")?;
    (limit == HOST_CALL_BYTES_MAX.to_string())
        .then(|| asked.parse().ok())
        .flatten()
}

/// How programs end that cannot bear the refusal: they abort, or use what they did not get.
fn for_want_of_memory(trap: &Trap) -> bool {
    matches!(
        trap,
        Trap::UnreachableCodeReached
            | Trap::MemoryOutOfBounds
            | Trap::TableOutOfBounds
            | Trap::NullReference
            | Trap::IndirectCallToNull
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm_flow_policy::Preset;
    use wasmtime::format_err;

    #[test]
    fn a_refusal_that_was_borne_does_not_explain_a_later_division_by_zero() {
        let limits = Preset::Isolated.policy().limits;
        let bounds = Bounds {
            start: limits.clone(),
            live: None,
        };
        let meter = Meter::default();
        assert!(!meter.grow(limits.memory_bytes + 1, limits.memory_bytes));
        let ended = |trap: Trap| reached(&trap.into(), &meter, &bounds);
        assert_eq!(ended(Trap::IntegerDivisionByZero), None);
        let memory = ended(Trap::UnreachableCodeReached).unwrap();
        assert_eq!(
            (memory.name, memory.used, memory.allowed),
            ("memory", (256 << 20) + 1, 256 << 20)
        );
    }

    #[test]
    fn only_a_full_table_is_the_limit_of_handles() {
        let bounds = Bounds {
            start: Preset::Isolated.policy().limits,
            live: None,
        };
        let ended = |error: wasmtime::Error| {
            reached(&error, &Meter::default(), &bounds).map(|reached| reached.name)
        };
        assert_eq!(ended(ResourceTableError::Full.into()), Some("handles"));
        assert_eq!(ended(ResourceTableError::NotPresent.into()), None);
        assert_eq!(ended(format_err!("anything else")), None);
        assert_eq!(
            ended(format_err!(
                "requested len 33554433 exceeds limit {HOST_CALL_BYTES_MAX}"
            )),
            Some("host_call")
        );
    }
}
