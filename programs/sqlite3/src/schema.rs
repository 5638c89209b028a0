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
        let within = print::named(&database);
        let all = |column: &str| {
            let from = format!("{within}.sqlite_schema WHERE sql IS NOT NULL {filter}");
            list(
                shell,
                &format!("SELECT {column} FROM {from} ORDER BY rowid"),
            )
        };
        for (sql, name) in all("sql")?.into_iter().zip(all("name")?) {
            out.push_str(&sql);
            if sql.starts_with("CREATE VIEW") || sql.starts_with("CREATE VIRTUAL TABLE") {
                out.push_str(&columns(shell, &database, &name));
            }
            out.push_str(";\n");
        }
    }
    shell.output.write(out.as_bytes());
    Ok(())
}

/// What a view has, in a comment. A view that cannot be read has none.
fn columns(shell: &Shell, database: &str, name: &str) -> String {
    let sql = format!(
        "SELECT name FROM pragma_table_info({}, {})",
        text(name),
        text(database)
    );
    let prefix = match database {
        "main" => String::new(),
        other => format!("{}.", print::named(other)),
    };
    match list(shell, &sql) {
        Ok(columns) if !columns.is_empty() => {
            let columns: Vec<String> = columns.iter().map(|name| print::named(name)).collect();
            format!(
                "\n/* {prefix}{}({}) */",
                print::named(name),
                columns.join(",")
            )
        }
        _ => String::new(),
    }
}

pub fn databases(shell: &mut Shell) -> Result<(), String> {
    let sql =
        "SELECT name||': '||coalesce(nullif(file,''),'\"\"')||' r/w' FROM pragma_database_list";
    for line in list(shell, sql)? {
        shell.output.write(format!("{line}\n").as_bytes());
    }
    Ok(())
}
