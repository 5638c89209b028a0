//! `.dump`: a database as the SQL that makes it.

use crate::output::Mode;
use crate::print::{self, named, text};
use crate::shell::Shell;

/// Of a schema: kind, name, SQL.
type Item = (String, String, Option<String>);

pub fn run(shell: &mut Shell, pattern: Option<&str>) -> Result<(), String> {
    let filter = text(pattern.unwrap_or("%"));
    let items = items(shell, &filter).map_err(|error| print::said(&error))?;
    shell
        .output
        .write(b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n");
    let before = (shell.mode.clone(), shell.header);
    shell.header = false;
    let mut result = Ok(());
    for (_, name, sql) in items.iter().filter(|(kind, ..)| kind == "table") {
        result = result.and_then(|()| table(shell, name, sql.as_deref()));
    }
    (shell.mode, shell.header) = before;
    result?;
    let rest = items.iter().filter(|(kind, ..)| kind != "table");
    for sql in rest.filter_map(|(_, _, sql)| sql.as_ref()) {
        shell.output.write(format!("{sql};\n").as_bytes());
    }
    shell.output.write(b"COMMIT;\n");
    Ok(())
}

fn items(shell: &Shell, filter: &str) -> rusqlite::Result<Vec<Item>> {
    let mut statement = shell.connection.prepare(&format!(
        "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name LIKE {filter}
         ORDER BY name = 'sqlite_sequence', rowid",
    ))?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    rows.collect()
}

fn table(shell: &mut Shell, name: &str, sql: Option<&str>) -> Result<(), String> {
    match name {
        // SQLite makes it itself.
        "sqlite_sequence" => shell.output.write(b"DELETE FROM sqlite_sequence;\n"),
        name if name.starts_with("sqlite_") => return Ok(()),
        _ => {
            let sql = sql.unwrap_or_default();
            shell.output.write(format!("{sql};\n").as_bytes());
            // The rows of a virtual table lie in others.
            if sql.to_ascii_uppercase().starts_with("CREATE VIRTUAL") {
                return Ok(());
            }
        }
    }
    shell.mode = Mode::Insert(name.to_owned());
    print::statements(shell, &format!("SELECT * FROM {}", named(name)))
        .map_err(|failed| failed.text)
}
