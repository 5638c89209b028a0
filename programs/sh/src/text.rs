//! Text and bytes, escapes and quotes.
//!
//! Variables are Rust strings. A byte that is not UTF-8 is kept as a character of a private plane, so that what was read
//! is written again byte by byte.

use std::borrow::Cow;

const RAW: u32 = 0x10_FF00;

/// Bytes as text; NUL is dropped, as bash does.
pub fn decode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        if chunk.valid().contains('\0') {
            text.extend(chunk.valid().chars().filter(|c| *c != '\0'));
        } else {
            text.push_str(chunk.valid());
        }
        text.extend(chunk.invalid().iter().filter_map(|byte| raw(*byte)));
    }
    text
}

pub fn encode(text: &str) -> Cow<'_, [u8]> {
    if !text.contains(is_raw) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for character in text.chars() {
        if is_raw(character) {
            bytes.push((character as u32 & 0xff) as u8);
        } else {
            bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
        }
    }
    Cow::Owned(bytes)
}

fn raw(byte: u8) -> Option<char> {
    char::from_u32(RAW + u32::from(byte))
}

fn is_raw(character: char) -> bool {
    (RAW + 0x80..=RAW + 0xff).contains(&(character as u32))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// `$'…'`
    Quoted,
    /// `echo -e` and `%b`: octal begins with 0.
    Echo,
    /// The format of `printf`.
    Format,
}

pub struct Unescaped {
    pub text: String,
    /// `\c` was met: nothing more is to be written.
    pub stopped: bool,
}

/// Replaces `\n` and its like. Bytes above 127 that are written as numbers are put together to UTF-8 where they can be.
pub fn unescape(source: &str, escapes: Escapes) -> Unescaped {
    let mut bytes = Vec::with_capacity(source.len());
    let mut characters = source.chars().peekable();
    let mut buffer = [0; 4];
    let mut stopped = false;
    while let Some(character) = characters.next() {
        if character != '\\' {
            bytes.extend_from_slice(&encode(character.encode_utf8(&mut buffer)));
            continue;
        }
        let Some(escape) = characters.next() else {
            bytes.push(b'\\');
            break;
        };
        let simple = match escape {
            'a' => Some(7),
            'b' => Some(8),
            'e' | 'E' => Some(27),
            'f' => Some(12),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(11),
            '\\' => Some(b'\\'),
            '\'' | '"' | '?' if escapes != Escapes::Echo => u8::try_from(escape).ok(),
            _ => None,
        };
        if let Some(byte) = simple {
            bytes.push(byte);
            continue;
        }
        match escape {
            'c' if escapes != Escapes::Quoted => {
                stopped = true;
                break;
            }
            'c' => {
                if let Some(control) = characters.next() {
                    bytes.push((control.to_ascii_uppercase() as u32 as u8) ^ 0x40);
                }
            }
            'x' => match number(&mut characters, 16, 2) {
                Some(value) => bytes.push(value as u8),
                None => bytes.extend_from_slice(b"\\x"),
            },
            'u' | 'U' => {
                let digits = if escape == 'u' { 4 } else { 8 };
                match number(&mut characters, 16, digits) {
                    Some(value) => {
                        let character =
                            char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
                        bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
                    }
                    None => bytes.extend_from_slice(&[b'\\', escape as u8]),
                }
            }
            '0' if escapes == Escapes::Echo => {
                bytes.push(number(&mut characters, 8, 3).unwrap_or(0) as u8);
            }
            '0'..='7' if escapes != Escapes::Echo => {
                let first = escape.to_digit(8).unwrap_or(0);
                let mut value = first;
                for _ in 0..2 {
                    let Some(digit) = characters.peek().and_then(|c| c.to_digit(8)) else {
                        break;
                    };
                    value = value * 8 + digit;
                    characters.next();
                }
                bytes.push(value as u8);
            }
            _ => {
                bytes.push(b'\\');
                bytes.extend_from_slice(&encode(escape.encode_utf8(&mut buffer)));
            }
        }
    }
    let text = match escapes {
        // A NUL ends the string in `$'…'`; elsewhere it is written.
        Escapes::Quoted => {
            let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
            decode(bytes.get(..end).unwrap_or_default())
        }
        _ => decode_with_nul(&bytes),
    };
    Unescaped { text, stopped }
}

/// For what is written at once and not kept in a variable.
fn decode_with_nul(bytes: &[u8]) -> String {
    let pieces: Vec<String> = bytes.split(|b| *b == 0).map(decode).collect();
    pieces.join("\0")
}

fn number(
    characters: &mut std::iter::Peekable<std::str::Chars<'_>>,
    radix: u32,
    digits: usize,
) -> Option<u32> {
    let mut value = None;
    for _ in 0..digits {
        let Some(digit) = characters.peek().and_then(|c| c.to_digit(radix)) else {
            break;
        };
        value = Some(value.unwrap_or(0_u32).wrapping_mul(radix) + digit);
        characters.next();
    }
    value
}

/// Must it be quoted to be read as it is?
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| {
            c.is_ascii_alphanumeric()
                || "%+,-./:=@_^".contains(c)
                || c > '\u{a0}' && !c.is_control() && !is_raw(c)
        })
}

/// As `printf %q` does.
pub fn quote_backslash(text: &str) -> String {
    if text.is_empty() {
        return "''".to_owned();
    }
    if needs_ansi(text) {
        return quote_ansi(text);
    }
    let mut quoted = String::with_capacity(text.len() + 8);
    for (at, character) in text.chars().enumerate() {
        let special = matches!(
            character,
            ' ' | '!'
                | '"'
                | '\''
                | '$'
                | '&'
                | '('
                | ')'
                | '*'
                | ','
                | ';'
                | '<'
                | '>'
                | '?'
                | '['
                | '\\'
                | ']'
                | '^'
                | '`'
                | '{'
                | '|'
                | '}'
        ) || at == 0 && matches!(character, '~' | '#');
        if special {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// As `${x@Q}` does.
pub fn quote_single(text: &str) -> String {
    if needs_ansi(text) {
        quote_ansi(text)
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// As `set -x` and `alias` do: only what needs it.
pub fn quote_if_needed(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quote_single(text)
    }
}

/// As `declare -p` does.
pub fn quote_double(text: &str) -> String {
    if needs_ansi(text) {
        return quote_ansi(text);
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '$' | '\\' | '`') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

fn needs_ansi(text: &str) -> bool {
    text.chars().any(|c| c.is_control() || is_raw(c))
}

fn quote_ansi(text: &str) -> String {
    let mut quoted = "$'".to_owned();
    for character in text.chars() {
        match character {
            '\'' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            '\u{1b}' => quoted.push_str("\\E"),
            _ if is_raw(character) || character.is_control() => {
                quoted.push_str(&format!("\\{:03o}", character as u32 & 0xff));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('\'');
    quoted
}
