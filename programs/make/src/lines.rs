//! The lines of a makefile: joined where a backslash ends one, and without comments.

/// The text of a makefile, line by line.
pub struct Lines {
    text: String,
    at: usize,
    /// Of the line that was given last.
    pub number: usize,
    next_number: usize,
}

impl Lines {
    /// `number` is that of the first line.
    pub fn new(text: &str, number: usize) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            text: text.replace("\r\n", "\n"),
            at: 0,
            number,
            next_number: number,
        }
    }

    /// A line, with those that a backslash joins to it as they are.
    pub fn next(&mut self) -> Option<String> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let mut end = 0;
        self.number = self.next_number;
        loop {
            let line = rest.get(end..)?;
            self.next_number += 1;
            let Some(length) = line.find('\n') else {
                end = rest.len();
                break;
            };
            let slashes = line.get(..length)?.bytes().rev();
            let slashes = slashes.take_while(|byte| *byte == b'\\').count();
            end += length + 1;
            if slashes % 2 == 0 || end == rest.len() {
                break;
            }
        }
        let line = rest.get(..end)?;
        let line = line.strip_suffix('\n').unwrap_or(line).to_owned();
        self.at += end;
        Some(line)
    }
}

/// One line out of those that were joined: a backslash at the end of a line and the blanks around it are one blank.
pub fn collapse(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\n') {
        let (head, tail) = rest.split_at(at);
        let tail = tail.get(1..).unwrap_or_default();
        let plain = head.trim_end_matches('\\');
        let slashes = head.len() - plain.len();
        if slashes % 2 == 0 {
            out.push_str(plain);
            out.push_str(&"\\".repeat(slashes / 2));
            out.push('\n');
            rest = tail;
            continue;
        }
        out.push_str(plain);
        match slashes {
            1 => out.truncate(out.trim_end_matches([' ', '\t']).len()),
            _ => out.push_str(&"\\".repeat(slashes / 2)),
        }
        out.push(' ');
        rest = tail.trim_start_matches([' ', '\t']);
    }
    out.push_str(rest);
    out
}

/// What stands before a `#` that is in no reference; `\#` becomes `#`.
pub fn without_comment(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = find_outside(rest, |byte| byte == b'#') {
        let (head, tail) = rest.split_at(at);
        let plain = head.trim_end_matches('\\');
        let slashes = head.len() - plain.len();
        out.push_str(plain);
        out.push_str(&"\\".repeat(slashes / 2));
        if slashes % 2 == 0 {
            return out;
        }
        out.push('#');
        rest = tail.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Where a byte is that is in no `$( )` or `${ }`.
pub fn find_outside(text: &str, wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'$' {
            at = skip_reference(text, at);
            continue;
        }
        if wanted(*byte) {
            return Some(at);
        }
        at += 1;
    }
    None
}

/// The place behind the reference whose `$` is at `at`.
pub fn skip_reference(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let (open, close) = match bytes.get(at + 1) {
        Some(b'(') => (b'(', b')'),
        Some(b'{') => (b'{', b'}'),
        _ => return (at + 2).min(text.len()),
    };
    let mut depth = 0;
    for (place, byte) in bytes.iter().enumerate().skip(at + 1) {
        if *byte == open {
            depth += 1;
        } else if *byte == close {
            depth -= 1;
            if depth == 0 {
                return place + 1;
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_joined_and_counted() {
        let mut lines = Lines::new("a \\\n  b\nc\\\\\nd", 1);
        assert_eq!(lines.next().as_deref(), Some("a \\\n  b"));
        assert_eq!(lines.next().as_deref(), Some("c\\\\"));
        assert_eq!(lines.number, 3);
        assert_eq!(lines.next().as_deref(), Some("d"));
        assert_eq!(lines.next(), None);
    }

    #[test]
    fn a_backslash_and_blanks_are_one_blank() {
        assert_eq!(collapse("a \\\n\t b"), "a b");
        assert_eq!(collapse("a\\\n"), "a ");
    }

    #[test]
    fn comments_end_outside_references() {
        for (line, plain) in [
            ("a # b", "a "),
            (r"a \# b", "a # b"),
            ("$(shell echo '#') x # y", "$(shell echo '#') x "),
        ] {
            assert_eq!(without_comment(line), plain);
        }
    }
}
