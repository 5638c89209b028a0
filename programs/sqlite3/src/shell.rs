//! The shell: statements and commands, from arguments, files and standard input.

use crate::commands::{self, Flow};
use crate::mathematics;
use crate::options::Options;
use crate::output::{Mode, Output};
use crate::print;
use crate::statement;
use rusqlite::{Connection, OpenFlags};
use std::io::BufRead;
use std::rc::Rc;

pub struct Shell {
    pub connection: Rc<Connection>,
    pub database: String,
    pub output: Output,
    pub mode: Mode,
    /// If it is not that of the mode.
    pub separator: Option<String>,
    pub row_separator: String,
    pub null: String,
    pub header: bool,
    /// The user said so: a change of mode leaves it.
    pub header_set: bool,
    pub bail: bool,
    pub echo: bool,
    pub changes: bool,
    read_only: bool,
    /// Scripts that are being read.
    depth: usize,
    failed: bool,
    /// With which it ends if something failed.
    code: i32,
    quit: Option<i32>,
}

/// A script that reads itself ends here.
const DEPTH_MAX: usize = 25;

impl Shell {
    pub fn new(options: Options) -> Result<Self, String> {
        let connection = Rc::new(open(&options.database, options.read_only)?);
        Ok(Self {
            connection,
            database: options.database,
            output: Output::standard(),
            mode: options.mode,
            separator: options.separator,
            row_separator: match options.row_separator {
                Some(text) => commands::unescaped(&text),
                None => "\n".to_owned(),
            },
            null: options.null,
            header: options.header.unwrap_or(false),
            header_set: options.header.is_some(),
            bail: options.bail,
            echo: options.echo,
            changes: false,
            read_only: options.read_only,
            depth: 0,
            failed: false,
            code: 1,
            quit: None,
        })
    }

    pub fn reopen(&mut self, database: &str) -> Result<(), String> {
        self.connection = Rc::new(open(database, self.read_only)?);
        database.clone_into(&mut self.database);
        Ok(())
    }

    /// The exit code of the shell.
    pub fn end(mut self) -> i32 {
        self.output.flush();
        match self.quit {
            Some(code) => code,
            None if self.failed => self.code,
            None => 0,
        }
    }

    /// Runs an argument; the exit code if it failed or said to quit.
    pub fn argument(&mut self, text: &str) -> i32 {
        if self.quit.is_some() {
            return 1;
        }
        if text.trim_start().starts_with('.') {
            self.command(text.trim_start(), None);
        } else if let Err(error) = self.run(text) {
            let what = match error.runtime {
                true => "stepping",
                false => "in prepare",
            };
            self.complain(&format!("Error: {what}, {}", error.text));
            self.code = error.code;
        }
        i32::from(self.failed || self.quit.is_some())
    }

    /// Reads a script; errors name its file, if it has a name, and the line.
    pub fn script(&mut self, lines: &mut dyn BufRead, file: &str) {
        if self.depth == DEPTH_MAX {
            self.complain("Error: scripts read each other without end");
            return;
        }
        self.depth += 1;
        let mut pending = String::new();
        let (mut number, mut start) = (0, 0);
        loop {
            let mut line = Vec::new();
            let read = lines.read_until(b'\n', &mut line);
            if !matches!(read, Ok(1..)) || self.stops() {
                break;
            }
            number += 1;
            let line = String::from_utf8_lossy(&line).into_owned();
            if pending.trim().is_empty() {
                pending.clear();
                start = number;
                if line.starts_with('.') {
                    self.command(line.trim_end(), Some(number));
                    continue;
                }
                if line.starts_with('#') {
                    continue;
                }
            }
            let ended = line.trim_end().ends_with(';');
            pending.push_str(&line);
            if ended && statement::is_complete(&pending) {
                self.statements(&std::mem::take(&mut pending), file, start);
            }
        }
        if !pending.trim().is_empty() && !self.stops() {
            self.statements(&pending, file, start);
        }
        self.depth -= 1;
    }

    fn stops(&self) -> bool {
        self.quit.is_some() || self.output.closed || self.bail && self.failed
    }

    fn statements(&mut self, text: &str, file: &str, line: usize) {
        if let Err(error) = self.run(text.trim_end()) {
            let what = match error.runtime {
                true => "Runtime error",
                false => "Parse error",
            };
            let within = match file {
                "" => String::new(),
                file => format!(" of {file}"),
            };
            self.complain(&format!("{what} near line {line}{within}: {}", error.text));
        }
    }

    fn command(&mut self, line: &str, number: Option<usize>) {
        if self.echo {
            self.output.write(format!("{line}\n").as_bytes());
        }
        match commands::run(self, line) {
            Ok(Flow::On) => {}
            Ok(Flow::Quit(code)) => self.quit = Some(code),
            Err(error) => match number {
                Some(number) if error.starts_with("unknown command") => {
                    self.complain(&format!("Error on line {number}: {error}"));
                }
                _ => self.complain(&format!("Error: {error}")),
            },
        }
    }

    fn run(&mut self, text: &str) -> Result<(), print::Failed> {
        if self.echo {
            self.output
                .write(format!("{}\n", text.trim_end()).as_bytes());
        }
        let result = print::statements(self, text);
        self.output.end_statement();
        if self.changes && result.is_ok() {
            let changes = self.connection.changes();
            let total = self.connection.total_changes();
            let text = format!("changes: {changes}   total_changes: {total}\n");
            self.output.write(text.as_bytes());
        }
        result
    }

    /// What was put out before comes before what is said.
    fn complain(&mut self, text: &str) {
        self.output.flush();
        self.failed = true;
        eprintln!("{text}");
    }

    pub fn column_separator(&self) -> &str {
        let own = self.separator.as_deref();
        own.unwrap_or_else(|| self.mode.separator())
    }
}

fn open(database: &str, read_only: bool) -> Result<Connection, String> {
    let flags = match read_only {
        true => OpenFlags::SQLITE_OPEN_READ_ONLY,
        false => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
    };
    let flags = flags | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let name = match database {
        "" => ":memory:",
        name => name,
    };
    let open = || {
        let connection = Connection::open_with_flags(name, flags)?;
        mathematics::add(&connection)?;
        Ok(connection)
    };
    open().map_err(|error: rusqlite::Error| {
        format!(
            "unable to open database \"{name}\": {}",
            print::said(&error)
        )
    })
}
