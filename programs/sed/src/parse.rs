//! Scripts, read.

use crate::Failed;
use crate::expression::{Expression, Flags};
use crate::replacement::Replacement;
use crate::syntax::{Action, Address, Command, End, Pattern, Script, Substitution};
use std::collections::HashMap;
use std::rc::Rc;
use swarm_flow_posix::pattern::Syntax;

pub fn parse(source: &str, syntax: Syntax) -> Result<Script, Failed> {
    let mut parser = Parser {
        input: source.chars().collect(),
        at: 0,
        syntax,
        commands: Vec::new(),
        files: Vec::new(),
        ranges: 0,
        blocks: Vec::new(),
        labels: HashMap::new(),
        branches: Vec::new(),
    };
    let result = parser.run();
    let at = parser.at.min(parser.input.len());
    result.map_err(|error| Failed::new(1, format!("-e expression #1, char {at}: {error}")))?;
    parser.branch()?;
    Ok(Script {
        quiet: source == "#n" || source.starts_with("#n\n"),
        commands: parser.commands,
        files: parser.files,
        ranges: parser.ranges,
    })
}

struct Parser {
    input: Vec<char>,
    at: usize,
    syntax: Syntax,
    commands: Vec<Command>,
    files: Vec<String>,
    ranges: usize,
    /// Where blocks that are open begin.
    blocks: Vec<usize>,
    labels: HashMap<String, usize>,
    /// Commands that branch to a label.
    branches: Vec<(usize, String)>,
}

type Parsed<T> = Result<T, String>;

impl Parser {
    fn run(&mut self) -> Parsed<()> {
        loop {
            self.skip(|letter| letter.is_whitespace() || letter == ';');
            if self.peek().is_none() {
                break;
            }
            self.command()?;
        }
        if !self.blocks.is_empty() {
            return Err("unmatched `{'".to_owned());
        }
        Ok(())
    }

    /// Labels may stand behind what branches to them.
    fn branch(&mut self) -> Result<(), Failed> {
        let end = self.commands.len();
        for (index, label) in std::mem::take(&mut self.branches) {
            let target = match self.labels.get(&label) {
                _ if label.is_empty() => end,
                Some(target) => *target,
                None => {
                    let text = format!("can't find label for jump to `{label}'");
                    return Err(Failed::new(4, text));
                }
            };
            if let Some(command) = self.commands.get_mut(index) {
                match &mut command.action {
                    Action::Branch(to)
                    | Action::BranchIfChanged(to)
                    | Action::BranchUnlessChanged(to) => *to = target,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Parsed<()> {
        let (first, open) = self.first_address()?;
        let mut end = None;
        self.blanks();
        if first.is_some() && self.peek() == Some(',') {
            self.at += 1;
            self.blanks();
            end = Some(self.end_address()?);
        }
        if open && !matches!(end, Some(End::Matching(_))) {
            return Err("invalid usage of line address 0".to_owned());
        }
        self.blanks();
        let mut negated = false;
        while self.peek() == Some('!') {
            negated = true;
            self.at += 1;
            self.blanks();
        }
        let Some(letter) = self.next() else {
            return Err("missing command".to_owned());
        };
        let addressed = first.is_some();
        if addressed && matches!(letter, ':' | '}' | '#') {
            return Err(match letter {
                '#' => "comments don't accept any addresses".to_owned(),
                ':' => ": doesn't want any addresses".to_owned(),
                _ => "unexpected `}'".to_owned(),
            });
        }
        let index = self.commands.len();
        let action = self.action(letter, index)?;
        self.ranges += usize::from(end.is_some());
        self.commands.push(Command {
            first,
            end,
            negated,
            range: self.ranges.saturating_sub(1),
            open,
            action,
        });
        Ok(())
    }

    fn action(&mut self, letter: char, index: usize) -> Parsed<Action> {
        let action = match letter {
            '{' => {
                self.blocks.push(index);
                // Another command may follow at once.
                return Ok(Action::Block(0));
            }
            '}' => {
                let start = self.blocks.pop().ok_or("unexpected `}'")?;
                if let Some(Command {
                    action: Action::Block(end),
                    ..
                }) = self.commands.get_mut(start)
                {
                    *end = index;
                }
                Action::BlockEnd
            }
            '#' => {
                self.line();
                return Ok(Action::Nothing);
            }
            ':' => {
                let label = self.label(false);
                if label.is_empty() {
                    return Err("\":\" lacks a label".to_owned());
                }
                self.labels.insert(label, index);
                Action::Nothing
            }
            'b' | 't' | 'T' => {
                let label = self.label(true);
                self.branches.push((index, label));
                match letter {
                    'b' => Action::Branch(0),
                    't' => Action::BranchIfChanged(0),
                    _ => Action::BranchUnlessChanged(0),
                }
            }
            'a' => return self.text().map(Action::Append),
            'i' => return self.text().map(Action::Insert),
            'c' => return self.text().map(Action::Change),
            'r' => return self.file().map(Action::ReadFile),
            'R' => return self.file().map(Action::ReadLine),
            'w' => return self.written().map(Action::Write),
            'W' => return self.written().map(Action::WriteFirst),
            'e' => {
                self.blanks();
                return Ok(Action::Execute(self.line()));
            }
            's' => self.substitution()?,
            'y' => self.translation()?,
            '=' => Action::LineNumber,
            'd' => Action::Delete,
            'D' => Action::DeleteFirst,
            'F' => Action::FileName,
            'g' => Action::Get,
            'G' => Action::GetAppend,
            'h' => Action::Hold,
            'H' => Action::HoldAppend,
            'l' => Action::List(self.number()),
            'n' => Action::Next,
            'N' => Action::NextAppend,
            'p' => Action::Print,
            'P' => Action::PrintFirst,
            'q' => Action::Quit(self.exit_code()),
            'Q' => Action::QuitSilently(self.exit_code()),
            'v' => {
                self.label(true);
                Action::Nothing
            }
            'x' => Action::Exchange,
            'z' => Action::Clear,
            other => return Err(format!("unknown command: `{other}'")),
        };
        self.end_of_command()?;
        Ok(action)
    }

    fn end_of_command(&mut self) -> Parsed<()> {
        self.blanks();
        match self.peek() {
            None | Some('}' | '#') => Ok(()),
            Some(';' | '\n') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => {
                self.at += 1;
                Err("extra characters after command".to_owned())
            }
        }
    }

    fn first_address(&mut self) -> Parsed<(Option<Address>, bool)> {
        let address = match self.peek() {
            Some('0'..='9') => {
                let line = self.number().unwrap_or(0);
                self.blanks();
                if self.peek() == Some('~') {
                    self.at += 1;
                    let step = self.number().unwrap_or(0);
                    return Ok((Some(Address::Step(line, step)), false));
                }
                if line == 0 {
                    if self.peek() != Some(',') {
                        return Err("invalid usage of line address 0".to_owned());
                    }
                    return Ok((Some(Address::Line(0)), true));
                }
                Address::Line(line)
            }
            Some('$') => {
                self.at += 1;
                Address::Last
            }
            Some('/' | '\\') => Address::Matching(self.address_pattern()?),
            _ => return Ok((None, false)),
        };
        Ok((Some(address), false))
    }

    fn end_address(&mut self) -> Parsed<End> {
        Ok(match self.peek() {
            Some('0'..='9') => End::Line(self.number().unwrap_or(0)),
            Some('$') => {
                self.at += 1;
                End::Last
            }
            Some('+') => {
                self.at += 1;
                End::After(self.number().ok_or("expected a number")?)
            }
            Some('~') => {
                self.at += 1;
                End::Multiple(self.number().ok_or("expected a number")?)
            }
            Some('/' | '\\') => End::Matching(self.address_pattern()?),
            _ => return Err("unexpected `,'".to_owned()),
        })
    }

    fn address_pattern(&mut self) -> Parsed<Pattern> {
        let mut delimiter = self.next();
        if delimiter == Some('\\') {
            delimiter = self.next();
        }
        let unterminated = || "unterminated address regex".to_owned();
        let delimiter = delimiter.ok_or_else(unterminated)?;
        let source = self.delimited(delimiter, true).ok_or_else(unterminated)?;
        let mut flags = Flags::default();
        loop {
            match self.peek() {
                Some('I') => flags.ignore_case = true,
                Some('M') => flags.multi_line = true,
                _ => break,
            }
            self.at += 1;
        }
        self.pattern(&source, flags)
    }

    fn pattern(&self, source: &str, flags: Flags) -> Parsed<Pattern> {
        if source.is_empty() {
            return Ok(None);
        }
        Expression::new(source, self.syntax, flags).map(|expression| Some(Rc::new(expression)))
    }

    /// Until the delimiter, which stands for itself behind `\`.
    fn delimited(&mut self, delimiter: char, expression: bool) -> Option<String> {
        let mut out = String::new();
        loop {
            match self.next()? {
                '\\' => {
                    let escaped = self.next()?;
                    let plain = escaped == delimiter && (expression || escaped != '&');
                    match escaped {
                        // A delimiter that has a meaning of its own behind `\` keeps it.
                        'n' if delimiter == 'n' => out.push('n'),
                        _ if plain => {
                            if expression && "*.[]^$+?(){}|".contains(delimiter) {
                                out.push_str(&bracketed(delimiter));
                            } else {
                                out.push(delimiter);
                            }
                        }
                        '\n' if expression => out.push('\n'),
                        escaped => out.extend(['\\', escaped]),
                    }
                }
                '[' if expression => self.brackets(&mut out),
                letter if letter == delimiter => return Some(out),
                '\n' if expression => return None,
                letter => out.push(letter),
            }
        }
    }

    /// A set of letters: a delimiter in it is one of them. One that does not end is no set.
    fn brackets(&mut self, out: &mut String) {
        out.push('[');
        let rest = self.input.get(self.at..).unwrap_or_default();
        let negated = usize::from(rest.first() == Some(&'^'));
        let mut end = negated + usize::from(rest.get(negated) == Some(&']'));
        loop {
            match (rest.get(end), rest.get(end + 1)) {
                (Some('['), Some(kind @ (':' | '.' | '='))) => {
                    let after = rest.get(end + 2..).unwrap_or_default();
                    let close = after.windows(2).position(|pair| pair == [*kind, ']']);
                    match close {
                        Some(close) => end += close + 4,
                        None => return,
                    }
                }
                (Some(']'), _) => break,
                (None | Some('\n'), _) => return,
                _ => end += 1,
            }
        }
        out.extend(rest.get(..=end).unwrap_or_default());
        self.at += end + 1;
    }

    fn substitution(&mut self) -> Parsed<Action> {
        let unterminated = || "unterminated `s' command".to_owned();
        let delimiter = self
            .next()
            .filter(|delimiter| *delimiter != '\n' && *delimiter != '\\')
            .ok_or_else(unterminated)?;
        let source = self.delimited(delimiter, true).ok_or_else(unterminated)?;
        let replacement = self.delimited(delimiter, false).ok_or_else(unterminated)?;
        let mut flags = Flags::default();
        let mut substitution = Substitution {
            pattern: None,
            replacement: Replacement::new(&replacement),
            all: false,
            number: 0,
            print: 0,
            execute: false,
            file: None,
        };
        loop {
            match self.peek() {
                Some('g') if substitution.all => {
                    return Err("multiple `g' options to `s' command".to_owned());
                }
                Some('g') => substitution.all = true,
                Some('p') => substitution.print += 1,
                Some('i' | 'I') => flags.ignore_case = true,
                Some('m' | 'M') => flags.multi_line = true,
                Some('e') => substitution.execute = true,
                Some('0'..='9') => {
                    if substitution.number > 0 {
                        return Err("multiple number options to `s' command".to_owned());
                    }
                    substitution.number = self.number().unwrap_or(0);
                    if substitution.number == 0 {
                        return Err("number option to `s' command may not be zero".to_owned());
                    }
                    continue;
                }
                Some('w') => {
                    self.at += 1;
                    substitution.file = Some(self.written()?);
                    break;
                }
                None | Some(';' | '\n' | '}' | '#' | ' ' | '\t' | '\r') => break,
                Some(_) => {
                    self.at += 1;
                    return Err("unknown option to `s'".to_owned());
                }
            }
            self.at += 1;
        }
        substitution.pattern = self.pattern(&source, flags)?;
        let groups = substitution.pattern.as_ref().map(|known| known.groups());
        let wanted = substitution.replacement.group;
        if groups.is_some_and(|groups| wanted > groups) {
            return Err(format!("invalid reference \\{wanted} on `s' command's RHS"));
        }
        Ok(Action::Substitute(Box::new(substitution)))
    }

    fn translation(&mut self) -> Parsed<Action> {
        let unterminated = || "unterminated `y' command".to_owned();
        let delimiter = self.next().ok_or_else(unterminated)?;
        let mut side = || -> Parsed<Vec<char>> {
            let source = self.delimited(delimiter, false).ok_or_else(unterminated)?;
            let mut letters = Vec::new();
            let mut rest = source.chars();
            while let Some(letter) = rest.next() {
                letters.push(match letter {
                    '\\' => match rest.next() {
                        Some('n') => '\n',
                        Some('t') => '\t',
                        Some(other) => other,
                        None => '\\',
                    },
                    letter => letter,
                });
            }
            Ok(letters)
        };
        let (from, to) = (side()?, side()?);
        if from.len() != to.len() {
            return Err("strings for `y' command are different lengths".to_owned());
        }
        Ok(Action::Translate(from.into_iter().zip(to).collect()))
    }

    /// What `a`, `i` and `c` put there: `a text`, or `a\` and lines.
    fn text(&mut self) -> Parsed<String> {
        self.blanks();
        if self.peek() == Some('\\') {
            self.at += 1;
            let from = self.at;
            self.blanks();
            if self.peek() == Some('\n') {
                self.at += 1;
            } else {
                // Blanks behind the `\` are part of the text.
                self.at = from;
            }
        }
        if self.peek().is_none() {
            return Err("expected \\ after `a', `c' or `i'".to_owned());
        }
        let mut text = String::new();
        while let Some(letter) = self.next() {
            match letter {
                '\\' => text.extend(self.next()),
                '\n' => break,
                letter => text.push(letter),
            }
        }
        text.push('\n');
        Ok(text)
    }

    fn file(&mut self) -> Parsed<String> {
        self.blanks();
        match self.line() {
            name if name.is_empty() => Err("missing filename in r/R/w/W commands".to_owned()),
            name => Ok(name),
        }
    }

    fn written(&mut self) -> Parsed<usize> {
        let name = self.file()?;
        let known = self.files.iter().position(|known| *known == name);
        Ok(known.unwrap_or_else(|| {
            self.files.push(name);
            self.files.len() - 1
        }))
    }

    fn label(&mut self, before_brace: bool) -> String {
        self.blanks();
        let mut label = String::new();
        while let Some(letter) = self.peek() {
            if letter.is_whitespace() || letter == ';' || (before_brace && letter == '}') {
                break;
            }
            label.push(letter);
            self.at += 1;
        }
        label
    }

    fn exit_code(&mut self) -> i32 {
        self.blanks();
        self.number().map_or(0, |code| code as i32)
    }

    fn number(&mut self) -> Option<usize> {
        self.blanks();
        let mut number = None;
        while let Some(digit) = self.peek().and_then(|letter| letter.to_digit(10)) {
            self.at += 1;
            let before: usize = number.unwrap_or(0);
            number = Some(before.saturating_mul(10).saturating_add(digit as usize));
        }
        number
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        while let Some(letter) = self.next() {
            if letter == '\n' {
                break;
            }
            line.push(letter);
        }
        line
    }

    fn blanks(&mut self) {
        self.skip(|letter| matches!(letter, ' ' | '\t' | '\r'));
    }

    fn skip(&mut self, skipped: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&skipped) {
            self.at += 1;
        }
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek();
        self.at += usize::from(letter.is_some());
        letter
    }

    fn peek(&self) -> Option<char> {
        self.input.get(self.at).copied()
    }
}

/// A letter that means itself in either syntax.
fn bracketed(letter: char) -> String {
    match letter {
        '^' | ']' | '\\' => format!("\\{letter}"),
        letter => format!("[{letter}]"),
    }
}
