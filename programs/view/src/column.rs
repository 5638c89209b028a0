//! `column`: a table of fields by `-t`, else as many columns as fit.

use crate::Failed;
use crate::input::all;
use std::io::{Read, Write};

pub fn run(arguments: &[String], out: &mut dyn Write) -> Result<i32, Failed> {
    let mut table = false;
    let mut separators: Option<String> = None;
    let mut between = "  ".to_owned();
    let mut width = 80;
    let mut right: Vec<usize> = Vec::new();
    let mut names: Option<String> = None;
    let mut files = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, mut attached) = match argument.strip_prefix("--") {
            Some(word) => match word.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (word.to_owned(), None),
            },
            None => match argument.strip_prefix('-').filter(|name| !name.is_empty()) {
                Some(letters) => {
                    let mut letters = letters;
                    while let Some(after) = letters.strip_prefix('t').filter(|_| letters.len() > 1)
                    {
                        table = true;
                        letters = after;
                    }
                    let (name, value) = letters.split_at_checked(1).unwrap_or((letters, ""));
                    let value = Some(value).filter(|value| !value.is_empty());
                    (name.to_owned(), value.map(str::to_owned))
                }
                None => {
                    files.push(argument.clone());
                    continue;
                }
            },
        };
        let mut value = || {
            let missing = || format!("option requires an argument -- '{name}'");
            attached
                .take()
                .or_else(|| rest.next().cloned())
                .ok_or_else(missing)
        };
        match name.as_str() {
            "t" | "table" => table = true,
            "s" | "separator" => separators = Some(value()?),
            "o" | "output-separator" => between = value()?,
            "c" | "output-width" => width = value()?.parse().unwrap_or(width),
            "R" | "table-right" => {
                let columns = value()?;
                right.extend(
                    columns
                        .split(',')
                        .filter_map(|column| column.parse::<usize>().ok()),
                );
            }
            "N" | "table-columns" => names = Some(value()?),
            "x" | "fillrows" | "e" | "n" | "L" | "keep-empty-lines" => {}
            _ => return Err(format!("invalid option -- '{name}'").into()),
        }
    }
    let mut bytes = Vec::new();
    let read = all(&files)?.read_to_end(&mut bytes);
    read.map_err(|error| format!("read error: {}", swarm_flow_posix::reason(&error)))?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    match table {
        true => {
            let mut rows: Vec<Vec<&str>> = lines
                .iter()
                .map(|line| fields(line, separators.as_deref()))
                .collect();
            if let Some(names) = &names {
                rows.insert(0, names.split(',').collect());
            }
            put_table(&rows, &between, &right, out)
        }
        false => fill(&lines, width, out),
    }
}

fn fields<'a>(line: &'a str, separators: Option<&str>) -> Vec<&'a str> {
    match separators {
        // Several separators are several fields.
        Some(separators) => line.split(|letter| separators.contains(letter)).collect(),
        None => line.split_whitespace().collect(),
    }
}

fn put_table(
    rows: &[Vec<&str>],
    between: &str,
    right: &[usize],
    out: &mut dyn Write,
) -> Result<i32, Failed> {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (column, width) in widths.iter().enumerate() {
            let cell = row.get(column).copied().unwrap_or_default();
            if column > 0 {
                line.push_str(between);
            }
            match right.contains(&(column + 1)) {
                true => line.push_str(&format!("{cell:>width$}")),
                // Nothing follows the last column.
                false if column + 1 == count => line.push_str(cell),
                false => line.push_str(&format!("{cell:<width$}")),
            }
        }
        writeln!(out, "{line}")?;
    }
    Ok(0)
}

/// Read downwards, each column as wide as a tab stop behind the longest entry.
fn fill(lines: &[&str], width: usize, out: &mut dyn Write) -> Result<i32, Failed> {
    let longest = lines.iter().map(|line| line.chars().count()).max();
    let Some(longest) = longest else { return Ok(0) };
    let each = (longest + 8) & !7;
    let columns = (width / each).max(1);
    let rows = lines.len().div_ceil(columns);
    for row in 0..rows {
        let cells: Vec<&&str> = lines.iter().skip(row).step_by(rows).collect();
        let mut line = String::new();
        for (index, cell) in cells.iter().enumerate() {
            line.push_str(cell);
            if index + 1 < cells.len() {
                let used = cell.chars().count();
                line.push_str(&"\t".repeat((each - used).div_ceil(8)));
            }
        }
        writeln!(out, "{line}")?;
    }
    Ok(0)
}
