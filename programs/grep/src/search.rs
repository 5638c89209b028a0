//! The search of one file, and what it prints.

use crate::expression::Expression;
use crate::options::{Binary, Mode, Options};
use crate::print::Printer;
use std::io;

/// Whether other files are still of interest.
pub enum Found {
    GoOn,
    Enough,
}

pub struct Search<'a> {
    options: &'a Options,
    expression: &'a Expression,
    printer: Printer<'a>,
    /// A line was selected in some file.
    pub selected: bool,
}

/// A line: where it begins, its bytes without their end, its number.
pub struct Line<'a> {
    pub offset: usize,
    pub bytes: &'a [u8],
    pub number: u64,
}

impl<'a> Search<'a> {
    pub fn new(options: &'a Options, expression: &'a Expression) -> Self {
        Self {
            options,
            expression,
            printer: Printer::new(options),
            selected: false,
        }
    }

    pub fn file(&mut self, label: &str, bytes: &[u8]) -> io::Result<Found> {
        let binary = self.is_binary(bytes);
        if binary && self.options.binary == Binary::Skip {
            return self.summary(label, 0);
        }
        let lines_wanted = self.options.mode == Mode::Lines && !self.options.quiet;
        let count = match lines_wanted && !binary {
            true => self.print_lines(label, bytes)?,
            false => self.count(bytes, binary && lines_wanted),
        };
        self.selected |= count > 0 && self.options.mode != Mode::WithoutMatch;
        if binary && lines_wanted && count > 0 {
            self.printer.binary(label)?;
        }
        if self.options.quiet && self.selected {
            return Ok(Found::Enough);
        }
        self.summary(label, count)
    }

    pub fn finish(&mut self) -> io::Result<()> {
        self.printer.flush()
    }

    fn summary(&mut self, label: &str, count: u64) -> io::Result<Found> {
        match self.options.mode {
            _ if self.options.quiet => {}
            Mode::Lines => {}
            Mode::Count => self.printer.count(label, count)?,
            Mode::WithMatch if count > 0 => self.printer.name(label)?,
            Mode::WithoutMatch if count == 0 => {
                self.selected = true;
                self.printer.name(label)?;
            }
            Mode::WithMatch | Mode::WithoutMatch => {}
        }
        Ok(Found::GoOn)
    }

    fn count(&self, bytes: &[u8], first_only: bool) -> u64 {
        let names = matches!(self.options.mode, Mode::WithMatch | Mode::WithoutMatch);
        let one = first_only || names || self.options.quiet;
        let maximum = self
            .options
            .maximum
            .unwrap_or(u64::MAX)
            .min(if one { 1 } else { u64::MAX });
        let lines = lines(bytes, self.end()).filter(|line| self.selects(line.bytes));
        (0..maximum).zip(lines).count() as u64
    }

    fn print_lines(&mut self, label: &str, bytes: &[u8]) -> io::Result<u64> {
        let maximum = self.options.maximum.unwrap_or(u64::MAX);
        let context = !self.options.only_matching;
        let (before, after) = match context {
            true => (self.options.before, self.options.after),
            false => (0, 0),
        };
        let mut earlier: std::collections::VecDeque<Line<'_>> = std::collections::VecDeque::new();
        let (mut count, mut follow) = (0, 0);
        let mut last_printed = None;
        for line in lines(bytes, self.end()) {
            if count >= maximum && follow == 0 {
                break;
            }
            if count < maximum && self.selects(line.bytes) {
                count += 1;
                let first = earlier.front().map_or(line.number, |line| line.number);
                self.printer.group(
                    first,
                    last_printed,
                    self.options.before + self.options.after > 0,
                )?;
                for line in earlier.drain(..) {
                    self.printer.context(label, &line)?;
                }
                self.printer.selected(label, &line, self.expression)?;
                last_printed = Some(line.number);
                follow = after;
            } else if follow > 0 {
                self.printer.context(label, &line)?;
                last_printed = Some(line.number);
                follow -= 1;
            } else if before > 0 {
                if earlier.len() == before {
                    earlier.pop_front();
                }
                earlier.push_back(line);
            }
        }
        Ok(count)
    }

    fn selects(&self, line: &[u8]) -> bool {
        self.expression.find(line, 0).is_some() != self.options.invert
    }

    fn end(&self) -> u8 {
        if self.options.null_data { 0 } else { b'\n' }
    }

    fn is_binary(&self, bytes: &[u8]) -> bool {
        let text = self.options.binary == Binary::Text || self.options.null_data;
        !text && (bytes.contains(&0) || std::str::from_utf8(bytes).is_err())
    }
}

/// The lines of a file. The last one may lack its end.
fn lines(bytes: &[u8], end: u8) -> impl Iterator<Item = Line<'_>> {
    let mut offset = 0;
    let mut number = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(offset..).filter(|rest| !rest.is_empty())?;
        let length = rest
            .iter()
            .position(|byte| *byte == end)
            .unwrap_or(rest.len());
        number += 1;
        let line = Line {
            offset,
            bytes: rest.get(..length)?,
            number,
        };
        offset += length + 1;
        Some(line)
    })
}
