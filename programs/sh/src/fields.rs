//! Fields: what a word becomes once its variables are known. Text from variables is divided at `IFS`, quoted text is not.

use crate::pattern;

/// What is made of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Arguments: divided, and later compared with file names.
    Arguments,
    /// One text.
    Text,
    /// A pattern: what is quoted in it is not special.
    Pattern,
    /// A regular expression, likewise.
    Regex,
}

#[derive(Debug, Default, Clone)]
pub struct Field {
    pub text: String,
    /// The same with quoted characters escaped; only kept if something may be special.
    pub pattern: Option<String>,
}

pub struct Fields {
    purpose: Purpose,
    done: Vec<Field>,
    current: Field,
    /// The current field is one even if it is empty.
    started: bool,
    /// The field before ended in blanks: a separator that follows belongs to them.
    after_blank: bool,
    separators: String,
}

impl Fields {
    pub fn new(purpose: Purpose, separators: String) -> Self {
        Self {
            purpose,
            done: Vec::new(),
            current: Field::default(),
            started: false,
            after_blank: false,
            separators,
        }
    }

    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The first character of `IFS`, which joins `"$*"`.
    pub fn joiner(&self) -> String {
        self.separators.chars().take(1).collect()
    }

    pub fn quoted(&mut self, text: &str) {
        self.started = true;
        self.after_blank = false;
        match self.purpose {
            Purpose::Text => self.current.text.push_str(text),
            Purpose::Arguments => {
                if let Some(pattern) = &mut self.current.pattern {
                    pattern.push_str(&pattern::escape(text));
                }
                self.current.text.push_str(text);
            }
            Purpose::Pattern => self.current.text.push_str(&pattern::escape(text)),
            Purpose::Regex => self.current.text.push_str(&regex_lite::escape(text)),
        }
    }

    /// Text of the script, or text of a variable where nothing is divided.
    pub fn plain(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.started = true;
        self.after_blank = false;
        if self.purpose == Purpose::Arguments {
            let special = text.contains(['*', '?', '[', ']', '(']);
            if special && self.current.pattern.is_none() {
                self.current.pattern = Some(pattern::escape(&self.current.text));
            }
            if let Some(pattern) = &mut self.current.pattern {
                pattern.push_str(text);
            }
        }
        self.current.text.push_str(text);
    }

    /// What a variable holds, not quoted.
    pub fn divided(&mut self, text: &str) {
        if self.purpose != Purpose::Arguments {
            return self.plain(text);
        }
        if !text.contains(|c| self.separators.contains(c)) {
            return self.plain(text);
        }
        let separators = std::mem::take(&mut self.separators);
        let mut rest = text;
        while let Some(at) = rest.find(|c| separators.contains(c)) {
            let (before, after) = rest.split_at(at);
            self.plain(before);
            let mut characters = after.chars();
            let separator = characters.next().unwrap_or(' ');
            rest = characters.as_str();
            if separator.is_ascii_whitespace() {
                if self.started {
                    self.finish();
                    self.after_blank = true;
                }
            } else if self.started || !self.after_blank {
                self.started = true;
                self.finish();
                self.after_blank = false;
            } else {
                self.after_blank = false;
            }
        }
        self.plain(rest);
        self.separators = separators;
    }

    /// Between the elements of `"$@"`.
    pub fn next(&mut self) {
        match self.purpose {
            Purpose::Arguments => self.finish(),
            _ => self.current.text.push(' '),
        }
    }

    /// The current field ends, if there is one.
    pub fn separate(&mut self) {
        if self.started {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.done.push(std::mem::take(&mut self.current));
        self.started = false;
    }

    pub fn start(&mut self) {
        self.started = true;
    }

    pub fn into_fields(mut self) -> Vec<Field> {
        self.separate();
        self.done
    }

    pub fn into_text(self) -> String {
        self.current.text
    }
}
