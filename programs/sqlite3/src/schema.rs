//! What there is in a database.

use crate::print::{self, text};
use crate::shell::Shell;

fn list(shell: &Shell, sql: &str) -> Result<Vec<String>, String> {
    let run = || -> rusqlite::Result<Vec<String>> {
        let mut statement = shell.connection.prepare(sql)?;
        let rows = statement.query_map([], |row| row.get(0))?;
        rows.collect()
    };
    run().map_err(|error| print::said(&error))
}

/// The databases that are open, the main one first.
fn databases_open(shell: &Shell) -> Result<Vec<String>, String> {
    list(shell, "SELECT name FROM pragma_database_list ORDER BY seq")
}

pub fn tables(shell: &mut Shell, pattern: Option<&str>) -> Result<(), String> {
    let mut all = Vec::new();
    for database in databases_open(shell)? {
        let prefix = match database.as_str() {
            "main" => String::new(),
            other => format!("{other}."),
        };
        let sql = format!(
            "SELECT {}||name FROM {}.sqlite_schema WHERE type IN ('table','view')
             AND name NOT LIKE 'sqlite__%' ESCAPE '_' AND name LIKE {}",
            text(&prefix),
            print::named(&database),
            text(pattern.unwrap_or("%")),
        );
        all.extend(list(shell, &sql)?);
    }
    names(shell, all);
    Ok(())
}

pub fn indexes(shell: &mut Shell, table: Option<&str>) -> Result<(), String> {
    let sql = format!(
        "SELECT name FROM sqlite_schema WHERE type='index' AND tbl_name LIKE {}",
        text(table.unwrap_or("%")),
    );
    let all = list(shell, &sql)?;
    names(shell, all);
    Ok(())
}

/// In as many columns as fit into a line, each read downwards.
fn names(shell: &mut Shell, mut all: Vec<String>) {
    const LINE_LETTERS: usize = 80;
    all.sort();
    let width = all.iter().map(|name| name.chars().count()).max();
    let Some(width) = width else { return };
    let columns = (LINE_LETTERS / (width + 2)).max(1);
    let rows = all.len().div_ceil(columns);
    let mut out = String::new();
    for row in 0..rows {
        let line: Vec<String> = all
            .iter()
            .skip(row)
            .step_by(rows)
            .map(|name| format!("{name:<width$}"))
            .collect();
        out.push_str(&line.join("  "));
        out.push('\n');
    }
    shell.output.write(out.as_bytes());
}

pub fn show(shell: &mut Shell, pattern: Option<&str>) -> Result<(), String> {
    let mut out = String::new();
    for database in databases_open(shell)? {
        let filter = match pattern {
            Some(pattern) => format!("AND lower(tbl_name) LIKE {}", text(&pattern.to_lowercase())),
            None => String::new(),
        };
        let sql = format!(
            "SELECT sql FROM {}.sqlite_schema WHERE sql IS NOT NULL {filter} ORDER BY rowid",
            print::named(&database),
        );
        for sql in list(shell, &sql)? {
            out.push_str(&format!("{sql};\n"));
        }
    }
    shell.output.write(out.as_bytes());
    Ok(())
}

pub fn databases(shell: &mut Shell) -> Result<(), String> {
    let sql =
        "SELECT name||': '||coalesce(nullif(file,''),'\"\"')||' r/w' FROM pragma_database_list";
    for line in list(shell, sql)? {
        shell.output.write(format!("{line}\n").as_bytes());
    }
    Ok(())
}
