//! The chain: an event's hash covers everything in it and the hash of the one before it.

use crate::Event;
use sha2::{Digest, Sha256};

/// SHA-256 over previous hash, stream, sequence, kind, payload, actor and time, in this order. Each part is
/// preceded by its length (eight bytes, big endian), so that no two events can read alike.
pub(crate) fn of(event: &Event) -> String {
    let mut hasher = Sha256::new();
    let sequence = event.sequence.to_be_bytes();
    let at_ms = event.at_ms.to_be_bytes();
    let parts: [&[u8]; 7] = [
        event.previous_hash.as_bytes(),
        event.stream.as_bytes(),
        &sequence,
        event.kind.as_bytes(),
        event.payload.as_bytes(),
        event.actor.as_bytes(),
        &at_ms,
    ];
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hexadecimal(&hasher.finalize())
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|half| DIGITS.get(usize::from(half)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_of_text_between_fields_changes_the_hash() {
        let event = |kind: &str, payload: &str| Event {
            id: 0,
            stream: "s".to_owned(),
            sequence: 1,
            kind: kind.to_owned(),
            payload: payload.to_owned(),
            actor: "user".to_owned(),
            at_ms: 5,
            previous_hash: String::new(),
            hash: String::new(),
        };
        assert_ne!(of(&event("ab", "c")), of(&event("a", "bc")));
        assert_eq!(of(&event("ab", "c")).len(), 64);
    }
}
