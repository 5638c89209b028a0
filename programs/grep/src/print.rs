//! What is printed, in GNU's form and colours.

use crate::expression::Expression;
use crate::options::Options;
use crate::search::Line;
use std::io::{self, BufWriter, Stdout, Write};

pub struct Printer<'a> {
    options: &'a Options,
    names: bool,
    out: BufWriter<Stdout>,
    /// Something was printed, so a group that follows is set apart.
    any: bool,
}

const NAME: &str = "35";
const NUMBER: &str = "32";
const SEPARATOR: &str = "36";
const MATCH: &str = "01;31";

impl<'a> Printer<'a> {
    pub fn new(options: &'a Options) -> Self {
        let several = options.files.len() > 1 || folder_given(options);
        let out = BufWriter::with_capacity(1 << 16, io::stdout());
        Self {
            options,
            names: options.names.unwrap_or(several),
            out,
            any: false,
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    pub fn binary(&mut self, label: &str) -> io::Result<()> {
        self.out.flush()?;
        eprintln!("grep: {label}: binary file matches");
        Ok(())
    }

    pub fn count(&mut self, label: &str, count: u64) -> io::Result<()> {
        if self.names {
            self.name_then(label, ":")?;
        }
        writeln!(self.out, "{count}")
    }

    pub fn name(&mut self, label: &str) -> io::Result<()> {
        self.painted(NAME, label.as_bytes())?;
        self.out
            .write_all(if self.options.null { b"\0" } else { b"\n" })
    }

    /// Sets a group of lines apart from the one before it.
    pub fn group(&mut self, first: u64, last: Option<u64>, context: bool) -> io::Result<()> {
        let adjacent = last.is_some_and(|last| last + 1 >= first);
        if let Some(separator) = &self.options.separator
            && context
            && self.any
            && !adjacent
        {
            let separator = separator.clone();
            self.painted(SEPARATOR, separator.as_bytes())?;
            self.out.write_all(b"\n")?;
        }
        self.any = true;
        Ok(())
    }

    pub fn context(&mut self, label: &str, line: &Line<'_>) -> io::Result<()> {
        self.prefix(label, line, 0, "-")?;
        self.out.write_all(line.bytes)?;
        self.end()
    }

    pub fn selected(
        &mut self,
        label: &str,
        line: &Line<'_>,
        expression: &Expression,
    ) -> io::Result<()> {
        if self.options.only_matching {
            if self.options.invert {
                return Ok(());
            }
            return each_match(expression, line.bytes, |from, to| {
                self.prefix(label, line, from, ":")?;
                self.painted(MATCH, line.bytes.get(from..to).unwrap_or_default())?;
                self.end()
            });
        }
        self.prefix(label, line, 0, ":")?;
        if !self.options.color || self.options.invert {
            self.out.write_all(line.bytes)?;
            return self.end();
        }
        let mut done = 0;
        each_match(expression, line.bytes, |from, to| {
            self.out
                .write_all(line.bytes.get(done..from).unwrap_or_default())?;
            self.painted(MATCH, line.bytes.get(from..to).unwrap_or_default())?;
            done = to;
            Ok(())
        })?;
        self.out
            .write_all(line.bytes.get(done..).unwrap_or_default())?;
        self.end()
    }

    fn prefix(
        &mut self,
        label: &str,
        line: &Line<'_>,
        within: usize,
        separator: &str,
    ) -> io::Result<()> {
        if self.names {
            self.name_then(label, separator)?;
        }
        if self.options.number {
            self.painted(NUMBER, line.number.to_string().as_bytes())?;
            self.painted(SEPARATOR, separator.as_bytes())?;
        }
        if self.options.offset {
            self.painted(NUMBER, (line.offset + within).to_string().as_bytes())?;
            self.painted(SEPARATOR, separator.as_bytes())?;
        }
        if self.options.initial_tab && (self.names || self.options.number || self.options.offset) {
            self.out.write_all(b"\t")?;
        }
        Ok(())
    }

    fn name_then(&mut self, label: &str, separator: &str) -> io::Result<()> {
        self.painted(NAME, label.as_bytes())?;
        match self.options.null {
            true => self.out.write_all(b"\0"),
            false => self.painted(SEPARATOR, separator.as_bytes()),
        }
    }

    fn painted(&mut self, color: &str, bytes: &[u8]) -> io::Result<()> {
        if !self.options.color {
            return self.out.write_all(bytes);
        }
        write!(self.out, "\x1b[{color}m\x1b[K")?;
        self.out.write_all(bytes)?;
        self.out.write_all(b"\x1b[m\x1b[K")
    }

    fn end(&mut self) -> io::Result<()> {
        self.out
            .write_all(if self.options.null_data { b"\0" } else { b"\n" })
    }
}

/// Matches that are not empty, none within another.
fn each_match(
    expression: &Expression,
    line: &[u8],
    mut back: impl FnMut(usize, usize) -> io::Result<()>,
) -> io::Result<()> {
    let mut at = 0;
    while at <= line.len() {
        let Some((from, to)) = expression.find(line, at) else {
            break;
        };
        if to > from {
            back(from, to)?;
            at = to;
        } else {
            at = to + 1;
            while at < line.len() && line.get(at).is_some_and(|byte| byte & 0xC0 == 0x80) {
                at += 1;
            }
        }
    }
    Ok(())
}

fn folder_given(options: &Options) -> bool {
    let names = |file: &String| std::fs::metadata(file).is_ok_and(|found| found.is_dir());
    let files = options.files.is_empty() || options.files.iter().any(names);
    options.recursive && files
}
