//! JSON as jq writes it.

use crate::number;
use jaq_json::{Map, Val};
use std::io::{Result, Write};

#[derive(Default)]
pub struct Form {
    /// What a level is indented by; none for one line.
    pub indent: Option<String>,
    pub sort_keys: bool,
    pub ascii: bool,
    pub color: bool,
}

const RESET: &str = "\x1b[0m";
const NULL: &str = "\x1b[1;30m";
const PLAIN: &str = "\x1b[0;39m";
const TEXT: &str = "\x1b[0;32m";
const KEY: &str = "\x1b[34;1m";
const AROUND: &str = "\x1b[1;39m";

pub fn value(out: &mut impl Write, form: &Form, value: &Val) -> Result<()> {
    Writer { out, form }.value(value, 0)
}

struct Writer<'a, W> {
    out: &'a mut W,
    form: &'a Form,
}

impl<W: Write> Writer<'_, W> {
    fn value(&mut self, value: &Val, depth: usize) -> Result<()> {
        match value {
            Val::Null => self.scalar(NULL, b"null"),
            Val::Bool(true) => self.scalar(PLAIN, b"true"),
            Val::Bool(false) => self.scalar(PLAIN, b"false"),
            Val::Num(number) => self.scalar(PLAIN, number::print(number).as_bytes()),
            Val::TStr(text) | Val::BStr(text) => {
                let quoted = self.quoted(text);
                self.scalar(TEXT, quoted.as_bytes())
            }
            Val::Arr(elements) => self.array(elements, depth),
            Val::Obj(members) => self.object(members, depth),
        }
    }

    fn array(&mut self, elements: &[Val], depth: usize) -> Result<()> {
        self.color(AROUND)?;
        if elements.is_empty() {
            self.out.write_all(b"[]")?;
            return self.color(RESET);
        }
        for (at, element) in elements.iter().enumerate() {
            if at > 0 {
                self.color(AROUND)?;
            }
            self.out.write_all(if at == 0 { b"[" } else { b"," })?;
            self.line(depth + 1)?;
            self.value(element, depth + 1)?;
        }
        self.close(b"]", depth)
    }

    fn object(&mut self, members: &Map, depth: usize) -> Result<()> {
        self.color(AROUND)?;
        if members.is_empty() {
            self.out.write_all(b"{}")?;
            return self.color(RESET);
        }
        let mut members: Vec<(&Val, &Val)> = members.iter().collect();
        if self.form.sort_keys {
            members.sort_by_key(|(key, _)| *key);
        }
        for (at, (key, value)) in members.into_iter().enumerate() {
            if at > 0 {
                self.color(AROUND)?;
            }
            self.out.write_all(if at == 0 { b"{" } else { b"," })?;
            self.line(depth + 1)?;
            self.color(RESET)?;
            let quoted = match key {
                Val::TStr(text) | Val::BStr(text) => self.quoted(text),
                _ => String::new(),
            };
            self.scalar(KEY, quoted.as_bytes())?;
            self.color(AROUND)?;
            let pretty = self.form.indent.is_some();
            self.out.write_all(if pretty { b": " } else { b":" })?;
            self.color(RESET)?;
            self.value(value, depth + 1)?;
        }
        self.close(b"}", depth)
    }

    fn close(&mut self, end: &[u8], depth: usize) -> Result<()> {
        self.color(AROUND)?;
        self.line(depth)?;
        self.color(AROUND)?;
        self.out.write_all(end)?;
        self.color(RESET)
    }

    fn scalar(&mut self, color: &str, text: &[u8]) -> Result<()> {
        self.color(color)?;
        self.out.write_all(text)?;
        self.color(RESET)
    }

    fn color(&mut self, color: &str) -> Result<()> {
        match self.form.color {
            true => self.out.write_all(color.as_bytes()),
            false => Ok(()),
        }
    }

    fn line(&mut self, depth: usize) -> Result<()> {
        let Some(indent) = &self.form.indent else {
            return Ok(());
        };
        self.out.write_all(b"\n")?;
        (0..depth).try_for_each(|_| self.out.write_all(indent.as_bytes()))
    }

    fn quoted(&self, text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text);
        let mut out = String::with_capacity(text.len() + 2);
        out.push('"');
        for character in text.chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                '\0'..='\u{1f}' | '\u{7f}' => escape(&mut out, character),
                _ if self.form.ascii && !character.is_ascii() => escape(&mut out, character),
                _ => out.push(character),
            }
        }
        out.push('"');
        out
    }
}

fn escape(out: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}
