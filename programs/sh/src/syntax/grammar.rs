//! Commands, from the list down to the simple command.

use super::heredoc::Pending;
use super::token::Token;
use super::word::Place;
use super::{
    Argument, Chain, Command, Connector, Descriptor, Item, Kind, List, Parsed, Part, Pipeline,
    Redirect, RedirectKind, Simple, Timed, Word,
};
use std::collections::HashMap;
use std::rc::Rc;

/// Reads a script command by command, so that what precedes an error runs.
pub struct Parser {
    pub(super) source: Vec<char>,
    pub(super) position: usize,
    pub(super) line: u32,
    /// A token that was looked at: where it begins and ends.
    pub(super) ahead: Option<(usize, Token, usize, u32)>,
    pub(super) heredocs: Vec<Pending>,
    pub(super) depth: u32,
    /// How many `$(` are open.
    pub(super) substitutions: u32,
    /// `!(` begins a pattern, no negated subshell.
    pub extended: bool,
    /// Inside `[[ ]]`.
    pub(super) tests: bool,
    pub(super) source_name: Rc<str>,
    /// Aliases stand for text, so they are replaced while it is read.
    pub aliases: Rc<HashMap<String, String>>,
    /// Aliases whose text reaches up to here are not replaced in it again.
    pub(super) replaced: Vec<(String, usize)>,
    pub warnings: Vec<(u32, String)>,
}

/// Commands whose arguments may be assignments.
const DECLARATIONS: [&str; 5] = ["declare", "typeset", "local", "export", "readonly"];

const RESERVED: [&str; 11] = [
    "then", "else", "elif", "fi", "do", "done", "esac", "}", "!", "{", "[[",
];

impl Parser {
    pub fn new(source: &str, line: u32, source_name: Rc<str>) -> Self {
        Self {
            source: source.chars().collect(),
            position: 0,
            line,
            ahead: None,
            heredocs: Vec::new(),
            depth: 0,
            substitutions: 0,
            extended: false,
            tests: false,
            source_name,
            aliases: Rc::default(),
            replaced: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The next line of commands. None at the end.
    pub fn next(&mut self) -> Parsed<Option<List>> {
        self.newlines()?;
        if matches!(self.peek_token()?, Token::End) {
            return Ok(None);
        }
        let mut items = Vec::new();
        loop {
            let (item, separated) = self.item()?;
            items.push(item);
            match self.peek_token()? {
                Token::Newline => {
                    self.token()?;
                    break;
                }
                Token::End => {
                    self.heredoc_bodies()?;
                    break;
                }
                _ if separated && self.starts_command()? => {}
                _ => return Err(self.unexpected()),
            }
        }
        Ok(Some(Rc::new(items)))
    }

    /// All of it.
    pub fn whole(&mut self) -> Parsed<List> {
        let mut items = Vec::new();
        while let Some(list) = self.next()? {
            items.extend(Rc::try_unwrap(list).unwrap_or_default());
        }
        Ok(Rc::new(items))
    }

    /// The line that an error is in.
    pub fn line_text(&self, line: u32) -> Option<String> {
        let text: String = self.source.iter().collect();
        let line = usize::try_from(line).ok()?.checked_sub(1)?;
        text.lines().nth(line).map(str::to_owned)
    }

    /// After `$(`, `<(` or `(`: commands up to `)`.
    pub(super) fn substituted(&mut self) -> Parsed<List> {
        let heredocs = std::mem::take(&mut self.heredocs);
        let ahead = self.ahead.take();
        let tests = std::mem::take(&mut self.tests);
        self.substitutions += 1;
        let list = self.deeper(|parser| {
            parser.newlines()?;
            let list = if matches!(parser.peek_token()?, Token::Operator(")")) {
                Rc::default()
            } else {
                parser.list()?
            };
            if matches!(parser.peek_token()?, Token::End) {
                return Err(parser.end_of_file(')'));
            }
            parser.expect(")")?;
            Ok(list)
        });
        self.substitutions -= 1;
        self.tests = tests;
        self.heredocs = heredocs;
        self.ahead = ahead;
        list
    }

    /// At least one command, up to what cannot begin one.
    pub(super) fn list(&mut self) -> Parsed<List> {
        let mut items = Vec::new();
        self.newlines()?;
        loop {
            let (item, separated) = self.item()?;
            items.push(item);
            let separated = separated || matches!(self.peek_token()?, Token::Newline);
            self.newlines()?;
            if !separated || !self.starts_command()? {
                break;
            }
        }
        Ok(Rc::new(items))
    }

    /// Can a command begin here?
    fn starts_command(&mut self) -> Parsed<bool> {
        Ok(match self.peek_token()? {
            Token::End | Token::Newline => false,
            Token::Operator(operator) => {
                matches!(
                    operator,
                    "(" | "<"
                        | ">"
                        | "<<"
                        | "<<-"
                        | "<<<"
                        | ">>"
                        | "<&"
                        | ">&"
                        | "<>"
                        | ">|"
                        | "&>"
                        | "&>>"
                )
            }
            Token::Word(word) => !matches!(
                word.as_literal(),
                Some("then" | "else" | "elif" | "fi" | "do" | "done" | "esac" | "}")
            ),
            Token::Number(_) | Token::Variable(_) => true,
        })
    }

    /// And whether something divides it from what follows.
    fn item(&mut self) -> Parsed<(Item, bool)> {
        let start = self.token_start();
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let connector = if self.accept("&&")? {
                Connector::And
            } else if self.accept("||")? {
                Connector::Or
            } else {
                break;
            };
            self.newlines()?;
            rest.push((connector, self.pipeline()?));
        }
        let text = self.text(start, self.position).trim_end().to_owned();
        let background = self.accept("&")?;
        let separated = background || self.accept(";")?;
        let chain = Rc::new(Chain { first, rest, text });
        Ok((Item { chain, background }, separated))
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        let mut negated = false;
        let mut prefixed = false;
        let mut timed = None;
        loop {
            if self.accept_reserved("!")? {
                negated = !negated;
                prefixed = true;
            } else if timed.is_none() && self.peek_reserved("time")? {
                self.token()?;
                timed = Some(Timed::Bash);
                if self.accept_reserved("-p")? {
                    timed = Some(Timed::Posix);
                }
            } else {
                break;
            }
        }
        let mut commands = Vec::new();
        if (timed.is_some() || prefixed) && !self.starts_command()? {
            return Ok(Pipeline {
                commands,
                negated,
                timed,
            });
        }
        loop {
            let mut command = self.command()?;
            let both = self.accept("|&")?;
            if both {
                command.redirects.push(Redirect {
                    descriptor: Descriptor::Number(2),
                    kind: RedirectKind::DuplicateOutput(Word::literal("1")),
                });
            }
            commands.push(Rc::new(command));
            if !both && !self.accept("|")? {
                break;
            }
            self.newlines()?;
        }
        Ok(Pipeline {
            commands,
            negated,
            timed,
        })
    }

    pub(super) fn command(&mut self) -> Parsed<Command> {
        self.deeper(|parser| {
            parser.token_start();
            let line = parser.line;
            let (kind, mut redirects) = match parser.compound()? {
                Some(kind) => (kind, Vec::new()),
                None => parser.simple()?,
            };
            if !matches!(
                kind,
                Kind::Simple(_) | Kind::Function(_) | Kind::Coprocess { .. }
            ) {
                parser.redirects(&mut redirects)?;
            }
            Ok(Command {
                line,
                kind,
                redirects,
            })
        })
    }

    pub(super) fn redirects(&mut self, redirects: &mut Vec<Redirect>) -> Parsed<()> {
        while let Some(redirect) = self.redirect()? {
            redirects.push(redirect);
        }
        Ok(())
    }

    fn simple(&mut self) -> Parsed<(Kind, Vec<Redirect>)> {
        let start = self.token_start();
        let mut simple = Simple {
            text: "".into(),
            assignments: Vec::new(),
            words: Vec::new(),
        };
        let mut redirects = Vec::new();
        let mut declares = false;
        loop {
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if simple.words.is_empty() {
                if let Some(assignment) = self.assignment()? {
                    simple.assignments.push(assignment);
                    continue;
                }
                if self.replace_alias()? {
                    // What stands for it may be any command.
                    if simple.assignments.is_empty() && redirects.is_empty() {
                        let command = self.command()?;
                        return Ok((command.kind, command.redirects));
                    }
                    continue;
                }
            } else if declares && let Some(assignment) = self.assignment()? {
                simple.words.push(Argument::Assignment(assignment));
                continue;
            }
            let Token::Word(word) = self.peek_token()? else {
                break;
            };
            let literal = word.as_literal();
            if simple.words.is_empty()
                && simple.assignments.is_empty()
                && redirects.is_empty()
                && literal.is_some_and(|word| RESERVED.contains(&word))
            {
                break;
            }
            declares |= literal.is_some_and(|word| DECLARATIONS.contains(&word))
                && simple.words.iter().all(|word| {
                    matches!(word, Argument::Word(word) if matches!(word.as_literal(), Some("command" | "builtin")))
                });
            self.token()?;
            let word = Rc::try_unwrap(word).unwrap_or_else(|word| (*word).clone());
            simple.words.push(Argument::Word(word));
            if simple.words.len() == 1
                && simple.assignments.is_empty()
                && matches!(self.peek_token()?, Token::Operator("("))
            {
                return self
                    .function_after_name(&simple)
                    .map(|kind| (kind, redirects));
            }
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && redirects.is_empty() {
            return Err(self.unexpected());
        }
        simple.text = self.text(start, self.position).trim_end().into();
        Ok((Kind::Simple(simple), redirects))
    }

    fn function_after_name(&mut self, simple: &Simple) -> Parsed<Kind> {
        let name = match simple.words.first() {
            Some(Argument::Word(word)) => word.as_literal().map(str::to_owned),
            _ => None,
        };
        let before = (self.position, self.line);
        self.expect("(")?;
        let Some(name) = name.filter(|_| matches!(self.peek_token(), Ok(Token::Operator(")"))))
        else {
            (self.position, self.line) = before;
            self.ahead = None;
            return Err(self.unexpected());
        };
        self.expect(")")?;
        let start = before.0.saturating_sub(name.chars().count());
        self.function(name, start)
    }

    /// Replaces the next word's text by what it is an alias for.
    fn replace_alias(&mut self) -> Parsed<bool> {
        if self.aliases.is_empty() {
            return Ok(false);
        }
        let Some(word) = self.peek_literal()? else {
            return Ok(false);
        };
        let Some(name) = word.as_literal() else {
            return Ok(false);
        };
        let start = self.token_start();
        self.replaced.retain(|(_, end)| *end > start);
        if self.replaced.iter().any(|(before, _)| before == name) {
            return Ok(false);
        }
        let Some(text) = self.aliases.get(name).cloned() else {
            return Ok(false);
        };
        let end = start + name.chars().count();
        let length = text.chars().count();
        let moved = |at: usize| (at + length).saturating_sub(end - start);
        for (_, at) in &mut self.replaced {
            *at = moved(*at);
        }
        self.source.splice(start..end, text.chars());
        self.replaced.push((name.to_owned(), start + length + 1));
        self.ahead = None;
        Ok(true)
    }

    pub(super) fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let token = self.peek_token()?;
        let mut descriptor = Descriptor::Default;
        let operator = match token {
            Token::Number(number) => {
                descriptor = Descriptor::Number(number);
                self.token()?;
                self.peek_token()?
            }
            Token::Variable(name) => {
                descriptor = Descriptor::Variable(name);
                self.token()?;
                self.peek_token()?
            }
            token => token,
        };
        let Token::Operator(operator) = operator else {
            return Ok(None);
        };
        let word: fn(Word) -> RedirectKind = match operator {
            "<" => RedirectKind::Read,
            ">" => RedirectKind::Write,
            ">|" => RedirectKind::Clobber,
            ">>" => RedirectKind::Append,
            "<>" => RedirectKind::ReadWrite,
            "<&" => RedirectKind::DuplicateInput,
            ">&" => RedirectKind::DuplicateOutput,
            "&>" => RedirectKind::OutputAndError,
            "&>>" => RedirectKind::AppendOutputAndError,
            "<<<" => RedirectKind::HereString,
            "<<" | "<<-" => {
                self.token()?;
                let body = self.heredoc(operator == "<<-")?;
                return Ok(Some(Redirect {
                    descriptor,
                    kind: RedirectKind::HereDocument(body),
                }));
            }
            _ => return Ok(None),
        };
        self.token()?;
        let Token::Word(target) = self.peek_token()? else {
            return Err(self.unexpected());
        };
        self.token()?;
        let target = Rc::try_unwrap(target).unwrap_or_else(|word| (*word).clone());
        Ok(Some(Redirect {
            descriptor,
            kind: word(target),
        }))
    }

    pub(super) fn plain_word(&mut self, place: Place) -> Parsed<Word> {
        self.token_start();
        self.ahead = None;
        self.word(place)
    }

    pub(super) fn expression(parts: Vec<Part>) -> Word {
        Word {
            parts,
            braces: false,
        }
    }
}
