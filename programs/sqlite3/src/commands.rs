//! The commands that begin with a dot.

use crate::output::{Mode, Output};
use crate::shell::Shell;
use crate::{dump, import, print, schema};
use std::fs::File;
use std::io::BufReader;
use swarm_flow_posix::reason;

pub enum Flow {
    On,
    Quit(i32),
}

const HELP: &str = ".backup FILE             Copy the database to FILE
.bail on|off             Stop after hitting an error
.cd DIRECTORY            Change the working directory
.changes on|off          Show number of rows changed by SQL
.databases               List names and files of attached databases
.dump ?TABLE?            Render database content as SQL
.echo on|off             Turn command echo on or off
.exit ?CODE?             Exit this program
.headers on|off          Turn display of headers on or off
.help                    Show this text
.import FILE TABLE       Import data from FILE into TABLE; --csv, --skip N
.indexes ?TABLE?         Show names of indexes
.mode MODE ?TABLE?       box column csv insert json line list markdown quote table tabs
.nullvalue STRING        Use STRING in place of NULL values
.once FILE               Output for the next SQL command only to FILE
.open FILE               Close existing database and open FILE
.output ?FILE?           Send output to FILE or stdout
.print STRING...         Print literal STRING
.quit                    Exit this program
.read FILE               Read input from FILE
.schema ?PATTERN?        Show the CREATE statements
.separator COL ?ROW?     Change the column and row separators
.show                    Show the current values for various settings
.tables ?PATTERN?        List names of tables matching LIKE pattern
.version                 Show the version of SQLite
";

pub fn run(shell: &mut Shell, line: &str) -> Result<Flow, String> {
    let words = words(line);
    let mut words = words.iter().map(String::as_str);
    let name = words.next().unwrap_or_default().trim_start_matches('.');
    let rest: Vec<&str> = words.collect();
    let first = rest.first().copied();
    let need = |what: &str| first.ok_or_else(|| format!("usage: .{name} {what}"));
    match name {
        "quit" => return Ok(Flow::Quit(0)),
        "exit" => {
            let code = first.and_then(|code| code.parse().ok());
            return Ok(Flow::Quit(code.unwrap_or(0)));
        }
        "tables" | "table" => schema::tables(shell, first)?,
        "indexes" | "indices" | "index" => schema::indexes(shell, first)?,
        "schema" | "fullschema" => {
            let pattern = rest.iter().find(|word| !word.starts_with('-'));
            schema::show(shell, pattern.copied())?;
        }
        "databases" => schema::databases(shell)?,
        "dump" => {
            let pattern = rest.iter().find(|word| !word.starts_with('-'));
            dump::run(shell, pattern.copied())?;
        }
        "import" => import::run(shell, &rest)?,
        "mode" => mode(shell, &rest)?,
        "header" | "headers" => {
            shell.header = switch(need("on|off")?)?;
            shell.header_set = true;
        }
        "separator" => {
            shell.separator = Some(need("SEPARATOR ?ROW?")?.to_owned());
            if let Some(row) = rest.get(1) {
                (*row).clone_into(&mut shell.row_separator);
            }
        }
        "nullvalue" => need("STRING")?.clone_into(&mut shell.null),
        "output" | "once" => {
            shell.output.flush();
            shell.output = match first.filter(|file| *file != "stdout" && *file != "off") {
                Some(file) => Output::file(file, name == "once")
                    .map_err(|error| format!("cannot open \"{file}\": {}", reason(&error)))?,
                None => Output::standard(),
            };
        }
        "print" => {
            let text = format!("{}\n", rest.join(" "));
            shell.output.write(text.as_bytes());
        }
        "read" => {
            let path = need("FILE")?;
            let file = File::open(path)
                .map_err(|error| format!("cannot open \"{path}\": {}", reason(&error)))?;
            shell.script(&mut BufReader::new(file), path);
        }
        "open" => {
            let file = rest.iter().find(|word| !word.starts_with('-'));
            shell.reopen(file.copied().unwrap_or_default())?;
        }
        "backup" | "save" | "clone" => backup(shell, &rest)?,
        "cd" => {
            let folder = need("DIRECTORY")?;
            std::env::set_current_dir(folder).map_err(|error| {
                format!(
                    "Cannot change to directory \"{folder}\": {}",
                    reason(&error)
                )
            })?;
        }
        "bail" => shell.bail = switch(need("on|off")?)?,
        "echo" => shell.echo = switch(need("on|off")?)?,
        "changes" => shell.changes = switch(need("on|off")?)?,
        "version" => {
            let text = format!("SQLite {}\n", rusqlite::version());
            shell.output.write(text.as_bytes());
        }
        "show" => show(shell),
        "help" => shell.output.write(HELP.as_bytes()),
        // They change what a person at a terminal sees.
        "timer" | "stats" | "prompt" | "width" | "explain" | "eqp" | "progress" | "timeout" => {}
        _ => {
            return Err(format!(
                "unknown command or invalid arguments:  \"{name}\". Enter \".help\" for help"
            ));
        }
    }
    Ok(Flow::On)
}

fn switch(word: &str) -> Result<bool, String> {
    match word {
        "on" | "yes" | "1" | "true" => Ok(true),
        "off" | "no" | "0" | "false" => Ok(false),
        other => Err(format!("Not a boolean value: \"{other}\". Use on or off")),
    }
}

fn mode(shell: &mut Shell, words: &[&str]) -> Result<(), String> {
    let mut names = words.iter().filter(|word| !word.starts_with('-'));
    let Some(name) = names.next() else {
        let text = format!("current output mode: {}\n", shell.mode.name());
        shell.output.write(text.as_bytes());
        return Ok(());
    };
    let mode = Mode::named(name).ok_or(
        "mode should be one of: box column csv insert json line list markdown quote table tabs",
    )?;
    shell.mode = match (mode, names.next()) {
        (Mode::Insert(_), Some(table)) => Mode::Insert((*table).to_owned()),
        (mode, _) => mode,
    };
    shell.separator = None;
    let row = match shell.mode {
        Mode::Csv => "\r\n",
        _ => "\n",
    };
    row.clone_into(&mut shell.row_separator);
    if shell.mode == Mode::Column && !shell.header_set {
        shell.header = true;
    }
    Ok(())
}

fn backup(shell: &Shell, words: &[&str]) -> Result<(), String> {
    let file = words.iter().rfind(|word| !word.starts_with('-'));
    let file = file.ok_or("missing FILENAME argument on .backup")?;
    // A copy without what was deleted; upstream's has it.
    if std::fs::metadata(file).is_ok() {
        std::fs::remove_file(file).map_err(|error| format!("{file}: {}", reason(&error)))?;
    }
    let copied = shell.connection.execute("VACUUM INTO ?1", [file]);
    copied.map(|_| ()).map_err(|error| print::said(&error))
}

fn show(shell: &mut Shell) {
    let flag = |on: bool| match on {
        true => "on",
        false => "off",
    };
    let text = format!(
        "        echo: {}\n     headers: {}\n        mode: {}\n   nullvalue: {:?}\ncolseparator: {:?}\nrowseparator: {:?}\n    filename: {}\n",
        flag(shell.echo),
        flag(shell.header),
        shell.mode.name(),
        shell.null,
        shell.column_separator(),
        shell.row_separator,
        match shell.database.as_str() {
            "" => ":memory:",
            name => name,
        },
    );
    shell.output.write(text.as_bytes());
}

/// The words of a command; quotes keep blanks, and `"` knows escapes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|first| "\"'".contains(*first));
        let (word, after) = match quote {
            Some(quote) => {
                let inside = rest.get(1..).unwrap_or_default();
                let end = closing(inside, quote);
                let word = inside.get(..end).unwrap_or_default();
                let after = inside.get(end + 1..).unwrap_or_default();
                let word = match quote {
                    '"' => unescaped(word),
                    _ => word.to_owned(),
                };
                (word, after)
            }
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                let (word, after) = rest.split_at(end);
                (word.to_owned(), after)
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        if letter == quote && !escaped {
            return at;
        }
        escaped = letter == '\\' && !escaped && quote == '"';
    }
    text.len()
}

/// `\t`, `\n` and their kin.
pub fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => match rest.next() {
                Some('t') => out.push('\t'),
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some('0') => out.push('\0'),
                Some(other) => out.push(other),
                None => out.push('\\'),
            },
            letter => out.push(letter),
        }
    }
    out
}
