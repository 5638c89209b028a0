//! The functions: which there are, how their arguments are read, and who computes them.

mod control;
mod names;
mod outside;
mod text;

use crate::expand::closing;
use crate::fault::Outcome;
use crate::make::Make;

/// A function's name and how it takes arguments.
struct Function {
    name: &'static str,
    least: usize,
    /// The last takes what is left, commas too; 0 is any number.
    most: usize,
    /// It expands its arguments itself, those that it needs.
    lazy: bool,
}

const fn function(name: &'static str, least: usize, most: usize) -> Function {
    Function {
        name,
        least,
        most,
        lazy: false,
    }
}

const fn lazy(name: &'static str, least: usize, most: usize) -> Function {
    Function {
        name,
        least,
        most,
        lazy: true,
    }
}

const FUNCTIONS: [Function; 38] = [
    function("abspath", 0, 1),
    function("addprefix", 2, 2),
    function("addsuffix", 2, 2),
    lazy("and", 1, 0),
    function("basename", 0, 1),
    function("call", 1, 0),
    function("dir", 0, 1),
    function("error", 0, 1),
    function("eval", 0, 1),
    function("file", 1, 2),
    function("filter", 2, 2),
    function("filter-out", 2, 2),
    function("findstring", 2, 2),
    function("firstword", 0, 1),
    function("flavor", 0, 1),
    lazy("foreach", 3, 3),
    lazy("if", 2, 3),
    function("info", 0, 1),
    lazy("intcmp", 2, 5),
    function("join", 2, 2),
    function("lastword", 0, 1),
    lazy("let", 3, 3),
    function("notdir", 0, 1),
    lazy("or", 1, 0),
    function("origin", 0, 1),
    function("patsubst", 3, 3),
    function("realpath", 0, 1),
    function("shell", 0, 1),
    function("sort", 0, 1),
    function("strip", 0, 1),
    function("subst", 3, 3),
    function("suffix", 0, 1),
    function("value", 0, 1),
    function("warning", 0, 1),
    function("wildcard", 0, 1),
    function("word", 2, 2),
    function("wordlist", 3, 3),
    function("words", 0, 1),
];

fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

impl Make {
    /// A call of a function, behind its bracket; gives back its length with the bracket that closes it, or none if it is
    /// no such call.
    pub fn function(
        &mut self,
        out: &mut String,
        text: &str,
        open: char,
        close: char,
    ) -> Outcome<Option<usize>> {
        let end = text.find(|c: char| !(c.is_ascii_lowercase() || c == '-'));
        let (name, behind) = text.split_at(end.unwrap_or(text.len()));
        if !behind.starts_with(|c: char| c.is_ascii_whitespace()) {
            return Ok(None);
        }
        let Some(function) = find(name) else {
            return Ok(None);
        };
        let arguments = behind.trim_start();
        let start = text.len() - arguments.len();
        let Some(length) = closing(arguments, open, close) else {
            let text = format!("unterminated call to function '{name}': missing '{close}'");
            return Err(self.stop(&text));
        };
        let arguments = arguments.get(..length).unwrap_or_default();
        let mut arguments = split(arguments, open, close, function.most);
        if !function.lazy {
            for argument in &mut arguments {
                if argument.contains('$') {
                    *argument = self.expand(argument)?;
                }
            }
        }
        self.run(out, function, &arguments)?;
        Ok(Some(start + length + 1))
    }

    fn run(&mut self, out: &mut String, function: &Function, arguments: &[String]) -> Outcome<()> {
        let name = function.name;
        let count = match arguments {
            [only] if only.is_empty() && function.least > 1 => 0,
            _ => arguments.len(),
        };
        if count < function.least {
            return Err(self.stop(&format!(
                "insufficient number of arguments ({count}) to function '{name}'"
            )));
        }
        let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
        if text::run(out, name, &argument) || names::run(out, name, &argument) {
            return Ok(());
        }
        match name {
            "word" | "wordlist" => self.word_at(out, name, arguments),
            "wildcard" | "realpath" | "abspath" | "file" | "shell" => {
                self.outside(out, name, arguments)
            }
            _ => self.control(out, name, arguments),
        }
    }
}

/// The arguments, divided by commas that are in no brackets.
fn split(text: &str, open: char, close: char, most: usize) -> Vec<String> {
    let mut all = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            depth = depth.saturating_sub(1);
        } else if character == ',' && depth == 0 && (most == 0 || all.len() + 1 < most) {
            all.push(text.get(start..at).unwrap_or_default().to_owned());
            start = at + 1;
        }
    }
    all.push(text.get(start..).unwrap_or_default().to_owned());
    all
}
