//! What `${x#…}`, `${x/…}`, `${x^^}` and `${x@Q}` make of a text.

use crate::parameter::{Found, Key, Target};
use crate::pattern::Pattern;
use crate::shell::Shell;
use crate::syntax::{CaseChange, ReplaceKind};
use crate::text;
use crate::variables::{Value, Variable};

pub struct Trim {
    pattern: Pattern,
    suffix: bool,
    longest: bool,
}

impl Trim {
    pub fn new(pattern: &str, suffix: bool, longest: bool) -> Self {
        Self {
            pattern: Pattern::new(pattern),
            suffix,
            longest,
        }
    }

    pub fn apply(&self, text: &str) -> String {
        if let Some(literal) = self.pattern.literal() {
            let rest = if self.suffix {
                text.strip_suffix(&literal)
            } else {
                text.strip_prefix(&literal)
            };
            return rest.unwrap_or(text).to_owned();
        }
        let characters: Vec<char> = text.chars().collect();
        let kept = if self.suffix {
            let start = self.pattern.suffix(&characters, self.longest);
            characters.get(..start.unwrap_or(characters.len()))
        } else {
            let end = self.pattern.prefix(&characters, self.longest);
            characters.get(end.unwrap_or(0)..)
        };
        kept.unwrap_or_default().iter().collect()
    }
}

/// A piece of a replacement.
pub struct With {
    pub text: String,
    pub quoted: bool,
}

pub struct Replace {
    pattern: Pattern,
    kind: ReplaceKind,
    with: Vec<With>,
    empty: bool,
}

impl Replace {
    pub fn new(pattern: &str, ignore_case: bool, kind: ReplaceKind, with: Vec<With>) -> Self {
        Self {
            pattern: Pattern::with_case(pattern, ignore_case),
            kind,
            with,
            empty: pattern.is_empty(),
        }
    }

    pub fn apply(&self, text: &str) -> String {
        let characters: Vec<char> = text.chars().collect();
        let mut result = String::with_capacity(text.len());
        match self.kind {
            ReplaceKind::Prefix => {
                let end = self.pattern.prefix(&characters, true);
                self.around(&characters, end.map(|end| (0, end)), &mut result);
            }
            ReplaceKind::Suffix => {
                let start = self.pattern.suffix(&characters, true);
                self.around(
                    &characters,
                    start.map(|start| (start, characters.len())),
                    &mut result,
                );
            }
            ReplaceKind::First | ReplaceKind::All => {
                if self.empty {
                    return text.to_owned();
                }
                self.everywhere(&characters, &mut result);
            }
        }
        result
    }

    fn around(&self, text: &[char], found: Option<(usize, usize)>, result: &mut String) {
        let Some((start, end)) = found else {
            result.extend(text);
            return;
        };
        result.extend(text.get(..start).unwrap_or_default());
        self.put(text.get(start..end).unwrap_or_default(), result);
        result.extend(text.get(end..).unwrap_or_default());
    }

    fn everywhere(&self, text: &[char], result: &mut String) {
        let mut at = 0;
        while at < text.len() {
            let rest = text.get(at..).unwrap_or_default();
            match self.pattern.prefix(rest, true).filter(|length| *length > 0) {
                Some(length) => {
                    self.put(rest.get(..length).unwrap_or_default(), result);
                    at += length;
                    if self.kind == ReplaceKind::First {
                        break;
                    }
                }
                None => {
                    result.extend(rest.first());
                    at += 1;
                }
            }
        }
        result.extend(text.get(at..).unwrap_or_default());
    }

    fn put(&self, matched: &[char], result: &mut String) {
        for with in &self.with {
            if with.quoted || !with.text.contains('&') {
                result.push_str(&with.text);
                continue;
            }
            let mut characters = with.text.chars().peekable();
            while let Some(character) = characters.next() {
                match character {
                    '&' => result.extend(matched),
                    '\\' if matches!(characters.peek(), Some('&' | '\\')) => {
                        result.extend(characters.next());
                    }
                    character => result.push(character),
                }
            }
        }
    }
}

pub struct Case {
    change: CaseChange,
    all: bool,
    pattern: Option<Pattern>,
}

impl Case {
    pub fn new(change: CaseChange, all: bool, pattern: Option<&str>) -> Self {
        Self {
            change,
            all,
            pattern: pattern.map(Pattern::new),
        }
    }

    pub fn apply(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        for (at, character) in text.chars().enumerate() {
            let counts = (self.all || at == 0)
                && self
                    .pattern
                    .as_ref()
                    .is_none_or(|pattern| pattern.matches_slice(&[character]));
            match self.change {
                _ if !counts => result.push(character),
                CaseChange::Upper => result.extend(character.to_uppercase()),
                CaseChange::Lower => result.extend(character.to_lowercase()),
                CaseChange::Toggle if character.is_uppercase() => {
                    result.extend(character.to_lowercase());
                }
                CaseChange::Toggle => result.extend(character.to_uppercase()),
            }
        }
        result
    }
}

/// `${x@letter}`
pub fn transform(shell: &Shell, target: &Target, found: Found, letter: char) -> Found {
    let change = |text: &str| match letter {
        'U' => text.to_uppercase(),
        'u' => Case::new(CaseChange::Upper, false, None).apply(text),
        'L' => text.to_lowercase(),
        'E' => text::unescape(text, text::Escapes::Quoted).text,
        'P' => prompt(shell, text),
        _ => text::quote_single(text),
    };
    match (letter, found) {
        ('a', _) => {
            let variable = shell.variable(&target.name);
            Found::One(
                variable
                    .map(|variable| variable.letters())
                    .unwrap_or_default(),
            )
        }
        ('A', Found::Unset) => Found::Unset,
        ('A', found) => match shell.variable(&target.name) {
            Some(variable) => Found::One(assignment(&target.name, &variable, &target.key)),
            None => found,
        },
        ('K' | 'k', Found::Many { joined, .. }) => {
            let variable = shell.variable(&target.name);
            let items = variable
                .map(|variable| pairs(&variable, letter))
                .unwrap_or_default();
            Found::Many { items, joined }
        }
        (_, Found::Unset) => Found::Unset,
        (_, Found::One(text)) => Found::One(change(&text)),
        (_, Found::Many { items, joined }) => Found::Many {
            items: items.iter().map(|item| change(item)).collect(),
            joined,
        },
    }
}

fn pairs(variable: &Variable, letter: char) -> Vec<String> {
    let pairs = variable.keys().into_iter().zip(variable.values());
    if letter == 'k' {
        return pairs.flat_map(|(key, value)| [key, value]).collect();
    }
    let pairs: Vec<String> = pairs
        .map(|(key, value)| format!("{key} {}", text::quote_double(&value)))
        .collect();
    vec![pairs.join(" ")]
}

fn assignment(name: &str, variable: &Variable, key: &Key) -> String {
    let letters = variable.letters();
    match (&variable.value, key) {
        (Value::Text(text), Key::None) if letters.is_empty() => {
            format!("{name}={}", text::quote_single(text))
        }
        (Value::Text(text), _) => format!("declare -{letters} {name}={}", text::quote_single(text)),
        _ => declaration(name, variable),
    }
}

/// As `declare -p` writes it.
pub fn declaration(name: &str, variable: &Variable) -> String {
    let letters = variable.letters();
    let letters = if letters.is_empty() { "-" } else { &letters };
    let start = format!("declare -{letters} {name}");
    match &variable.value {
        Value::Unset => start,
        Value::Text(text) => format!("{start}={}", text::quote_double(text)),
        _ => {
            let pairs = variable.keys().into_iter().zip(variable.values());
            let mut items = String::new();
            let associative = variable.is_associative();
            for (key, value) in pairs {
                if associative {
                    let plain = key
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c));
                    let key = if plain { key } else { text::quote_double(&key) };
                    items.push_str(&format!("[{key}]={} ", text::quote_double(&value)));
                } else {
                    if !items.is_empty() {
                        items.push(' ');
                    }
                    items.push_str(&format!("[{key}]={}", text::quote_double(&value)));
                }
            }
            format!("{start}=({items})")
        }
    }
}

/// The escapes of prompts that make sense here.
fn prompt(shell: &Shell, text: &str) -> String {
    let mut result = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            result.push(character);
            continue;
        }
        match characters.next() {
            Some('w') => result.push_str(&shell.directory),
            Some('W') => result.push_str(shell.directory.rsplit('/').next().unwrap_or("/")),
            Some('u') => result.push_str("root"),
            Some('h' | 'H') => result.push_str("sandbox"),
            Some('$') => result.push('#'),
            Some('s') => result.push_str(&shell.name),
            Some('n') => result.push('\n'),
            Some('\\') => result.push('\\'),
            Some('[' | ']') => {}
            Some(other) => {
                result.push('\\');
                result.push(other);
            }
            None => result.push('\\'),
        }
    }
    result
}
