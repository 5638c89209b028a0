//! A policy file, TOML or JSON: read into a [`Draft`], with the place of everything that is wrong.
//!
//! Refused, each with its line and column: an unknown or doubled key, a value of the wrong kind, an unknown preset, and
//! whatever [`Policy::validate`] refuses. All problems are given at once, save that a file that is not TOML or JSON has
//! only that one.

mod json;
mod reader;
mod toml;
mod tree;

use crate::printable::printable;
use crate::{Draft, Policy};
use std::collections::HashMap;
use std::fmt;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Toml,
    Json,
}

/// Bytes of a file.
const FILE_BYTES_MAX: usize = 1 << 20;

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {}{message}", in_field(field))]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// From the file's top down, as in `network.public[0]`; empty for the file itself.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// All that is wrong in a file, from its top down. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            problem.fmt(formatter)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

fn in_field(field: &str) -> String {
    if field.is_empty() {
        String::new()
    } else {
        format!("{field}: ")
    }
}

/// Something wrong at a byte of the text.
struct Fault {
    at: usize,
    field: String,
    message: String,
}

/// Where each field stands, by its name from the top down.
type Places = HashMap<String, usize>;

pub(crate) fn draft(text: &str, format: Format) -> Result<Draft, Problems> {
    let (draft, places) = read(text, format)?;
    let invalid = draft.problems();
    if invalid.is_empty() {
        return Ok(draft);
    }
    let faults = invalid.into_iter().map(|invalid| Fault {
        at: place(&places, &invalid.field),
        field: invalid.field,
        message: invalid.message,
    });
    Err(problems(text, faults))
}

pub(crate) fn policy(text: &str, format: Format) -> Result<Policy, Problems> {
    draft(text, format)?.policy().map_err(|invalid| {
        let fault = Fault {
            at: 0,
            field: invalid.field,
            message: invalid.message,
        };
        problems(text, [fault])
    })
}

fn read(text: &str, format: Format) -> Result<(Draft, Places), Problems> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("a policy has at most {FILE_BYTES_MAX} bytes");
        return Err(problems("", [at_top(message)]));
    }
    let parsed = match format {
        Format::Toml => toml::parse(text),
        Format::Json => json::parse(text),
    };
    let node = parsed.map_err(|faults| problems(text, faults))?;
    reader::read(&node).map_err(|faults| problems(text, faults))
}

/// The place of a field, or of what holds it.
fn place(places: &Places, field: &str) -> usize {
    let mut field = field;
    loop {
        if let Some(at) = places.get(field) {
            return *at;
        }
        match field.rfind(['.', '[']) {
            Some(end) => field = field.get(..end).unwrap_or_default(),
            None => return 0,
        }
    }
}

fn at_top(message: String) -> Fault {
    Fault {
        at: 0,
        field: String::new(),
        message,
    }
}

fn problems(text: &str, faults: impl IntoIterator<Item = Fault>) -> Problems {
    let mut faults: Vec<_> = faults.into_iter().collect();
    faults.sort_by_key(|fault| fault.at);
    let problem = |fault: Fault| {
        let (line, column) = line_and_column(text, fault.at);
        Problem {
            line,
            column,
            field: printable(&fault.field).into_owned(),
            message: printable(&fault.message).into_owned(),
        }
    };
    Problems(faults.into_iter().map(problem).collect())
}

pub(crate) fn problem_at(text: &str, at: usize, field: String, message: String) -> Problems {
    problems(text, [Fault { at, field, message }])
}

pub(crate) fn json_problem(text: &str, field: String, error: &serde_json::Error) -> Problems {
    let fault = json::fault(text, error);
    problems(text, [Fault { field, ..fault }])
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text
        .char_indices()
        .take_while(|(start, _)| *start < at)
        .map(|(_, char)| char);
    let (mut line, mut column) = (1, 1);
    for char in before {
        if char == '\n' {
            (line, column) = (line + 1, 1);
        } else {
            column += 1;
        }
    }
    (line, column)
}

#[cfg(test)]
mod tests;
