//! Here-documents: their text lies behind the line that names them.

use super::word::Place;
use super::{Parsed, Parser, Part, Word};
use std::cell::OnceCell;
use std::rc::Rc;

#[derive(Debug)]
pub struct Pending {
    pub delimiter: String,
    /// A quoted delimiter: nothing is expanded.
    pub quoted: bool,
    /// `<<-`
    pub strips_tabs: bool,
    pub body: Rc<OnceCell<Word>>,
}

impl Parser {
    pub(super) fn heredoc(&mut self, strips_tabs: bool) -> Parsed<Rc<OnceCell<Word>>> {
        let start = self.token_start();
        self.ahead = None;
        let word = self.word(Place::Word { assigned: false })?;
        if word.parts.is_empty() {
            return Err(self.unexpected());
        }
        let written = self.text(start, self.position);
        let quoted = written.contains(['\'', '"', '\\']);
        let body = Rc::new(OnceCell::new());
        self.heredocs.push(Pending {
            delimiter: if quoted { unquoted(&word) } else { written },
            quoted,
            strips_tabs,
            body: Rc::clone(&body),
        });
        Ok(body)
    }

    /// At the begin of a line: the documents that the line before named.
    pub(super) fn heredoc_bodies(&mut self) -> Parsed<()> {
        for pending in std::mem::take(&mut self.heredocs) {
            let line = self.line;
            let text = self.heredoc_text(&pending);
            let word = if pending.quoted {
                Word::quoted(text)
            } else {
                let mut inner = Parser::new(&text, line, self.source_name.clone());
                inner.depth = self.depth;
                Word {
                    parts: inner.parts(Place::HereDocument)?,
                    braces: false,
                }
            };
            // It is new, so it is not filled yet.
            let _ = pending.body.set(word);
        }
        Ok(())
    }

    fn heredoc_text(&mut self, pending: &Pending) -> String {
        let mut text = String::new();
        let mut continued = false;
        while self.peek().is_some() {
            let start = self.position;
            let mut line = self.take_while(|c| c != '\n');
            if pending.strips_tabs && !continued {
                line = line.trim_start_matches('\t').to_owned();
            }
            let complete = line.trim_end_matches('\r');
            if !continued && complete == pending.delimiter {
                if self.peek().is_some() {
                    self.advance();
                }
                return text;
            }
            // `$(cat <<END … END)`: the parenthesis ends it too.
            if !continued
                && self.substitutions > 0
                && let Some(rest) = line.strip_prefix(pending.delimiter.as_str())
                && rest.trim_start().starts_with(')')
            {
                let stripped = self.position - start - line.chars().count();
                self.position = start + stripped + pending.delimiter.chars().count();
                return text;
            }
            continued = !pending.quoted && ends_in_backslash(&line);
            text.push_str(&line);
            if self.peek().is_some() {
                text.push('\n');
                self.advance();
            }
        }
        self.warnings.push((
            self.line,
            format!(
                "warning: here-document delimited by end-of-file (wanted `{}')",
                pending.delimiter
            ),
        ));
        text
    }
}

fn ends_in_backslash(line: &str) -> bool {
    line.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

fn unquoted(word: &Word) -> String {
    fn collect(parts: &[Part], text: &mut String) {
        for part in parts {
            match part {
                Part::Literal(part) | Part::Quoted(part) => text.push_str(part),
                Part::Double(parts) => collect(parts, text),
                _ => {}
            }
        }
    }
    let mut text = String::new();
    collect(&word.parts, &mut text);
    text
}
