//! Calls of agents' tools for which a person is asked first.
//!
//! A line of `approvals` is a tool, or a tool and a pattern of what it is called with.
//!
//! | line | asks for | does not ask for |
//! |---|---|---|
//! | `exec`, `exec *` | every command | |
//! | `exec git push` | `git push`, `git push origin main`, `/usr/bin/git push` | `git status`, `git -C a push` |
//! | `exec git * push` | `git push`, `git -C a push`, `git commit -m push` | `git status` |
//! | `exec rm -*r*` | `rm -rf a`, `rm -r` | `rm a`, `rm a -r` |
//! | `write-file`, `write-file **` | every file | |
//! | `write-file .github/` | `.github/workflows/ci.yml` | `a/.github/b` |
//! | `write-file **/*.toml` | `Cargo.toml`, `a/b/Cargo.toml` | `Cargo.toml.orig` |
//!
//! The pattern of `exec` is the command's first words; more may follow. A `*` that stands alone is any number of words, none
//! too; within a word it is any characters. That of `write-file` is a path below `/workspace`: `*` is any characters of one name,
//! `**` any number of folders, and one that ends in `/` is all beneath it.
//!
//! A line asks where a grant would allow: more lines are less authority. It goes by names, so it says which calls a person
//! wants to see, and not what a sandbox cannot do: that is what the rest of a policy is for.

use crate::decide::PATTERNS_MAX;
use crate::decision::{Decision, Reason, Rule};
use crate::glob::{self, Piece, Word};
use crate::grant::Grant;
use crate::printable::printable;
use crate::{Invalid, suggest};
use std::fmt;

/// What a tool of an agent is called with.
#[derive(Clone, Copy, Debug)]
pub enum ToolCall<'a> {
    /// A command, in each of the ways in which it can be written: as it was asked for, and as it is run.
    Exec(&'a [Vec<String>]),
    /// A path relative to `/workspace`, in each of the ways in which it can be written.
    WriteFile(&'a [String]),
}

/// The lines of a policy, ready to decide.
#[derive(Clone, Debug, Default)]
pub struct CompiledApprovals(Vec<(String, Pattern)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exec(Vec<Piece<Word>>),
    WriteFile(Vec<Piece<Word>>),
}

const TOOLS: [&str; 2] = ["exec", "write-file"];
const LINE_BYTES_MAX: usize = 1_024;
/// Of a call, in a message.
const SHOWN_CHARS_MAX: usize = 256;

impl ToolCall<'_> {
    /// The call as it was asked for, all of it: words that could be read as something else are quoted, and what is not seen is
    /// escaped.
    pub fn exact(&self) -> String {
        let (tool, words) = match self {
            Self::Exec(commands) => ("exec", commands.first().map_or(&[][..], Vec::as_slice)),
            Self::WriteFile(paths) => ("write-file", paths.get(..1).unwrap_or_default()),
        };
        let words = words.iter().map(|word| quoted(word));
        std::iter::once(tool.to_owned())
            .chain(words)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The call, cut short.
impl fmt::Display for ToolCall<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = self.exact();
        match exact.char_indices().nth(SHOWN_CHARS_MAX) {
            Some((end, _)) => write!(formatter, "{}…", exact.get(..end).unwrap_or_default()),
            None => formatter.write_str(&exact),
        }
    }
}

fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_alphanumeric() || "-_./:=,+@%^*".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        return printable(word).into_owned();
    }
    printable(&format!("{word:?}")).into_owned()
}

impl CompiledApprovals {
    /// Refuses what [`Policy::validate`](crate::Policy::validate) refuses.
    pub fn new(lines: &[String]) -> Result<Self, Invalid> {
        if let Some(invalid) = Self::problems(lines).into_iter().next() {
            return Err(invalid);
        }
        let compiled = |line: &String| Some((line.clone(), parse(line).ok()?));
        Ok(Self(lines.iter().filter_map(compiled).collect()))
    }

    pub(crate) fn problems(lines: &[String]) -> Vec<Invalid> {
        if lines.len() > PATTERNS_MAX {
            let message = format!("has {} lines; give {PATTERNS_MAX} at most", lines.len());
            return vec![Invalid::new("approvals", message)];
        }
        let problem = |(index, line): (usize, &String)| {
            let message = parse(line).err()?;
            Some(Invalid::new(format!("approvals[{index}]"), message))
        };
        lines.iter().enumerate().filter_map(problem).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines that ask for this call.
    pub fn asking(&self, call: ToolCall<'_>) -> Vec<&str> {
        let asks = |pattern: &Pattern| match (pattern, call) {
            (Pattern::Exec(words), ToolCall::Exec(commands)) => {
                commands.iter().any(|command| command_is(words, command))
            }
            (Pattern::WriteFile(parts), ToolCall::WriteFile(paths)) => {
                paths.iter().any(|path| path_is(parts, path))
            }
            _ => false,
        };
        let asking = self.0.iter().filter(|(_, pattern)| asks(pattern));
        asking.map(|(line, _)| line.as_str()).collect()
    }

    /// Whether a tool may be called when a person approved what these lines ask for.
    pub fn decide(&self, call: ToolCall<'_>, approved: &[String]) -> Decision {
        let (known, open): (Vec<&str>, Vec<&str>) = self
            .asking(call)
            .into_iter()
            .partition(|line| approved.iter().any(|known| known == line));
        if !open.is_empty() {
            return refused(&format!("`{call}` needs an approval"), open);
        }
        Decision::allow(&match known.as_slice() {
            [] => Rule::new("no line of approvals".to_owned()),
            known => approval(known, None),
        })
    }

    /// What a person said of a call for which these lines ask.
    pub fn answered(
        call: ToolCall<'_>,
        lines: &[String],
        allowed: bool,
        by: Option<&str>,
    ) -> Decision {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        if allowed {
            return Decision::allow(&approval(&lines, by));
        }
        let what = match by {
            Some(by) => format!("`{call}` was refused by {by}"),
            None => format!("`{call}` was not approved"),
        };
        refused(&what, lines)
    }
}

/// All of these would have to go.
fn refused(what: &str, lines: Vec<&str>) -> Decision {
    let grants = lines
        .into_iter()
        .map(|line| Grant::Unasked(line.to_owned()));
    Decision::deny(Reason::NotApproved, what, grants.collect())
}

fn approval(lines: &[&str], by: Option<&str>) -> Rule {
    let lines: Vec<String> = lines.iter().map(|line| format!("{line:?}")).collect();
    let by = by.map_or_else(String::new, |by| format!(" by {by}"));
    Rule::new(printable(&format!("an approval{by} of {}", lines.join(", "))).into_owned())
}

/// The first line of `base` that no line of `wish` has: the same, or all of its tool.
pub(crate) fn left_out<'a>(base: &'a [String], wish: &[String]) -> Option<&'a str> {
    let all = |pattern: &Pattern| match pattern {
        Pattern::Exec(pieces) | Pattern::WriteFile(pieces) => {
            pieces.iter().all(|piece| *piece == Piece::Any)
        }
    };
    let wished: Vec<_> = wish.iter().filter_map(|line| parse(line).ok()).collect();
    let is_there = |line: &String| {
        let own = parse(line);
        wish.contains(line)
            || own.is_ok_and(|own| {
                let same_tool =
                    |other: &Pattern| std::mem::discriminant(other) == std::mem::discriminant(&own);
                wished.iter().any(|other| same_tool(other) && all(other))
            })
    };
    base.iter().find(|line| !is_there(line)).map(String::as_str)
}

fn parse(line: &str) -> Result<Pattern, String> {
    if line.trim().is_empty() {
        return Err("the line is empty; leave it out to ask for nothing".to_owned());
    }
    if line.len() > LINE_BYTES_MAX {
        return Err(format!(
            "has {} bytes; give {LINE_BYTES_MAX} at most",
            line.len()
        ));
    }
    if line.contains(char::is_control) {
        return Err("has a control character; write a tool and a pattern".to_owned());
    }
    let (tool, pattern) = line.split_once(' ').unwrap_or((line, ""));
    match tool {
        "exec" => exec(pattern).map(Pattern::Exec),
        "write-file" => write_file(pattern.trim()).map(Pattern::WriteFile),
        _ => Err(format!(
            "`{tool}` is not a tool for which a person can be asked{}",
            suggest::hint(tool, &TOOLS)
        )),
    }
}

fn exec(pattern: &str) -> Result<Vec<Piece<Word>>, String> {
    let mut words = pattern.split_whitespace().peekable();
    if let Some(program) = words.peek().filter(|word| word.contains('/')) {
        let name = program.rsplit('/').next().unwrap_or_default();
        return Err(format!(
            "`{program}` has a folder, and a program is known by its name; write `exec {name}`"
        ));
    }
    let piece = |word: &str| match word {
        "*" => Piece::Any,
        word => Piece::One(glob::word(word)),
    };
    // More words may follow.
    Ok(words.map(piece).chain([Piece::Any]).collect())
}

fn write_file(pattern: &str) -> Result<Vec<Piece<Word>>, String> {
    let path = pattern.strip_prefix("/workspace/").unwrap_or(pattern);
    if path.is_empty() {
        return Ok(vec![Piece::Any]);
    }
    if path.starts_with('/') {
        return Err(format!(
            "`{pattern}` is not below `/workspace`; write a path relative to it"
        ));
    }
    let (path, beneath) = match path.strip_suffix('/') {
        Some(folder) => (folder, Some(Piece::Any)),
        None => (path, None),
    };
    if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(format!(
            "`{pattern}` has an empty part, `.` or `..`; write a path relative to `/workspace` without them"
        ));
    }
    let piece = |part: &str| match part {
        "**" => Piece::Any,
        part => Piece::One(glob::word(part)),
    };
    Ok(path.split('/').map(piece).chain(beneath).collect())
}

fn command_is(pattern: &[Piece<Word>], command: &[String]) -> bool {
    let name = |program: &String| program.rsplit('/').next().unwrap_or_default().to_owned();
    let words: Vec<String> = match command {
        [] => return false,
        [program, rest @ ..] => std::iter::once(name(program))
            .chain(rest.to_vec())
            .collect(),
    };
    glob::is(pattern, &words, |own, word| glob::word_is(own, word))
}

fn path_is(pattern: &[Piece<Word>], path: &str) -> bool {
    let plain = |part: &&str| !matches!(*part, "" | ".");
    let parts: Vec<&str> = path.split('/').filter(plain).collect();
    glob::is(pattern, &parts, |own, part| glob::word_is(own, part))
}

#[cfg(test)]
mod tests;
