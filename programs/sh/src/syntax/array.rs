//! Assignments: `x=y`, `x+=y`, `x[1]=y`, `x=(a b)`.

use super::word::Place;
use super::{Assigned, Assignment, Element, Parsed, Parser, Word, continues_name, starts_name};

impl Parser {
    /// The assignment that begins here, if one does.
    pub(super) fn assignment(&mut self) -> Parsed<Option<Assignment>> {
        let start = self.token_start();
        let line = self.line;
        if !self.peek().is_some_and(starts_name) {
            return Ok(None);
        }
        let name = self.take_while(continues_name);
        let mut subscript = None;
        if self.peek() == Some('[') {
            if !self.closes_with_equals() {
                self.position = start;
                return Ok(None);
            }
            self.advance();
            subscript = Some(self.word(Place::Expression { stop: ']' })?);
            self.advance();
        }
        let append = self.peek() == Some('+') && self.peek_at(1) == Some('=');
        if append {
            self.advance();
        }
        if self.peek() != Some('=') {
            (self.position, self.line) = (start, line);
            return Ok(None);
        }
        self.advance();
        self.ahead = None;
        let value = if self.peek() == Some('(') {
            self.advance();
            Assigned::Array(self.deeper(Self::elements)?)
        } else {
            Assigned::Scalar(self.word(Place::Word { assigned: true })?)
        };
        Ok(Some(Assignment {
            name,
            subscript,
            append,
            value,
        }))
    }

    /// From `[` on: is there `]=` or `]+=` before the word ends?
    fn closes_with_equals(&self) -> bool {
        let mut depth = 0_i32;
        let mut quote = None;
        let mut characters = self
            .source
            .get(self.position..)
            .unwrap_or_default()
            .iter()
            .copied()
            .peekable();
        while let Some(character) = characters.next() {
            match (quote, character) {
                (Some(open), _) if open == character => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(character),
                (None, '[' | '(' | '{') => depth += 1,
                (None, ')' | '}') => depth -= 1,
                (None, ']') => {
                    depth -= 1;
                    if depth == 0 {
                        let next = characters.next();
                        return next == Some('=')
                            || next == Some('+') && characters.next() == Some('=');
                    }
                }
                (None, '\n' | ';' | '&' | '|') if depth <= 1 => return false,
                (None, _) => {}
            }
        }
        false
    }

    /// Between the parentheses of an array, with the closing one.
    fn elements(&mut self) -> Parsed<Vec<Element>> {
        let mut elements = Vec::new();
        loop {
            self.ahead = None;
            self.blanks();
            match self.peek() {
                None => return Err(self.end_of_file(')')),
                Some('\n') => {
                    self.advance();
                    self.heredoc_bodies()?;
                    continue;
                }
                Some(')') => {
                    self.advance();
                    return Ok(elements);
                }
                Some('&' | '|' | ';' | '(') => return Err(self.unexpected()),
                Some('<' | '>') if self.peek_at(1) != Some('(') => return Err(self.unexpected()),
                Some(_) => {}
            }
            let mut subscript = None;
            let mut append = false;
            if self.peek() == Some('[') && self.closes_with_equals() {
                self.advance();
                subscript = Some(self.word(Place::Expression { stop: ']' })?);
                self.advance();
                append = self.peek() == Some('+');
                self.position += if append { 2 } else { 1 };
            }
            let place = Place::Word {
                assigned: subscript.is_some(),
            };
            let value = if self.peek().is_some_and(|c| !c.is_whitespace()) {
                self.word(place)?
            } else {
                Word::default()
            };
            elements.push(Element {
                subscript,
                append,
                value,
            });
        }
    }

    /// What `declare` was given as text: `(a b)`.
    pub fn array_text(text: &str) -> Parsed<Vec<Element>> {
        let mut parser = Self::new(text, 1, "".into());
        parser.blanks();
        if parser.peek() != Some('(') {
            return Err(parser.error("not an array"));
        }
        parser.advance();
        parser.elements()
    }
}
