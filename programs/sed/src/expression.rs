//! Regular expressions: by finite automata where there is no back reference.

use swarm_flow_posix::pattern::{Syntax, translate};

pub enum Expression {
    Regular(regex::bytes::Regex),
    Backtracking(Box<fancy_regex::Regex>),
}

#[derive(Clone, Copy, Default)]
pub struct Flags {
    pub ignore_case: bool,
    pub multi_line: bool,
}

/// Where a match and its groups lie.
pub type Groups = Vec<Option<(usize, usize)>>;

impl Expression {
    pub fn new(pattern: &str, syntax: Syntax, flags: Flags) -> Result<Self, String> {
        let translated = translate(&unescaped(pattern), syntax)?;
        let mut letters = String::from("s");
        if flags.ignore_case {
            letters.push('i');
        }
        if flags.multi_line {
            letters.push('m');
        }
        let regex = format!("(?{letters}){}", translated.regex);
        if !translated.backreference {
            let built = regex::bytes::RegexBuilder::new(&regex)
                .size_limit(64 << 20)
                .build();
            return built
                .map(Self::Regular)
                .map_err(|_| "Invalid regular expression".to_owned());
        }
        fancy_regex::Regex::new(&regex)
            .map(|regex| Self::Backtracking(Box::new(regex)))
            .map_err(|_| "Invalid regular expression".to_owned())
    }

    pub fn is_match(&self, text: &[u8]) -> bool {
        match self {
            Self::Regular(regex) => regex.is_match(text),
            Self::Backtracking(_) => self.find(text, 0).is_some(),
        }
    }

    /// The first match at or behind that place.
    pub fn find(&self, text: &[u8], from: usize) -> Option<Groups> {
        match self {
            Self::Regular(regex) => {
                let found = regex.captures_at(text, from)?;
                let group = |group: Option<regex::bytes::Match<'_>>| {
                    group.map(|group| (group.start(), group.end()))
                };
                Some(found.iter().map(group).collect())
            }
            Self::Backtracking(regex) => {
                // It works on text only; where that is not what lies here, its places would be others.
                let text = std::str::from_utf8(text).ok()?;
                let found = regex.captures_from_pos(text, from).ok()??;
                let group = |group: Option<fancy_regex::Match<'_>>| {
                    group.map(|group| (group.start(), group.end()))
                };
                Some(found.iter().map(group).collect())
            }
        }
    }

    /// How many groups it has.
    pub fn groups(&self) -> usize {
        match self {
            Self::Regular(regex) => regex.captures_len() - 1,
            Self::Backtracking(regex) => regex.captures_len() - 1,
        }
    }
}

/// `\t` and its kin as what they stand for: within brackets too, unlike in other tools.
fn unescaped(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern.chars().peekable();
    while let Some(letter) = rest.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        let Some(escaped) = rest.next() else {
            out.push('\\');
            break;
        };
        match control(escaped) {
            Some(control) => out.push(control),
            None => match number(escaped, &mut rest) {
                Some(letter) => {
                    if "*.[]^$\\/+?(){}|".contains(letter) {
                        out.push('\\');
                    }
                    out.push(letter);
                }
                None => out.extend(['\\', escaped]),
            },
        }
    }
    out
}

/// `\n`, `\t`, …
pub fn control(letter: char) -> Option<char> {
    Some(match letter {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'f' => '\u{c}',
        'v' => '\u{b}',
        'a' => '\u{7}',
        _ => return None,
    })
}

/// `\d065`, `\o101`, `\x41`.
pub fn number(letter: char, rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    let (base, digits) = match letter {
        'd' => (10, 3),
        'o' => (8, 3),
        'x' => (16, 2),
        _ => return None,
    };
    let mut value = None;
    for _ in 0..digits {
        let Some(digit) = rest.peek().and_then(|digit| digit.to_digit(base)) else {
            break;
        };
        rest.next();
        value = Some(value.unwrap_or(0) * base + digit);
    }
    value.and_then(char::from_u32)
}
