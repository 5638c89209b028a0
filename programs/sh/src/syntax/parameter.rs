//! What begins with `$`.

use super::word::{Parts, Place};
use super::{
    CaseChange, Operation, Parameter, Parsed, Parser, Part, ReplaceKind, Subscript, TestKind, Word,
    continues_name, starts_name,
};
use std::rc::Rc;

impl Parser {
    pub(super) fn dollar(&mut self, place: Place, parts: &mut Parts) -> Parsed<()> {
        let Some(next) = self.peek_at(1) else {
            self.advance();
            parts.literal('$');
            return Ok(());
        };
        match next {
            '\'' if !matches!(
                place,
                Place::Double | Place::HereDocument | Place::Brace { double: true }
            ) =>
            {
                self.advance();
                let part = self.ansi_quoted()?;
                parts.push(part);
            }
            '"' if !matches!(place, Place::Double | Place::HereDocument) => {
                self.position += 2;
                let inner = self.parts(Place::Double)?;
                self.advance();
                parts.push(Part::Double(inner));
            }
            '(' => {
                let part = self.parenthesis()?;
                parts.push(part);
            }
            '[' => {
                self.position += 2;
                let inner = self.parts(Place::Expression { stop: ']' })?;
                self.advance();
                parts.push(Part::Arithmetic(inner));
            }
            '{' => {
                let double = matches!(
                    place,
                    Place::Double | Place::HereDocument | Place::Brace { double: true }
                );
                self.position += 2;
                let parameter = self.deeper(|parser| parser.braced(double))?;
                parts.push(Part::Parameter(Rc::new(parameter)));
            }
            _ if starts_name(next) => {
                self.advance();
                let name = self.take_while(continues_name);
                parts.push(plain(name));
            }
            '0'..='9' | '@' | '*' | '#' | '?' | '-' | '$' | '!' => {
                self.position += 2;
                parts.push(plain(next.to_string()));
            }
            _ => {
                self.advance();
                parts.literal('$');
            }
        }
        Ok(())
    }

    /// `$(…)` or `$((…))`.
    fn parenthesis(&mut self) -> Parsed<Part> {
        if self.peek_at(2) == Some('(') {
            let start = (self.position, self.line);
            self.position += 3;
            if let Some(inner) = self.expression_in_parentheses()? {
                return Ok(Part::Arithmetic(inner));
            }
            (self.position, self.line) = start;
        }
        self.position += 2;
        Ok(Part::Command(self.substituted()?))
    }

    /// An expression up to `))`. None if a single `)` closes it: those were commands.
    pub(super) fn expression_in_parentheses(&mut self) -> Parsed<Option<Vec<Part>>> {
        match self.parts(Place::Expression { stop: ')' }) {
            Ok(inner) if self.peek_at(1) == Some(')') => {
                self.position += 2;
                Ok(Some(inner))
            }
            Ok(_) => Ok(None),
            Err(error) if error.incomplete => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// What follows `${`.
    fn braced(&mut self, double: bool) -> Parsed<Parameter> {
        let start = self.position;
        let mut length = false;
        let mut indirect = false;
        match (self.peek(), self.peek_at(1)) {
            (Some('#'), Some(next)) if is_measured(next, self.peek_at(2)) => {
                length = true;
                self.advance();
            }
            (Some('!'), Some(next))
                if starts_name(next)
                    || next.is_ascii_digit()
                    || matches!(next, '@' | '*' | '#') =>
            {
                indirect = true;
                self.advance();
            }
            _ => {}
        }
        let Some(name) = self.parameter_name() else {
            return self.bad(start);
        };
        let mut parameter = Parameter {
            name,
            subscript: None,
            indirect,
            operation: Operation::None,
        };
        if self.peek() == Some('[') && parameter.name.starts_with(starts_name) {
            self.advance();
            parameter.subscript = Some(self.subscript()?);
        }
        if indirect && self.names_or_keys(&mut parameter) {
            return Ok(parameter);
        }
        if length {
            parameter.operation = Operation::Length;
        } else if self.peek() != Some('}') {
            let Some(operation) = self.operation(double)? else {
                return self.bad(start);
            };
            parameter.operation = operation;
        }
        match self.peek() {
            Some('}') => self.advance(),
            None => return Err(self.end_of_file('}')),
            Some(_) => return self.bad(start),
        }
        Ok(parameter)
    }

    fn parameter_name(&mut self) -> Option<String> {
        let next = self.peek()?;
        if starts_name(next) {
            Some(self.take_while(continues_name))
        } else if next.is_ascii_digit() {
            Some(self.take_while(|c| c.is_ascii_digit()))
        } else if matches!(next, '@' | '*' | '#' | '?' | '-' | '$' | '!') {
            self.advance();
            Some(next.to_string())
        } else {
            None
        }
    }

    /// After `[`, to behind `]`.
    pub(super) fn subscript(&mut self) -> Parsed<Subscript> {
        let all = match (self.peek(), self.peek_at(1)) {
            (Some('@'), Some(']')) => Some(Subscript::Each),
            (Some('*'), Some(']')) => Some(Subscript::Joined),
            _ => None,
        };
        if let Some(all) = all {
            self.position += 2;
            return Ok(all);
        }
        let word = self.word(Place::Expression { stop: ']' })?;
        self.advance();
        Ok(Subscript::At(word))
    }

    /// `${!prefix*}` and `${!array[@]}`, with the closing brace.
    fn names_or_keys(&mut self, parameter: &mut Parameter) -> bool {
        let joined = match (&parameter.subscript, self.peek(), self.peek_at(1)) {
            (Some(Subscript::Each), Some('}'), _) => {
                parameter.operation = Operation::Keys { joined: false };
                1
            }
            (Some(Subscript::Joined), Some('}'), _) => {
                parameter.operation = Operation::Keys { joined: true };
                1
            }
            (None, Some('@'), Some('}')) => {
                parameter.operation = Operation::Names { joined: false };
                2
            }
            (None, Some('*'), Some('}')) => {
                parameter.operation = Operation::Names { joined: true };
                2
            }
            _ => return false,
        };
        self.position += joined;
        true
    }

    fn operation(&mut self, double: bool) -> Parsed<Option<Operation>> {
        let Some(first) = self.peek() else {
            return Err(self.end_of_file('}'));
        };
        let second = self.peek_at(1);
        let twice = second == Some(first);
        Ok(Some(match first {
            ':' if second.is_some_and(|c| "-=?+".contains(c)) => {
                self.advance();
                self.test(true, double)?
            }
            '-' | '=' | '?' | '+' => self.test(false, double)?,
            ':' => {
                self.advance();
                let offset = self.word(Place::Offset)?;
                let mut length = None;
                if self.peek() == Some(':') {
                    self.advance();
                    length = Some(self.word(Place::Offset)?);
                }
                Operation::Slice { offset, length }
            }
            '#' | '%' => {
                self.position += if twice { 2 } else { 1 };
                Operation::Trim {
                    suffix: first == '%',
                    longest: twice,
                    pattern: self.word(Place::Pattern { slash: false })?,
                }
            }
            '/' => self.replace()?,
            '^' | ',' | '~' => {
                self.position += if twice { 2 } else { 1 };
                let pattern = self.word(Place::Pattern { slash: false })?;
                Operation::Case {
                    change: match first {
                        '^' => CaseChange::Upper,
                        ',' => CaseChange::Lower,
                        _ => CaseChange::Toggle,
                    },
                    all: twice,
                    pattern: (!pattern.parts.is_empty()).then_some(pattern),
                }
            }
            '@' => {
                self.advance();
                match self.peek() {
                    Some(letter) if "QEPAaKkULu".contains(letter) => {
                        self.advance();
                        Operation::Transform(letter)
                    }
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        }))
    }

    fn test(&mut self, empty: bool, double: bool) -> Parsed<Operation> {
        let kind = match self.peek() {
            Some('-') => TestKind::Default,
            Some('=') => TestKind::Assign,
            Some('?') => TestKind::Error,
            _ => TestKind::Alternative,
        };
        self.advance();
        let word = self.word(Place::Brace { double })?;
        Ok(Operation::Test { kind, empty, word })
    }

    fn replace(&mut self) -> Parsed<Operation> {
        self.advance();
        let kind = match self.peek() {
            Some('/') => ReplaceKind::All,
            Some('#') => ReplaceKind::Prefix,
            Some('%') => ReplaceKind::Suffix,
            _ => ReplaceKind::First,
        };
        if kind != ReplaceKind::First {
            self.advance();
        }
        // A `/` right here belongs to the pattern, except after an empty prefix or suffix.
        let anchored = matches!(kind, ReplaceKind::Prefix | ReplaceKind::Suffix);
        let pattern = if anchored && self.peek() == Some('/') {
            Word::default()
        } else {
            self.word(Place::Pattern { slash: true })?
        };
        let mut with = Word::default();
        if self.peek() == Some('/') {
            self.advance();
            with = self.word(Place::Pattern { slash: false })?;
        }
        Ok(Operation::Replace {
            kind,
            pattern,
            with,
        })
    }

    /// Skips to the closing brace: it is an error only if it comes to be expanded.
    fn bad(&mut self, start: usize) -> Parsed<Parameter> {
        self.parts(Place::Brace { double: false })?;
        self.advance();
        let text: String = self
            .source
            .get(start..self.position)
            .unwrap_or_default()
            .iter()
            .collect();
        Ok(Parameter {
            name: String::new(),
            subscript: None,
            indirect: false,
            operation: Operation::Bad(format!("${{{text}")),
        })
    }
}

/// After `${#`: is it the length of what follows? `${#-x}` tests `$#`, `${#-}` is the length of `$-`.
fn is_measured(next: char, after: Option<char>) -> bool {
    match next {
        '#' | '?' | '-' => after == Some('}'),
        '}' | ':' | '=' | '+' | '%' | '/' | '^' | ',' => false,
        _ => true,
    }
}

fn plain(name: String) -> Part {
    Part::Parameter(Rc::new(Parameter {
        name,
        subscript: None,
        indirect: false,
        operation: Operation::None,
    }))
}
