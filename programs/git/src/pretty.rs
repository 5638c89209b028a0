//! Commits as text: the named formats, and `--format=` with its placeholders.

use crate::commit::{Commit, Person, body, subject};
use crate::date;
use crate::fail::{Result, fatal};
use crate::repository::Repository;
use crate::revision;
use gix_hash::ObjectId;
use std::collections::HashMap;

#[derive(Clone, PartialEq, Eq)]
pub enum Format {
    Oneline,
    Short,
    Medium,
    Full,
    Fuller,
    Raw,
    Reference,
    /// The text; whether each ends with a line end, rather than one standing between two.
    Custom(String, bool),
}

pub struct Pretty {
    pub format: Format,
    pub date: String,
    pub short_ids: bool,
    pub length: Option<usize>,
    /// Names of references by commit, and whether they are shown without being asked for.
    pub decorations: HashMap<ObjectId, Vec<String>>,
    pub decorate: bool,
}

/// What `--pretty=`, `--format=` say.
pub fn format(text: &str) -> Result<Format> {
    Ok(match text {
        "oneline" => Format::Oneline,
        "short" => Format::Short,
        "medium" => Format::Medium,
        "full" => Format::Full,
        "fuller" => Format::Fuller,
        "raw" => Format::Raw,
        "reference" => Format::Reference,
        _ => match (text.strip_prefix("format:"), text.strip_prefix("tformat:")) {
            (Some(custom), _) => Format::Custom(custom.to_owned(), false),
            (_, Some(custom)) => Format::Custom(custom.to_owned(), true),
            _ if text.contains('%') => Format::Custom(text.to_owned(), true),
            _ => return Err(fatal(format!("invalid --pretty format: {text}"))),
        },
    })
}

impl Pretty {
    pub fn new(repository: &Repository) -> Self {
        Pretty {
            format: Format::Medium,
            date: repository
                .config
                .get("log.date")
                .unwrap_or("default")
                .to_owned(),
            short_ids: false,
            length: None,
            decorations: HashMap::new(),
            decorate: false,
        }
    }

    pub fn id(&self, repository: &Repository, id: ObjectId) -> String {
        match self.length {
            Some(length) => revision::short_of(repository, id, length),
            None => revision::short(repository, id),
        }
    }

    fn shown_id(&self, repository: &Repository, id: ObjectId) -> String {
        match self.short_ids {
            true => self.id(repository, id),
            false => id.to_string(),
        }
    }

    /// ` (HEAD -> main, tag: v1)`, without the space and the brackets.
    fn names(&self, id: ObjectId) -> String {
        self.decorations
            .get(&id)
            .map(|names| names.join(", "))
            .unwrap_or_default()
    }

    /// The commit, its last line ended, except for a format whose separator the caller writes.
    pub fn show(&self, repository: &Repository, commit: &Commit, mark: &str) -> String {
        let names = match self.decorate {
            true => Some(self.names(commit.id)).filter(|names| !names.is_empty()),
            false => None,
        };
        let names = names.map(|names| format!(" ({names})")).unwrap_or_default();
        let id = self.shown_id(repository, commit.id);
        match &self.format {
            Format::Custom(text, _) => self.custom(repository, commit, text),
            Format::Oneline => format!("{mark}{id}{names} {}", commit.subject()),
            Format::Reference => {
                let date = date::show(&commit.author, "short");
                format!(
                    "{} ({}, {date})",
                    self.id(repository, commit.id),
                    commit.subject()
                )
            }
            Format::Raw => {
                let text = String::from_utf8_lossy(&commit.raw).into_owned();
                let (head, _) = text.split_once("\n\n").unwrap_or((&text, ""));
                format!(
                    "{mark}commit {id}{names}\n{head}\n\n{}",
                    indented(&commit.text())
                )
            }
            _ => self.long(repository, commit, &format!("{mark}commit {id}{names}\n")),
        }
    }

    fn long(&self, repository: &Repository, commit: &Commit, first: &str) -> String {
        let mut out = first.to_owned();
        if commit.parents.len() > 1 {
            let parents = commit
                .parents
                .iter()
                .map(|parent| self.id(repository, *parent));
            out += &format!("Merge: {}\n", parents.collect::<Vec<_>>().join(" "));
        }
        let person = |person: &Person| format!("{} <{}>", person.name, person.email);
        let date = |person: &Person| date::show(person, &self.date);
        let (author, committer) = (&commit.author, &commit.committer);
        match self.format {
            Format::Short => {
                out += &format!("Author: {}\n\n    {}\n", person(author), commit.subject())
            }
            Format::Full => {
                out += &format!(
                    "Author: {}\nCommit: {}\n",
                    person(author),
                    person(committer)
                )
            }
            Format::Fuller => {
                out += &format!(
                    "Author:     {}\nAuthorDate: {}\n",
                    person(author),
                    date(author)
                );
                out += &format!(
                    "Commit:     {}\nCommitDate: {}\n",
                    person(committer),
                    date(committer)
                );
            }
            _ => out += &format!("Author: {}\nDate:   {}\n", person(author), date(author)),
        }
        if self.format != Format::Short {
            let text = indented(&commit.text());
            if !text.is_empty() {
                out += &format!("\n{text}");
            }
        }
        out
    }

    pub fn custom(&self, repository: &Repository, commit: &Commit, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        let mut pad: Option<Pad> = None;
        while let Some(at) = rest.find('%') {
            out += rest.get(..at).unwrap_or_default();
            rest = rest.get(at + 1..).unwrap_or_default();
            if let Some((found, tail)) = Pad::parse(rest) {
                pad = Some(found);
                rest = tail;
                continue;
            }
            let (value, length) = self.placeholder(repository, commit, rest);
            let Some(value) = value else {
                out.push('%');
                continue;
            };
            rest = rest.get(length..).unwrap_or_default();
            match pad.take() {
                Some(pad) => out += &pad.apply(&value),
                None => out += &value,
            }
        }
        out + rest
    }

    /// The text for a placeholder, and how long that is.
    fn placeholder(
        &self,
        repository: &Repository,
        commit: &Commit,
        rest: &str,
    ) -> (Option<String>, usize) {
        let ids = |ids: &[ObjectId], short: bool| {
            let ids = ids.iter().map(|id| {
                if short {
                    self.id(repository, *id)
                } else {
                    id.to_string()
                }
            });
            ids.collect::<Vec<_>>().join(" ")
        };
        let mut letters = rest.chars();
        let first = letters.next();
        // `%+b` puts a line end before what is not empty, `% b` a space; `%-b` takes line ends away.
        if let Some(sign @ ('+' | ' ' | '-')) = first {
            let (value, length) = self.placeholder(repository, commit, letters.as_str());
            let value = value.map(|value| match sign {
                _ if value.is_empty() => value,
                '+' => format!("\n{value}"),
                ' ' => format!(" {value}"),
                _ => value,
            });
            return (value, length + 1);
        }
        let second = letters.next();
        let message = commit.text();
        let one = |text: String| (Some(text), 1);
        match first {
            Some('H') => one(commit.id.to_string()),
            Some('h') => one(self.id(repository, commit.id)),
            Some('T') => one(commit.tree.to_string()),
            Some('t') => one(self.id(repository, commit.tree)),
            Some('P') => one(ids(&commit.parents, false)),
            Some('p') => one(ids(&commit.parents, true)),
            Some('s') => one(subject(&message)),
            Some('f') => one(file_name(&subject(&message))),
            Some('b') => one(body(&message)),
            Some('B') => one(message.trim_start_matches('\n').to_owned()),
            Some('e' | 'N' | 'm') => one(String::new()),
            Some('n') => one("\n".to_owned()),
            Some('%') => one("%".to_owned()),
            Some('d') => {
                let names = self.names(commit.id);
                one(if names.is_empty() {
                    names
                } else {
                    format!(" ({names})")
                })
            }
            Some('D') => one(self.names(commit.id)),
            Some('S') => one("HEAD".to_owned()),
            Some('G') => (
                Some(if second == Some('?') { "N" } else { "" }.to_owned()),
                2,
            ),
            Some('g') => (Some(String::new()), 2),
            Some('x') => {
                let code = rest
                    .get(1..3)
                    .and_then(|digits| u8::from_str_radix(digits, 16).ok());
                (code.map(|code| char::from(code).to_string()), 3)
            }
            Some('C') => (Some(String::new()), color_length(rest)),
            Some('a') => (
                second.and_then(|letter| self.person(&commit.author, letter)),
                2,
            ),
            Some('c') => (
                second.and_then(|letter| self.person(&commit.committer, letter)),
                2,
            ),
            Some('(') if rest.starts_with("(trailers") => {
                let length = rest.find(')').map_or(rest.len(), |at| at + 1);
                (
                    Some(trailers(&message, rest.get(..length).unwrap_or_default())),
                    length,
                )
            }
            _ => (None, 0),
        }
    }

    fn person(&self, person: &Person, letter: char) -> Option<String> {
        Some(match letter {
            'n' | 'N' => person.name.clone(),
            'e' | 'E' => person.email.clone(),
            'l' | 'L' => person
                .email
                .split('@')
                .next()
                .unwrap_or_default()
                .to_owned(),
            'd' => date::show(person, &self.date),
            'D' => date::show(person, "rfc"),
            'r' => date::show(person, "relative"),
            'h' => date::show(person, "human"),
            't' => person.seconds.to_string(),
            'i' => date::show(person, "iso"),
            'I' => date::show(person, "iso-strict"),
            's' => date::show(person, "short"),
            _ => return None,
        })
    }
}

/// `%<(20,trunc)`, `%>(8)`, `%><(8)`.
struct Pad {
    left: bool,
    right: bool,
    width: usize,
    cut: Option<String>,
}

impl Pad {
    fn parse(text: &str) -> Option<(Self, &str)> {
        let (left, right, rest) = match text.strip_prefix("><(") {
            Some(rest) => (true, true, rest),
            None => match text.strip_prefix("<(") {
                Some(rest) => (false, true, rest),
                None => (
                    true,
                    false,
                    text.strip_prefix(">>(")
                        .or_else(|| text.strip_prefix(">("))?,
                ),
            },
        };
        let (inner, rest) = rest.split_once(')')?;
        let (width, cut) = match inner.split_once(',') {
            Some((width, cut)) => (width, Some(cut.trim().to_owned())),
            None => (inner, None),
        };
        let width = width.trim().parse().ok()?;
        Some((
            Pad {
                left,
                right,
                width,
                cut,
            },
            rest,
        ))
    }

    fn apply(&self, text: &str) -> String {
        let letters: Vec<char> = text.chars().collect();
        if letters.len() > self.width {
            let keep = self.width.saturating_sub(2);
            let part =
                |range: Option<&[char]>| range.unwrap_or_default().iter().collect::<String>();
            return match self.cut.as_deref() {
                Some("trunc") => part(letters.get(..keep)) + "..",
                Some("ltrunc") => "..".to_owned() + &part(letters.get(letters.len() - keep..)),
                Some("mtrunc") => {
                    let half = keep / 2;
                    part(letters.get(..half))
                        + ".."
                        + &part(letters.get(letters.len() - (keep - half)..))
                }
                _ => text.to_owned(),
            };
        }
        let room = self.width - letters.len();
        let before = match (self.left, self.right) {
            (true, true) => room / 2,
            (true, false) => room,
            _ => 0,
        };
        format!(
            "{}{text}{}",
            " ".repeat(before),
            " ".repeat(if self.right { room - before } else { 0 })
        )
    }
}

/// `%Cred`, `%C(auto)`: nothing is coloured, so only the length matters.
fn color_length(rest: &str) -> usize {
    if rest.starts_with("C(") {
        return rest.find(')').map_or(rest.len(), |at| at + 1);
    }
    let names = ["Cred", "Cgreen", "Cblue", "Creset"];
    names
        .iter()
        .find(|name| rest.starts_with(**name))
        .map_or(1, |name| name.len())
}

fn indented(message: &str) -> String {
    let message = message.trim_end_matches('\n').trim_start_matches('\n');
    let mut out = String::new();
    if message.is_empty() {
        return out;
    }
    for line in message.split('\n') {
        out += &format!("    {}\n", expanded(line));
    }
    out
}

/// With spaces for tabs, so that the indentation does not shift them.
fn expanded(line: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for letter in line.chars() {
        let width = if letter == '\t' { 8 - column % 8 } else { 1 };
        match letter {
            '\t' => out.push_str(&" ".repeat(width)),
            _ => out.push(letter),
        }
        column += width;
    }
    out
}

/// The subject as a part of a file name.
fn file_name(subject: &str) -> String {
    let mut out = String::new();
    for letter in subject.chars() {
        let plain = letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_');
        match plain {
            true if letter == '.' && out.ends_with('.') => {}
            true => out.push(letter),
            false if !out.is_empty() && !out.ends_with('-') => out.push('-'),
            false => {}
        }
    }
    out.trim_end_matches(['.', '-']).to_owned()
}

/// The lines `Key: value` at the end of a message.
fn trailers(message: &str, options: &str) -> String {
    let last = message.trim_end().rsplit("\n\n").next().unwrap_or_default();
    let key = options.split_once("key=").map(|(_, rest)| {
        rest.trim_end_matches(')')
            .split(',')
            .next()
            .unwrap_or_default()
    });
    let only_value = options.contains("valueonly");
    let mut out = String::new();
    for line in last.lines() {
        let Some((name, value)) = line.split_once(": ") else {
            continue;
        };
        if name.contains(' ')
            || key.is_some_and(|key| !key.trim_end_matches(':').eq_ignore_ascii_case(name))
        {
            continue;
        }
        match only_value {
            true => out += &format!("{value}\n"),
            false => out += &format!("{line}\n"),
        }
    }
    out
}

/// The names that point to each commit, as `git log --decorate` shows them.
pub fn decorations(repository: &Repository, full: bool) -> Result<HashMap<ObjectId, Vec<String>>> {
    let mut out: HashMap<ObjectId, Vec<String>> = HashMap::new();
    let head = repository.refs.head_name();
    let mut add = |id: ObjectId, name: String| out.entry(id).or_default().push(name);
    let mut head_commit = None;
    if let Some(id) = repository.refs.resolve("HEAD") {
        head_commit = Some(id);
        let branch = head.as_ref().map(|name| {
            if full {
                name.as_str()
            } else {
                name.strip_prefix("refs/heads/").unwrap_or(name)
            }
        });
        add(
            id,
            branch.map_or("HEAD".to_owned(), |branch| format!("HEAD -> {branch}")),
        );
    }
    // Git puts each before those that it has, so the last one by name comes first.
    for (name, id) in repository.refs.list("refs/").into_iter().rev() {
        let groups = ["refs/tags/", "refs/heads/", "refs/remotes/", "refs/"];
        let group = groups
            .iter()
            .find(|group| name.starts_with(**group))
            .unwrap_or(&"");
        let wanted = *group != "refs/" || name == "refs/stash";
        if !wanted || Some(&name) == head.as_ref() && head_commit == Some(id) {
            continue;
        }
        let Some(id) = revision::peel(repository, id, gix_object::Kind::Commit)? else {
            continue;
        };
        let whole = full || name == "refs/stash";
        let short = name.strip_prefix(group).filter(|_| !whole).unwrap_or(&name);
        match *group {
            "refs/tags/" => add(id, format!("tag: {short}")),
            _ => add(id, short.to_owned()),
        }
    }
    Ok(out)
}
