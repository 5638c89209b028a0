//! Words: quotes, and what is expanded in them.

use super::{Parsed, Parser, Part, Word};
use crate::text;

/// Where the text lies, which says what ends it and which quotes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A word of a command; a value of an assignment, where `~` stands after `:` too.
    Word {
        assigned: bool,
    },
    Double,
    /// After the operator of `${x:-…}`.
    Brace {
        double: bool,
    },
    /// A pattern or its replacement in `${x/…/…}`: quotes count even between double quotes.
    Pattern {
        slash: bool,
    },
    /// An expression up to `stop`.
    Expression {
        stop: char,
    },
    /// `${x:offset:length}`
    Offset,
    HereDocument,
    /// The right side of `=~`.
    Regex,
    /// Between the parentheses of `+(a|b)`.
    ExtendedPattern,
}

pub const METACHARACTERS: &str = " \t\n;&|<>()";

/// How deep quotes, substitutions and commands may lie in each other.
const DEPTH_MAX: u32 = 250;

impl Parser {
    /// One level deeper, or too deep.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            return Err(self.error(format!(
                "syntax error: more than {DEPTH_MAX} levels of nesting"
            )));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// A word that begins here.
    pub(super) fn word(&mut self, place: Place) -> Parsed<Word> {
        let start = self.position;
        let parts = self.parts(place)?;
        let braces = matches!(place, Place::Word { assigned: false })
            && self
                .source
                .get(start..self.position)
                .unwrap_or_default()
                .windows(2)
                .any(|pair| matches!(pair, ['{', next] if *next != '}'));
        Ok(Word { parts, braces })
    }

    pub(super) fn parts(&mut self, place: Place) -> Parsed<Vec<Part>> {
        self.deeper(|parser| {
            let mut parts = Parts::default();
            parser.collect(place, &mut parts)?;
            Ok(parts.finish())
        })
    }

    fn collect(&mut self, place: Place, parts: &mut Parts) -> Parsed<()> {
        let start = self.position;
        let mut depth = 0_u32;
        let mut after_name = false;
        loop {
            let Some(character) = self.peek() else {
                return match place {
                    Place::Word { .. } | Place::HereDocument | Place::Regex => Ok(()),
                    Place::Double => Err(self.end_of_file('"')),
                    Place::Expression { stop } => Err(self.end_of_file(stop)),
                    Place::ExtendedPattern => Err(self.end_of_file(')')),
                    Place::Brace { .. } | Place::Pattern { .. } | Place::Offset => {
                        Err(self.end_of_file('}'))
                    }
                };
            };
            if depth == 0 && self.ends(place, character, parts) {
                return Ok(());
            }
            match character {
                '\\' => self.escape(place, parts),
                '\'' if quotes_count(place) => {
                    self.advance();
                    let text = self.until_quote()?;
                    parts.push(Part::Quoted(text));
                }
                '"' if !matches!(place, Place::Double | Place::HereDocument) => {
                    self.advance();
                    let inner = self.parts(Place::Double)?;
                    self.advance();
                    if matches!(place, Place::Expression { .. } | Place::Offset) {
                        parts.extend(inner);
                    } else {
                        parts.push(Part::Double(inner));
                    }
                }
                '$' => self.dollar(place, parts)?,
                '`' => {
                    let part = self.backquotes(place == Place::Double)?;
                    parts.push(part);
                }
                '<' | '>'
                    if matches!(place, Place::Word { .. } | Place::Brace { double: false })
                        && self.peek_at(1) == Some('(') =>
                {
                    self.position += 2;
                    let list = self.substituted()?;
                    parts.push(Part::Process {
                        reads: character == '<',
                        list,
                    });
                }
                '~' if self.tilde_stands(place, start, after_name) => {
                    self.advance();
                    let user = self.take_while(|c| {
                        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+')
                    });
                    let ends = match self.peek() {
                        None => true,
                        Some(c) => matches!(c, '/' | ':' | '}') || METACHARACTERS.contains(c),
                    };
                    if ends {
                        parts.push(Part::Tilde(user));
                    } else {
                        parts.literal('~');
                        user.chars().for_each(|c| parts.literal(c));
                    }
                }
                '?' | '*' | '+' | '@' | '!'
                    if self.peek_at(1) == Some('(')
                        && pattern_counts(place, character, self.tests || self.extended) =>
                {
                    self.position += 2;
                    parts.literal(character);
                    parts.literal('(');
                    self.deeper(|parser| parser.collect(Place::ExtendedPattern, parts))?;
                    self.advance();
                    parts.literal(')');
                }
                '[' if place == Place::Regex && self.bracket_length().is_some() => {
                    for _ in 0..self.bracket_length().unwrap_or(1) {
                        if let Some(character) = self.peek() {
                            parts.literal(character);
                        }
                        self.advance();
                    }
                }
                _ => {
                    depth = match (place, character) {
                        (Place::Regex | Place::ExtendedPattern | Place::Offset, '(') => depth + 1,
                        (Place::Expression { stop: ')' }, '(') => depth + 1,
                        (Place::Expression { stop: ']' }, '[') => depth + 1,
                        (Place::Regex | Place::ExtendedPattern | Place::Offset, ')') => {
                            depth.saturating_sub(1)
                        }
                        (Place::Expression { stop: ')' }, ')') => depth.saturating_sub(1),
                        (Place::Expression { stop: ']' }, ']') => depth.saturating_sub(1),
                        _ => depth,
                    };
                    after_name =
                        character == '=' && parts.parts.is_empty() && super::is_name(&parts.text);
                    self.advance();
                    parts.literal(character);
                }
            }
        }
    }

    fn ends(&self, place: Place, character: char, parts: &Parts) -> bool {
        match place {
            Place::Word { .. } => {
                METACHARACTERS.contains(character)
                    && !(matches!(character, '<' | '>') && self.peek_at(1) == Some('('))
            }
            Place::Double => character == '"',
            Place::Brace { .. } => character == '}',
            Place::Pattern { slash } => {
                character == '}' || slash && character == '/' && !parts.is_empty()
            }
            Place::Expression { stop } => character == stop,
            Place::Offset => character == '}' || character == ':',
            Place::HereDocument => false,
            Place::Regex => matches!(character, ' ' | '\t' | '\n' | ')'),
            Place::ExtendedPattern => character == ')',
        }
    }

    /// From `[` on: how long `[^)]` is, if it is plain text.
    fn bracket_length(&self) -> Option<usize> {
        let mut at = 1;
        if self.peek_at(at) == Some('^') {
            at += 1;
        }
        if self.peek_at(at) == Some(']') {
            at += 1;
        }
        loop {
            match self.peek_at(at)? {
                ']' => return Some(at + 1),
                '[' if self.peek_at(at + 1) == Some(':') => {
                    at += 2;
                    while self.peek_at(at)? != ']' {
                        at += 1;
                    }
                }
                '\'' | '"' | '\\' | '$' | '`' | ' ' | '\t' | '\n' => return None,
                _ => {}
            }
            at += 1;
        }
    }

    fn tilde_stands(&self, place: Place, start: usize, after_name: bool) -> bool {
        let first = self.position == start;
        match place {
            Place::Word { assigned: true } => {
                first
                    || self
                        .position
                        .checked_sub(1)
                        .and_then(|at| self.source.get(at))
                        == Some(&':')
            }
            Place::Word { assigned: false } => first || after_name,
            Place::Brace { double } => first && !double,
            Place::Pattern { .. } => first,
            _ => false,
        }
    }

    fn escape(&mut self, place: Place, parts: &mut Parts) {
        self.advance();
        let Some(next) = self.peek() else {
            return parts.literal('\\');
        };
        let special = match place {
            Place::Double => matches!(next, '$' | '`' | '"' | '\\'),
            Place::Brace { double: true } => matches!(next, '$' | '`' | '"' | '\\' | '}'),
            Place::HereDocument => matches!(next, '$' | '`' | '\\'),
            Place::Expression { .. } | Place::Offset => matches!(next, '$' | '`' | '"' | '\\'),
            _ => true,
        };
        if next == '\n' {
            self.advance();
        } else if place == Place::Regex {
            // What it means is for the expression to say.
            self.advance();
            parts.literal('\\');
            parts.literal(next);
        } else if special {
            self.advance();
            parts.push(Part::Quoted(next.to_string()));
        } else {
            parts.quoted_literal(place, '\\');
        }
    }

    /// What stands before the closing `'`.
    pub(super) fn until_quote(&mut self) -> Parsed<String> {
        let text = self.take_while(|c| c != '\'');
        if self.peek().is_none() {
            return Err(self.end_of_file('\''));
        }
        self.advance();
        Ok(text)
    }

    /// `$'…'`, from the quote on.
    pub(super) fn ansi_quoted(&mut self) -> Parsed<Part> {
        self.advance();
        let mut raw = String::new();
        loop {
            match self.peek() {
                None => return Err(self.end_of_file('\'')),
                Some('\'') => break,
                Some('\\') => {
                    raw.push('\\');
                    self.advance();
                    if let Some(next) = self.peek() {
                        raw.push(next);
                        self.advance();
                    }
                }
                Some(character) => {
                    raw.push(character);
                    self.advance();
                }
            }
        }
        self.advance();
        Ok(Part::Quoted(
            text::unescape(&raw, text::Escapes::Quoted).text,
        ))
    }

    /// `` `…` ``, which is read as a script of its own once its backslashes are gone.
    fn backquotes(&mut self, double: bool) -> Parsed<Part> {
        let line = self.line;
        self.advance();
        let mut script = String::new();
        loop {
            match self.peek() {
                None => return Err(self.end_of_file('`')),
                Some('`') => break,
                Some('\\') => {
                    self.advance();
                    match self.peek() {
                        Some(next) if matches!(next, '`' | '\\' | '$') || double && next == '"' => {
                            script.push(next);
                            self.advance();
                        }
                        _ => script.push('\\'),
                    }
                }
                Some(character) => {
                    script.push(character);
                    self.advance();
                }
            }
        }
        self.advance();
        let mut inner = Parser::new(&script, line, self.source_name.clone());
        inner.depth = self.depth;
        inner.aliases = self.aliases.clone();
        inner.extended = self.extended;
        let list = self.deeper(|_| inner.whole())?;
        Ok(Part::Command(list))
    }
}

fn quotes_count(place: Place) -> bool {
    !matches!(
        place,
        Place::Double
            | Place::HereDocument
            | Place::Brace { double: true }
            | Place::Expression { stop: ')' | ';' }
    )
}

fn pattern_counts(place: Place, character: char, tests: bool) -> bool {
    match place {
        // `!(` begins a negated subshell more often than a pattern.
        Place::Word { .. } => character != '!' || tests,
        Place::ExtendedPattern | Place::Pattern { .. } | Place::Brace { double: false } => true,
        _ => false,
    }
}

/// Parts as they are read: neighbouring characters become one part.
#[derive(Debug, Default)]
pub struct Parts {
    parts: Vec<Part>,
    text: String,
}

impl Parts {
    pub fn literal(&mut self, character: char) {
        self.text.push(character);
    }

    /// A backslash that stands for itself.
    fn quoted_literal(&mut self, place: Place, character: char) {
        match place {
            Place::Expression { .. } | Place::Offset => self.literal(character),
            _ => self.push(Part::Quoted(character.to_string())),
        }
    }

    pub fn push(&mut self, part: Part) {
        self.settle();
        if let (Some(Part::Quoted(before)), Part::Quoted(text)) = (self.parts.last_mut(), &part)
            && !before.is_empty()
            && !text.is_empty()
        {
            before.push_str(text);
        } else {
            self.parts.push(part);
        }
    }

    fn extend(&mut self, parts: Vec<Part>) {
        self.settle();
        self.parts.extend(parts);
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.text.is_empty()
    }

    fn settle(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.parts.push(Part::Literal(text));
        }
    }

    fn finish(mut self) -> Vec<Part> {
        self.settle();
        self.parts
    }
}
