//! Compound commands: loops, conditions, groups, functions.

use super::token::Token;
use super::word::Place;
use super::{AfterArm, Arm, Command, Function, Kind, List, Parsed, Parser, Word, is_name};
use std::rc::Rc;

impl Parser {
    /// The compound command that begins here, if one does.
    pub(super) fn compound(&mut self) -> Parsed<Option<Kind>> {
        let token = self.peek_token()?;
        let word = match &token {
            Token::Operator("(") => return self.parentheses().map(Some),
            Token::Word(word) => word.as_literal().unwrap_or_default(),
            _ => return Ok(None),
        };
        if !matches!(
            word,
            "{" | "if"
                | "for"
                | "while"
                | "until"
                | "case"
                | "[["
                | "function"
                | "select"
                | "coproc"
        ) {
            return Ok(None);
        }
        let start = self.token_start();
        self.token()?;
        Ok(Some(match word {
            "{" => {
                let list = self.list()?;
                self.expect_reserved("}")?;
                Kind::Group(list)
            }
            "if" => self.conditional()?,
            "for" => self.for_loop()?,
            "select" => {
                let (name, words) = self.loop_head()?;
                let body = self.body()?;
                Kind::Select { name, words, body }
            }
            "while" | "until" => {
                let until = word == "until";
                let condition = self.list()?;
                let body = self.do_group()?;
                Kind::While {
                    condition,
                    body,
                    until,
                }
            }
            "case" => self.case()?,
            "[[" => Kind::Test(self.test_command()?),
            "function" => {
                let Token::Word(word) = self.peek_token()? else {
                    return Err(self.unexpected());
                };
                let Some(name) = word.as_literal() else {
                    return Err(self.unexpected());
                };
                self.token()?;
                if self.accept("(")? {
                    self.expect(")")?;
                }
                self.function(name.to_owned(), start)?
            }
            _ => self.coprocess()?,
        }))
    }

    /// `(list)` or `((expression))`.
    fn parentheses(&mut self) -> Parsed<Kind> {
        self.token()?;
        if self.peek() == Some('(') {
            let start = (self.position, self.line);
            self.advance();
            if let Some(expression) = self.expression_in_parentheses()? {
                return Ok(Kind::Arithmetic(Self::expression(expression)));
            }
            (self.position, self.line) = start;
            self.ahead = None;
        }
        Ok(Kind::Subshell(self.substituted_list()?))
    }

    fn substituted_list(&mut self) -> Parsed<List> {
        let list = self.list()?;
        self.expect(")")?;
        Ok(list)
    }

    fn conditional(&mut self) -> Parsed<Kind> {
        let mut branches = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.list()?;
            self.expect_reserved("then")?;
            branches.push((condition, self.list()?));
            if self.accept_reserved("elif")? {
                continue;
            }
            if self.accept_reserved("else")? {
                otherwise = Some(self.list()?);
            }
            self.expect_reserved("fi")?;
            return Ok(Kind::If {
                branches,
                otherwise,
            });
        }
    }

    fn for_loop(&mut self) -> Parsed<Kind> {
        self.token_start();
        if self.peek() == Some('(') && self.peek_at(1) == Some('(') {
            self.ahead = None;
            self.position += 2;
            let start = self.plain_word(Place::Expression { stop: ';' })?;
            self.advance();
            let condition = self.plain_word(Place::Expression { stop: ';' })?;
            self.advance();
            let step = self.expression_in_parentheses()?;
            let Some(step) = step else {
                return Err(self.unexpected());
            };
            self.accept(";")?;
            let body = self.body()?;
            return Ok(Kind::ForArithmetic {
                start,
                condition,
                step: Self::expression(step),
                body,
            });
        }
        let (name, words) = self.loop_head()?;
        let body = self.body()?;
        Ok(Kind::For { name, words, body })
    }

    /// `name in words;`
    fn loop_head(&mut self) -> Parsed<(String, Option<Vec<Word>>)> {
        let name = self.peek_literal()?;
        let Some(name) = name.as_ref().and_then(|word| word.as_literal()) else {
            return Err(self.unexpected());
        };
        if !is_name(name) {
            return Err(self.error(format!("`{name}': not a valid identifier")));
        }
        let name = name.to_owned();
        self.token()?;
        let direct = self.accept(";")?;
        self.newlines()?;
        if direct || !self.accept_reserved("in")? {
            return Ok((name, None));
        }
        let mut words = Vec::new();
        while let Token::Word(word) = self.peek_token()? {
            self.token()?;
            words.push(Rc::try_unwrap(word).unwrap_or_else(|word| (*word).clone()));
        }
        if !self.accept(";")? && !matches!(self.peek_token()?, Token::Newline) {
            return Err(self.unexpected());
        }
        self.newlines()?;
        Ok((name, Some(words)))
    }

    /// `do … done` or `{ … }`.
    fn body(&mut self) -> Parsed<List> {
        self.newlines()?;
        if self.accept_reserved("{")? {
            let list = self.list()?;
            self.expect_reserved("}")?;
            return Ok(list);
        }
        self.do_group()
    }

    fn do_group(&mut self) -> Parsed<List> {
        self.expect_reserved("do")?;
        let list = self.list()?;
        self.expect_reserved("done")?;
        Ok(list)
    }

    fn case(&mut self) -> Parsed<Kind> {
        let Token::Word(subject) = self.peek_token()? else {
            return Err(self.unexpected());
        };
        self.token()?;
        self.newlines()?;
        self.expect_reserved("in")?;
        let mut arms = Vec::new();
        loop {
            self.newlines()?;
            if self.accept_reserved("esac")? {
                break;
            }
            let (arm, ends) = self.arm()?;
            arms.push(arm);
            if ends {
                self.newlines()?;
                self.expect_reserved("esac")?;
                break;
            }
        }
        let subject = (*subject).clone();
        Ok(Kind::Case { subject, arms })
    }

    /// And whether it is the last one, as nothing closes it.
    fn arm(&mut self) -> Parsed<(Arm, bool)> {
        self.accept("(")?;
        let mut patterns = Vec::new();
        loop {
            let Token::Word(pattern) = self.peek_token()? else {
                return Err(self.unexpected());
            };
            self.token()?;
            patterns.push((*pattern).clone());
            if !self.accept("|")? {
                break;
            }
        }
        self.expect(")")?;
        self.newlines()?;
        let empty = matches!(self.peek_token()?, Token::Operator(";;" | ";&" | ";;&"))
            || self.peek_reserved("esac")?;
        let body = if empty { List::default() } else { self.list()? };
        let (then, ends) = if self.accept(";;")? {
            (AfterArm::End, false)
        } else if self.accept(";&")? {
            (AfterArm::FallThrough, false)
        } else if self.accept(";;&")? {
            (AfterArm::TestNext, false)
        } else {
            (AfterArm::End, true)
        };
        Ok((
            Arm {
                patterns,
                body,
                then,
            },
            ends,
        ))
    }

    /// The body of a function whose name has been read.
    pub(super) fn function(&mut self, name: String, start: usize) -> Parsed<Kind> {
        self.newlines()?;
        let body_start = self.token_start();
        let body = self.command()?;
        if matches!(body.kind, Kind::Simple(_) | Kind::Function(_)) {
            return Err(self.error(format!(
                "syntax error: the body of the function `{name}' is no compound command"
            )));
        }
        Ok(Kind::Function(Rc::new(Function {
            name,
            body: Rc::new(body),
            text: self.text(start, self.position),
            body_text: self.text(body_start, self.position),
            source: Rc::clone(&self.source_name),
        })))
    }

    /// `coproc [NAME] command`: a name stands only before a compound command.
    fn coprocess(&mut self) -> Parsed<Kind> {
        let before = (self.position, self.line);
        if let Some(word) = self.peek_literal()?
            && let Some(name) = word.as_literal().filter(|name| is_name(name))
        {
            self.token()?;
            if let Ok(Some(kind)) = self.compound() {
                let mut redirects = Vec::new();
                self.redirects(&mut redirects)?;
                let body = Command {
                    line: before.1,
                    kind,
                    redirects,
                };
                return Ok(Kind::Coprocess {
                    name: name.to_owned(),
                    body: Rc::new(body),
                });
            }
            (self.position, self.line) = before;
            self.ahead = None;
        }
        let body = Rc::new(self.command()?);
        Ok(Kind::Coprocess {
            name: "COPROC".to_owned(),
            body,
        })
    }
}
