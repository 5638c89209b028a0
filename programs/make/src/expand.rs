//! References to variables and functions, and what stands in their place.

use crate::fault::{Fault, Outcome};
use crate::make::Make;
use crate::stem::Pattern;
use crate::variables::{SetId, Variable};
use std::rc::Rc;

/// References within references, and calls within calls. A function that calls itself without end gets here.
const DEPTH_MAX: usize = 1_000;

impl Make {
    pub fn expand(&mut self, text: &str) -> Outcome<String> {
        let mut out = String::with_capacity(text.len());
        self.expand_into(&mut out, text)?;
        Ok(out)
    }

    /// Expands as the recipe of a target would.
    pub fn expand_in(&mut self, set: SetId, text: &str) -> Outcome<String> {
        let before = std::mem::replace(&mut self.variables.current, set);
        let out = self.expand(text);
        self.variables.current = before;
        out
    }

    pub fn expand_into(&mut self, out: &mut String, text: &str) -> Outcome<()> {
        self.depth += 1;
        let result = match self.depth > DEPTH_MAX {
            true => Err(self.stop("references are nested too deeply")),
            false => self.expand_all(out, text),
        };
        self.depth -= 1;
        result
    }

    fn expand_all(&mut self, out: &mut String, text: &str) -> Outcome<()> {
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (plain, reference) = rest.split_at(at);
            out.push_str(plain);
            let behind = reference.get(1..).unwrap_or_default();
            let Some(first) = behind.chars().next() else {
                return Ok(());
            };
            let length = match first {
                '$' => {
                    out.push('$');
                    1
                }
                '(' | '{' => 1 + self.reference(out, behind)?,
                blank if blank.is_ascii_whitespace() => blank.len_utf8(),
                name => {
                    let mut bytes = [0; 4];
                    self.variable(out, name.encode_utf8(&mut bytes))?;
                    name.len_utf8()
                }
            };
            rest = behind.get(length..).unwrap_or_default();
        }
        out.push_str(rest);
        Ok(())
    }

    /// What stands in brackets; gives back how much that is behind the first one.
    fn reference(&mut self, out: &mut String, text: &str) -> Outcome<usize> {
        let open = text.chars().next().unwrap_or('(');
        let close = if open == '(' { ')' } else { '}' };
        let inside = text.get(1..).unwrap_or_default();
        if let Some(length) = self.function(out, inside, open, close)? {
            return Ok(length);
        }
        let Some(length) = closing(inside, open, close) else {
            return Err(self.stop("unterminated variable reference"));
        };
        let name = inside.get(..length).unwrap_or_default();
        if name.contains('$') {
            let name = self.expand(name)?;
            self.named(out, &name)?;
        } else {
            self.named(out, name)?;
        }
        Ok(length + 1)
    }

    /// `NAME`, or `NAME:from=to`.
    fn named(&mut self, out: &mut String, text: &str) -> Outcome<()> {
        let parts = text.split_once(':');
        let parts = parts.and_then(|(name, change)| Some((name, change.split_once('=')?)));
        let Some((name, (from, to))) = parts else {
            return self.variable(out, text);
        };
        let mut value = String::new();
        self.variable(&mut value, name)?;
        let (from, to) = match crate::stem::has_percent(from) {
            true => (from.to_owned(), to.to_owned()),
            false => (format!("%{from}"), format!("%{to}")),
        };
        substitute(out, &value, &from, &to);
        Ok(())
    }

    pub fn variable(&mut self, out: &mut String, name: &str) -> Outcome<()> {
        let current = self.variables.current;
        let found = self.variables.find(current, name);
        let Some((set, variable)) = found.map(|(set, found)| (set, found.clone())) else {
            return self.undefined(out, name);
        };
        self.value(out, name, set, &variable)
    }

    fn value(
        &mut self,
        out: &mut String,
        name: &str,
        set: SetId,
        variable: &Variable,
    ) -> Outcome<()> {
        if variable.append {
            return self.appended_value(out, name, set, variable);
        }
        if !variable.recursive {
            out.push_str(&variable.value);
            return Ok(());
        }
        let same = |(at, other): &(SetId, Rc<str>)| *at == set && **other == *name;
        if self.expanding.iter().any(same) {
            let text = format!("Recursive variable '{name}' references itself (eventually)");
            return Err(Fault::at(
                variable.location.clone().or(self.location.clone()),
                text,
            ));
        }
        self.expanding.push((set, name.into()));
        let result = self.expand_into(out, &variable.value);
        self.expanding.pop();
        result
    }

    /// What is found further out, then what this target adds.
    fn appended_value(
        &mut self,
        out: &mut String,
        name: &str,
        set: SetId,
        variable: &Variable,
    ) -> Outcome<()> {
        let outer = self.variables.find_behind(set, name);
        let outer = outer.map(|(set, found)| (set, found.clone()));
        let from = out.len();
        if let Some((set, outer)) = outer {
            self.value(out, name, set, &outer)?;
        }
        if variable.value.is_empty() {
            return Ok(());
        }
        if out.len() > from {
            out.push(' ');
        }
        match variable.recursive {
            true => self.expand_into(out, &variable.value),
            false => {
                out.push_str(&variable.value);
                Ok(())
            }
        }
    }

    fn undefined(&mut self, out: &mut String, name: &str) -> Outcome<()> {
        if name == ".VARIABLES" {
            let all = self.variables.visible(crate::variables::GLOBAL);
            let names: Vec<&str> = all.iter().map(|(name, _)| &**name).collect();
            out.push_str(&names.join(" "));
        } else if self.options.warn_undefined && !QUIET.contains(&name) {
            let text = format!("warning: undefined variable '{name}'");
            self.complain(self.location.clone().as_ref(), &text);
        }
        Ok(())
    }
}

/// Variables that nobody has to set.
const QUIET: [&str; 7] = [
    "MAKECMDGOALS",
    "MAKE_RESTARTS",
    "GNUMAKEFLAGS",
    "MAKEFLAGS",
    ".DEFAULT_GOAL",
    "-*-command-variables-*-",
    "VPATH",
];

/// Where the bracket is that closes what was opened before `text`.
pub fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0;
    for (at, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            if depth == 0 {
                return Some(at);
            }
            depth -= 1;
        }
    }
    None
}

/// The words of a text, each changed if it is like the pattern.
pub fn substitute(out: &mut String, text: &str, from: &str, to: &str) {
    let (from, to) = (Pattern::new(from), Pattern::new(to));
    for (index, word) in text.split_ascii_whitespace().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        match from.stem(word) {
            // Without `%` in the pattern, one in the replacement is a character like others.
            Some(stem) if from.has_percent() => out.push_str(&to.fill(stem)),
            Some(_) => out.push_str(&to.fill("%")),
            None => out.push_str(word),
        }
    }
}
