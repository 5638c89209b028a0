//! `%` patterns: what `%` stands for in a word, and a word made of another pattern and that stem.

/// A pattern in two parts around its `%`; without one it is a word that stands for itself.
pub struct Pattern {
    before: String,
    after: Option<String>,
}

impl Pattern {
    pub fn new(text: &str) -> Self {
        let (before, after) = split(text);
        Self { before, after }
    }

    pub fn has_percent(&self) -> bool {
        self.after.is_some()
    }

    /// What `%` stands for in the word, or the empty text where the pattern has no `%` and is the word.
    pub fn stem<'a>(&self, word: &'a str) -> Option<&'a str> {
        match &self.after {
            Some(after) => word
                .strip_prefix(self.before.as_str())?
                .strip_suffix(after.as_str()),
            None => (word == self.before).then_some(""),
        }
    }

    pub fn matches(&self, word: &str) -> bool {
        self.stem(word).is_some()
    }

    /// The pattern with the stem in place of `%`.
    pub fn fill(&self, stem: &str) -> String {
        match &self.after {
            Some(after) => format!("{}{stem}{after}", self.before),
            None => self.before.clone(),
        }
    }
}

pub fn has_percent(text: &str) -> bool {
    split(text).1.is_some()
}

/// The first `%` without a backslash divides. A backslash before `%` is taken away, and half of those before it.
fn split(text: &str) -> (String, Option<String>) {
    let mut before = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (head, tail) = rest.split_at(at);
        let plain = head.trim_end_matches('\\');
        let slashes = head.len() - plain.len();
        before.push_str(plain);
        before.push_str(&"\\".repeat(slashes / 2));
        let tail = tail.get(1..).unwrap_or_default();
        if slashes % 2 == 0 {
            return (before, Some(tail.to_owned()));
        }
        before.push('%');
        rest = tail;
    }
    before.push_str(rest);
    (before, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_is_what_percent_stands_for() {
        for (pattern, word, stem) in [
            ("%.o", "a.o", Some("a")),
            ("lib%.a", "libx.a", Some("x")),
            ("%", "any", Some("any")),
            ("a", "a", Some("")),
            ("a%a", "a", None),
            (r"\%x", "%x", Some("")),
            (r"\\%x", r"\ax", Some("a")),
        ] {
            assert_eq!(Pattern::new(pattern).stem(word), stem, "{pattern} {word}");
        }
        assert_eq!(Pattern::new("%.c").fill("a"), "a.c");
    }
}
