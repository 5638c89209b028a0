//! Standard output and standard error.
//!
//! `println!` panics when the reader has left. Here that is an error of its own, on which `main` ends quietly.

use anyhow::{Context, Result};
use serde::Serialize;
use std::io::{self, ErrorKind, Write};

/// How results are printed.
#[derive(Clone, Copy)]
pub struct Output {
    pub json: bool,
}

/// Nobody reads our standard output any more.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
pub struct StdoutClosed;

impl Output {
    /// Prints a value as JSON, or else as `text` shows it.
    pub fn print<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
        if !self.json {
            return line(&text(value));
        }
        line(&serde_json::to_string_pretty(value).context("write JSON")?)
    }
}

/// Prints text and ends the line, if it has not ended.
pub fn line(text: &str) -> Result<()> {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    bytes(format!("{text}{end}").as_bytes())
}

/// Prints bytes as they are, at once.
pub fn bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(bytes)
        .and_then(|()| stdout.flush())
        .map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => StdoutClosed.into(),
            _ => anyhow::Error::new(error).context("write to standard output"),
        })
}

/// Prints bytes on standard error. That nobody reads them is no reason to stop.
pub fn error_bytes(bytes: &[u8]) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(bytes).and_then(|()| stderr.flush());
}

/// Tells a person something that is not the result.
pub fn say(text: &str) {
    error_bytes(format!("{text}\n").as_bytes());
}

/// Text of others without control characters, so that a name cannot command the terminal.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_control() {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect()
}

/// Lines of which each is harmless.
pub fn harmless_lines(lines: &[String]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| harmless(line)).collect();
    lines.join("\n")
}

/// Bytes as a person reads them: `12.3 MiB`.
#[expect(clippy::cast_precision_loss, reason = "it is shown with three digits")]
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB"] {
        if value < 1024.0 {
            return if unit == "B" {
                format!("{bytes} B")
            } else {
                format!("{value:.1} {unit}")
            };
        }
        value /= 1024.0;
    }
    format!("{value:.1} GiB")
}

/// Milliseconds as a person reads them: `1.8 ms`, `12.4 s`.
pub fn time(milliseconds: f64) -> String {
    if milliseconds < 1000.0 {
        format!("{milliseconds:.1} ms")
    } else {
        format!("{:.1} s", milliseconds / 1000.0)
    }
}

/// Whole milliseconds as a person reads them: `340 ms`, `1.2 s`, `3 min 07 s`.
pub fn elapsed(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..100_000 => format!("{}.{} s", ms / 1000, ms / 100 % 10),
        _ => format!("{} min {:02} s", ms / 60_000, ms / 1000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_by_is_short() {
        for (ms, expected) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1000, "1.0 s"),
            (75_390, "75.3 s"),
            (187_000, "3 min 07 s"),
        ] {
            assert_eq!(elapsed(ms), expected);
        }
    }

    #[test]
    fn sizes_and_times_are_readable() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (5 << 30, "5.0 GiB"),
            (3 << 20, "3.0 MiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
        assert_eq!(
            (time(1.84), time(12_440.0)),
            ("1.8 ms".to_owned(), "12.4 s".to_owned())
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
    }
}
