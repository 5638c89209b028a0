//! Hides values in bytes that go by, however these are cut into pieces: each occurrence of a value becomes as many `*`.
//!
//! What could be the start of a value waits for the bytes after it, so at most one byte less than the longest value is
//! held back, and nothing else is. A value is known again as it is and in no other spelling: base64, say, or reversed.
//! Every byte is looked at once for each value, whatever is sent (Knuth, Morris and Pratt).

use crate::secrets::SandboxSecrets;
use bytes::Bytes;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A value that is looked for. It is wiped when it is dropped.
pub(crate) struct Needle {
    value: Zeroizing<Vec<u8>>,
    /// For each start of the value, how long the longest start is that also ends it.
    falls: Vec<u32>,
}

impl Needle {
    /// `value` is not empty.
    pub(crate) fn new(value: Zeroizing<String>) -> Self {
        let mut needle = Self {
            value: Zeroizing::new(value.as_bytes().to_vec()),
            falls: Vec::with_capacity(value.len()),
        };
        needle.falls.push(0);
        let mut matched = 0;
        for byte in value.bytes().skip(1) {
            matched = needle.step(matched, byte);
            needle.falls.push(u32::try_from(matched).unwrap_or(0));
        }
        needle
    }

    pub(crate) fn value(&self) -> &[u8] {
        &self.value
    }

    /// How much of the value the bytes up to this one end with.
    fn step(&self, mut matched: usize, byte: u8) -> usize {
        loop {
            if self.value.get(matched) == Some(&byte) {
                return matched + 1;
            }
            let Some(shorter) = matched.checked_sub(1).and_then(|last| self.falls.get(last)) else {
                return 0;
            };
            matched = *shorter as usize;
        }
    }
}

/// One stream of bytes on its way.
pub(crate) struct Mask {
    secrets: SandboxSecrets,
    generation: u64,
    scans: Vec<Scan>,
    /// Could be the start of a value.
    held: VecDeque<u8>,
}

pub(crate) struct Scan {
    needle: Arc<Needle>,
    matched: usize,
}

impl Scan {
    pub(crate) fn new(needle: Arc<Needle>) -> Self {
        Self { needle, matched: 0 }
    }

    /// Adds where the value is; `before` bytes came ahead of these and are still there.
    fn look(&mut self, before: usize, bytes: &[u8], hits: &mut Vec<Range<usize>>) {
        let length = self.needle.value.len();
        let Some(first) = self.needle.value.first() else {
            return;
        };
        let (mut at, own) = (0, hits.len());
        while let Some(rest) = bytes.get(at..) {
            if self.matched == 0 {
                let Some(start) = memchr::memchr(*first, rest) else {
                    return;
                };
                at += start;
            }
            let Some(byte) = bytes.get(at) else {
                return;
            };
            self.matched = self.needle.step(self.matched, *byte);
            at += 1;
            if self.matched == length {
                let hit = (before + at).saturating_sub(length)..before + at;
                match hits.get_mut(own..).and_then(<[_]>::last_mut) {
                    // A value that overlaps itself.
                    Some(last) if hit.start <= last.end => last.end = hit.end,
                    _ => hits.push(hit),
                }
            }
        }
    }

    /// How many bytes at the end could be the start of the value.
    fn pending(&self) -> usize {
        if self.matched < self.needle.value.len() {
            return self.matched;
        }
        self.needle.falls.last().map_or(0, |fall| *fall as usize)
    }
}

impl Mask {
    pub(crate) fn new(secrets: &SandboxSecrets) -> Self {
        let mut mask = Self {
            secrets: secrets.clone(),
            generation: 0,
            scans: Vec::new(),
            held: VecDeque::new(),
        };
        mask.secrets.catch_up(&mut mask.generation, &mut mask.scans);
        mask
    }

    /// Whether there is anything to hide.
    pub(crate) fn is_empty(&self) -> bool {
        self.scans.is_empty()
    }

    /// How many bytes wait for those after them.
    pub(crate) fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// What can go on, masked. It may be nothing, and begin with bytes of earlier pieces.
    pub(crate) fn pass(&mut self, bytes: Bytes) -> Bytes {
        self.secrets.catch_up(&mut self.generation, &mut self.scans);
        let mut hits = Vec::new();
        for scan in &mut self.scans {
            scan.look(self.held.len(), &bytes, &mut hits);
        }
        let pending = self.scans.iter().map(Scan::pending).max().unwrap_or(0);
        if hits.is_empty() && pending == 0 && self.held.is_empty() {
            return bytes;
        }
        self.held.extend(bytes);
        for hit in hits {
            self.held.range_mut(hit).for_each(|byte| *byte = b'*');
        }
        let passed = self.held.len().saturating_sub(pending);
        self.held.drain(..passed).collect()
    }

    /// What was held back. It was no value after all.
    pub(crate) fn rest(&mut self) -> Bytes {
        for scan in &mut self.scans {
            scan.matched = 0;
        }
        self.held.drain(..).collect()
    }

    /// All of something in one piece.
    pub(crate) fn whole(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut masked = self.pass(Bytes::copy_from_slice(bytes)).to_vec();
        masked.extend_from_slice(&self.rest());
        masked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::{Placement, Secret, Secrets};

    fn mask(values: &[&str]) -> Mask {
        let secret = |(index, value): (usize, &&str)| {
            Secret::new(
                &format!("S{index}"),
                &["https://api.example".to_owned()],
                Placement::Variable("KEY".to_owned()),
                Zeroizing::new((*value).to_owned()),
            )
            .unwrap()
        };
        let secrets = Secrets::new(values.iter().enumerate().map(secret).collect());
        Mask::new(&SandboxSecrets::of(&secrets))
    }

    /// Cut before each of these places.
    fn pieces(mask: &mut Mask, text: &str, cuts: &[usize]) -> String {
        let mut masked = Vec::new();
        let mut from = 0;
        for to in cuts.iter().copied().chain([text.len()]) {
            masked
                .extend_from_slice(&mask.pass(Bytes::copy_from_slice(&text.as_bytes()[from..to])));
            from = to;
        }
        masked.extend_from_slice(&mask.rest());
        String::from_utf8(masked).unwrap()
    }

    #[test]
    fn a_value_is_hidden_however_its_bytes_are_cut() {
        let cases: &[(&[&str], &str, &str)] = &[
            (&["hunter22"], "a hunter22 b", "a ******** b"),
            (&["hunter22"], "hunter22hunter22", "****************"),
            (&["hunter22"], "hunter2hunter22", "hunter2********"),
            (&["hunter22"], "hunter2", "hunter2"),
            (&["abababab"], "xabababababy", "x**********y"),
            (&["aaaaaaaab"], "aaaaaaaaaaab", "aaa*********"),
            (
                &["abcdefgh", "efghijkl"],
                "-abcdefghijkl-",
                "-************-",
            ),
            (
                &["abcdefgh", "cdef1234"],
                "abcdef1234abcdefgh",
                "ab****************",
            ),
            (
                &["Bearer abc", "abc def gh"],
                "Bearer abc def gh",
                "*****************",
            ),
            (&[], "hunter22", "hunter22"),
        ];
        for (values, text, expected) in cases {
            let mut mask = mask(values);
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let masked = pieces(&mut mask, text, &[first, second]);
                    assert_eq!(masked, *expected, "{text} cut at {first} and {second}");
                }
            }
            let all: Vec<_> = (0..text.len()).collect();
            assert_eq!(pieces(&mut mask, text, &all), *expected);
        }
    }

    #[test]
    fn only_what_may_be_the_start_of_a_value_waits() {
        let mut mask = mask(&["hunter22"]);
        for (piece, passed, held) in [
            ("hello hun", "hello ", 3),
            ("d", "hund", 0),
            ("hunter2", "", 7),
            ("h", "hunter2", 1),
            ("unter22", "********", 0),
            ("x", "x", 0),
        ] {
            assert_eq!(
                mask.pass(Bytes::from_static(piece.as_bytes())),
                passed,
                "{piece}"
            );
            assert_eq!(mask.held_bytes(), held, "{piece}");
        }
        assert_eq!(mask.rest(), "");
    }

    #[test]
    fn what_holds_no_value_is_not_copied() {
        let bytes = Bytes::from_static(b"nothing of that kind");
        let passed = mask(&["hunter22"]).pass(bytes.clone());
        assert_eq!(passed.as_ptr(), bytes.as_ptr());
    }

    /// A start that comes again and again must not make each byte cost the whole value.
    #[test]
    fn a_long_value_that_almost_comes_is_looked_for_in_linear_time() {
        let value = format!("{}b", "a".repeat(65_535));
        let mut mask = mask(&[&value]);
        let started = std::time::Instant::now();
        for _ in 0..200_000 {
            mask.pass(Bytes::from_static(b"a"));
        }
        assert_eq!(mask.held_bytes(), 65_535);
        assert!(started.elapsed().as_secs() < 20);
    }
}
