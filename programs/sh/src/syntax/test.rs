//! `[[ … ]]`.

use super::token::Token;
use super::word::Place;
use super::{Parsed, Parser, Test, Word};

/// Operators with one operand.
const UNARY: &str = "abcdefghknoprstuvwxzGLNORS";

const BINARY: [&str; 13] = [
    "=", "==", "!=", "=~", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef",
];

pub fn is_unary(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next() == Some('-')
        && characters
            .next()
            .is_some_and(|letter| UNARY.contains(letter))
        && characters.next().is_none()
}

impl Parser {
    /// After `[[`, with `]]`.
    pub(super) fn test_command(&mut self) -> Parsed<Test> {
        let before = std::mem::replace(&mut self.tests, true);
        let result = self.test_or();
        self.tests = before;
        let test = result?;
        self.newlines()?;
        self.expect_reserved("]]")?;
        Ok(test)
    }

    fn test_or(&mut self) -> Parsed<Test> {
        let mut left = self.test_and()?;
        loop {
            self.newlines()?;
            if !self.accept("||")? {
                return Ok(left);
            }
            left = Test::Or(Box::new(left), Box::new(self.test_and()?));
        }
    }

    fn test_and(&mut self) -> Parsed<Test> {
        let mut left = self.test_not()?;
        loop {
            self.newlines()?;
            if !self.accept("&&")? {
                return Ok(left);
            }
            left = Test::And(Box::new(left), Box::new(self.test_not()?));
        }
    }

    fn test_not(&mut self) -> Parsed<Test> {
        self.newlines()?;
        if self.accept_reserved("!")? {
            let test = self.deeper(Self::test_not)?;
            return Ok(Test::Not(Box::new(test)));
        }
        if self.accept("(")? {
            let test = self.deeper(Self::test_or)?;
            self.newlines()?;
            self.expect(")")?;
            return Ok(test);
        }
        self.test_primary()
    }

    fn test_primary(&mut self) -> Parsed<Test> {
        let first = self.test_word()?;
        if let Some(operator) = first.as_literal().filter(|text| is_unary(text)) {
            let operator = operator.to_owned();
            match self.peek_token()? {
                Token::Word(word) if word.as_literal() != Some("]]") && !is_binary(&word) => {
                    let operand = self.test_word()?;
                    return Ok(Test::Unary(operator, operand));
                }
                _ => {}
            }
        }
        let operator = match self.peek_token()? {
            Token::Operator(operator @ ("<" | ">")) => operator.to_owned(),
            Token::Word(word) if is_binary(&word) => {
                word.as_literal().unwrap_or_default().to_owned()
            }
            _ => return Ok(Test::Unary("-n".to_owned(), first)),
        };
        self.token()?;
        let second = if operator == "=~" {
            self.plain_word(Place::Regex)?
        } else {
            self.test_word()?
        };
        Ok(Test::Binary(operator, first, second))
    }

    fn test_word(&mut self) -> Parsed<Word> {
        match self.peek_token()? {
            Token::Word(word) if word.as_literal() != Some("]]") => {
                self.token()?;
                Ok(Word {
                    parts: word.parts.clone(),
                    braces: false,
                })
            }
            // A number before `<`, as in `[[ 1<2 ]]`.
            Token::Number(number) => {
                self.token()?;
                Ok(Word::literal(&number.to_string()))
            }
            _ => Err(self.unexpected()),
        }
    }
}

fn is_binary(word: &Word) -> bool {
    word.as_literal().is_some_and(|text| BINARY.contains(&text))
}
