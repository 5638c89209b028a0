//! Server-sent events, and text that comes in pieces.

use serde::Serialize;

/// Where events go.
pub trait Sink {
    /// False when the caller is gone.
    fn send(&mut self, bytes: &[u8]) -> bool;
    fn is_open(&mut self) -> bool;
    fn sleep(&mut self, ms: u64);
}

/// What sends events until it is done, or the caller is gone.
pub type Events = Box<dyn FnOnce(&mut dyn Sink)>;

/// What sends lines to their end: true when nothing is missing.
pub type Lines = Box<dyn FnOnce(&mut dyn Sink) -> bool>;

/// How long a stream may be silent before a comment shows that it still lives.
pub const KEEP_ALIVE_MS: u64 = 15_000;

/// Keeps a stream alive through silence.
#[derive(Default)]
pub struct Silence {
    ms: u64,
}

impl Silence {
    /// Something was sent.
    pub fn broken(&mut self) {
        self.ms = 0;
    }

    /// So much time went by; false when the caller is gone.
    pub fn passed(&mut self, ms: u64, sink: &mut dyn Sink) -> bool {
        self.ms += ms;
        if self.ms < KEEP_ALIVE_MS {
            return sink.is_open();
        }
        self.ms = 0;
        sink.send(b": keep-alive\n\n")
    }
}

/// One event. JSON holds no line break, so its data is one line.
pub fn event(id: Option<u64>, kind: &str, data: &impl Serialize) -> Vec<u8> {
    let mut text = String::new();
    if let Some(id) = id {
        text.push_str(&format!("id: {id}\n"));
    }
    text.push_str("event: ");
    // A kind is ours; a line break in one would end the field.
    text.extend(kind.chars().filter(|character| !character.is_control()));
    text.push_str("\ndata: ");
    text.push_str(&serde_json::to_string(data).unwrap_or_default());
    text.push_str("\n\n");
    text.into_bytes()
}

/// Bytes that come in pieces become text; a character that is cut in two waits for its rest, and what is no
/// UTF-8 becomes U+FFFD.
#[derive(Default)]
pub struct Text {
    /// The beginning of a character, up to three bytes.
    rest: Vec<u8>,
}

impl Text {
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.len() - cut_off(&self.rest);
        let later = self.rest.split_off(whole);
        let now = std::mem::replace(&mut self.rest, later);
        lossy(now)
    }

    /// What is left at the end.
    pub fn finish(&mut self) -> String {
        lossy(std::mem::take(&mut self.rest))
    }
}

/// Bytes as text; what is no UTF-8 becomes U+FFFD.
pub fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// How many bytes at the end begin a character that is not whole.
fn cut_off(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let Some(byte) = bytes.get(bytes.len() - back) else {
            return 0;
        };
        let length = match byte {
            0xC2..=0xDF => 2,
            0xE0..=0xEF => 3,
            0xF0..=0xF4 => 4,
            0x80..=0xBF => continue,
            _ => return 0,
        };
        return if back < length { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_is_cut_in_two_comes_whole() {
        let whole = "aü€😀z";
        for size in 1..=5 {
            let mut text = Text::default();
            let mut found = String::new();
            for piece in whole.as_bytes().chunks(size) {
                found.push_str(&text.push(piece));
            }
            found.push_str(&text.finish());
            assert_eq!(found, whole, "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_no_text_is_replaced_and_holds_nothing_up() {
        let mut text = Text::default();
        assert_eq!(text.push(b"a\xff\x80b"), "a\u{fffd}\u{fffd}b");
        assert_eq!(text.push(b"\xe2\x82"), "");
        assert_eq!(text.push(b"x"), "\u{fffd}x");
        assert_eq!(text.push(b"\xf0"), "");
        assert_eq!(text.finish(), "\u{fffd}");
    }

    #[test]
    fn an_event_is_three_lines_and_an_empty_one() {
        let data = serde_json::json!({"text": "a\nb"});
        assert_eq!(
            event(Some(7), "std\nout", &data),
            b"id: 7\nevent: stdout\ndata: {\"text\":\"a\\nb\"}\n\n"
        );
    }

    #[test]
    fn silence_is_broken_by_a_comment() {
        struct Record(Vec<u8>);
        impl Sink for Record {
            fn send(&mut self, bytes: &[u8]) -> bool {
                self.0.extend_from_slice(bytes);
                true
            }
            fn is_open(&mut self) -> bool {
                true
            }
            fn sleep(&mut self, _: u64) {}
        }
        let (mut sink, mut silence) = (Record(Vec::new()), Silence::default());
        for _ in 0..74 {
            assert!(silence.passed(200, &mut sink));
        }
        assert!(sink.0.is_empty());
        assert!(silence.passed(200, &mut sink));
        assert_eq!(sink.0, b": keep-alive\n\n");
    }
}
