//! The differences of two files, in the normal and the unified form.

use crate::folders::Side;
use crate::options::{Form, Options};
use chrono::{DateTime, Utc};
use similar::{Algorithm, DiffOp};
use std::borrow::Cow;
use std::io::{self, Write};

/// Whether the files differ, after what is to be ignored.
pub fn print(
    options: &Options,
    left: &Side,
    right: &Side,
    header: Option<&str>,
    out: &mut impl Write,
) -> io::Result<bool> {
    let lines = [lines(&left.bytes), lines(&right.bytes)];
    let keys = [keys(options, &lines[0]), keys(options, &lines[1])];
    let operations = similar::capture_diff_slices(Algorithm::Myers, &keys[0], &keys[1]);
    let blank = |operation: &DiffOp| {
        let (_, old, new) = operation.as_tag_tuple();
        let sides = [(&lines[0], old), (&lines[1], new)];
        sides.into_iter().all(|(lines, range)| {
            lines
                .get(range)
                .unwrap_or_default()
                .iter()
                .all(|line| line.iter().all(u8::is_ascii_whitespace))
        })
    };
    let changes = |operation: &&DiffOp| !matches!(operation, DiffOp::Equal { .. });
    let counted = |operation: &&DiffOp| !options.ignore_blank_lines || !blank(operation);
    if !operations
        .iter()
        .filter(changes)
        .any(|operation| counted(&operation))
    {
        return Ok(false);
    }
    match options.form {
        Form::Brief => writeln!(out, "Files {} and {} differ", left.name, right.name)?,
        Form::Normal => {
            header.map_or(Ok(()), |header| writeln!(out, "{header}"))?;
            normal(&operations, &lines, out)?;
        }
        Form::Unified(context) => {
            header.map_or(Ok(()), |header| writeln!(out, "{header}"))?;
            writeln!(out, "--- {}", label(options, left, 0))?;
            writeln!(out, "+++ {}", label(options, right, 1))?;
            unified(&operations, &lines, context, out)?;
        }
    }
    Ok(true)
}

fn label(options: &Options, side: &Side, at: usize) -> String {
    match options.labels.get(at) {
        Some(label) => label.clone(),
        None => {
            let when: DateTime<Utc> = side.modified.into();
            format!(
                "{}\t{}",
                side.name,
                when.format("%Y-%m-%d %H:%M:%S.%f +0000")
            )
        }
    }
}

type Lines<'a> = [Vec<&'a [u8]>; 2];

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Lines as they are compared.
fn keys<'a>(options: &Options, lines: &[&'a [u8]]) -> Vec<Cow<'a, [u8]>> {
    lines.iter().map(|line| key(options, line)).collect()
}

fn key<'a>(options: &Options, line: &'a [u8]) -> Cow<'a, [u8]> {
    let spaces = options.ignore_space || options.ignore_space_amount || options.ignore_trailing;
    if !spaces && !options.ignore_case && !options.strip_cr {
        return Cow::Borrowed(line);
    }
    let mut key: Vec<u8> = Vec::with_capacity(line.len());
    for byte in line {
        match byte {
            byte if options.ignore_space && byte.is_ascii_whitespace() => {}
            byte if options.ignore_space_amount && byte.is_ascii_whitespace() => {
                if key.last() != Some(&b' ') {
                    key.push(b' ');
                }
            }
            byte if options.ignore_case => key.push(byte.to_ascii_lowercase()),
            byte => key.push(*byte),
        }
    }
    if spaces {
        let end = key
            .iter()
            .rposition(|byte| !byte.is_ascii_whitespace())
            .map_or(0, |at| at + 1);
        key.truncate(end);
    } else if options.strip_cr && key.ends_with(b"\r\n") {
        key.truncate(key.len() - 2);
        key.push(b'\n');
    }
    Cow::Owned(key)
}

fn normal(operations: &[DiffOp], lines: &Lines<'_>, out: &mut impl Write) -> io::Result<()> {
    for operation in operations {
        let (old, new) = (operation.old_range(), operation.new_range());
        let (letter, from, to) = match operation {
            DiffOp::Equal { .. } => continue,
            DiffOp::Delete { .. } => ('d', span(&old), new.start.to_string()),
            DiffOp::Insert { .. } => ('a', old.start.to_string(), span(&new)),
            DiffOp::Replace { .. } => ('c', span(&old), span(&new)),
        };
        writeln!(out, "{from}{letter}{to}")?;
        for line in lines[0].get(old).unwrap_or_default() {
            put(out, "< ", line)?;
        }
        if letter == 'c' {
            writeln!(out, "---")?;
        }
        for line in lines[1].get(new).unwrap_or_default() {
            put(out, "> ", line)?;
        }
    }
    Ok(())
}

fn unified(
    operations: &[DiffOp],
    lines: &Lines<'_>,
    context: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    for group in similar::group_diff_ops(operations.to_vec(), context) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let old = first.old_range().start..last.old_range().end;
        let new = first.new_range().start..last.new_range().end;
        writeln!(out, "@@ -{} +{} @@", place(&old), place(&new))?;
        for operation in &group {
            let (old, new) = (operation.old_range(), operation.new_range());
            if let DiffOp::Equal { .. } = operation {
                for line in lines[0].get(old).unwrap_or_default() {
                    put(out, " ", line)?;
                }
                continue;
            }
            for line in lines[0].get(old).unwrap_or_default() {
                put(out, "-", line)?;
            }
            for line in lines[1].get(new).unwrap_or_default() {
                put(out, "+", line)?;
            }
        }
    }
    Ok(())
}

fn put(out: &mut impl Write, mark: &str, line: &[u8]) -> io::Result<()> {
    out.write_all(mark.as_bytes())?;
    out.write_all(line)?;
    match line.ends_with(b"\n") {
        true => Ok(()),
        false => out.write_all(b"\n\\ No newline at end of file\n"),
    }
}

fn span(range: &std::ops::Range<usize>) -> String {
    match range.len() {
        1 => range.end.to_string(),
        _ => format!("{},{}", range.start + 1, range.end),
    }
}

fn place(range: &std::ops::Range<usize>) -> String {
    match range.len() {
        1 => (range.start + 1).to_string(),
        0 => format!("{},0", range.start),
        length => format!("{},{length}", range.start + 1),
    }
}
