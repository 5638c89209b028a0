//! JSON as jq reads it: one text behind the other, and where each ended.

use crate::number;
use hifijson::escape::Lex as _;
use hifijson::num::LexWrite as _;
use hifijson::str::LexWrite as _;
use hifijson::token::{Expect, Lex as _};
use hifijson::{Read as _, SliceLexer, escape, num, str};
use jaq_json::{Map, Num, Val};

/// Deeper ones are refused: the stack has an end.
const DEPTH_MAX: usize = 1000;

pub struct Reader<'a> {
    all: &'a [u8],
    lexer: SliceLexer<'a>,
}

enum Fault {
    Json(hifijson::Error),
    Depth,
    Key,
}

impl<'a> Reader<'a> {
    pub fn new(all: &'a [u8]) -> Self {
        let start = all.strip_prefix(b"\xef\xbb\xbf").unwrap_or(all);
        Self {
            all,
            lexer: SliceLexer::new(start),
        }
    }

    /// The byte behind the last text that was read.
    pub fn offset(&self) -> usize {
        self.all.len() - self.lexer.as_slice().len()
    }

    fn message(&self, fault: &Fault) -> String {
        let what = match fault {
            Fault::Depth | Fault::Json(hifijson::Error::Depth) => "Exceeds depth limit for parsing",
            Fault::Key => "Object keys must be strings",
            Fault::Json(_) if self.lexer.as_slice().is_empty() => "Unfinished JSON term",
            Fault::Json(hifijson::Error::Num(_)) => "Invalid numeric literal",
            Fault::Json(hifijson::Error::Str(_)) => "Invalid string",
            Fault::Json(hifijson::Error::Token(expected)) => match expected {
                Expect::Colon => "Objects must consist of key:value pairs",
                Expect::CommaOrEnd => "Expected separator between values",
                Expect::Eof => "Unexpected extra JSON values",
                Expect::String => "Object keys must be strings",
                Expect::Value | Expect::ValueOrEnd => "Invalid literal",
            },
        };
        let read = self.all.get(..self.offset()).unwrap_or_default();
        let line = read.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = read.iter().rev().take_while(|byte| **byte != b'\n').count();
        let end = if self.lexer.as_slice().is_empty() {
            " at EOF"
        } else {
            ""
        };
        format!("{what}{end} at line {line}, column {column}")
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<Val, String>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.lexer.ws_peek()?;
        let value = parse(next, &mut self.lexer, 0);
        Some(value.map_err(|fault| self.message(&fault)))
    }
}

/// Exactly one text.
pub fn single(text: &[u8]) -> Result<Val, String> {
    let mut reader = Reader::new(text);
    let value = reader
        .next()
        .unwrap_or_else(|| Err("Expected JSON value".to_owned()))?;
    match reader.next() {
        None => Ok(value),
        Some(Ok(_)) => Err("Unexpected extra JSON values".to_owned()),
        Some(Err(error)) => Err(error),
    }
}

fn parse(next: u8, lexer: &mut SliceLexer<'_>, depth: usize) -> Result<Val, Fault> {
    if depth > DEPTH_MAX {
        return Err(Fault::Depth);
    }
    Ok(match next {
        b'n' if lexer.strip_prefix(b"null") => Val::Null,
        b't' if lexer.strip_prefix(b"true") => Val::Bool(true),
        b'f' if lexer.strip_prefix(b"false") => Val::Bool(false),
        b'n' if lexer.strip_prefix(b"nan") => Val::Num(Num::Float(f64::NAN)),
        b'N' if lexer.strip_prefix(b"NaN") => Val::Num(Num::Float(f64::NAN)),
        b'0'..=b'9' | b'-' => {
            let (text, _) = lexer
                .num_string_with(num::Num::signed_digits())
                .validated()
                .map_err(hifijson::Error::Num)?;
            number::literal(text)
        }
        b'"' => Val::utf8_str(string(lexer)?),
        b'[' => {
            let mut elements = Vec::new();
            lexer
                .discarded()
                .seq(b']', SliceLexer::ws_peek, |next, lexer| {
                    elements.push(parse(next, lexer, depth + 1)?);
                    Ok::<_, Fault>(())
                })?;
            elements.into_iter().collect()
        }
        b'{' => {
            let mut members = Map::default();
            lexer
                .discarded()
                .seq(b'}', SliceLexer::ws_peek, |next, lexer| {
                    if next != b'"' {
                        return Err(Fault::Key);
                    }
                    let key = Val::utf8_str(string(lexer)?);
                    lexer
                        .expect(SliceLexer::ws_peek, b':')
                        .ok_or(Expect::Colon)?;
                    let next = lexer.ws_peek().ok_or(Expect::Value)?;
                    members.insert(key, parse(next, lexer, depth + 1)?);
                    Ok::<_, Fault>(())
                })?;
            Val::obj(members)
        }
        _ => return Err(Expect::Value.into()),
    })
}

/// What is no UTF-8 is replaced.
fn string(lexer: &mut SliceLexer<'_>) -> Result<String, Fault> {
    let on_string = |bytes: &mut &[u8], out: &mut Vec<u8>| {
        out.extend_from_slice(bytes);
        Ok(())
    };
    let text = lexer
        .discarded()
        .str_fold(Vec::new(), on_string, |lexer, out| {
            let kind = lexer.take_next().ok_or(escape::Error::Eof)?;
            let character = match lexer.escape(kind) {
                // Half of a character.
                Err(escape::Error::InvalidChar(_) | escape::Error::ExpectedLowSurrogate) => {
                    '\u{fffd}'
                }
                character => character?,
            };
            out.extend(character.encode_utf8(&mut [0; 4]).as_bytes());
            Ok(())
        });
    let text: Vec<u8> = text.map_err(|error: str::Error| hifijson::Error::Str(error))?;
    Ok(String::from_utf8(text)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

impl From<hifijson::Error> for Fault {
    fn from(error: hifijson::Error) -> Self {
        Self::Json(error)
    }
}

impl From<Expect> for Fault {
    fn from(expected: Expect) -> Self {
        Self::Json(hifijson::Error::Token(expected))
    }
}
