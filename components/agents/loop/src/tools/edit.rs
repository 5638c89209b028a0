//! `edit`: a text of a file is replaced by another one. It must be there exactly, and once.

use super::{Tool, object, path, read, said, text};
use crate::work::{Trouble, Work};
use serde_json::{Value, json};

/// Of a file whose text does not match, the lines that are looked at and shown.
const COMPARED_LINES_MAX: usize = 5000;
const COMPARED_CHARS_MAX: usize = 200;
const NEAREST: usize = 3;

pub(super) fn tool() -> Tool {
    Tool::new(
        "edit",
        "Replaces a text of a file by another one. `old_string` must be in the file exactly, with its white space and without the line \
         numbers of `read`, and once: take more lines around it when it is not unique, or set `replace_all`.",
        object(
            json!({
                "path": {"type": "string", "description": "The file, in the workspace.", "minLength": 1},
                "old_string": {"type": "string", "description": "What is replaced.", "minLength": 1},
                "new_string": {"type": "string", "description": "What stands there then."},
                "replace_all": {"type": "boolean", "description": "Replace all of them."}
            }),
            &["path", "old_string", "new_string"],
        ),
    )
}

pub(super) fn call(work: &mut Work<'_>, arguments: &Value) -> Result<String, Trouble> {
    let path = path::file(text(arguments, "path"))?;
    let (old, new) = (text(arguments, "old_string"), text(arguments, "new_string"));
    if old == new {
        return Err(said("`old_string` and `new_string` are the same"));
    }
    let content = read::of(work, &path)?;
    let at: Vec<usize> = content
        .match_indices(old)
        .map(|(at, _)| line_of(&content, at))
        .collect();
    match at.as_slice() {
        [] => return Err(said(no_match(&path, &content, old))),
        [_] => {}
        _ if arguments["replace_all"] == true => {}
        several => {
            let lines: Vec<String> = several.iter().take(20).map(ToString::to_string).collect();
            return Err(said(format!(
                "`old_string` is {} times in `{path}`, at the lines {}; take more of the text around it, or set `replace_all`",
                several.len(),
                lines.join(", ")
            )));
        }
    }
    work.write(&path, content.replace(old, new).as_bytes())?;
    Ok(match at.as_slice() {
        [line] => format!("replaced it in `{path}`, at line {line}"),
        all => format!("replaced {} of them in `{path}`", all.len()),
    })
}

fn line_of(content: &str, at: usize) -> usize {
    content.get(..at).unwrap_or_default().matches('\n').count() + 1
}

fn no_match(path: &str, content: &str, old: &str) -> String {
    let mut said = format!("`old_string` is not in `{path}`");
    if content.contains("\r\n") && content.replace("\r\n", "\n").contains(old) {
        return said + ": its lines end with \\r\\n. Use `bash` for it";
    }
    if content.is_empty() {
        return said + ", which is empty";
    }
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain(content).contains(&plain(old)) {
        said.push_str(": white space differs");
    }
    said.push_str(". The nearest lines are:\n");
    let sought = old
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or(old);
    for (number, line) in nearest(content, sought) {
        said.push_str(&format!("{number:>6}\t{line}\n"));
    }
    said
}

/// In their order in the file.
fn nearest<'a>(content: &'a str, sought: &str) -> Vec<(usize, &'a str)> {
    let start = |line: &str| {
        line.trim()
            .chars()
            .take(COMPARED_CHARS_MAX)
            .collect::<String>()
    };
    let sought = start(sought);
    let lines = (1..).zip(content.lines()).take(COMPARED_LINES_MAX);
    let mut all: Vec<(f64, usize, &str)> = lines
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            (
                strsim::normalized_levenshtein(&sought, &start(line)),
                number,
                line,
            )
        })
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    all.truncate(NEAREST);
    all.sort_by_key(|(_, number, _)| *number);
    all.into_iter()
        .map(|(_, number, line)| (number, line))
        .collect()
}
