//! A script at work.

use crate::input::{Input, Line};
use crate::options::Options;
use crate::output::{Edited, Output};
use crate::syntax::{Action, Address, Command, End, Pattern, Script, Substitution};
use crate::{Failed, shell};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::rc::Rc;

/// Where a range is.
#[derive(Clone, Copy)]
enum Range {
    Closed,
    /// Until that line, or until its expression matches.
    Open(Option<usize>),
}

/// What is put out before the next line.
enum Queued {
    Text(String),
    File(String),
    Line(Vec<u8>),
}

/// How a cycle goes on.
enum Then {
    End,
    /// Without the line being put out.
    Delete,
    /// Again, without another line.
    Restart,
    Quit(i32),
}

pub struct Machine<'a> {
    script: &'a Script,
    options: &'a Options,
    input: Input,
    output: Output,
    edited: Option<Edited>,
    files: Vec<Output>,
    readers: HashMap<String, Option<BufReader<File>>>,
    ranges: Vec<Range>,
    last_pattern: Pattern,
    line: Vec<u8>,
    ended: bool,
    hold: Vec<u8>,
    number: usize,
    changed: bool,
    queue: Vec<Queued>,
    separator: u8,
}

pub type Run<T> = Result<T, Failed>;

impl<'a> Machine<'a> {
    pub fn new(script: &'a Script, options: &'a Options) -> Run<Self> {
        let separator = match options.null_data {
            true => 0,
            false => b'\n',
        };
        let mut files = Vec::new();
        for name in &script.files {
            let opened = Output::named(name);
            files.push(opened.map_err(|error| {
                Failed::new(
                    4,
                    format!(
                        "couldn't open file {name}: {}",
                        swarm_flow_posix::reason(&error)
                    ),
                )
            })?);
        }
        let mut machine = Self {
            script,
            options,
            input: Input::new(&options.files, separator, options.in_place.is_some()),
            output: Output::new(io::stdout(), options.unbuffered),
            edited: None,
            files,
            readers: HashMap::new(),
            ranges: Vec::new(),
            last_pattern: None,
            line: Vec::new(),
            ended: true,
            hold: Vec::new(),
            number: 0,
            changed: false,
            queue: Vec::new(),
            separator,
        };
        machine.reset();
        Ok(machine)
    }

    /// The exit code.
    pub fn run(mut self) -> Run<i32> {
        let mut code = 0;
        let mut more = self.read()?;
        while more {
            let then = self.cycle()?;
            if !matches!(then, Then::Delete | Then::Restart) && !self.options.quiet {
                self.print()?;
            }
            self.put_queue()?;
            match then {
                Then::Quit(quit) => {
                    code = quit;
                    // The rest of a file that is edited stays as it is.
                    if self.edited.is_some() {
                        while let Some(line) = self.input.next() {
                            self.output.line(&line.bytes, self.separator, line.ended)?;
                        }
                    }
                    break;
                }
                Then::Restart => {}
                Then::End | Then::Delete => more = self.read()?,
            }
        }
        self.close_edited()?;
        self.output.flush()?;
        self.files.iter_mut().try_for_each(Output::flush)?;
        Ok(match code {
            0 => self.input.failed,
            code => code,
        })
    }

    fn reset(&mut self) {
        self.number = 0;
        self.hold.clear();
        self.ranges = vec![Range::Closed; self.script.ranges];
        let open = self.script.commands.iter().filter(|command| command.open);
        for command in open {
            if let Some(range) = self.ranges.get_mut(command.range) {
                *range = Range::Open(None);
            }
        }
    }

    /// The next line into the pattern space; false if there is none.
    fn read(&mut self) -> Run<bool> {
        let Some(line) = self.next_line()? else {
            return Ok(false);
        };
        self.line = line.bytes;
        self.ended = line.ended;
        Ok(true)
    }

    fn next_line(&mut self) -> Run<Option<Line>> {
        loop {
            if let Some(line) = self.input.next() {
                self.number += 1;
                self.changed = false;
                return Ok(Some(line));
            }
            self.close_edited()?;
            if !self.input.open_next() {
                return Ok(None);
            }
            if self.options.separate {
                self.reset();
            }
            if self.options.in_place.is_some() && self.input.name() != "-" {
                let name = self.input.name();
                let (edited, output) = Edited::begin(name).map_err(|error| {
                    let why = swarm_flow_posix::reason(&error);
                    Failed::new(4, format!("couldn't open temporary file for {name}: {why}"))
                })?;
                self.output.flush()?;
                self.output = output;
                self.edited = Some(edited);
            }
        }
    }

    fn close_edited(&mut self) -> Run<()> {
        let Some(edited) = self.edited.take() else {
            return Ok(());
        };
        self.output.flush()?;
        self.output = Output::new(io::stdout(), self.options.unbuffered);
        let suffix = self.options.in_place.as_deref().unwrap_or_default();
        edited.end(suffix).map_err(|error| {
            Failed::new(
                4,
                format!("cannot rename: {}", swarm_flow_posix::reason(&error)),
            )
        })
    }

    fn is_last(&mut self) -> bool {
        while self.input.at_end() {
            // A file that is edited ends for itself.
            if self.options.separate || !self.input.open_next() {
                return true;
            }
        }
        false
    }

    fn cycle(&mut self) -> Run<Then> {
        let script = self.script;
        let mut at = 0;
        while let Some(command) = script.commands.get(at) {
            at += 1;
            if self.selects(command)? == command.negated {
                if let Action::Block(end) = command.action {
                    at = end;
                }
                continue;
            }
            match &command.action {
                Action::Branch(to) => at = *to,
                Action::BranchIfChanged(to) => {
                    if std::mem::take(&mut self.changed) {
                        at = *to;
                    }
                }
                Action::BranchUnlessChanged(to) => {
                    if !std::mem::take(&mut self.changed) {
                        at = *to;
                    }
                }
                action => {
                    if let Some(then) = self.act(action, command)? {
                        return Ok(then);
                    }
                }
            }
        }
        Ok(Then::End)
    }

    fn act(&mut self, action: &Action, command: &Command) -> Run<Option<Then>> {
        match action {
            Action::LineNumber => self.output.text(format!("{}\n", self.number).as_bytes())?,
            Action::Append(text) => self.queue.push(Queued::Text(text.clone())),
            Action::Insert(text) => self.output.text(text.as_bytes())?,
            Action::Change(text) => {
                let within = command.end.is_some() && !command.negated;
                let goes_on = within && matches!(self.range(command), Range::Open(_));
                if !goes_on || self.is_last() {
                    self.output.text(text.as_bytes())?;
                }
                return Ok(Some(Then::Delete));
            }
            Action::Delete => return Ok(Some(Then::Delete)),
            Action::DeleteFirst => {
                return Ok(Some(match self.first_end() {
                    None => Then::Delete,
                    Some(end) => {
                        self.line.drain(..=end);
                        Then::Restart
                    }
                }));
            }
            Action::Execute(text) => self.execute(text)?,
            Action::FileName => {
                let name = format!("{}\n", self.input.name());
                self.output.text(name.as_bytes())?;
            }
            Action::Get => self.line.clone_from(&self.hold),
            Action::GetAppend => {
                self.line.push(self.separator);
                self.line.extend(&self.hold);
            }
            Action::Hold => self.hold.clone_from(&self.line),
            Action::HoldAppend => {
                self.hold.push(self.separator);
                self.hold.extend(&self.line);
            }
            Action::Exchange => std::mem::swap(&mut self.hold, &mut self.line),
            Action::List(width) => {
                let width = width.unwrap_or(self.options.line_width);
                let text = crate::list::shown(&self.line, width);
                self.output.text(text.as_bytes())?;
            }
            Action::Next => {
                if self.is_last() {
                    return Ok(Some(Then::Quit(0)));
                }
                if !self.options.quiet {
                    self.print()?;
                }
                self.put_queue()?;
                let changed = self.changed;
                self.read()?;
                self.changed = changed;
            }
            Action::NextAppend => {
                if self.is_last() {
                    return Ok(Some(Then::Quit(0)));
                }
                self.put_queue()?;
                let changed = self.changed;
                if let Some(line) = self.next_line()? {
                    self.line.push(self.separator);
                    self.line.extend(line.bytes);
                    self.ended = line.ended;
                }
                self.changed = changed;
            }
            Action::Print => self.print()?,
            Action::PrintFirst => {
                let end = self.first_end().unwrap_or(self.line.len());
                let first = self.line.get(..end).unwrap_or_default();
                self.output.line(first, self.separator, true)?;
            }
            Action::Quit(code) => return Ok(Some(Then::Quit(*code))),
            Action::QuitSilently(code) => {
                self.output.flush()?;
                self.close_edited()?;
                return Err(Failed::new(*code, String::new()));
            }
            Action::ReadFile(name) => self.queue.push(Queued::File(name.clone())),
            Action::ReadLine(name) => self.queue_line(name),
            Action::Substitute(substitution) => self.substitute(substitution)?,
            Action::Write(file) => self.write(*file, self.line.len())?,
            Action::WriteFirst(file) => {
                self.write(*file, self.first_end().unwrap_or(self.line.len()))?;
            }
            Action::Translate(pairs) => self.translate(pairs),
            Action::Clear => self.line.clear(),
            Action::Block(_)
            | Action::BlockEnd
            | Action::Nothing
            | Action::Branch(_)
            | Action::BranchIfChanged(_)
            | Action::BranchUnlessChanged(_) => {}
        }
        Ok(None)
    }

    fn print(&mut self) -> Run<()> {
        self.output.line(&self.line, self.separator, self.ended)?;
        Ok(())
    }

    fn first_end(&self) -> Option<usize> {
        self.line.iter().position(|byte| *byte == self.separator)
    }

    fn write(&mut self, file: usize, length: usize) -> Run<()> {
        // Both are the same place, and one waits in a buffer.
        self.output.flush()?;
        let bytes = self.line.get(..length).unwrap_or_default();
        let ended = self.ended || length < self.line.len();
        if let Some(file) = self.files.get_mut(file) {
            file.line(bytes, self.separator, ended)?;
        }
        Ok(())
    }

    fn queue_line(&mut self, name: &str) {
        let reader = self
            .readers
            .entry(name.to_owned())
            .or_insert_with(|| File::open(name).ok().map(BufReader::new));
        let mut line = Vec::new();
        if let Some(reader) = reader {
            // A file that cannot be read has no more lines.
            let read = reader.read_until(self.separator, &mut line);
            if read.is_ok_and(|read| read > 0) {
                if line.last() == Some(&self.separator) {
                    line.pop();
                }
                self.queue.push(Queued::Line(line));
            }
        }
    }

    fn put_queue(&mut self) -> Run<()> {
        for queued in std::mem::take(&mut self.queue) {
            match queued {
                Queued::Text(text) => self.output.text(text.as_bytes())?,
                Queued::Line(line) => self.output.line(&line, self.separator, true)?,
                Queued::File(name) => {
                    let bytes = match name.as_str() {
                        "/dev/stdin" | "-" => {
                            let mut bytes = Vec::new();
                            // As a file that is not there: nothing.
                            _ = io::Read::read_to_end(&mut io::stdin(), &mut bytes);
                            Some(bytes)
                        }
                        name => std::fs::read(name).ok(),
                    };
                    if let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) {
                        self.output.text(&bytes)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn execute(&mut self, command: &str) -> Run<()> {
        self.output.flush()?;
        if command.is_empty() {
            let command = String::from_utf8_lossy(&self.line).into_owned();
            let mut output = shell::output(&command)?;
            if output.last() == Some(&self.separator) {
                output.pop();
            }
            self.line = output;
        } else {
            let output = shell::output(command)?;
            self.output.text(&output)?;
        }
        Ok(())
    }

    fn translate(&mut self, pairs: &[(char, char)]) {
        let text = String::from_utf8_lossy(&self.line);
        let letter = |letter: char| {
            let pair = pairs.iter().find(|(from, _)| *from == letter);
            pair.map_or(letter, |(_, to)| *to)
        };
        self.line = text.chars().map(letter).collect::<String>().into_bytes();
    }

    fn pattern(&mut self, pattern: &Pattern) -> Run<Rc<crate::expression::Expression>> {
        if pattern.is_some() {
            self.last_pattern.clone_from(pattern);
        }
        let none = || Failed::new(1, "no previous regular expression".to_owned());
        self.last_pattern.clone().ok_or_else(none)
    }

    fn substitute(&mut self, substitution: &Substitution) -> Run<()> {
        let pattern = self.pattern(&substitution.pattern)?;
        let mut out = Vec::new();
        let (mut copied, mut from, mut count) = (0, 0, 0);
        let mut replaced = false;
        while let Some(groups) = pattern.find(&self.line, from) {
            let Some((start, end)) = groups.first().copied().flatten() else {
                break;
            };
            // Nothing right behind a match is not another match.
            let empty_behind = start == end && start == copied && count > 0 && from == start;
            if !empty_behind {
                count += 1;
                if count >= substitution.number.max(1) {
                    out.extend(self.line.get(copied..start).unwrap_or_default());
                    substitution.replacement.put(&self.line, &groups, &mut out);
                    copied = end;
                    replaced = true;
                    if !substitution.all {
                        break;
                    }
                } else {
                    out.extend(self.line.get(copied..end).unwrap_or_default());
                    copied = end;
                }
            }
            from = match start == end {
                // To the next letter.
                true => end + letter_length(self.line.get(end..).unwrap_or_default()),
                false => end,
            };
            if from > self.line.len() {
                break;
            }
        }
        if !replaced {
            return Ok(());
        }
        out.extend(self.line.get(copied..).unwrap_or_default());
        self.line = out;
        self.changed = true;
        if substitution.execute {
            self.execute("")?;
        }
        for _ in 0..substitution.print {
            self.print()?;
        }
        match substitution.file {
            Some(file) => self.write(file, self.line.len()),
            None => Ok(()),
        }
    }

    fn range(&self, command: &Command) -> Range {
        let range = self.ranges.get(command.range);
        range.copied().unwrap_or(Range::Closed)
    }

    fn set_range(&mut self, command: &Command, to: Range) {
        if let Some(range) = self.ranges.get_mut(command.range) {
            *range = to;
        }
    }

    fn selects(&mut self, command: &Command) -> Run<bool> {
        let Some(first) = &command.first else {
            return Ok(true);
        };
        let Some(end) = &command.end else {
            return self.matches(first);
        };
        if let Range::Open(until) = self.range(command) {
            let number = self.number;
            let (inside, over) = match (end, until) {
                (End::Matching(pattern), _) => {
                    let pattern = self.pattern(pattern)?;
                    (true, pattern.is_match(&self.line))
                }
                (End::Last, _) => (true, self.is_last()),
                (_, Some(until)) => (number <= until, number >= until),
                (_, None) => (true, true),
            };
            if over {
                self.set_range(command, Range::Closed);
            }
            if inside {
                return Ok(true);
            }
        }
        if !self.matches(first)? {
            return Ok(false);
        }
        let number = self.number;
        let until = match end {
            End::Line(line) => Some(*line),
            End::After(count) => Some(number + count),
            End::Multiple(0) => Some(number),
            End::Multiple(multiple) => Some(number.div_ceil(*multiple) * multiple),
            End::Last | End::Matching(_) => None,
        };
        if until.is_none_or(|until| until > number) {
            self.set_range(command, Range::Open(until));
        }
        Ok(true)
    }

    fn matches(&mut self, address: &Address) -> Run<bool> {
        Ok(match address {
            Address::Line(line) => self.number == *line,
            Address::Last => self.is_last(),
            Address::Matching(pattern) => self.pattern(pattern)?.is_match(&self.line),
            Address::Step(first, 0) => self.number == *first,
            Address::Step(first, step) => {
                self.number >= *first && (self.number - first).is_multiple_of(*step)
            }
        })
    }
}

/// Of the first letter, in bytes.
fn letter_length(text: &[u8]) -> usize {
    let head = text.get(..text.len().min(4)).unwrap_or_default();
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => {
            let valid = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
    };
    valid.chars().next().map_or(1, char::len_utf8)
}

/// What is written at once can have no reader any more.
pub fn say(text: &str) {
    _ = writeln!(io::stderr(), "sed: {text}");
}
