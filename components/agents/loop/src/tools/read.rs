//! `read`: lines of a file, with their numbers.

use super::{Tool, object, path, said, text};
use crate::work::{Trouble, Work};
use serde_json::{Value, json};
use std::fmt::Write as _;

const LINES_MAX: usize = 2000;
const BYTES_MAX: usize = 50_000;
const LINE_CHARS_MAX: usize = 2000;

pub(super) fn tool() -> Tool {
    Tool::new(
        "read",
        "Reads a text file. Each line comes with its number and a tab, which are not part of the file. At most 2000 lines and 50 kB \
         come at once; how to get the rest is said at the end.",
        object(
            json!({
                "path": {"type": "string", "description": "The file, in the workspace.", "minLength": 1},
                "offset": {"type": "integer", "description": "The first line, from 1.", "minimum": 1},
                "limit": {"type": "integer", "description": "How many lines.", "minimum": 1, "maximum": LINES_MAX}
            }),
            &["path"],
        ),
    )
}

pub(super) fn call(work: &mut Work<'_>, arguments: &Value) -> Result<String, Trouble> {
    let path = path::file(text(arguments, "path"))?;
    let content = of(work, &path)?;
    let number = |name: &str| {
        arguments[name]
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
    };
    lines(
        &path,
        &content,
        number("offset").unwrap_or(1),
        number("limit").unwrap_or(LINES_MAX),
    )
}

/// A file's text.
pub(super) fn of(work: &mut Work<'_>, path: &str) -> Result<String, Trouble> {
    let bytes = work.read(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        said(format!(
            "`{path}` is no text: byte {at} is no UTF-8. Look at it by `bash`"
        ))
    })
}

fn lines(path: &str, content: &str, offset: usize, limit: usize) -> Result<String, Trouble> {
    if content.is_empty() {
        return Ok(format!("[`{path}` is empty]"));
    }
    let total = content.lines().count();
    if offset > total {
        return Err(said(format!(
            "`offset` is {offset}, and `{path}` has {total} lines"
        )));
    }
    let (mut shown, mut last) = (String::new(), offset - 1);
    for (number, line) in (1..).zip(content.lines()).skip(offset - 1).take(limit) {
        let before = shown.len();
        // Writing to a string does not fail.
        let _ = writeln!(shown, "{number:>6}\t{}", start(line));
        if shown.len() > BYTES_MAX && last >= offset {
            shown.truncate(before);
            break;
        }
        last = number;
    }
    if last < total {
        let _ = writeln!(
            shown,
            "[lines {offset} to {last} of {total}; read the rest with `offset` {}]",
            last + 1
        );
    }
    Ok(shown)
}

fn start(line: &str) -> String {
    let chars = line.chars().count();
    if chars <= LINE_CHARS_MAX {
        return line.to_owned();
    }
    let start: String = line.chars().take(LINE_CHARS_MAX).collect();
    format!(
        "{start} [… {} more characters in this line]",
        chars - LINE_CHARS_MAX
    )
}
