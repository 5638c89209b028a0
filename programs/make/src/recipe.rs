//! Recipes: their lines, and the marks before a line.

use crate::fault::Location;
use std::cell::OnceCell;

pub struct Recipe {
    /// Of the first line; none for a rule that comes with `make`.
    pub location: Option<Location>,
    text: String,
    /// Divided when it is needed: whether lines share a shell may be said behind the rule.
    lines: OnceCell<Vec<Line>>,
}

pub struct Line {
    /// As in the makefile, marks included.
    pub text: String,
    pub marks: Marks,
}

/// What `@`, `-` and `+` before a command say.
#[derive(Clone, Copy, Default)]
pub struct Marks {
    pub silent: bool,
    pub ignore_errors: bool,
    /// It runs even where commands are only shown: `+`, or it calls `$(MAKE)`.
    pub always: bool,
}

impl Marks {
    pub fn or(self, other: Self) -> Self {
        Self {
            silent: self.silent || other.silent,
            ignore_errors: self.ignore_errors || other.ignore_errors,
            always: self.always || other.always,
        }
    }
}

impl Recipe {
    pub fn new(text: String, location: Option<Location>) -> Self {
        Self {
            location,
            text,
            lines: OnceCell::new(),
        }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// With `one_shell` all lines are one.
    pub fn lines(&self, one_shell: bool) -> &[Line] {
        self.lines.get_or_init(|| {
            let texts = match one_shell {
                true => vec![self.text.clone()],
                false => split(&self.text),
            };
            let lines = texts.into_iter().map(|text| {
                let (mut marks, _) = marks(&text);
                marks.always |= text.contains("$(MAKE)") || text.contains("${MAKE}");
                Line { text, marks }
            });
            lines.collect()
        })
    }

    pub fn any_always(&self, one_shell: bool) -> bool {
        self.lines(one_shell).iter().any(|line| line.marks.always)
    }

    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// The marks before a command, and the command.
pub fn marks(text: &str) -> (Marks, &str) {
    let mut marks = Marks::default();
    let mut rest = text;
    loop {
        let mut characters = rest.chars();
        match characters.next() {
            Some('@') => marks.silent = true,
            Some('-') => marks.ignore_errors = true,
            Some('+') => marks.always = true,
            Some(' ' | '\t') => {}
            _ => return (marks, rest),
        }
        rest = characters.as_str();
    }
}

/// Lines; a backslash at the end of one joins the next to it.
pub fn split(text: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.split('\n') {
        match all.last_mut() {
            Some(last) if open => {
                last.push('\n');
                last.push_str(line);
            }
            _ => all.push(line.to_owned()),
        }
        let slashes = line.len() - line.trim_end_matches('\\').len();
        open = slashes % 2 == 1;
    }
    all
}
