//! POSIX basic and extended regular expressions, with GNU's additions, written as Rust's `regex` reads them.
//!
//! Among several matches that begin at the same place POSIX takes the longest, `regex` the first alternative that
//! matches. Nothing else differs.

/// Which of the syntaxes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    Basic,
    Extended,
    /// The extended one with the escapes of awk's strings, in brackets too.
    Awk,
}

/// A translated expression.
pub struct Translated {
    pub regex: String,
    /// It has `\1` and the like, which the crate `regex` does not know.
    pub backreference: bool,
}

/// The expression as Rust's `regex` reads it; an error says what is wrong with it.
pub fn translate(pattern: &str, syntax: Syntax) -> Result<Translated, String> {
    let mut translation = Translation {
        input: pattern.chars().collect(),
        at: 0,
        syntax,
        out: String::new(),
        backreference: false,
        open: Vec::new(),
        groups: 0,
        start: true,
    };
    translation.run()?;
    Ok(Translated {
        regex: translation.out,
        backreference: translation.backreference,
    })
}

/// Text as an expression that matches it and nothing else.
pub fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars()
        .for_each(|character| push_literal(&mut out, character));
    out
}

struct Translation {
    input: Vec<char>,
    at: usize,
    syntax: Syntax,
    out: String,
    backreference: bool,
    /// Groups that are open, by number.
    open: Vec<usize>,
    groups: usize,
    /// Nothing stands here that could be repeated.
    start: bool,
}

impl Translation {
    fn run(&mut self) -> Result<(), String> {
        while let Some(character) = self.next() {
            match character {
                '\\' => self.escape()?,
                '[' => self.bracket()?,
                '.' => self.atom("."),
                '*' if self.start => self.literal('*'),
                '*' => self.repeat("*"),
                '^' => self.caret(),
                '$' => self.dollar(),
                _ if self.syntax != Syntax::Basic => self.extended(character)?,
                _ => self.literal(character),
            }
        }
        match self.open.is_empty() {
            true => Ok(()),
            false => Err("Unmatched ( or \\(".to_owned()),
        }
    }

    fn extended(&mut self, character: char) -> Result<(), String> {
        match character {
            '(' => self.group(),
            ')' if !self.open.is_empty() => self.close()?,
            '|' => self.alternative(),
            '+' | '?' if self.start => self.literal(character),
            '+' => self.repeat("+"),
            '?' => self.repeat("?"),
            '{' if !self.start && self.is_interval() => self.interval()?,
            _ => self.literal(character),
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let Some(character) = self.next() else {
            return Err("Trailing backslash".to_owned());
        };
        let basic = self.syntax == Syntax::Basic;
        match character {
            '(' if basic => self.group(),
            ')' if basic => self.close()?,
            '{' if basic && !self.start => self.interval()?,
            '|' if basic => self.alternative(),
            '+' | '?' if basic && !self.start => self.repeat(&character.to_string()),
            '1'..='9' => self.reference(character)?,
            'w' => self.atom("[[:word:]]"),
            'W' => self.atom("[^[:word:]]"),
            's' => self.atom("[[:space:]]"),
            'S' => self.atom("[^[:space:]]"),
            'b' | 'B' => self.anchor(&format!("\\{character}")),
            '<' => self.anchor("\\b{start}"),
            '>' => self.anchor("\\b{end}"),
            '`' => self.anchor("\\A"),
            '\'' => self.anchor("\\z"),
            'n' => self.literal('\n'),
            't' => self.literal('\t'),
            'y' if self.syntax == Syntax::Awk => self.anchor("\\b"),
            _ if self.syntax == Syntax::Awk => self.literal(unescaped(character)),
            _ => self.literal(character),
        }
        Ok(())
    }

    fn reference(&mut self, digit: char) -> Result<(), String> {
        let number = digit.to_digit(10).unwrap_or_default() as usize;
        if number > self.groups {
            return Err("Invalid back reference".to_owned());
        }
        self.backreference = true;
        // A digit behind it must not be read as part of the number.
        self.atom(&format!("(?:\\{digit})"));
        Ok(())
    }

    fn group(&mut self) {
        self.groups += 1;
        self.open.push(self.groups);
        self.out.push('(');
        self.start = true;
    }

    fn close(&mut self) -> Result<(), String> {
        if self.open.pop().is_none() {
            return Err("Unmatched ) or \\)".to_owned());
        }
        self.atom(")");
        Ok(())
    }

    fn alternative(&mut self) {
        self.out.push('|');
        self.start = true;
    }

    /// In a basic expression only an anchor where an expression begins.
    fn caret(&mut self) {
        let begins = self.start || self.out.is_empty();
        if self.syntax != Syntax::Basic || begins {
            self.out.push('^');
            self.start = true;
        } else {
            self.literal('^');
        }
    }

    fn dollar(&mut self) {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let ends = matches!(rest, [] | ['\\', ')' | '|', ..]);
        if self.syntax != Syntax::Basic || ends {
            self.anchor("$");
        } else {
            self.literal('$');
        }
    }

    /// Whether what follows `{` is a repetition: `{` is itself otherwise, as in GNU's tools.
    fn is_interval(&self) -> bool {
        let rest = self.input.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|character| *character == '}');
        let Some(inside) = end.and_then(|end| rest.get(..end)) else {
            return false;
        };
        let plain = |character: &char| character.is_ascii_digit() || *character == ',';
        !inside.is_empty() && inside.iter().all(plain)
    }

    fn interval(&mut self) -> Result<(), String> {
        let mut inside = String::new();
        loop {
            match self.next() {
                None => return Err("Unmatched { or \\{".to_owned()),
                Some('\\') if self.syntax == Syntax::Basic => {}
                Some('}') => break,
                Some(character) => inside.push(character),
            }
        }
        let (low, high) = inside.split_once(',').unwrap_or((&inside, &inside));
        let number = |text: &str| text.is_empty() || text.parse::<u16>().is_ok();
        if !number(low) || !number(high) || inside.is_empty() {
            return Err("Invalid content of \\{\\}".to_owned());
        }
        let low = if low.is_empty() { "0" } else { low };
        let text = match inside.contains(',') {
            true => format!("{{{low},{high}}}"),
            false => format!("{{{low}}}"),
        };
        self.repeat(&text);
        Ok(())
    }

    /// A repetition. One behind another repeats the whole: `a*{2}`, and `a+?` is not lazy.
    fn repeat(&mut self, text: &str) {
        let last = self.out.chars().last();
        let escaped = self.out.ends_with("\\*")
            || self.out.ends_with("\\+")
            || self.out.ends_with("\\?")
            || self.out.ends_with("\\}");
        if matches!(last, Some('*' | '+' | '?' | '}')) && !escaped {
            let from = atom_start(&self.out);
            self.out.insert_str(from, "(?:");
            self.out.push(')');
        }
        self.out.push_str(text);
    }

    fn bracket(&mut self) -> Result<(), String> {
        let unmatched = || "Unmatched [, [^, [:, [., or [=".to_owned();
        let mut set = String::from("[");
        if self.peek() == Some('^') {
            self.at += 1;
            set.push('^');
        }
        let mut first = true;
        loop {
            match self.next().ok_or_else(unmatched)? {
                ']' if !first => break,
                '[' if matches!(self.peek(), Some(':' | '.' | '=')) => self.class(&mut set)?,
                '-' => self.hyphen(&mut set, first),
                '\\' if self.syntax == Syntax::Awk => {
                    let escaped = self.next().ok_or_else(unmatched)?;
                    push_in_set(&mut set, unescaped(escaped));
                }
                character => push_in_set(&mut set, character),
            }
            first = false;
        }
        set.push(']');
        self.atom(&set);
        Ok(())
    }

    /// A range between two members; itself at an end.
    fn hyphen(&self, set: &mut String, first: bool) {
        match self.peek() {
            Some(']') => set.push_str("\\-"),
            Some(_) if !first => set.push('-'),
            _ => set.push_str("\\-"),
        }
    }

    /// `[:alpha:]`, `[.x.]` or `[=x=]`.
    fn class(&mut self, set: &mut String) -> Result<(), String> {
        let unmatched = || "Unmatched [, [^, [:, [., or [=".to_owned();
        let kind = self.next().ok_or_else(unmatched)?;
        let mut name = String::new();
        loop {
            let character = self.next().ok_or_else(unmatched)?;
            if character == kind && self.peek() == Some(']') {
                self.at += 1;
                break;
            }
            name.push(character);
        }
        if kind != ':' {
            name.chars()
                .for_each(|character| push_in_set(set, character));
            return Ok(());
        }
        match name.as_str() {
            "alpha" | "digit" | "alnum" | "upper" | "lower" | "space" | "blank" | "punct"
            | "print" | "graph" | "cntrl" | "xdigit" => {
                set.push_str(&format!("[:{name}:]"));
                Ok(())
            }
            _ => Err("Invalid character class name".to_owned()),
        }
    }

    fn literal(&mut self, character: char) {
        push_literal(&mut self.out, character);
        self.start = false;
    }

    fn atom(&mut self, text: &str) {
        self.out.push_str(text);
        self.start = false;
    }

    fn anchor(&mut self, text: &str) {
        self.out.push_str(text);
        self.start = false;
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek();
        self.at += 1;
        character
    }

    fn peek(&self) -> Option<char> {
        self.input.get(self.at).copied()
    }
}

/// Where the last repeated atom of a translation begins.
fn atom_start(out: &str) -> usize {
    let bytes = out.as_bytes();
    let mut at = bytes.len();
    // Past the repetitions.
    while at > 0 && matches!(bytes.get(at - 1), Some(b'*' | b'+' | b'?')) {
        at -= 1;
    }
    if at > 0 && bytes.get(at - 1) == Some(&b'}') {
        at = out.get(..at).and_then(|text| text.rfind('{')).unwrap_or(0);
    }
    let close = match bytes.get(at.wrapping_sub(1)) {
        Some(b')') => (b'(', b')'),
        Some(b']') => (b'[', b']'),
        _ => {
            let one = out.get(..at).and_then(|text| text.char_indices().last());
            let from = one.map_or(0, |(from, _)| from);
            return from - usize::from(from > 0 && bytes.get(from - 1) == Some(&b'\\'));
        }
    };
    let mut depth = 0usize;
    while at > 0 {
        at -= 1;
        match bytes.get(at) {
            Some(byte) if *byte == close.1 => depth += 1,
            Some(byte) if *byte == close.0 => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    0
}

/// What a letter behind a backslash stands for in awk.
fn unescaped(character: char) -> char {
    match character {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'f' => '\x0c',
        'v' => '\x0b',
        'a' => '\x07',
        other => other,
    }
}

fn push_literal(out: &mut String, character: char) {
    if "\\.+*?()|[]{}^$#&-~/".contains(character) && character != '/' {
        out.push('\\');
    }
    out.push(character);
}

fn push_in_set(set: &mut String, character: char) {
    if "\\[]^-&~".contains(character) {
        set.push('\\');
    }
    set.push(character);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_translated() {
        let cases = [
            (r"a\(b\|c\)*", Syntax::Basic, "a(b|c)*"),
            ("a+b", Syntax::Basic, r"a\+b"),
            (r"a\+", Syntax::Basic, "a+"),
            ("a{2}", Syntax::Basic, r"a\{2\}"),
            (r"a\{2,\}", Syntax::Basic, "a{2,}"),
            ("*a", Syntax::Basic, r"\*a"),
            ("a^b$c$", Syntax::Basic, r"a\^b\$c$"),
            ("[]a-z[:digit:]-]", Syntax::Extended, r"[\]a-z[:digit:]\-]"),
            (r"[\n]", Syntax::Extended, r"[\\n]"),
            (r"[^$\/\t=]*:", Syntax::Awk, "[^$/\t=]*:"),
            (r"[\]\\]\ra+", Syntax::Awk, "[\\]\\\\]\ra+"),
            ("a{,3}", Syntax::Extended, "a{0,3}"),
            ("a{x", Syntax::Extended, r"a\{x"),
            (r"\<w\>", Syntax::Extended, r"\b{start}w\b{end}"),
            ("ab+?", Syntax::Extended, "a(?:b+)?"),
            (r"a\/b", Syntax::Basic, "a/b"),
        ];
        for (pattern, syntax, expected) in cases {
            assert_eq!(
                translate(pattern, syntax).unwrap().regex,
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_reference_needs_a_group() {
        assert!(translate(r"\(a\)\1", Syntax::Basic).unwrap().backreference);
        assert!(translate(r"a\1", Syntax::Extended).is_err());
        assert!(translate(r"\(a", Syntax::Basic).is_err());
        assert!(translate("[a", Syntax::Basic).is_err());
    }
}
