//! Tokens: words, operators, the ends of lines.

use super::word::Place;
use super::{Parsed, Parser, SyntaxError, Word, continues_name, starts_name};
use std::rc::Rc;

#[derive(Debug, Clone)]
pub enum Token {
    Word(Rc<Word>),
    Operator(&'static str),
    /// The number before `<` or `>`.
    Number(u32),
    /// `{name}` before `<` or `>`.
    Variable(String),
    Newline,
    End,
}

/// Longest first.
const OPERATORS: [&str; 23] = [
    ";;&", "<<<", "<<-", "&>>", "&&", "||", ";;", ";&", "|&", "&>", "<<", "<&", "<>", ">>", ">&",
    ">|", "|", "&", ";", "<", ">", "(", ")",
];

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.source.get(self.position).copied()
    }

    pub(super) fn peek_at(&self, distance: usize) -> Option<char> {
        self.source.get(self.position + distance).copied()
    }

    pub(super) fn advance(&mut self) {
        if self.peek() == Some('\n') {
            self.line += 1;
        }
        self.position += 1;
    }

    pub(super) fn take_while(&mut self, fits: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(character) = self.peek().filter(|c| fits(*c)) {
            text.push(character);
            self.advance();
        }
        text
    }

    pub(super) fn text(&self, start: usize, end: usize) -> String {
        let text = self.source.get(start..end).unwrap_or_default();
        text.iter().collect()
    }

    pub(super) fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError {
            line: self.line,
            message: message.into(),
            incomplete: false,
        }
    }

    pub(super) fn end_of_file(&self, wanted: char) -> SyntaxError {
        SyntaxError {
            line: self.line,
            message: format!("unexpected EOF while looking for matching `{wanted}'"),
            incomplete: true,
        }
    }

    /// The token that comes next was not to come here.
    pub(super) fn unexpected(&mut self) -> SyntaxError {
        let line = self.line;
        let start = self.token_start();
        match self.token() {
            Err(error) => error.clone(),
            Ok(Token::End) => SyntaxError {
                line,
                message: "syntax error: unexpected end of file".to_owned(),
                incomplete: true,
            },
            Ok(token) => {
                let name = match token {
                    Token::Newline => "newline".to_owned(),
                    Token::Operator(operator) => operator.to_owned(),
                    _ => self.text(start, self.position),
                };
                SyntaxError {
                    line,
                    message: format!("syntax error near unexpected token `{name}'"),
                    incomplete: false,
                }
            }
        }
    }

    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t') => self.advance(),
                Some('\\') if self.peek_at(1) == Some('\n') => {
                    self.advance();
                    self.advance();
                }
                Some('#') => {
                    self.take_while(|c| c != '\n');
                }
                _ => return,
            }
        }
    }

    /// Where the next token begins.
    pub(super) fn token_start(&mut self) -> usize {
        self.blanks();
        self.position
    }

    /// Looks at the next token without taking it.
    pub(super) fn peek_token(&mut self) -> Parsed<Token> {
        let start = self.token_start();
        if let Some((at, token, _, _)) = &self.ahead
            && *at == start
        {
            return Ok(token.clone());
        }
        let line = self.line;
        let heredocs = self.heredocs.len();
        // The end of a line brings in the documents of that line, so it is not read twice.
        if self.peek() == Some('\n') {
            return Ok(Token::Newline);
        }
        let token = self.read_token()?;
        debug_assert_eq!(heredocs, self.heredocs.len());
        self.ahead = Some((start, token.clone(), self.position, self.line));
        (self.position, self.line) = (start, line);
        Ok(token)
    }

    /// Takes the next token.
    pub(super) fn token(&mut self) -> Parsed<Token> {
        let start = self.token_start();
        if let Some((at, token, end, line)) = self.ahead.take()
            && at == start
        {
            (self.position, self.line) = (end, line);
            return Ok(token);
        }
        self.read_token()
    }

    fn read_token(&mut self) -> Parsed<Token> {
        let Some(first) = self.peek() else {
            return Ok(Token::End);
        };
        if first == '\n' {
            self.advance();
            self.heredoc_bodies()?;
            return Ok(Token::Newline);
        }
        if matches!(first, '<' | '>') && self.peek_at(1) == Some('(') {
            return self.word_token();
        }
        if let Some(operator) = self.operator_here() {
            self.position += operator.len();
            return Ok(Token::Operator(operator));
        }
        if let Some(token) = self.descriptor() {
            return Ok(token);
        }
        self.word_token()
    }

    fn word_token(&mut self) -> Parsed<Token> {
        let word = self.word(Place::Word { assigned: false })?;
        Ok(Token::Word(Rc::new(word)))
    }

    fn operator_here(&self) -> Option<&'static str> {
        let rest = self.source.get(self.position..).unwrap_or_default();
        OPERATORS.into_iter().find(|operator| {
            let mut characters = rest.iter();
            operator.chars().all(|c| characters.next() == Some(&c))
        })
    }

    /// `2` of `2>`, `{name}` of `{name}>`.
    fn descriptor(&mut self) -> Option<Token> {
        let start = self.position;
        let digits = self.take_while(|c| c.is_ascii_digit());
        let token = if !digits.is_empty() {
            digits.parse().ok().map(Token::Number)
        } else if self.peek() == Some('{') && self.peek_at(1).is_some_and(starts_name) {
            self.advance();
            let name = self.take_while(continues_name);
            (self.peek() == Some('}')).then(|| {
                self.advance();
                Token::Variable(name)
            })
        } else {
            None
        };
        if token.is_some() && matches!(self.peek(), Some('<' | '>')) {
            return token;
        }
        self.position = start;
        None
    }

    /// Takes the operator if it is next.
    pub(super) fn accept(&mut self, operator: &str) -> Parsed<bool> {
        let found = matches!(self.peek_token()?, Token::Operator(next) if next == operator);
        if found {
            self.token()?;
        }
        Ok(found)
    }

    pub(super) fn expect(&mut self, operator: &str) -> Parsed<()> {
        if self.accept(operator)? {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    /// The next word, if it is not quoted and nothing is expanded in it.
    pub(super) fn peek_literal(&mut self) -> Parsed<Option<Rc<Word>>> {
        Ok(match self.peek_token()? {
            Token::Word(word) if word.as_literal().is_some() => Some(word),
            _ => None,
        })
    }

    pub(super) fn peek_reserved(&mut self, reserved: &str) -> Parsed<bool> {
        let word = self.peek_literal()?;
        Ok(word.is_some_and(|word| word.as_literal() == Some(reserved)))
    }

    pub(super) fn accept_reserved(&mut self, reserved: &str) -> Parsed<bool> {
        let found = self.peek_reserved(reserved)?;
        if found {
            self.token()?;
        }
        Ok(found)
    }

    pub(super) fn expect_reserved(&mut self, reserved: &str) -> Parsed<()> {
        if self.accept_reserved(reserved)? {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    pub(super) fn newlines(&mut self) -> Parsed<()> {
        while matches!(self.peek_token()?, Token::Newline) {
            self.token()?;
        }
        Ok(())
    }
}
