//! Statements, run, and their rows in the form of the mode.

use crate::output::Mode;
use crate::plan;
use crate::shell::Shell;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::ValueRef;
use rusqlite::{Batch, Connection, Row, Statement};
use std::rc::Rc;

pub struct Failed {
    /// It began and did not end.
    pub runtime: bool,
    /// SQLite's number.
    pub code: i32,
    pub text: String,
}

/// One column of a row.
enum Value {
    Null,
    Integer(i64),
    /// As SQLite writes it.
    Real(String),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

/// SQLite's message, and its number where that says more.
pub fn said(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

fn parse_failed(error: &rusqlite::Error) -> Failed {
    Failed {
        runtime: false,
        code: number(error),
        text: match error {
            rusqlite::Error::SqlInputError { sql, offset, .. } => {
                let at = usize::try_from(*offset).ok();
                said(error) + &at.and_then(|at| pointed(sql, at)).unwrap_or_default()
            }
            _ => said(error),
        },
    }
}

/// The part of a statement that is wrong, and a mark beneath the place.
fn pointed(sql: &str, at: usize) -> Option<String> {
    const BEFORE_MAX: usize = 50;
    const SHOWN_MAX: usize = 78;
    let before = sql.get(..at).filter(|before| before.len() < sql.len())?;
    let from = before
        .char_indices()
        .map(|(from, _)| from)
        .find(|from| at - from <= BEFORE_MAX)
        .unwrap_or(0);
    let rest = sql.get(from..)?;
    let end = rest.floor_char_boundary(SHOWN_MAX);
    let code = rest
        .get(..end)?
        .replace(|letter: char| letter.is_ascii_whitespace(), " ");
    let place = at - from;
    let mark = match place < 25 {
        true => format!("{:place$}^--- error here", ""),
        false => format!("{:width$}error here ---^", "", width = place - 14),
    };
    Some(format!("\n  {code}\n  {mark}"))
}

fn number(error: &rusqlite::Error) -> i32 {
    match error {
        rusqlite::Error::SqliteFailure(error, _) => error.extended_code & 0xff,
        rusqlite::Error::SqlInputError { error, .. } => error.extended_code & 0xff,
        _ => 1,
    }
}

fn run_failed(error: &rusqlite::Error) -> Failed {
    let code = number(error);
    Failed {
        runtime: true,
        code,
        text: match code {
            // A plain error has nothing but its message.
            1 => said(error),
            number => format!("{} ({number})", said(error)),
        },
    }
}

pub fn statements(shell: &mut Shell, text: &str) -> Result<(), Failed> {
    let connection = Rc::clone(&shell.connection);
    let mut batch = Batch::new(&connection, text);
    while let Some(mut statement) = batch.next().map_err(|error| parse_failed(&error))? {
        result(shell, &connection, &mut statement)?;
        if shell.output.closed {
            break;
        }
    }
    Ok(())
}

fn result(
    shell: &mut Shell,
    connection: &Connection,
    statement: &mut Statement<'_>,
) -> Result<(), Failed> {
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    if names == PLAN {
        return plan::run(shell, statement).map_err(|error| run_failed(&error));
    }
    let mut rows = statement.raw_query();
    let mut count = 0;
    let mut kept = Vec::new();
    let columns = matches!(
        shell.mode,
        Mode::Column | Mode::Table | Mode::Box | Mode::Markdown
    );
    loop {
        let row = match rows.next() {
            Ok(row) => row,
            Err(error) => {
                end(shell, count);
                return Err(run_failed(&error));
            }
        };
        let Some(row) = row else { break };
        if names.is_empty() {
            continue;
        }
        let values = values(connection, row, names.len()).map_err(|error| run_failed(&error))?;
        match columns {
            true => kept.push(values.iter().map(|value| plain(shell, value)).collect()),
            false => put(shell, &names, &values, count),
        }
        count += 1;
        if shell.output.closed {
            break;
        }
    }
    match columns {
        true if count > 0 => table(shell, &names, &kept),
        true => {}
        false => end(shell, count),
    }
    Ok(())
}

/// The columns of `EXPLAIN QUERY PLAN`.
const PLAN: [&str; 4] = ["id", "parent", "notused", "detail"];

/// Behind the last row.
fn end(shell: &mut Shell, count: usize) {
    if shell.mode == Mode::Json && count > 0 {
        shell.output.write(b"]\n");
    }
}

fn values(connection: &Connection, row: &Row<'_>, count: usize) -> rusqlite::Result<Vec<Value>> {
    (0..count)
        .map(|index| {
            Ok(match row.get_ref(index)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(number) => Value::Integer(number),
                ValueRef::Real(number) => Value::Real(real(connection, number)?),
                ValueRef::Text(text) => Value::Text(text.to_vec()),
                ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
            })
        })
        .collect()
}

fn real(connection: &Connection, number: f64) -> rusqlite::Result<String> {
    let mut text = connection.prepare_cached("SELECT CAST(?1 AS TEXT)")?;
    text.query_row([number], |row| row.get(0))
}

fn put(shell: &mut Shell, names: &[String], values: &[Value], count: usize) {
    let mut out = Vec::new();
    match &shell.mode {
        Mode::Json => json(names, values, count, &mut out),
        Mode::Line => line(shell, names, values, count, &mut out),
        Mode::Insert(name) => {
            out.extend(format!("INSERT INTO {}", named(name)).bytes());
            if shell.header {
                let names: Vec<String> = names.iter().map(|name| named(name)).collect();
                out.extend(format!("({})", names.join(",")).bytes());
            }
            out.extend(b" VALUES(");
            let values: Vec<String> = values.iter().map(quoted).collect();
            out.extend(values.join(",").bytes());
            out.extend(b");\n");
        }
        mode => {
            let separator = shell.column_separator().as_bytes();
            if count == 0 && shell.header {
                for (index, name) in names.iter().enumerate() {
                    if index > 0 {
                        out.extend(separator);
                    }
                    match mode {
                        Mode::Csv => csv(name.as_bytes(), separator, &mut out),
                        Mode::Quote => out.extend(text(name).bytes()),
                        _ => out.extend(name.bytes()),
                    }
                }
                out.extend(shell.row_separator.bytes());
            }
            for (index, value) in values.iter().enumerate() {
                if index > 0 {
                    out.extend(separator);
                }
                match mode {
                    Mode::Csv => match value {
                        Value::Null => out.extend(shell.null.bytes()),
                        value => csv(&bytes(shell, value), separator, &mut out),
                    },
                    Mode::Quote => out.extend(quoted(value).bytes()),
                    _ => out.extend(bytes(shell, value)),
                }
            }
            out.extend(shell.row_separator.bytes());
        }
    }
    shell.output.write(&out);
}

fn bytes(shell: &Shell, value: &Value) -> Vec<u8> {
    match value {
        Value::Null => shell.null.clone().into_bytes(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Real(text) => text.clone().into_bytes(),
        // It is a string of C.
        Value::Blob(bytes) => bytes
            .split(|byte| *byte == 0)
            .next()
            .unwrap_or_default()
            .to_vec(),
        Value::Text(bytes) => bytes.clone(),
    }
}

fn plain(shell: &Shell, value: &Value) -> String {
    String::from_utf8_lossy(&bytes(shell, value)).into_owned()
}

/// As SQL writes it.
fn quoted(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => match number.as_str() {
            "Inf" => "1e999".to_owned(),
            "-Inf" => "-1e999".to_owned(),
            number => number.to_owned(),
        },
        Value::Text(bytes) => text(&String::from_utf8_lossy(bytes)),
        Value::Blob(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("X'{digits}'")
        }
    }
}

pub fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as SQL reads it.
pub fn named(name: &str) -> String {
    let letters = name
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    let starts = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    match letters && starts && !is_keyword(name) {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

fn is_keyword(name: &str) -> bool {
    const KEYWORDS: [&str; 40] = [
        "add", "all", "alter", "and", "as", "begin", "between", "by", "case", "check", "column",
        "commit", "create", "default", "delete", "desc", "distinct", "drop", "end", "exists",
        "from", "group", "having", "in", "index", "insert", "into", "is", "join", "key", "limit",
        "not", "null", "on", "or", "order", "select", "table", "values", "where",
    ];
    let more = [
        "to", "union", "unique", "update", "using", "when", "then", "set", "primary",
    ];
    let name = name.to_ascii_lowercase();
    KEYWORDS.contains(&name.as_str()) || more.contains(&name.as_str())
}

fn csv(value: &[u8], separator: &[u8], out: &mut Vec<u8>) {
    let special = |byte: &u8| *byte <= b' ' || *byte == b'"' || *byte == b'\'' || *byte >= 0x7f;
    let separated = !separator.is_empty()
        && value
            .windows(separator.len())
            .any(|window| window == separator);
    if value.is_empty() || separated || value.iter().any(special) {
        out.push(b'"');
        for byte in value {
            if *byte == b'"' {
                out.push(b'"');
            }
            out.push(*byte);
        }
        out.push(b'"');
    } else {
        out.extend(value);
    }
}

fn json(names: &[String], values: &[Value], count: usize, out: &mut Vec<u8>) {
    out.extend(match count {
        0 => b"[{".as_slice(),
        _ => b",\n{".as_slice(),
    });
    for (index, (name, value)) in names.iter().zip(values).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json_text(name, out);
        out.push(b':');
        match value {
            Value::Null => out.extend(b"null"),
            Value::Integer(number) => out.extend(number.to_string().bytes()),
            Value::Real(number) => out.extend(quoted(&Value::Real(number.clone())).bytes()),
            Value::Text(bytes) | Value::Blob(bytes) => {
                json_text(&String::from_utf8_lossy(bytes), out);
            }
        }
    }
    out.push(b'}');
}

fn json_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for letter in text.chars() {
        match letter {
            '"' => out.extend(b"\\\""),
            '\\' => out.extend(b"\\\\"),
            '\n' => out.extend(b"\\n"),
            '\r' => out.extend(b"\\r"),
            '\t' => out.extend(b"\\t"),
            '\u{8}' => out.extend(b"\\b"),
            '\u{c}' => out.extend(b"\\f"),
            control if control < ' ' => {
                out.extend(format!("\\u{:04x}", u32::from(control)).bytes());
            }
            letter => out.extend(letter.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    out.push(b'"');
}

fn line(shell: &Shell, names: &[String], values: &[Value], count: usize, out: &mut Vec<u8>) {
    if count > 0 {
        out.push(b'\n');
    }
    let width = names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0).max(5);
    for (name, value) in names.iter().zip(values) {
        out.extend(format!("{name:>width$} = ").bytes());
        out.extend(bytes(shell, value));
        out.push(b'\n');
    }
}

/// The lines of a table's frame: left, between, right, along.
struct Frame {
    top: Option<[&'static str; 4]>,
    middle: [&'static str; 4],
    bottom: Option<[&'static str; 4]>,
    bar: &'static str,
}

fn table(shell: &mut Shell, names: &[String], rows: &[Vec<String>]) {
    // A value of several lines is a row of several.
    let rows: Vec<Vec<Vec<&str>>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|value| value.split('\n').collect())
                .collect()
        })
        .collect();
    let width = |index: usize, name: &String| {
        let values = rows.iter().filter_map(|row| row.get(index)).flatten();
        let values = values.map(|value| value.chars().count());
        values.max().unwrap_or(0).max(name.chars().count())
    };
    let widths: Vec<usize> = names
        .iter()
        .enumerate()
        .map(|(index, name)| width(index, name))
        .collect();
    let frame = match shell.mode {
        Mode::Table => Frame {
            top: Some(["+", "+", "+", "-"]),
            middle: ["+", "+", "+", "-"],
            bottom: Some(["+", "+", "+", "-"]),
            bar: "|",
        },
        Mode::Box => Frame {
            top: Some(["┌", "┬", "┐", "─"]),
            middle: ["├", "┼", "┤", "─"],
            bottom: Some(["└", "┴", "┘", "─"]),
            bar: "│",
        },
        Mode::Markdown => Frame {
            top: None,
            middle: ["|", "|", "|", "-"],
            bottom: None,
            bar: "|",
        },
        _ => return in_columns(shell, names, &rows, &widths),
    };
    let mut out = String::new();
    let rule = |out: &mut String, [left, between, right, along]: [&str; 4]| {
        let parts: Vec<String> = widths.iter().map(|width| along.repeat(width + 2)).collect();
        out.push_str(&format!("{left}{}{right}\n", parts.join(between)));
    };
    frame.top.into_iter().for_each(|top| rule(&mut out, top));
    let centred: Vec<String> = names
        .iter()
        .zip(&widths)
        .map(|(name, width)| {
            let room = width - name.chars().count();
            format!(
                "{}{name}{}",
                " ".repeat(room / 2),
                " ".repeat(room - room / 2)
            )
        })
        .collect();
    let bar = frame.bar;
    out.push_str(&format!(
        "{bar} {} {bar}\n",
        centred.join(&format!(" {bar} "))
    ));
    rule(&mut out, frame.middle);
    for row in &rows {
        for cells in lines(row, &widths) {
            out.push_str(&format!(
                "{bar} {} {bar}\n",
                cells.join(&format!(" {bar} "))
            ));
        }
    }
    let bottom = frame.bottom.into_iter();
    bottom.for_each(|bottom| rule(&mut out, bottom));
    shell.output.write(out.as_bytes());
}

fn in_columns(shell: &mut Shell, names: &[String], rows: &[Vec<Vec<&str>>], widths: &[usize]) {
    let mut out = String::new();
    let mut put = |cells: &[String]| {
        out.push_str(cells.join("  ").as_str());
        out.push('\n');
    };
    if shell.header {
        let header: Vec<Vec<&str>> = names.iter().map(|name| vec![name.as_str()]).collect();
        lines(&header, widths).iter().for_each(|cells| put(cells));
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        put(&rule);
    }
    for row in rows {
        lines(row, widths).iter().for_each(|cells| put(cells));
    }
    shell.output.write(out.as_bytes());
}

fn lines(row: &[Vec<&str>], widths: &[usize]) -> Vec<Vec<String>> {
    let height = row.iter().map(Vec::len).max().unwrap_or(0);
    let line = |at: usize| {
        let cells = row.iter().zip(widths);
        cells
            .map(|(cell, width)| {
                let text = cell.get(at).copied().unwrap_or_default();
                format!("{text:<width$}")
            })
            .collect()
    };
    (0..height).map(line).collect()
}
