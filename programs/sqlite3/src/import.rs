//! `.import`: rows of a file into a table.

use crate::output::Mode;
use crate::print::{self, named};
use crate::shell::Shell;
use std::fs::File;
use std::io::Read;
use swarm_flow_posix::reason;

pub fn run(shell: &mut Shell, words: &[&str]) -> Result<(), String> {
    let mut operands = Vec::new();
    let (mut skip, mut csv) = (0usize, shell.mode == Mode::Csv);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.trim_start_matches('-') {
            _ if !word.starts_with('-') => operands.push(*word),
            "csv" => csv = true,
            "ascii" | "v" => {}
            "skip" => {
                skip = rest
                    .next()
                    .and_then(|count| count.parse().ok())
                    .unwrap_or(0)
            }
            "schema" => _ = rest.next(),
            _ => return Err(format!("unknown option: \"{word}\"")),
        }
    }
    let &[path, table] = operands.as_slice() else {
        return Err("usage: .import FILE TABLE, with --csv and --skip N".to_owned());
    };
    let separator = match csv {
        true => ",",
        false => shell.column_separator(),
    };
    let &[separator] = separator.as_bytes() else {
        return Err("multi-character column separators not allowed for import".to_owned());
    };
    let file: Box<dyn Read> = match path {
        "-" | "/dev/stdin" => Box::new(std::io::stdin()),
        path => Box::new(
            File::open(path)
                .map_err(|error| format!("cannot open \"{path}\": {}", reason(&error)))?,
        ),
    };
    let rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator)
        .from_reader(file);
    shell.output.flush();
    insert(shell, rows, skip, path, table)
}

fn insert(
    shell: &Shell,
    rows: csv::Reader<Box<dyn Read>>,
    skip: usize,
    path: &str,
    table: &str,
) -> Result<(), String> {
    let said = |error: rusqlite::Error| print::said(&error);
    let mut rows = rows.into_byte_records().skip(skip);
    let mut columns = columns(shell, table).map_err(said)?;
    if columns == 0 {
        let Some(header) = rows.next() else {
            return Err(format!("{path}: empty file"));
        };
        let header = header.map_err(|error| format!("{path}: {error}"))?;
        columns = header.len();
        let names: Vec<String> = header
            .iter()
            .map(|name| {
                let name = String::from_utf8_lossy(name);
                format!("\"{}\" TEXT", name.replace('"', "\"\""))
            })
            .collect();
        let sql = format!("CREATE TABLE {}(\n{})", named(table), names.join(", "));
        shell.connection.execute_batch(&sql).map_err(said)?;
    }
    // As one change, unless one is under way.
    let own = shell.connection.is_autocommit();
    if own {
        shell.connection.execute_batch("BEGIN").map_err(said)?;
    }
    let places = vec!["?"; columns].join(",");
    let sql = format!("INSERT INTO {} VALUES({places})", named(table));
    let mut statement = shell.connection.prepare(&sql).map_err(said)?;
    for (index, row) in rows.enumerate() {
        let line = index + 1;
        let row = row.map_err(|error| format!("{path}:{line}: {error}"))?;
        if row.len() != columns {
            let (found, what) = match row.len() < columns {
                true => (row.len(), "filling the rest with NULL"),
                false => (row.len(), "extras ignored"),
            };
            eprintln!("{path}:{line}: expected {columns} columns but found {found} - {what}");
        }
        let value = |at: usize| {
            row.get(at)
                .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        let values = (0..columns).map(value);
        if let Err(error) = statement.execute(rusqlite::params_from_iter(values)) {
            eprintln!("{path}:{line}: INSERT failed: {}", print::said(&error));
        }
    }
    drop(statement);
    if own {
        shell.connection.execute_batch("COMMIT").map_err(said)?;
    }
    Ok(())
}

/// How many a table has; 0 if there is no such table.
fn columns(shell: &Shell, table: &str) -> rusqlite::Result<usize> {
    let sql = "SELECT count(*) FROM pragma_table_info(?1)";
    let count: i64 = shell.connection.query_row(sql, [table], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}
