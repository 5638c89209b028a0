//! The command line, and `MAKEFLAGS`, which hands it on to a `make` below.

use crate::assignment::Operator;

/// What was asked for.
#[derive(Clone, Default)]
pub struct Options {
    pub always_make: bool,
    pub environment_wins: bool,
    pub ignore_errors: bool,
    pub keep_going: bool,
    pub just_print: bool,
    pub print_database: bool,
    pub question: bool,
    pub no_rules: bool,
    pub no_variables: bool,
    pub silent: bool,
    pub touch: bool,
    pub trace: bool,
    pub warn_undefined: bool,
    pub print_folder: Option<bool>,
    /// 0 is as many as there are; 1 is one after the other.
    pub jobs: usize,
    pub include_folders: Vec<String>,
    pub makefiles: Vec<String>,
    pub folders: Vec<String>,
    pub old: Vec<String>,
    pub new: Vec<String>,
    pub evals: Vec<String>,
    /// `NAME=value`
    pub assignments: Vec<String>,
    pub goals: Vec<String>,
    pub help: bool,
    pub version: bool,
}

/// Whether an option has a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    No,
    Yes,
    /// Attached, or a number behind it.
    Number,
    Attached,
}

use Value::{Attached, No, Number, Yes};

/// Options, each by its letter; those without one have a letter that nobody types.
const LONG: [(&str, char, Value); 44] = [
    ("always-make", 'B', No),
    ("assume-new", 'W', Yes),
    ("assume-old", 'o', Yes),
    ("check-symlink-times", 'L', No),
    ("debug", 'd', Attached),
    ("directory", 'C', Yes),
    ("dry-run", 'n', No),
    ("environment-overrides", 'e', No),
    ("eval", 'E', Yes),
    ("file", 'f', Yes),
    ("help", 'h', No),
    ("ignore-errors", 'i', No),
    ("include-dir", 'I', Yes),
    ("jobs", 'j', Number),
    ("jobserver-auth", 'J', Yes),
    ("jobserver-style", 'J', Yes),
    ("just-print", 'n', No),
    ("keep-going", 'k', No),
    ("load-average", 'l', Number),
    ("makefile", 'f', Yes),
    ("max-load", 'l', Number),
    ("new-file", 'W', Yes),
    ("no-builtin-rules", 'r', No),
    ("no-builtin-variables", 'R', No),
    ("no-keep-going", 'S', No),
    ("no-print-directory", 'N', No),
    ("no-silent", 'Q', No),
    ("old-file", 'o', Yes),
    ("output-sync", 'O', Attached),
    ("print-data-base", 'p', No),
    ("print-directory", 'w', No),
    ("question", 'q', No),
    ("quiet", 's', No),
    ("recon", 'n', No),
    ("shuffle", 'J', Attached),
    ("silent", 's', No),
    ("stop", 'S', No),
    ("touch", 't', No),
    ("trace", 'T', No),
    ("version", 'v', No),
    ("warn-undefined-variables", 'U', No),
    ("what-if", 'W', Yes),
    // Of one letter only.
    ("", 'b', No),
    ("", 'm', No),
];

/// Letters of options that have no letter.
const HIDDEN: &str = "JNQTU";

impl Options {
    pub fn new() -> Self {
        Self {
            jobs: 1,
            ..Self::default()
        }
    }

    /// Takes arguments; an error is what is wrong with one.
    pub fn take(&mut self, arguments: Vec<String>) -> Result<(), String> {
        let mut rest = arguments.into_iter().peekable();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                rest.by_ref().for_each(|argument| self.operand(argument));
            } else if let Some(long) = argument.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let (letter, kind) = long_option(name)?;
                let value = match (kind, value) {
                    (No, Some(_)) => {
                        return Err(format!("option '--{name}' doesn't allow an argument"));
                    }
                    (Yes, None) => Some(
                        rest.next()
                            .ok_or_else(|| format!("option '--{name}' requires an argument"))?,
                    ),
                    (Number, None) => rest.next_if(|next| is_number(next)),
                    (_, value) => value,
                };
                self.set(letter, value)?;
            } else if argument.len() > 1 && argument.starts_with('-') {
                self.letters(&argument, &mut rest)?;
            } else {
                self.operand(argument);
            }
        }
        Ok(())
    }

    fn operand(&mut self, argument: String) {
        if let Some(new) = crate::assignment::parse(&argument) {
            // The last of one name counts, and it alone is handed on.
            let other = |old: &String| {
                let old = crate::assignment::parse(old);
                old.is_none_or(|old| old.name != new.name || new.operator == Operator::Append)
            };
            self.assignments.retain(other);
            self.assignments.push(argument);
        } else if !argument.is_empty() {
            self.goals.push(argument);
        }
    }

    fn letters(
        &mut self,
        argument: &str,
        rest: &mut std::iter::Peekable<std::vec::IntoIter<String>>,
    ) -> Result<(), String> {
        let mut characters = argument.chars();
        characters.next();
        while let Some(letter) = characters.next() {
            let known = LONG.iter().filter(|_| !HIDDEN.contains(letter));
            let mut known = known.filter(|(_, other, _)| *other == letter);
            let Some((_, _, kind)) = known.next() else {
                return Err(format!("invalid option -- '{letter}'"));
            };
            // `--debug` has a value, `-d` has none.
            let kind = if letter == 'd' { No } else { *kind };
            let attached = characters.as_str();
            let value = match kind {
                No => None,
                Number if !is_number(attached) && !attached.is_empty() => None,
                Number if attached.is_empty() => rest.next_if(|next| is_number(next)),
                _ if !attached.is_empty() => Some(attached.to_owned()),
                Attached => None,
                _ => Some(
                    rest.next()
                        .ok_or_else(|| format!("option requires an argument -- '{letter}'"))?,
                ),
            };
            let used = value.is_some() && kind != No && !attached.is_empty();
            self.set(letter, value)?;
            if used {
                break;
            }
        }
        Ok(())
    }

    fn set(&mut self, letter: char, value: Option<String>) -> Result<(), String> {
        match letter {
            'B' => self.always_make = true,
            'e' => self.environment_wins = true,
            'h' => self.help = true,
            'i' => self.ignore_errors = true,
            'j' => {
                self.jobs =
                    match value {
                        None => 0,
                        Some(number) => number.parse().ok().filter(|jobs| *jobs > 0).ok_or(
                            "the '-j' option requires a positive integer argument".to_owned(),
                        )?,
                    }
            }
            'k' => self.keep_going = true,
            'n' => self.just_print = true,
            'N' => self.print_folder = Some(false),
            'p' => self.print_database = true,
            'q' => self.question = true,
            'Q' => self.silent = false,
            'r' => self.no_rules = true,
            'R' => {
                self.no_variables = true;
                self.no_rules = true;
            }
            's' => self.silent = true,
            'S' => self.keep_going = false,
            't' => self.touch = true,
            'T' => self.trace = true,
            'U' => self.warn_undefined = true,
            'v' => self.version = true,
            'w' => self.print_folder = Some(true),
            _ => self.list(letter, value.unwrap_or_default()),
        }
        Ok(())
    }

    fn list(&mut self, letter: char, value: String) {
        match letter {
            'C' => self.folders.push(value),
            'E' => self.evals.push(value),
            'f' => self.makefiles.push(value),
            'I' => self.include_folders.push(value),
            'o' => self.old.push(value),
            'W' => self.new.push(value),
            // What is left has no effect here: load, debugging, how outputs are put in order.
            _ => {}
        }
    }

    /// Takes what `MAKEFLAGS` says. Words in it that are no options are of no use.
    pub fn take_flags(&mut self, flags: &str) {
        let mut words = unescape(flags);
        if let Some(first) = words.first_mut()
            && !first.starts_with('-')
            && !first.contains('=')
        {
            *first = format!("-{first}");
        }
        let goals = self.goals.clone();
        // A flag that is not known is left alone, as it may be one of another `make`.
        let _ = self.take(words);
        self.goals = goals;
    }

    /// Letters, then options with values, as `MAKEFLAGS` has them.
    pub fn flags(&self) -> String {
        let letters = [
            (self.always_make, 'B'),
            (self.environment_wins, 'e'),
            (self.ignore_errors, 'i'),
            (self.keep_going, 'k'),
            (self.just_print, 'n'),
            (self.print_database, 'p'),
            (self.question, 'q'),
            (self.no_rules, 'r'),
            (self.no_variables, 'R'),
            (self.silent, 's'),
            (self.touch, 't'),
            (self.print_folder == Some(true), 'w'),
        ];
        let mut text: String = letters
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, letter)| letter)
            .collect();
        for folder in &self.include_folders {
            text.push_str(&format!(" -I{folder}"));
        }
        match self.jobs {
            1 => {}
            0 => text.push_str(" -j"),
            jobs => text.push_str(&format!(" -j{jobs}")),
        }
        for (set, name) in [
            (self.trace, "trace"),
            (self.print_folder == Some(false), "no-print-directory"),
            (self.warn_undefined, "warn-undefined-variables"),
        ] {
            if set {
                text.push_str(&format!(" --{name}"));
            }
        }
        text
    }

    /// Variables of the command line as `MAKEFLAGS` has them, the last first.
    pub fn overrides(&self) -> String {
        let all = self.assignments.iter().rev().map(|one| {
            let mut text = String::new();
            for character in one.chars() {
                match character {
                    '\\' => text.push_str("\\\\"),
                    '$' => text.push_str("$$"),
                    blank if blank.is_ascii_whitespace() => {
                        text.push('\\');
                        text.push(blank);
                    }
                    other => text.push(other),
                }
            }
            text
        });
        all.collect::<Vec<_>>().join(" ")
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
}

/// A long option, or the beginning of one that is like no other.
fn long_option(name: &str) -> Result<(char, Value), String> {
    let mut like = LONG
        .iter()
        .filter(|(other, _, _)| !name.is_empty() && other.starts_with(name));
    let exact = like.clone().find(|(other, _, _)| *other == name);
    let Some((_, letter, value)) = exact.or(like.next()) else {
        return Err(format!("unrecognized option '--{name}'"));
    };
    match exact.is_none() && like.any(|(_, other, _)| other != letter) {
        true => Err(format!("option '--{name}' is ambiguous")),
        false => Ok((*letter, *value)),
    }
}

/// Words, in which a backslash keeps what follows.
fn unescape(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => word.get_or_insert_default().extend(characters.next()),
            blank if blank.is_ascii_whitespace() => all.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    all.extend(word);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_they_are_written() {
        let mut options = Options::new();
        let words = ["-kj4", "-I", "x", "A=a b", "--no-print-directory", "all"];
        let words = words.iter().map(|word| (*word).to_owned());
        assert_eq!(options.take(words.collect()), Ok(()));
        assert_eq!(options.flags(), "k -Ix -j4 --no-print-directory");
        assert_eq!(options.overrides(), "A=a\\ b");
        let mut below = Options::new();
        below.take_flags(&format!("{} -- {}", options.flags(), options.overrides()));
        assert_eq!(below.flags(), options.flags());
        assert_eq!(below.assignments, ["A=a b"]);
        assert!(below.goals.is_empty());
    }
}
