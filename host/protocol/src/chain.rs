//! The chain of events: each one's hash covers all of it and the hash of the one before it in its stream.

use sha2::{Digest, Sha256};

/// What a hash is made of.
#[derive(Clone, Copy, Debug)]
pub struct Link<'a> {
    /// Of the event before it in its stream; empty for the first.
    pub previous_hash: &'a str,
    pub stream: &'a str,
    /// The place in the stream, from 1.
    pub sequence: u64,
    pub kind: &'a str,
    /// JSON, byte by byte as it is kept.
    pub payload: &'a str,
    pub actor: &'a str,
    pub at_ms: u64,
}

impl Link<'_> {
    /// SHA-256 over previous hash, stream, sequence, kind, payload, actor and time, in this order, hexadecimal. Each part
    /// is preceded by its length (eight bytes, big endian), so that no two events can read alike; numbers are eight
    /// bytes, big endian.
    pub fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        let sequence = self.sequence.to_be_bytes();
        let at_ms = self.at_ms.to_be_bytes();
        let parts: [&[u8]; 7] = [
            self.previous_hash.as_bytes(),
            self.stream.as_bytes(),
            &sequence,
            self.kind.as_bytes(),
            self.payload.as_bytes(),
            self.actor.as_bytes(),
            &at_ms,
        ];
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        base16ct::lower::encode_string(&hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_of_text_between_fields_changes_the_hash() {
        let event = Link {
            previous_hash: "",
            stream: "s",
            sequence: 1,
            kind: "ab",
            payload: "c",
            actor: "user",
            at_ms: 5,
        };
        let shifted = Link {
            kind: "a",
            payload: "bc",
            ..event
        };
        assert_ne!(event.hash(), shifted.hash());
        assert_eq!(event.hash().len(), 64);
    }
}
